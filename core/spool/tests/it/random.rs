//! Everything in any order, from a seed: the ledger balances after each step, and what was acknowledged is there at the
//! end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use conclave_retry::Clock as _;
use conclave_spool::recover::recover;
use conclave_spool::trim::{When, trim};
use conclave_spool::{Limits, Spool, SpoolOptions, SpoolWriter};
use conclave_testkit::Random;

use crate::desk::{Desk, Roomy, event_of, id, name};

const MONITORS: [&str; 2] = ["keyboard", "heartbeat"];

/// A writer, and what it was given.
struct Writing {
    writer: SpoolWriter,
    numbers: Vec<usize>,
}

struct World {
    desk: Desk,
    /// The same spool for a process that cannot write the state.
    alone: Spool,
    random: Random,
    writers: BTreeMap<&'static str, Writing>,
    /// Lines so far.
    lines: usize,
    /// Those whose writer said that they are durable.
    acknowledged: BTreeSet<usize>,
    /// No events.
    bad: BTreeSet<usize>,
    junk: u32,
    story: Vec<String>,
}

fn options() -> SpoolOptions {
    SpoolOptions {
        limits: Limits::new(1, 90, 100, 80, 0).unwrap(),
        segment_bytes: 1_200,
        sync_events: 4,
        ..SpoolOptions::default()
    }
}

/// A folder in memory, where there is one: a thousand histories are no test of the disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

impl World {
    fn new(seed: u64) -> Self {
        let desk = Desk::inside(folder(), options());
        let alone = Spool::at(desk.path(""), options())
            .clock(std::sync::Arc::new(desk.clock.clone()))
            .sleeper(std::sync::Arc::new(desk.clock.clone()))
            .disk(std::sync::Arc::new(Roomy))
            .build();
        Self {
            desk,
            alone,
            random: Random::new(seed),
            writers: BTreeMap::new(),
            lines: 0,
            acknowledged: BTreeSet::new(),
            bad: BTreeSet::new(),
            junk: 0,
            story: Vec::new(),
        }
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.random.below(one_in) == 0
    }

    fn monitor(&mut self) -> &'static str {
        MONITORS[usize::from(self.chance(3))]
    }

    fn step(&mut self) {
        let monitor = self.monitor();
        match self.random.below(16) {
            0..=4 => self.write(monitor),
            5 => {
                self.story.push(format!("sync {monitor}"));
                if let Some(writing) = self.writers.get_mut(monitor) {
                    writing.writer.sync().unwrap();
                }
            }
            6 | 7 => {
                let by = Duration::from_millis(self.random.below(3_000));
                self.story.push(format!("wait {by:?}"));
                self.desk.clock.advance(by);
                for writing in self.writers.values_mut() {
                    writing.writer.tick().unwrap();
                }
            }
            8 => self.crash(monitor),
            9 | 10 => {
                self.story.push("flush".to_owned());
                self.desk.flush();
            }
            11 => {
                self.story.push("trim".to_owned());
                trim(&self.desk.spool, When::Asked, false).unwrap();
            }
            12 => {
                let by = i64::try_from(self.random.below(6 * 3_600_000)).unwrap() - 3 * 3_600_000;
                self.story.push(format!("clock {by} ms"));
                self.desk.clock.set_wall_ms(self.desk.clock.wall_ms() + by);
            }
            13 => self.press(),
            14 => {
                self.story.push(format!("finish {monitor}"));
                if let Some(writing) = self.writers.remove(monitor) {
                    let Writing { writer, numbers } = writing;
                    let finished = writer.finish().unwrap();
                    assert_eq!(finished.written, numbers.len() as u64);
                    self.acknowledge(&numbers, finished.durable);
                }
            }
            _ => {
                self.story.push("recover".to_owned());
                recover(&self.desk.spool, None).unwrap();
            }
        }
    }

    fn write(&mut self, monitor: &'static str) {
        if !self.writers.contains_key(monitor) {
            let spool = if self.chance(3) { &self.alone } else { &self.desk.spool };
            let writer = spool.writer(&name(monitor), Duration::ZERO).unwrap();
            self.writers.insert(monitor, Writing { writer, numbers: Vec::new() });
        }
        let lines = 1 + self.random.below(9);
        self.story.push(format!("write {lines} to {monitor}"));
        for _ in 0..lines {
            let number = self.lines;
            self.lines += 1;
            let line = if self.chance(12) {
                self.bad.insert(number);
                format!("{{bad {number}")
            } else {
                event_of(monitor, number)
            };
            let writing = self.writers.get_mut(monitor).unwrap();
            writing.numbers.push(number);
            writing.writer.append(line.as_bytes()).unwrap();
        }
    }

    /// The writer dies; perhaps in the middle of a write.
    fn crash(&mut self, monitor: &'static str) {
        let Some(writing) = self.writers.remove(monitor) else { return };
        self.acknowledge(&writing.numbers, writing.writer.durable());
        drop(writing);
        let parts: Vec<_> = std::fs::read_dir(self.desk.path(monitor))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "part"))
            .collect();
        let member = crate::desk::gzip("{\"torn\":\"");
        let torn = usize::try_from(self.random.below(member.len() as u64)).unwrap();
        self.story.push(format!("crash {monitor}, {torn} bytes torn"));
        for part in parts {
            append(&part, &member[..torn]);
        }
    }

    /// Other files come and go, and with them the pressure.
    fn press(&mut self) {
        let kind = self.random.below(4);
        self.story.push(format!("pressure {kind}"));
        self.junk += 1;
        let (folder, bytes) = match kind {
            0 => ("_done/mouse", 500_000),
            1 => ("_quarantine/mouse", 960_000),
            2 => ("_quarantine/mouse", 1_100_000),
            _ => return drop(std::fs::remove_dir_all(self.desk.path("_quarantine/mouse"))),
        };
        let file = self.desk.put(&format!("{folder}/20200101-00-{:03}.ndjson.gz", self.junk), b"");
        std::fs::File::options().write(true).open(file).unwrap().set_len(bytes).unwrap();
    }

    fn acknowledge(&mut self, numbers: &[usize], durable: u64) {
        self.acknowledged.extend(&numbers[..usize::try_from(durable).unwrap()]);
    }

    fn check(&self) {
        let found = conclave_spool::ledger::ledger(&self.desk.spool, Some(&self.desk.state)).unwrap();
        assert!(found.total.balances(), "{found:#?}");
        assert!(found.monitors.values().all(conclave_spool::ledger::Entry::balances), "{found:#?}");
        let dropped: u64 = found.total.dropped.values().sum();
        let durable: u64 = self.writers.values().map(|writing| writing.writer.durable()).sum();
        let stored = found.total.written - dropped;
        assert!(stored >= self.acknowledged.len() as u64 + durable, "less than acknowledged: {found:#?}");
        assert!(found.total.written <= self.lines as u64, "more than written: {found:#?}");
        assert!(!found.total.dropped.contains_key("missing"), "{found:#?}");
    }

    /// All end, everything is imported, and nothing that was acknowledged is missing.
    fn end(mut self) {
        self.story.push("end".to_owned());
        for monitor in MONITORS {
            self.crash(monitor);
        }
        self.desk.flush();
        self.check();
        let stored: BTreeSet<String> = self.desk.ids().into_iter().collect();
        for number in self.acknowledged.difference(&self.bad) {
            assert!(stored.contains(&id(*number)), "acknowledged, and lost: {number}");
        }
        let found = self.desk.ledger();
        assert_eq!(found.pending, 0);
        assert_eq!(found.imported, stored.len() as u64);
        let rejected = self.acknowledged.intersection(&self.bad).count() as u64;
        assert!(found.quarantined >= rejected);
        assert_eq!(self.desk.flush_counts(), [0; 5]);
    }
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    std::fs::File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// Says which history it was, and how to see it again.
struct Story(u64, Vec<String>);

impl Drop for Story {
    #[expect(clippy::print_stderr, reason = "shown by the test harness")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}: {:#?}", self.0, self.1);
        }
    }
}

fn histories(from: u64, to: u64) {
    for seed in from..to {
        let mut story = Story(seed, Vec::new());
        let mut world = World::new(seed);
        let steps = 8 + world.random.below(16);
        for _ in 0..steps {
            world.step();
            story.1.clone_from(&world.story);
            world.check();
        }
        world.end();
    }
}

// spool A31: a thousand, in four parts that run beside each other.
#[test]
fn the_ledger_balances_in_any_history_1() {
    histories(0, 250);
}

#[test]
fn the_ledger_balances_in_any_history_2() {
    histories(250, 500);
}

#[test]
fn the_ledger_balances_in_any_history_3() {
    histories(500, 750);
}

#[test]
fn the_ledger_balances_in_any_history_4() {
    histories(750, 1_000);
}
