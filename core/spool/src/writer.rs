//! The writer of a monitor: appends lines, makes them durable at sync points, finalises segments.
//!
//! Nothing happens by itself: whoever has it calls [`SpoolWriter::tick`] when [`SpoolWriter::due_in`] says so. Where many
//! lines come, members are made durable on a thread while the next ones are compressed and written, as many at a time as
//! came meanwhile; they count as durable when that thread has said so, and their lines are kept until then.
//!
//! A sync point takes the lines since the last one to one of three places: into the segment, as a member; into memory,
//! when the quota does not let them in or the disk does not take them; or, when the memory is full too, nowhere, which is
//! counted. They stay in their order: while lines wait in memory, later ones go behind them.

use std::collections::VecDeque;
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
mod counting;
mod place;
mod segment;
mod syncer;

use self::batch::Batch;
use self::counting::Uncounted;
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
    /// Members that are written and not durable, the oldest first; of one segment, so they have a bound.
    in_flight: VecDeque<InFlight>,
    /// How many of them the thread makes durable now.
    syncing: usize,
    segment: Option<Segment>,
    /// When something was written to the segment last.
    touched: Duration,
    names: Names,
    /// Since there are lines in memory.
    waits: Option<Waits>,
    uncounted: Uncounted,
    written: u64,
    durable: u64,
    ended: bool,
    /// Lock or `.part` are not where others find them.
    displaced: bool,
    /// Freed last.
    lock: Flock,
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
        drops::reserve(&shared.layout, monitor);
        Ok(Self {
            names: Names::of(&shared.layout, monitor),
            maker: MemberMaker::new(shared.options.level),
            spool: spool.clone(),
            monitor: monitor.clone(),
            syncer: Syncer::default(),
            batch: Batch::default(),
            spare: Batch::default(),
            in_flight: VecDeque::new(),
            syncing: 0,
            segment: None,
            touched: Duration::ZERO,
            waits: None,
            uncounted: Uncounted::default(),
            written: 0,
            durable: 0,
            ended: false,
            displaced: false,
            lock,
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
        // All are taken, also behind one at which a sync point failed.
        let mut result = Ok(());
        for line in line.split(|byte| *byte == b'\n') {
            result = result.and(self.append_one(line));
        }
        result
    }

    fn append_one(&mut self, line: &[u8]) -> Result<()> {
        if is_blank(line) {
            return Ok(());
        }
        self.written += 1;
        let options = &self.shared().options;
        let (most, segment_bytes) = (options.sync_events.max(1), options.segment_bytes);
        if line.len() as u64 > options.max_line_bytes {
            self.uncounted.add(&self.monitor, Reason::TooLong, 1);
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
        let flight_is_due = self.in_flight.front().is_some_and(|flight| is_due(flight.since));
        if batch_is_due || flight_is_due || self.waits.is_some_and(|waits| waits.until <= now) {
            self.flush(Until::Durable, true)?;
        }
        let is_idle = self.touched.saturating_add(idle) <= now;
        if self.segment.is_some() && is_idle && self.batch.is_empty() {
            // Tried again when it has been idle for as long once more, and not at once.
            self.finalise().inspect_err(|_| self.touched = now)?;
        }
        self.count_drops_if_possible();
        Ok(())
    }

    /// How long until there is something to do; `None` while there is nothing.
    pub fn due_in(&self) -> Option<Duration> {
        let options = &self.shared().options;
        let (interval, idle) = (options.sync_interval, options.idle);
        let batch = (!self.batch.is_empty()).then(|| self.batch.since().saturating_add(interval));
        let flight = self.in_flight.front().map(|flight| flight.since.saturating_add(interval));
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
        if let Err(error) = &result {
            self.give_up_unreachable(Reason::of(error));
        }
        let counted = self.count_drops();
        if let Err(error) = &counted {
            let lines = self.uncounted.lines();
            tracing::warn!(monitor = self.monitor.as_str(), %error, lines, "lines that were dropped are counted nowhere");
        }
        let (written, durable) = (self.written, self.durable);
        let finished = Finished { written, durable, dropped: written.saturating_sub(durable) };
        let failure = result.err().or_else(|| counted.err());
        (finished, failure)
    }

    /// A sync point. Where lines wait in memory, those come first, and are not tried before their time unless asked to.
    fn flush(&mut self, until: Until, insist: bool) -> Result<()> {
        let was_displaced = self.displaced;
        let mut result = if self.waits.is_some() {
            self.batch_to_memory();
            let is_time = self.waits.is_none_or(|waits| waits.until <= self.now());
            if insist || is_time { self.drain() } else { Ok(()) }
        } else {
            self.flush_batch(until)
        };
        if until == Until::Durable {
            result = result.and(self.settle());
        }
        if self.displaced && !was_displaced && self.waits.is_some() {
            // It was not the disk: there may be another place at once.
            result = self.drain();
        }
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
            // What is in flight lands first, or goes to memory before this.
            Put::Held(batch, why) => {
                let settled = self.settle();
                self.hold(batch, why);
                settled
            }
            Put::Failed(batch, error) => {
                // It has failed for one reason; two are not told.
                let _ = self.settle();
                self.hold(batch, Reason::of(&error));
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
                Put::Failed(_, error) => (Reason::of(&error), Err(error)),
            };
            memory.put_back(&self.monitor, taken);
            self.wait_for(why);
            return result;
        }
    }

    /// Writes a batch as a member, and makes it durable or sees to it that this happens.
    fn put(&mut self, batch: Batch, until: Until) -> Put {
        let share = match self.write(&batch) {
            Ok(Ok(share)) => share,
            Ok(Err(why)) => return Put::Held(batch, why),
            Err(error) => return Put::Failed(batch, error),
        };
        if until == Until::Durable && self.in_flight.is_empty() {
            let Some(segment) = &self.segment else { return Put::Written };
            return match segment.job().run().and_then(|()| self.in_place()) {
                Ok(()) => {
                    if let Some(segment) = &mut self.segment {
                        segment.is_durable();
                    }
                    self.landed(batch, share);
                    Put::Written
                }
                Err(error) => Put::Failed(batch, self.sync_failed(share, error)),
            };
        }
        self.in_flight.push_back(InFlight { batch, share, since: self.now() });
        self.begin_sync();
        Put::Written
    }

    /// Appends a batch to the segment, or says why it may not be.
    fn write(&mut self, batch: &Batch) -> Result<Result<Share, Reason>> {
        let spool = self.spool.clone();
        let shared = spool.shared();
        let member = self.maker.member(batch.text(), batch.lines())?;
        self.poll_sync()?;
        let share = Share { bytes: member.len() as u64, raw: batch.bytes(), lines: u64::from(batch.lines()) };
        let is_over = self.segment.as_ref().is_some_and(|segment| {
            let raw = segment.holds().raw.saturating_add(share.raw);
            segment.hour() < self.names.hour() || raw > shared.options.segment_bytes
        });
        if is_over {
            // Where this fails, lines have gone to memory: this batch comes behind them.
            self.settle()?;
            if let Err(error) = self.finalise() {
                // What is in it is durable, and is recovered later.
                tracing::warn!(monitor = self.monitor.as_str(), %error, "a segment is not finalised");
            }
        }
        match shared.gate.admit(shared, share.bytes)? {
            Admission::Go => {}
            Admission::Slowly => shared.sleeper.sleep(shared.options.soft_delay),
            Admission::Hold(Why::Quota) => return Ok(Err(Reason::Quota)),
            Admission::Hold(Why::KeepFree) => return Ok(Err(Reason::KeepFree)),
        }
        self.keep_place()?;
        let segment = if let Some(segment) = &mut self.segment {
            segment
        } else {
            // It may have been removed since the writer came.
            ensure_folder(&shared.layout, &shared.layout.monitor(&self.monitor))?;
            self.segment.insert(Segment::create(&shared.layout, &self.monitor, &mut self.names)?)
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

    /// Makes what is in flight durable, or waits until it is.
    fn settle(&mut self) -> Result<()> {
        while !self.in_flight.is_empty() {
            let result = match (self.syncing, &self.segment) {
                (0, Some(segment)) => {
                    self.syncing = self.in_flight.len();
                    segment.job().run()
                }
                // A segment goes only when nothing of it is in flight.
                (0, None) => Err(std::io::Error::other("there is no segment")),
                _ => self.syncer.wait(),
            };
            self.synced(result)?;
        }
        Ok(())
    }

    /// Takes note of what has become durable, and goes on with what came meanwhile.
    fn poll_sync(&mut self) -> Result<()> {
        if self.syncing > 0
            && let Some(result) = self.syncer.poll()
        {
            self.synced(result)?;
        }
        self.begin_sync();
        Ok(())
    }

    fn begin_sync(&mut self) {
        let Some(segment) = &self.segment else { return };
        // Without a thread it is done by who waits for it.
        if self.syncing == 0 && !self.in_flight.is_empty() && self.syncer.begin(segment.job()) {
            self.syncing = self.in_flight.len();
        }
    }

    /// A sync has ended. Where it failed, all that is in flight goes to memory, in its order.
    fn synced(&mut self, result: std::io::Result<()>) -> Result<()> {
        let covered = std::mem::take(&mut self.syncing);
        match result.and_then(|()| self.in_place()) {
            Ok(()) => {
                if let Some(segment) = &mut self.segment {
                    segment.is_durable();
                }
                for _ in 0..covered {
                    let Some(flight) = self.in_flight.pop_front() else { break };
                    self.landed(flight.batch, flight.share);
                }
                Ok(())
            }
            Err(error) => {
                let flights = std::mem::take(&mut self.in_flight);
                let mut all = Share::default();
                for flight in &flights {
                    all.bytes += flight.share.bytes;
                    all.raw += flight.share.raw;
                    all.lines += flight.share.lines;
                }
                let error = self.sync_failed(all, error);
                for flight in flights {
                    self.hold(flight.batch, Reason::of(&error));
                }
                Err(error)
            }
        }
    }

    fn landed(&mut self, batch: Batch, share: Share) {
        self.durable += share.lines;
        self.spare = batch;
        self.spare.clear();
    }

    /// Members that were written are not durable: they are taken back, and their lines are written again. What the kernel
    /// still has of them is worth nothing (man fsync: after an error the pages may count as clean).
    fn sync_failed(&mut self, share: Share, error: std::io::Error) -> SpoolError {
        self.shared().gate.moved(0, signed(share.bytes).saturating_neg());
        let Some(segment) = &mut self.segment else { return SpoolError::io("sync a segment", None, error) };
        if self.displaced {
            segment.disown(share);
        } else {
            segment.take_back(share);
        }
        let failure = SpoolError::io(format!("sync {}", segment.shown(&self.monitor)), None, error);
        self.forget_if_empty();
        failure
    }

    /// A segment without a member leaves no file.
    fn forget_if_empty(&mut self) {
        if self.displaced {
            return;
        }
        if let Some(segment) = self.segment.take_if(|segment| segment.holds().lines == 0) {
            // Where it stays it is empty, and whoever recovers the folder removes it.
            let _ = segment.finalise(&self.spool.shared().layout, &self.monitor, &mut self.names);
        }
    }

    /// Finalises the segment, and catalogues it where the state can be written now.
    fn finalise(&mut self) -> Result<()> {
        self.settle()?;
        if self.segment.is_some() {
            self.keep_place()?;
        }
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
                self.uncounted.add(&monitor, why, lines);
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
            self.uncounted.add(&self.monitor, why, left);
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
        let shared = self.spool.shared();
        if !self.ended {
            shared.memory.leave(&self.monitor);
        }
        if !self.displaced {
            drops::release(&shared.layout, &self.monitor);
        }
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
