//! The writer of a monitor: appends lines, makes them durable at sync points, finalises segments.
//!
//! Nothing happens by itself: whoever has it calls [`SpoolWriter::tick`] when [`SpoolWriter::due_in`] says so. Where many
//! lines come, a member is made durable on a thread while the next one is compressed; it counts as durable when that
//! thread has said so, and its lines are kept until then.
//!
//! A sync point takes the lines since the last one to one of three places: into the segment, as a member; into memory,
//! when the quota does not let them in or the disk does not take them; or, when the memory is full too, nowhere, which is
//! counted. They stay in their order: while lines wait in memory, later ones go behind them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::catalogue::{self, Entry};
use crate::drops::{self, Reason};
use crate::error::{Result, SpoolError};
use crate::flock::Flock;
use crate::frame::{MemberMaker, is_blank};
use crate::layout::{WRITER_LOCK, ensure_folder, shown};
use crate::monitor::MonitorName;
use crate::names::Hour;
use crate::quota::{Admission, Why};
use crate::recover;
use crate::spool::{Shared, Spool};

mod batch;
mod segment;
mod syncer;

use self::batch::Batch;
use self::segment::{Names, Segment, Share};
use self::syncer::Syncer;

/// The one writer of a monitor, as long as it lives (flock(2) on `<monitor>/.writer.lock`).
///
/// Dropped without [`SpoolWriter::finish`] it leaves what it has made durable to whoever recovers it, and forgets the rest.
#[derive(Debug)]
pub struct SpoolWriter {
    spool: Spool,
    monitor: MonitorName,
    maker: MemberMaker,
    syncer: Syncer,
    /// Lines since the last sync point.
    batch: Batch,
    /// An empty one with memory to write to.
    spare: Batch,
    /// A member that is written, and is being made durable.
    in_flight: Option<InFlight>,
    segment: Option<Segment>,
    /// When something was written to the segment last.
    touched: Duration,
    names: Names,
    /// Since there are lines in memory.
    waits: Option<Waits>,
    /// Drops that are not counted where others see them.
    uncounted: BTreeMap<(MonitorName, Reason), u64>,
    written: u64,
    durable: u64,
    ended: bool,
    /// Freed last.
    _lock: Flock,
}

/// Lines whose member is being made durable.
#[derive(Debug)]
struct InFlight {
    batch: Batch,
    share: Share,
    since: Duration,
}

/// Why lines wait in memory, and when they are tried again.
#[derive(Debug, Clone, Copy)]
struct Waits {
    why: Reason,
    until: Duration,
}

/// What became of a batch.
enum Put {
    /// It is in the segment.
    Written,
    /// It may not be written now.
    Held(Batch, Reason),
    /// It could not be written.
    Failed(Batch, SpoolError),
}

/// When a sync point returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// When the member is written.
    Written,
    /// When it is durable.
    Durable,
}

/// What became of what a writer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Finished {
    /// Lines that were given, blank ones not counted.
    pub written: u64,
    /// Of these, durable.
    pub durable: u64,
    /// Of these, dropped and counted, by whatever reason.
    pub dropped: u64,
}

impl SpoolWriter {
    pub(crate) fn open(spool: &Spool, monitor: &MonitorName, patience: Duration) -> Result<Self> {
        let shared = spool.shared();
        let folder = shared.layout.monitor(monitor);
        ensure_folder(&shared.layout, &folder)?;
        let path = folder.join(WRITER_LOCK);
        let lock = Flock::take_within(&path, patience, shared.clock.as_ref(), shared.sleeper.as_ref())
            .map_err(|error| {
                SpoolError::io(format!("lock {}", shown(monitor, WRITER_LOCK)), path.clone(), error)
            })?;
        let Some(lock) = lock else {
            let holder = conclave_db::flock_holders(&path).first().copied();
            return Err(SpoolError::MonitorBusy { monitor: monitor.to_string(), holder });
        };
        if !shared.layout.parts(&folder)?.is_empty()
            && let Err(error) = recover::recover_held(spool, monitor)
        {
            // It stays as it is, and its name is not taken again.
            tracing::warn!(monitor = monitor.as_str(), %error, "what a writer left behind is not recovered");
        }
        shared.memory.join(monitor, shared.options.monitors.priority(monitor));
        Ok(Self {
            names: Names::of(&shared.layout, monitor),
            maker: MemberMaker::new(shared.options.level),
            spool: spool.clone(),
            monitor: monitor.clone(),
            syncer: Syncer::default(),
            batch: Batch::default(),
            spare: Batch::default(),
            in_flight: None,
            segment: None,
            touched: Duration::ZERO,
            waits: None,
            uncounted: BTreeMap::new(),
            written: 0,
            durable: 0,
            ended: false,
            _lock: lock,
        })
    }

    /// Takes a line, without its newline; a blank one is left out. It is durable after the next sync point, which may
    /// happen in here, and then goes on beside what comes next. A line with newlines in it is several.
    ///
    /// # Errors
    /// A sync point that failed. All lines are kept in memory (within its bound) and tried again at the next one.
    pub fn append(&mut self, line: &[u8]) -> Result<()> {
        if !line.contains(&b'\n') {
            return self.append_one(line);
        }
        line.split(|byte| *byte == b'\n').fold(Ok(()), |before, line| before.and(self.append_one(line)))
    }

    fn append_one(&mut self, line: &[u8]) -> Result<()> {
        if is_blank(line) {
            return Ok(());
        }
        self.written += 1;
        let options = &self.shared().options;
        let (most, segment_bytes) = (options.sync_events.max(1), options.segment_bytes);
        if line.len() as u64 > options.max_line_bytes {
            *self.uncounted.entry((self.monitor.clone(), Reason::TooLong)).or_default() += 1;
            return Ok(());
        }
        let hour = Hour::of_ms(self.shared().clock.wall_ms());
        let used = self.segment.as_ref().map_or(0, |segment| segment.holds().raw) + self.batch.bytes();
        let is_full = used.saturating_add(line.len() as u64 + 1) > segment_bytes;
        let mut result = Ok(());
        if !self.batch.is_empty() && (is_full || hour > self.names.hour()) {
            result = self.flush(Until::Written, false);
        }
        self.names.go_on_to(hour);
        let now = if self.batch.is_empty() { self.now() } else { self.batch.since() };
        self.batch.push(line, now);
        if self.batch.lines() >= most {
            result = result.and(self.flush(Until::Written, false));
        }
        result
    }

    /// A sync point: what was appended is durable when this returns `Ok`, but for what waits in memory because the quota
    /// is used up ([`SpoolWriter::waiting`]).
    pub fn sync(&mut self) -> Result<()> {
        self.flush(Until::Durable, true)
    }

    /// Does what the time asks for: a sync point, or the end of an idle segment.
    pub fn tick(&mut self) -> Result<()> {
        let now = self.now();
        let options = &self.shared().options;
        let (interval, idle) = (options.sync_interval, options.idle);
        let is_due = |since: Duration| since.saturating_add(interval) <= now;
        let batch_is_due = !self.batch.is_empty() && is_due(self.batch.since());
        let flight_is_due = self.in_flight.as_ref().is_some_and(|flight| is_due(flight.since));
        if batch_is_due || flight_is_due || self.waits.is_some_and(|waits| waits.until <= now) {
            self.flush(Until::Durable, true)?;
        }
        let is_idle = self.touched.saturating_add(idle) <= now;
        if self.segment.is_some() && is_idle && self.batch.is_empty() {
            self.finalise()?;
        }
        self.count_drops_if_possible();
        Ok(())
    }

    /// How long until there is something to do; `None` while there is nothing.
    pub fn due_in(&self) -> Option<Duration> {
        let options = &self.shared().options;
        let (interval, idle) = (options.sync_interval, options.idle);
        let batch = (!self.batch.is_empty()).then(|| self.batch.since().saturating_add(interval));
        let flight = self.in_flight.as_ref().map(|flight| flight.since.saturating_add(interval));
        let waits = self.waits.map(|waits| waits.until);
        // A segment is idle when nothing is on its way to it.
        let is_idle = self.segment.is_some() && self.batch.is_empty();
        let idle = is_idle.then(|| self.touched.saturating_add(idle));
        let next = [batch, flight, waits, idle].into_iter().flatten().min()?;
        Some(next.saturating_sub(self.now()))
    }

    /// Lines of this writer that are known to be durable.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// Lines of this writer that wait in memory for room on the disk.
    pub fn waiting(&self) -> u64 {
        self.shared().memory.waiting(&self.monitor)
    }

    /// Ends: a last sync point, the segment finalised and catalogued, the lock freed. What still waits in memory is
    /// dropped and counted.
    ///
    /// # Errors
    /// The last sync point failed, or the segment could not be finalised. What was durable is still there, and is
    /// recovered by the next writer or `recover`; [`SpoolWriter::end`] says how many lines that are.
    pub fn finish(self) -> Result<Finished> {
        let (finished, failure) = self.end();
        failure.map_or(Ok(finished), Err)
    }

    /// The same, with what became of the lines also where it failed.
    pub fn end(mut self) -> (Finished, Option<SpoolError>) {
        self.ended = true;
        // After a failure the segment stays a `.part`: whoever recovers it looks at all of it first.
        let result = self.flush(Until::Durable, true).and_then(|()| self.finalise());
        self.give_up_waiting();
        let counted = self.count_drops();
        let (written, durable) = (self.written, self.durable);
        let finished = Finished { written, durable, dropped: written.saturating_sub(durable) };
        let failure = result.err().or_else(|| counted.err());
        (finished, failure)
    }

    /// A sync point. Where lines wait in memory, those come first, and are not tried before their time unless asked to.
    fn flush(&mut self, until: Until, insist: bool) -> Result<()> {
        let result = if self.waits.is_some() {
            self.batch_to_memory();
            let is_time = self.waits.is_none_or(|waits| waits.until <= self.now());
            if insist || is_time { self.drain() } else { Ok(()) }
        } else {
            self.flush_batch(until)
        };
        let result = match until {
            Until::Durable => result.and(self.settle()),
            Until::Written => result,
        };
        self.count_drops_if_possible();
        result
    }

    fn flush_batch(&mut self, until: Until) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::replace(&mut self.batch, std::mem::take(&mut self.spare));
        match self.put(batch, until) {
            Put::Written => Ok(()),
            Put::Held(batch, why) => {
                self.hold(batch, why);
                Ok(())
            }
            Put::Failed(batch, error) => {
                self.hold(batch, Reason::DiskFull);
                Err(error)
            }
        }
    }

    /// Writes lines from memory, until there are none or it may not go on.
    fn drain(&mut self) -> Result<()> {
        let spool = self.spool.clone();
        let (memory, options) = (&spool.shared().memory, &spool.shared().options);
        let lines = options.sync_events.max(1);
        // What is asked for is bytes without newlines.
        let bytes = options.segment_bytes.saturating_sub(u64::from(lines));
        loop {
            let taken = memory.take(&self.monitor, lines as usize, bytes);
            if taken.is_empty() {
                self.waits = None;
                return Ok(());
            }
            let (why, result) = match self.put(Batch::of(&taken, self.now()), Until::Durable) {
                Put::Written => continue,
                Put::Held(_, why) => (why, Ok(())),
                Put::Failed(_, error) => (Reason::DiskFull, Err(error)),
            };
            memory.put_back(&self.monitor, taken);
            self.wait_for(why);
            return result;
        }
    }

    /// Writes a batch as a member, and makes it durable or begins to.
    fn put(&mut self, batch: Batch, until: Until) -> Put {
        let share = match self.write(&batch) {
            Ok(Ok(share)) => share,
            Ok(Err(why)) => return Put::Held(batch, why),
            Err(error) => return Put::Failed(batch, error),
        };
        let flight = InFlight { batch, share, since: self.now() };
        let Some(segment) = &self.segment else { return Put::Written };
        if until == Until::Written && self.syncer.begin(segment.file()) {
            self.in_flight = Some(flight);
            return Put::Written;
        }
        match segment.file().sync_data() {
            Ok(()) => {
                self.landed(flight);
                Put::Written
            }
            Err(error) => {
                let error = self.sync_failed(share, error);
                Put::Failed(flight.batch, error)
            }
        }
    }

    /// Appends a batch to the segment, or says why it may not be. What is in flight lands first, so that one that does not
    /// goes before it; the batch is compressed meanwhile.
    fn write(&mut self, batch: &Batch) -> Result<Result<Share, Reason>> {
        let spool = self.spool.clone();
        let shared = spool.shared();
        let member = self.maker.member(batch.text(), batch.lines())?;
        self.settle()?;
        let share = Share { bytes: member.len() as u64, raw: batch.bytes(), lines: u64::from(batch.lines()) };
        let is_over = self.segment.as_ref().is_some_and(|segment| {
            let raw = segment.holds().raw.saturating_add(share.raw);
            segment.hour() < self.names.hour() || raw > shared.options.segment_bytes
        });
        if is_over && let Err(error) = self.finalise() {
            // What is in it is durable, and is recovered later.
            tracing::warn!(monitor = self.monitor.as_str(), %error, "a segment is not finalised");
        }
        match shared.gate.admit(shared, share.bytes)? {
            Admission::Go => {}
            Admission::Slowly => shared.sleeper.sleep(shared.options.soft_delay),
            Admission::Hold(Why::Quota) => return Ok(Err(Reason::Quota)),
            Admission::Hold(Why::KeepFree) => return Ok(Err(Reason::KeepFree)),
        }
        let segment = match &mut self.segment {
            Some(segment) => segment,
            None => {
                // It may have been removed since the writer came.
                ensure_folder(&shared.layout, &shared.layout.monitor(&self.monitor))?;
                self.segment.insert(Segment::create(&shared.layout, &self.monitor, &mut self.names)?)
            }
        };
        if let Err(error) = segment.append(&member, share) {
            let failure = SpoolError::io(format!("write {}", segment.shown(&self.monitor)), None, error);
            self.forget_if_empty();
            return Err(failure);
        }
        self.touched = self.now();
        shared.gate.moved(0, signed(share.bytes));
        Ok(Ok(share))
    }

    /// Waits for what is in flight.
    fn settle(&mut self) -> Result<()> {
        let Some(flight) = self.in_flight.take() else { return Ok(()) };
        match self.syncer.wait() {
            Ok(()) => {
                self.landed(flight);
                Ok(())
            }
            Err(error) => {
                let error = self.sync_failed(flight.share, error);
                self.hold(flight.batch, Reason::DiskFull);
                Err(error)
            }
        }
    }

    fn landed(&mut self, flight: InFlight) {
        self.durable += flight.share.lines;
        self.spare = flight.batch;
        self.spare.clear();
    }

    /// A member that was written is not durable: it is taken back, and its lines are written again. What the kernel still
    /// has of it is worth nothing (man fsync: after an error the pages may count as clean).
    fn sync_failed(&mut self, share: Share, error: std::io::Error) -> SpoolError {
        self.shared().gate.moved(0, signed(share.bytes).saturating_neg());
        let Some(segment) = &mut self.segment else { return SpoolError::io("sync a segment", None, error) };
        segment.take_back(share);
        let failure = SpoolError::io(format!("sync {}", segment.shown(&self.monitor)), None, error);
        self.forget_if_empty();
        failure
    }

    /// A segment without a member leaves no file.
    fn forget_if_empty(&mut self) {
        if let Some(segment) = self.segment.take_if(|segment| segment.holds().lines == 0) {
            // Where it stays it is empty, and whoever recovers the folder removes it.
            let _ = segment.finalise(&self.spool.shared().layout, &self.monitor, &mut self.names);
        }
    }

    /// Finalises the segment, and catalogues it where the state can be written now.
    fn finalise(&mut self) -> Result<()> {
        self.settle()?;
        let Some(segment) = self.segment.take() else { return Ok(()) };
        let Share { bytes, lines, .. } = segment.holds();
        let shared = self.spool.shared();
        let Some(name) = segment.finalise(&shared.layout, &self.monitor, &mut self.names)? else {
            return Ok(());
        };
        shared.gate.moved(signed(bytes), signed(bytes).saturating_neg());
        let Some(state) = &shared.state else { return Ok(()) };
        let entry = Entry { monitor: self.monitor.clone(), file: name.file_name(), bytes, lines };
        if let Err(error) = catalogue::note(state, &entry) {
            tracing::debug!(segment = shown(&self.monitor, &entry.file), %error, "left to the next import");
        }
        Ok(())
    }

    /// Lines go to memory.
    fn hold(&mut self, mut batch: Batch, why: Reason) {
        for line in batch.iter() {
            let evicted = self.spool.shared().memory.keep(&self.monitor, line);
            for (monitor, lines) in evicted {
                *self.uncounted.entry((monitor, why)).or_default() += lines;
            }
        }
        batch.clear();
        self.spare = batch;
        self.wait_for(why);
    }

    fn batch_to_memory(&mut self) {
        let Some(waits) = self.waits else { return };
        let batch = std::mem::replace(&mut self.batch, std::mem::take(&mut self.spare));
        self.hold(batch, waits.why);
        // Lines that come do not put off the next attempt.
        self.waits = Some(waits);
    }

    fn wait_for(&mut self, why: Reason) {
        let until = self.now().saturating_add(self.shared().options.sync_interval);
        self.waits = Some(Waits { why, until });
    }

    /// Drops what waits in memory.
    fn give_up_waiting(&mut self) {
        let left = self.spool.shared().memory.leave(&self.monitor).len() as u64;
        if left > 0 {
            let why = self.waits.map_or(Reason::DiskFull, |waits| waits.why);
            *self.uncounted.entry((self.monitor.clone(), why)).or_default() += left;
        }
    }

    /// Counts drops where others see them; what cannot be counted now is counted later.
    fn count_drops(&mut self) -> Result<()> {
        while let Some(entry) = self.uncounted.first_entry() {
            let (monitor, reason) = entry.key();
            drops::count(self.spool.shared(), monitor, *reason, *entry.get())?;
            entry.remove();
        }
        Ok(())
    }

    fn count_drops_if_possible(&mut self) {
        if let Err(error) = self.count_drops() {
            tracing::debug!(monitor = self.monitor.as_str(), %error, "drops are counted later");
        }
    }

    fn shared(&self) -> &Shared {
        self.spool.shared()
    }

    fn now(&self) -> Duration {
        self.shared().clock.monotonic()
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        if !self.ended {
            self.spool.shared().memory.leave(&self.monitor);
        }
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
