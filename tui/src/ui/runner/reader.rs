//! The thread that reads and watches. It looks at the file every 150 ms (1 s while nobody looks at the
//! screen), reads what is asked for, and says what it found.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use conclave_consensus::{gates, migrate, runs};
use conclave_db::{Db, Seen, Watch, backup};
use conclave_retry::{Clock as _, SystemClock};

use super::{Shared, agents, coordination, hosts, logs};
use crate::failure::Failure;
use crate::ui::effect::{Page, Part, Read};
use crate::ui::filter::Filter;
use crate::ui::message::{Msg, Opened, PageRead};
use crate::ui::problem::Problem;
use crate::ui::screens::storage::{Backup, FileNumbers, Numbers, WriterNumbers};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(150);
/// The same while the terminal is not in front.
const LOOK_UNFOCUSED: Duration = Duration::from_secs(1);
/// How long what is new in the machine-wide file may be unknown to the queue of what needs somebody.
const NEWS: Duration = Duration::from_secs(1);
/// Runs that are read at once where a filter must look at each.
const SLICE: usize = 500;
/// Runs that are read at once on the way to the end.
const STRIDE: usize = 2_000;

type Marks = BTreeMap<runs::RunId, Vec<runs::AgentMark>>;

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Job {
    Read(Read),
    /// Nothing but to look at once.
    Look,
}

/// Serves until nobody asks any more.
pub(super) fn serve(shared: &Shared, jobs: &Receiver<Job>, messages: &Sender<Msg>) {
    let mut reader = Reader::new(shared, messages);
    let mut looked = SystemClock.monotonic();
    loop {
        let pause = if shared.focused.load(Ordering::Relaxed) { LOOK } else { LOOK_UNFOCUSED };
        let left = pause.saturating_sub(SystemClock.monotonic().saturating_sub(looked));
        let job = match jobs.recv_timeout(left) {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            for read in worth_reading(job.into_iter().chain(jobs.try_iter())) {
                reader.read(read);
            }
        }));
        if SystemClock.monotonic().saturating_sub(looked) >= pause {
            looked = SystemClock.monotonic();
            reader.look();
            reader.look_beside();
        }
        if outcome.is_err() {
            let defect = Failure::internal("a read failed by a defect; the log has more");
            reader.say(Msg::ReadFailed(defect.into()));
        }
    }
}

/// What is still of use of everything that was asked for: of the runs, and of the tasks under the cursor, the last two, since a cursor that moves
/// fast asks for one after the other (two: the open one and the one under the cursor); of the rest all,
/// since pages and counts end by themselves when they are old.
fn worth_reading(jobs: impl Iterator<Item = Job>) -> Vec<Read> {
    let mut reads: Vec<Read> = Vec::new();
    for job in jobs {
        let Job::Read(read) = job else { continue };
        reads.retain(|earlier| *earlier != read && !(is_log(&read) && is_log(earlier)));
        for of_kind in [is_run as fn(&Read) -> bool, is_preview] {
            if of_kind(&read)
                && reads.iter().filter(|earlier| of_kind(earlier)).count() > 1
                && let Some(first) = reads.iter().position(of_kind)
            {
                reads.remove(first);
            }
        }
        reads.push(read);
    }
    reads
}

fn is_run(read: &Read) -> bool {
    matches!(read, Read::Run(_))
}

fn is_preview(read: &Read) -> bool {
    matches!(read, Read::Task { whole: false, .. })
}

/// Of the logs only the one that was asked for last is looked at.
fn is_log(read: &Read) -> bool {
    matches!(read, Read::Log(_))
}

struct Reader<'shared> {
    shared: &'shared Shared,
    messages: &'shared Sender<Msg>,
    db: Option<Db>,
    watch: Option<Watch>,
    /// The state was locked when it should have been opened: nothing will change when it is free again.
    locked: bool,
    /// Since when the machine-wide file has said something that what needs somebody does not say yet.
    news: Option<Duration>,
    /// The machine-wide file.
    global: coordination::Global,
    global_watch: Option<Watch>,
    /// The log that is looked at.
    log: Option<logs::Followed>,
}

impl<'shared> Reader<'shared> {
    fn new(shared: &'shared Shared, messages: &'shared Sender<Msg>) -> Self {
        let global_watch = shared.machine.as_ref().and_then(|machine| {
            Watch::open(machine.database()).inspect_err(|error| tracing::warn!(%error, "watch")).ok()
        });
        let global = coordination::Global::default();
        Self {
            shared,
            messages,
            db: None,
            watch: None,
            locked: false,
            news: None,
            global,
            global_watch,
            log: None,
        }
    }

    /// Looks at what is beside the project's state.
    fn look_beside(&mut self) {
        // One that cannot be looked at will be complained of by whoever reads it.
        if self.global_watch.as_mut().is_some_and(|watch| watch.look().is_ok_and(|seen| seen != Seen::Same)) {
            self.say(Msg::GlobalChanged);
            // Calls write all the time, and mostly nobody is needed for that.
            self.news.get_or_insert(SystemClock.monotonic());
        }
        let is_old = |since: &mut Duration| SystemClock.monotonic().saturating_sub(*since) >= NEWS;
        if self.news.take_if(is_old).is_some() {
            self.read(Read::Needs);
        }
        // It is told once; whoever reads on is told again.
        if let Some(grown) = self.log.take_if(|log| log.has_grown()) {
            self.say(Msg::LogGrew(grown.id));
        }
    }

    fn say(&self, message: Msg) {
        // Nobody listens any more: the program ends.
        let _ = self.messages.send(message);
    }

    fn complain(&self, doing: &str, error: impl Into<Failure>) {
        self.say(Msg::ReadFailed(error.into().doing(doing).into()));
    }

    fn look(&mut self) {
        if self.locked {
            return self.open();
        }
        let Some(watch) = &mut self.watch else { return };
        match watch.look() {
            Ok(Seen::Same) => {}
            Ok(Seen::Changed) if self.db.is_none() => self.open(),
            Ok(Seen::Changed) => self.say(Msg::Changed),
            Ok(Seen::Replaced | Seen::Gone) => self.open(),
            // Looking is no reason to complain several times a second; the next read will.
            Err(error) => tracing::debug!(%error, "look at the file"),
        }
    }

    fn open(&mut self) {
        let project = self.shared.project();
        self.db = None;
        self.locked = false;
        let opened = match project.open_read_only() {
            Ok(Some(db)) => {
                let as_it_lies = db.is_immutable();
                self.db = Some(db);
                Opened::Ready { as_it_lies }
            }
            Ok(None) => Opened::Absent,
            Err(failure) => {
                self.locked = failure.kind == conclave_db::ErrorKind::Busy.as_str();
                Opened::Failed(failure.into())
            }
        };
        if self.watch.as_ref().is_none_or(|watch| watch.path() != project.database) {
            self.watch =
                Watch::open(&project.database).inspect_err(|error| tracing::warn!(%error, "watch")).ok();
        }
        self.say(Msg::Opened(opened));
    }

    fn read(&mut self, read: Read) {
        if read == Read::Open {
            return self.open();
        }
        let Some(db) = self.db.clone() else { return };
        match read {
            // The roster is no part of the database, and the stores have a thread of their own.
            Read::Open | Read::Roster | Read::Stores => {}
            Read::Agents => match agents::list(&db, &self.shared.project()) {
                Ok(rows) => self.say(Msg::Agents(rows)),
                Err(failure) => self.say(Msg::ReadFailed(failure.into())),
            },
            Read::Log(asked) => {
                let generation = asked.generation;
                let is_old = || self.shared.newest_log.load(Ordering::Relaxed) != generation;
                let (read, followed) = logs::read(&self.shared.project().state_dir, asked, &is_old);
                self.log = followed;
                match read {
                    Ok(read) => self.say(Msg::Log(Box::new(read))),
                    Err(failure) => self.say(Msg::ReadFailed(failure.into())),
                }
            }
            Read::Coordination => {
                let found = coordination::read(&db, &mut self.global, self.shared);
                match found {
                    Ok(found) => self.say(Msg::Coordination(Box::new(found))),
                    Err(failure) => self.say(Msg::ReadFailed(failure.into())),
                }
            }
            Read::Hosts => {
                let found = hosts::read(&mut self.global, self.shared);
                self.say(Msg::Hosts(Box::new(found)));
            }
            Read::Calls(host) => {
                let calls = hosts::calls(&mut self.global, self.shared, &host);
                self.say(Msg::Calls { host, calls: calls.map_err(Into::into) });
            }
            Read::Page(page) => self.page(&db, &page),
            Read::Count { generation, filter } => self.count(&db, generation, &filter),
            Read::Run(id) => {
                let run: Result<Option<Arc<runs::RunDetail>>, _> =
                    runs::show(&db, id).map(|run| run.map(Into::into));
                if let Ok(Some(run)) = &run {
                    self.gate(&db, run);
                }
                self.say(Msg::Run { id, run: run.map_err(|error| Problem::from(("read the run", error))) });
            }
            Read::Needs => match crate::attention::attention(&db) {
                Ok(mut needs) => {
                    let project = self.shared.project();
                    needs.extend(crate::attention::of_stores(&project, &db));
                    needs.extend(hosts::needs(&mut self.global, self.shared, &project));
                    self.say(Msg::Needs(needs));
                }
                // Whatever else is read says why it cannot be.
                Err(failure) => tracing::warn!(error = failure.message, "see what needs you"),
            },
            Read::Tasks(page) => {
                let is_old = || self.shared.newest_tasks.load(Ordering::Relaxed) != page.generation;
                match super::tasks::page(&db, &page, &is_old) {
                    Ok(Some(read)) => self.say(Msg::Tasks(Box::new(read))),
                    Ok(None) => {}
                    Err(error) => self.complain("read the tasks", error),
                }
            }
            Read::TaskCounts => match super::tasks::counts(&db) {
                Ok(counts) => self.say(Msg::TaskCounts(counts)),
                Err(error) => self.complain("count the tasks", error),
            },
            Read::Task { id, whole } => {
                let task = super::tasks::task(&db, &id, whole);
                let task = task.map_err(|error| Problem::from(("read the task", error)));
                self.say(Msg::Task { asked: id, task });
            }
            Read::Storage => {
                self.say(Msg::Storage(Box::new(numbers(&db, &self.shared.project().config.soak()))));
            }
        }
    }

    /// What the run asks, where it is a quality gate.
    fn gate(&self, db: &Db, run: &runs::RunDetail) {
        let is_gate = run.settings.as_ref().is_some_and(|settings| settings.phase_type == "quality_gate");
        if !is_gate {
            return;
        }
        let id = run.summary.id;
        match gates::of_run(db, id) {
            Ok(gate) => self.say(Msg::Gate { id, gate: gate.map(Into::into) }),
            Err(error) => self.complain("read the gate's issues", error),
        }
    }

    fn page(&self, db: &Db, page: &Page) {
        let read = match page.part {
            Part::Last => self.last(db, page),
            _ => self.matching(db, page),
        };
        match read {
            Ok(Some(read)) => self.say(Msg::Page(Box::new(read))),
            Ok(None) => {}
            Err(error) => self.complain("read the runs", error),
        }
    }

    fn is_old(&self, page: &Page) -> bool {
        self.shared.newest_page.load(Ordering::Relaxed) != page.generation
    }

    /// Reads on until the page is full; `None` when another question has come meanwhile.
    fn matching(&self, db: &Db, page: &Page) -> Result<Option<PageRead>, conclave_consensus::ConsensusError> {
        let (exact, all) = (page.filter.exact(), page.filter.is_exact());
        let mut rows = Vec::new();
        let mut after = page.after;
        let at_end = loop {
            if self.is_old(page) {
                return Ok(None);
            }
            let wanted = if all { page.limit - rows.len() } else { SLICE };
            let found = runs::list(db, exact, after.as_ref(), Some(wanted))?;
            let is_last = found.len() < wanted;
            after = found.last().map(Into::into).or(after);
            for run in found {
                if rows.len() < page.limit && (all || page.filter.matches(&run)) {
                    rows.push(run);
                }
            }
            if rows.len() >= page.limit {
                // What was read beyond the page is read again with the next one.
                break is_last && all;
            }
            if is_last {
                break true;
            }
        };
        let (generation, part, after) = (page.generation, page.part, page.after);
        let marks = marks(db, &rows)?;
        Ok(Some(PageRead { generation, part, after, rows, marks, at_end, before: Vec::new() }))
    }

    /// Goes to the end of the list, remembering where its pages begin.
    fn last(&self, db: &Db, page: &Page) -> Result<Option<PageRead>, conclave_consensus::ConsensusError> {
        let mut before = vec![None];
        let mut kept: Vec<runs::RunSummary> = Vec::new();
        let mut after = None;
        let all = page.filter.is_exact();
        loop {
            if self.is_old(page) {
                return Ok(None);
            }
            let found = runs::list(db, page.filter.exact(), after.as_ref(), Some(STRIDE))?;
            let is_last = found.len() < STRIDE;
            after = found.last().map(Into::into).or(after);
            kept.extend(found.into_iter().filter(|run| all || page.filter.matches(run)));
            while kept.len() > 2 * page.limit {
                before.push(kept.get(page.limit - 1).map(Into::into));
                kept.drain(..page.limit);
            }
            if is_last {
                break;
            }
        }
        let start = before.pop().flatten();
        let (generation, part) = (page.generation, page.part);
        let marks = marks(db, &kept)?;
        Ok(Some(PageRead { generation, part, after: start, rows: kept, marks, at_end: true, before }))
    }

    fn count(&self, db: &Db, generation: u64, filter: &Filter) {
        let is_old = || self.shared.newest_count.load(Ordering::Relaxed) != generation;
        if is_old() {
            return;
        }
        let counted = runs::count(db, &runs::RunFilter::default()).and_then(|total| {
            let matching = if filter.is_empty() {
                total
            } else if filter.is_exact() {
                runs::count(db, filter.exact())?
            } else {
                let mut matching = 0;
                let mut after = None;
                loop {
                    let found = runs::list(db, filter.exact(), after.as_ref(), Some(SLICE))?;
                    matching += found.iter().filter(|run| filter.matches(run)).count() as u64;
                    after = found.last().map(Into::into).or(after);
                    if found.len() < SLICE || is_old() {
                        break matching;
                    }
                }
            };
            Ok((total, matching))
        });
        match counted {
            Ok((total, matching)) if !is_old() => self.say(Msg::Counted { generation, total, matching }),
            Ok(_) => {}
            Err(error) => self.complain("count the runs", error),
        }
    }
}

/// Where the agents of the rows stand.
fn marks(db: &Db, rows: &[runs::RunSummary]) -> Result<Marks, conclave_consensus::ConsensusError> {
    let ids: Vec<runs::RunId> = rows.iter().map(|run| run.id).collect();
    runs::marks(db, &ids)
}

fn numbers(db: &Db, soak: &migrate::Soak) -> Numbers {
    let file = conclave_db::stats(db).map(|stats| FileNumbers {
        file_bytes: stats.file_bytes,
        wal_bytes: stats.wal_bytes,
        free_bytes: stats.free_bytes(),
        free_percent: stats.free_percent(),
        journal: stats.journal_mode.clone(),
        incremental: stats.auto_vacuum == conclave_db::AutoVacuum::Incremental,
        schema: stats.user_version,
        sqlite: stats.sqlite_version,
    });
    let metrics = db.metrics();
    let oldest = db.active_reads().first().map(|read| {
        let age = db.clock().monotonic().saturating_sub(read.since);
        (format!("{}:{}", read.place.file(), read.place.line()), age)
    });
    let writer = WriterNumbers {
        writes: metrics.writes,
        commits: metrics.commits,
        group: metrics.group_size_p50,
        commit_p50: metrics.commit_p50,
        commit_p99: metrics.commit_p99,
        queued: metrics.queued,
        readers: metrics.readers,
        held_up: metrics.checkpoints_held_up,
        oldest,
    };
    let folder = backup::default_folder(db.path());
    let backups = backup::list(&folder, db.path()).unwrap_or_default();
    let backups = backups
        .into_iter()
        .map(|file| Backup { path: file.path, made_ms: file.taken_ms, bytes: file.bytes })
        .collect();
    Numbers {
        file: file.map_err(|error| Problem::from(("read the file's numbers", error))),
        writer,
        migration: migrate::status_with(db, soak)
            .map_err(|error| Problem::from(("read the migration", error))),
        backups,
    }
}

#[cfg(test)]
mod tests;
