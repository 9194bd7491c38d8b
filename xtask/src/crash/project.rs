//! One project through its loops: workers start, some are killed or stopped, the file is checked.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use conclave_consensus::import::{ImportOptions, import_file};
use conclave_db::{foreign, vacuum};
use conclave_retry::{Sleeper, SystemSleeper};

use super::check::{Checked, Memory};
use super::ledger::Ledger;
use super::process::{Process, Said};
use super::row::{Author, Kind, Row};
use super::work::older::{TABLES, insert};
use super::work::{self, Role, Worker};
use crate::chance::Chance;
use crate::outcome::Outcome;

/// The workers, and how many loops of a hundred each takes part in.
const CREW: [(Role, u64); 21] = [
    (Role::Own, 100),
    (Role::Own, 35),
    (Role::Older, 80),
    (Role::Migrator, 85),
    (Role::Caretaker, 50),
    (Role::Driver, 60),
    (Role::Driver, 25),
    (Role::Tasker, 70),
    (Role::Tasker, 50),
    (Role::Tasker, 30),
    (Role::Leaser, 60),
    (Role::Leaser, 50),
    (Role::Leaser, 30),
    (Role::Registrar, 50),
    (Role::Spooler, 80),
    (Role::Spooler, 50),
    (Role::Spooler, 40),
    (Role::Importer, 70),
    (Role::Importer, 25),
    (Role::Cacher, 60),
    (Role::Cacher, 40),
];
/// Where the chance of loops and of the first rows stands, behind that of the workers.
const LOOPS: u64 = 100;
const FIRST_ROWS: u64 = 101;
/// A moment that does not come is waited for so long: its worker may be held up by a stopped one.
const MOMENT: Duration = Duration::from_millis(1500);
/// Without a word for so long, all workers hang.
const HANG: Duration = Duration::from_secs(90);

/// A place of the crew.
#[derive(Debug)]
struct Member {
    worker: Worker,
    process: Option<Process>,
    /// The operation that comes next, and whether it has begun.
    next: u64,
    has_begun: bool,
}

/// What loops of a project have done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) kills: u64,
    pub(crate) stops: u64,
}

/// A project and everything that was said in it.
#[derive(Debug)]
pub(crate) struct Project {
    folder: PathBuf,
    seed: u64,
    crew: Vec<Member>,
    said: Receiver<Said>,
    speaker: Sender<Said>,
    pub(crate) ledger: Ledger,
    memory: Memory,
    pub(crate) counts: Counts,
}

/// When something is done to a worker: after so many lines of one, or of all.
#[derive(Debug, Clone, Copy)]
struct Moment {
    of: Option<usize>,
    begins: bool,
    lines: u64,
    delay: Duration,
}

impl Project {
    /// In phase 1: the state file is a legacy file itself, or one was imported into an empty project.
    pub(crate) fn new(folder: &Path, seed: u64) -> Outcome<Self> {
        let mut chance = Chance::of(seed, &[FIRST_ROWS]);
        let rows: Vec<Row> = (0..chance.below(40))
            .map(|number| {
                let kind = Kind::any(&mut chance);
                Row::any(&mut chance, kind, format!("first-{number}"), Author::Import)
            })
            .collect();
        let inserts: Vec<String> = rows.iter().map(|row| insert(row).sql).collect();
        let sql = format!("BEGIN; {TABLES}; {}; COMMIT", inserts.join(";"));
        if chance.percent(70) {
            foreign::create(&work::state_file(folder), &sql)?;
            let db = work::open(folder)?;
            if chance.percent(50) {
                vacuum::convert(&db)?;
            }
        } else {
            let source = folder.join("first.db");
            foreign::create(&source, &sql)?;
            import_file(&work::open(folder)?, &source, &ImportOptions::default(), &mut |_| {})?;
        }
        let (speaker, said) = channel();
        let crew = (0_u64..).zip(CREW).map(|(place, (role, _))| Member {
            worker: Worker { role, place, seed, folder: folder.to_owned() },
            process: None,
            next: 0,
            has_begun: false,
        });
        Ok(Self {
            folder: folder.to_owned(),
            seed,
            crew: crew.collect(),
            said,
            speaker,
            ledger: Ledger::new(rows),
            memory: Memory::new(folder)?,
            counts: Counts::default(),
        })
    }

    /// One loop: work, something that happens to the workers, the check.
    pub(crate) fn run(&mut self, number: u64) -> Outcome<Checked> {
        let mut chance = Chance::of(self.seed, &[LOOPS, number]);
        for (place, (_, percent)) in CREW.into_iter().enumerate() {
            if chance.percent(percent) {
                self.start(place)?;
            }
        }
        for _ in 0..chance.below(3) {
            let moment = self.moment(&mut chance);
            self.wait_for(moment)?;
            let place = usize::try_from(chance.below(self.crew.len() as u64))?;
            let (is_stop, again) = (chance.percent(35), chance.percent(80));
            let (lines, millis) = (1 + chance.below(10), 20 + chance.below(150));
            if self.crew[place].process.is_none() {
                continue;
            }
            if is_stop {
                self.stop(place, lines, Duration::from_millis(millis))?;
            } else {
                self.kill(&[place])?;
                if again {
                    self.start(place)?;
                }
            }
        }
        let moment = self.moment(&mut chance);
        self.wait_for(moment)?;
        if chance.percent(80) {
            let all: Vec<usize> = (0..self.crew.len()).collect();
            self.kill(&all)?;
        } else {
            self.end()?;
        }
        let worker = self.crew[0].worker.clone();
        self.memory.check(&worker, &mut self.ledger)
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// After some lines of anybody, or soon after one worker begins something.
    fn moment(&self, chance: &mut Chance) -> Moment {
        let longest = if chance.percent(50) { 400 } else { 6000 };
        let delay = Duration::from_micros(chance.below(longest));
        let running: Vec<usize> =
            (0..self.crew.len()).filter(|place| self.crew[*place].process.is_some()).collect();
        let is_of_one = chance.percent(60) && !running.is_empty();
        if !is_of_one {
            return Moment { of: None, begins: false, lines: 1 + chance.below(60), delay };
        }
        let of = chance.pick(&running);
        let most = if matches!(self.crew[of].worker.role, Role::Migrator | Role::Caretaker | Role::Driver) {
            6
        } else {
            20
        };
        Moment { of: Some(of), begins: chance.percent(70), lines: 1 + chance.below(most), delay }
    }

    fn start(&mut self, place: usize) -> Outcome {
        let member = &mut self.crew[place];
        member.process = Some(Process::start(&member.worker, member.next, self.speaker.clone())?);
        Ok(())
    }

    fn wait_for(&mut self, moment: Moment) -> Outcome {
        let mut lines = 0;
        while lines < moment.lines {
            let Some(said) = self.hear(MOMENT)? else { break };
            let begins = said.line.as_ref().is_some_and(|line| line.starts_with("begin"));
            let counts = said.line.is_some()
                && begins == moment.begins
                && moment.of.is_none_or(|place| place == said.place);
            self.note(&said)?;
            lines += u64::from(counts);
        }
        SystemSleeper.sleep(moment.delay);
        Ok(())
    }

    /// The next line; nothing where none comes in time.
    fn hear(&self, time: Duration) -> Outcome<Option<Said>> {
        match self.said.recv_timeout(time) {
            Ok(said) => Ok(Some(said)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err("nobody speaks any more".into()),
        }
    }

    fn note(&mut self, said: &Said) -> Outcome {
        let member = &mut self.crew[said.place];
        let Some(line) = &said.line else {
            return Err(format!("{:?} has ended by itself", member.worker.role).into());
        };
        let words: Vec<&str> = line.split(' ').collect();
        let [word, number, rest @ ..] = &words[..] else {
            return Err(format!("a worker said {line:?}").into());
        };
        let number: u64 = number.parse()?;
        match *word {
            "begin" => {
                (member.next, member.has_begun) = (number, true);
                self.ledger.begun(&member.worker, number);
                Ok(())
            }
            "done" => {
                (member.next, member.has_begun) = (number + 1, false);
                self.ledger.done(&member.worker, number, rest)
            }
            _ => Err(format!("{:?} has failed: {line}", member.worker.role).into()),
        }
    }

    /// Kills those of them that run, all before any is waited for.
    fn kill(&mut self, places: &[usize]) -> Outcome {
        for place in places {
            if let Some(process) = &self.crew[*place].process {
                process.kill()?;
                self.counts.kills += 1;
            }
        }
        self.gone(places)
    }

    /// Ends all without killing.
    fn end(&mut self) -> Outcome {
        for member in &mut self.crew {
            if let Some(process) = &mut member.process {
                process.end();
            }
        }
        let all: Vec<usize> = (0..self.crew.len()).collect();
        self.gone(&all)
    }

    /// Waits until these are gone, and notes everything that was said before.
    fn gone(&mut self, places: &[usize]) -> Outcome {
        for place in places {
            let Some(process) = self.crew[*place].process.take() else { continue };
            loop {
                let said = self.hear(HANG)?.ok_or_else(|| format!("worker {place} does not end"))?;
                if said.line.is_some() || !places.contains(&said.place) {
                    self.note(&said)?;
                    continue;
                }
                if said.place == *place {
                    break;
                }
                // Another one of them was faster; it says no more.
                self.left(said.place);
                if let Some(other) = self.crew[said.place].process.take() {
                    other.wait()?;
                }
            }
            process.wait()?;
            self.left(*place);
        }
        Ok(())
    }

    /// What was under way there stays open.
    fn left(&mut self, place: usize) {
        let member = &mut self.crew[place];
        if std::mem::take(&mut member.has_begun) {
            self.ledger.cut_off(&member.worker, member.next);
            if !member.worker.repeats() {
                member.next += 1;
            }
        }
    }

    /// Stops one for a while, in which the others go on as far as they can.
    fn stop(&mut self, place: usize, lines: u64, time: Duration) -> Outcome {
        self.counts.stops += 1;
        if let Some(process) = &self.crew[place].process {
            process.stop()?;
        }
        for _ in 0..lines {
            let Some(said) = self.hear(time)? else { break };
            self.note(&said)?;
        }
        if let Some(process) = &self.crew[place].process {
            process.go_on()?;
        }
        Ok(())
    }
}
