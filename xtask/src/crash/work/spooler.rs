//! Events: each worker writes to a monitor of its own and to one that all share; a sync point acknowledges.
//!
//! What stands in the lines follows from the seed. What a worker says is from which operation on everything of its own
//! is durable, so that lines which waited for a sync point are acknowledged by a later operation's words.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use conclave_db::Db;
use conclave_retry::{Clock, SystemClock};
use conclave_spool::{Limits, MonitorName, Spool, SpoolErrorKind, SpoolOptions, SpoolWriter};

use super::{Work, Worker, open};
use crate::chance::Chance;
use crate::outcome::Outcome;

/// Monitors of which each worker has one.
const OWN: [&str; 3] = ["keyboard", "browser", "heartbeat"];
/// The monitor that all share.
const SHARED: &str = "mouse";
/// Hours that the clocks of writers jump about in.
const HOURS: u64 = 6;
/// Hours after which nobody's clock is any more: who takes in and trims is there.
pub(crate) const LATER: i64 = 10;

/// A clock that runs as the system's does, some hours ahead of it: the hours jump.
#[derive(Debug, Default)]
pub(crate) struct Jumping {
    hours: AtomicI64,
}

impl Jumping {
    pub(crate) fn to(&self, hours: i64) {
        self.hours.store(hours, Ordering::Relaxed);
    }
}

impl Clock for Jumping {
    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn wall_ms(&self) -> i64 {
        SystemClock.wall_ms() + self.hours.load(Ordering::Relaxed) * 3_600_000
    }
}

/// The spool of a project's folder. Small, so that segments change, and so that the quota is met now and then.
pub(crate) fn spool(folder: &Path, db: &Db, clock: Arc<Jumping>) -> Outcome<Spool> {
    let options = SpoolOptions {
        limits: Limits::new(1, 90, 100, 40, 0)?,
        sync_events: 7,
        segment_bytes: 20_000,
        memory_bytes: 64 << 10,
        soft_delay: Duration::from_millis(5),
        ..SpoolOptions::default()
    };
    Ok(Spool::at(folder.join("spool"), options).clock(clock).state(Some(db.clone())).build())
}

/// What is to become of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A row of its own.
    Event,
    /// An event that is written twice: one row, and one duplicate.
    Twice,
    /// It is none, and goes to quarantine.
    NoEvent,
}

impl Fate {
    /// How many lines it has.
    pub(crate) const fn lines(self) -> u64 {
        if matches!(self, Self::Twice) { 2 } else { 1 }
    }
}

/// A line, or two that are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// Nobody else's.
    pub(crate) id: String,
    pub(crate) fate: Fate,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    Sync,
    Tick,
    Finish,
}

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// To the monitor that all share; to its own otherwise.
    pub(crate) shared: bool,
    pub(crate) lines: Vec<Given>,
    hours: i64,
    then: Then,
}

impl Operation {
    pub(crate) fn of(worker: &Worker, number: u64) -> Self {
        let mut chance = Chance::of(worker.seed, &[worker.place, number]);
        let shared = chance.percent(20);
        let monitor = if shared { SHARED } else { own(worker) };
        let is_large = chance.percent(8);
        let (most, noise) = if is_large { (16, 9_000) } else { (12, 300) };
        let lines =
            (0..chance.below(most)).map(|line| given(&mut chance, worker, number, line, monitor, noise));
        let lines = lines.collect();
        let hours = i64::try_from(chance.below(HOURS)).unwrap_or(0);
        let then = match chance.below(10) {
            0..3 => Then::Nothing,
            3..7 => Then::Sync,
            7 => Then::Tick,
            _ => Then::Finish,
        };
        Self { shared, lines, hours, then }
    }
}

fn own(worker: &Worker) -> &'static str {
    OWN[usize::try_from(worker.place).unwrap_or(0) % OWN.len()]
}

fn given(chance: &mut Chance, worker: &Worker, number: u64, line: u64, monitor: &str, noise: u64) -> Given {
    let id = format!("e{}-{number}-{line}", worker.place);
    let fate = match chance.below(20) {
        0 => Fate::NoEvent,
        1 => Fate::Twice,
        _ => Fate::Event,
    };
    if fate == Fate::NoEvent {
        return Given { text: format!("no event: {id}"), id, fate };
    }
    let words = (0..chance.below(noise) / 16).map(|_| format!("{:016x}", chance.below(u64::MAX)));
    let hexadecimal: Vec<String> = words.collect();
    let attributes = serde_json::json!({ "noise": hexadecimal.concat(), "line": line }).to_string();
    let event = serde_json::json!({
        "id": id, "ts_utc": 1_757_440_800_000_i64 + i64::try_from(number).unwrap_or(0), "monitor": monitor,
        "action": "key_press", "subject_type": "none", "session_id": format!("s{}", worker.place),
        "attrs_json": attributes,
    });
    Given { text: event.to_string(), id, fate }
}

/// A process that writes events.
#[derive(Debug)]
pub(crate) struct Spooler {
    worker: Worker,
    clock: Arc<Jumping>,
    spool: Spool,
    writer: Option<SpoolWriter>,
    /// Lines that the writer was given, and the operation from which on they are not acknowledged.
    given: u64,
    from: u64,
}

impl Spooler {
    pub(crate) fn new(worker: Worker, first: u64) -> Outcome<Self> {
        let clock = Arc::new(Jumping::default());
        let spool = spool(&worker.folder, &open(&worker.folder)?, Arc::clone(&clock))?;
        Ok(Self { worker, clock, spool, writer: None, given: 0, from: first })
    }

    fn shared(&self, operation: &Operation) -> Outcome<String> {
        let monitor = MonitorName::parse(SHARED)?;
        let mut writer = match self.spool.writer(&monitor, Duration::from_millis(20)) {
            Err(error) if error.kind() == SpoolErrorKind::MonitorBusy => return Ok("spool-busy".to_owned()),
            opened => opened?,
        };
        let given = give(&mut writer, operation)?;
        if operation.then == Then::Sync {
            writer.sync()?;
        }
        let finished = writer.finish()?;
        if finished.written != given || finished.durable + finished.dropped != given {
            return Err(format!("{given} lines were given: {finished:?}").into());
        }
        Ok(if finished.dropped == 0 { "spool-shared" } else { "spool-dropped" }.to_owned())
    }

    fn own(&mut self, number: u64, operation: &Operation) -> Outcome<String> {
        let mut writer = if let Some(writer) = self.writer.take() {
            writer
        } else {
            (self.given, self.from) = (0, number);
            // Somebody may just recover what this worker's last process has left.
            self.spool.writer(&MonitorName::parse(own(&self.worker))?, Duration::from_secs(30))?
        };
        self.given += give(&mut writer, operation)?;
        match operation.then {
            Then::Nothing => {}
            Then::Tick => writer.tick()?,
            Then::Sync => {
                writer.sync()?;
                if writer.durable() == self.given {
                    let words = format!("spool-sync {}", self.from);
                    (self.writer, self.from) = (Some(writer), number + 1);
                    return Ok(words);
                }
            }
            Then::Finish => {
                let finished = writer.finish()?;
                if finished.written != self.given || finished.durable + finished.dropped != self.given {
                    return Err(format!("{} lines were given: {finished:?}", self.given).into());
                }
                let is_whole = finished.dropped == 0;
                return Ok(if is_whole {
                    format!("spool-sync {}", self.from)
                } else {
                    "spool-dropped".to_owned()
                });
            }
        }
        self.writer = Some(writer);
        Ok("spool-append".to_owned())
    }
}

fn give(writer: &mut SpoolWriter, operation: &Operation) -> Outcome<u64> {
    let mut given = 0;
    for line in &operation.lines {
        for _ in 0..line.fate.lines() {
            writer.append(line.text.as_bytes())?;
            given += 1;
        }
    }
    Ok(given)
}

impl Work for Spooler {
    fn act(&mut self, number: u64) -> Outcome<String> {
        let operation = Operation::of(&self.worker, number);
        self.clock.to(operation.hours);
        if operation.shared { self.shared(&operation) } else { self.own(number, &operation) }
    }
}
