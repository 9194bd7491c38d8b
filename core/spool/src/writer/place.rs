//! Whether what a writer has in hand is still what others find: its lock and its `.part`, which anybody may remove or move.
//!
//! Both are looked at before a member is written, and again when it is durable and before it counts. A lock that was removed
//! before the second look keeps nobody out, and what is written since then may be missed by whoever recovers the `.part`; one
//! that is removed after it makes others look at the `.part` later, when the member is in it.

use std::io;

use super::SpoolWriter;
use super::segment::{Segment, Whereabouts};
use crate::drops::Reason;
use crate::error::{Result, SpoolError};
use crate::flock::Flock;
use crate::layout::{WRITER_LOCK, ensure_folder, shown};
use crate::store::segments::signed;

impl SpoolWriter {
    /// At the end: lines of a segment that was removed, and could not be written again, are durable no more. With the last
    /// descriptor they go, so they are counted.
    pub(super) fn give_up_unreachable(&mut self, why: Reason) {
        let Some(segment) = &self.segment else { return };
        if !matches!(segment.whereabouts(), Ok(Whereabouts::Removed)) {
            return;
        }
        let lines = segment.holds().lines;
        if lines > 0 {
            self.durable = self.durable.saturating_sub(lines);
            self.uncounted.add(&self.monitor, why, lines);
        }
    }

    /// What is durable now counts, unless lock or `.part` are not where they were.
    pub(super) fn in_place(&mut self) -> io::Result<()> {
        let is_locked = self.lock.is_at(&self.lock_path())?;
        let segment = self.segment.as_ref().map_or(Ok(Whereabouts::InPlace), Segment::whereabouts)?;
        if is_locked && segment == Whereabouts::InPlace {
            return Ok(());
        }
        self.displaced = true;
        let what = if is_locked { "it" } else { "the writer's lock" };
        Err(io::Error::other(format!("{what} was moved or removed meanwhile")))
    }

    /// Has lock and `.part` where others find them, before anything is written or finalised: a lock that was removed is taken
    /// again; what was durable in a `.part` that was removed goes to another one; one that was moved is left to whoever did it.
    ///
    /// # Errors
    /// [`MonitorBusy`](SpoolError::MonitorBusy) while somebody else has the lock. Then the segment is left alone.
    pub(super) fn keep_place(&mut self) -> Result<()> {
        let kept = self.keep_lock().and_then(|()| self.keep_segment());
        self.displaced = kept.is_err();
        kept
    }

    fn keep_lock(&mut self) -> Result<()> {
        let path = self.lock_path();
        let failed = |error| {
            SpoolError::io(format!("lock {}", shown(&self.monitor, WRITER_LOCK)), path.clone(), error)
        };
        if self.lock.is_at(&path).map_err(failed)? {
            return Ok(());
        }
        let layout = &self.spool.shared().layout;
        ensure_folder(layout, &layout.monitor(&self.monitor))?;
        let Some(lock) = Flock::try_take(&path).map_err(failed)? else {
            let holder = conclave_db::flock_holders(&path).first().copied();
            return Err(SpoolError::MonitorBusy { monitor: self.monitor.to_string(), holder });
        };
        tracing::warn!(monitor = self.monitor.as_str(), "the writer's lock was removed, and is taken again");
        self.lock = lock;
        Ok(())
    }

    fn keep_segment(&mut self) -> Result<()> {
        let Some(segment) = &self.segment else { return Ok(()) };
        let file = segment.shown(&self.monitor);
        let failed = |error| SpoolError::io(format!("look at {file}"), None, error);
        if segment.whereabouts().map_err(failed)? == Whereabouts::InPlace {
            return Ok(());
        }
        // Of what is in flight nobody has said that it is durable: it goes to memory, and is written again.
        self.settle()?;
        let Some(segment) = &self.segment else { return Ok(()) };
        let shared = self.spool.shared();
        let bytes = segment.holds().bytes;
        let again = match segment.whereabouts().map_err(failed)? {
            Whereabouts::InPlace => return Ok(()),
            Whereabouts::Removed if segment.holds().lines > 0 => {
                tracing::warn!(
                    segment = file,
                    "removed while it was written; what was in it is written again"
                );
                Some(segment.again(&shared.layout, &self.monitor, &mut self.names)?)
            }
            Whereabouts::Removed | Whereabouts::Moved => {
                tracing::warn!(segment = file, "moved or removed while it was written; another one is begun");
                shared.gate.moved(0, signed(bytes).saturating_neg());
                None
            }
        };
        self.segment = again;
        Ok(())
    }

    fn lock_path(&self) -> std::path::PathBuf {
        self.spool.shared().layout.monitor(&self.monitor).join(WRITER_LOCK)
    }
}

#[cfg(test)]
mod tests;
