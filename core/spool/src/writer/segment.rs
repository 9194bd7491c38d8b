//! The segment that is being written: a `.part` of whole members, which gets its name when it is finalised.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt as _, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::OFlags;

use super::syncer::Job;
use crate::error::{Result, SpoolError};
use crate::flock::is_gone;
use crate::import::Taken;
use crate::layout::{Layout, rename_new, shown, sync_folder_of};
use crate::monitor::MonitorName;
use crate::names::{Hour, SegmentName};

/// What one member adds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    /// Compressed.
    pub(super) bytes: u64,
    /// Not compressed.
    pub(super) raw: u64,
    pub(super) lines: u64,
}

/// Where the file of a segment is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// Where it was made.
    InPlace,
    /// It has no name any more: nobody but its writer can reach it.
    Removed,
    /// Somebody has given it another name, or put another file in its place.
    Moved,
}

/// How much is copied at once.
const CHUNK: usize = 64 << 10;

/// A segment with its `.part`.
#[derive(Debug)]
pub(super) struct Segment {
    file: Arc<File>,
    /// Device and inode of the `.part`.
    identity: (u64, u64),
    path: PathBuf,
    name: SegmentName,
    /// Of all members in it.
    holds: Share,
    /// Behind them is something that could not be cut off.
    is_torn: bool,
    /// The name of the `.part` is durable.
    is_named: bool,
}

impl Segment {
    /// Makes the `.part` of the first name that is free from `names` on.
    pub(super) fn create(layout: &Layout, monitor: &MonitorName, names: &mut Names) -> Result<Self> {
        let folder = layout.monitor(monitor);
        loop {
            let name = names.next()?;
            let path = folder.join(name.part_name());
            let failed = |error| {
                let what = format!("make {}", shown(monitor, &name.part_name()));
                SpoolError::io(what, path.clone(), error)
            };
            let made = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
                .open(&path);
            let file = match made {
                Ok(file) => Arc::new(file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => {
                    names.give_back(&name);
                    return Err(failed(error));
                }
            };
            let about = file.metadata().map_err(failed)?;
            let identity = (about.dev(), about.ino());
            let holds = Share::default();
            return Ok(Self { file, identity, path, name, holds, is_torn: false, is_named: false });
        }
    }

    /// Where its file is now. To be asked after a member was made durable and before it counts as such: a file that is moved
    /// or removed later had that member in it when that was done.
    pub(super) fn whereabouts(&self) -> io::Result<Whereabouts> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(named) if (named.dev(), named.ino()) == self.identity => return Ok(Whereabouts::InPlace),
            Ok(_) => {}
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
        // man unlink: the file lives on as long as it is open.
        let is_removed = self.file.metadata()?.nlink() == 0;
        Ok(if is_removed { Whereabouts::Removed } else { Whereabouts::Moved })
    }

    /// Another segment with all members of this one, durable; for one that was removed.
    pub(super) fn again(&self, layout: &Layout, monitor: &MonitorName, names: &mut Names) -> Result<Self> {
        let mut again = Self::create(layout, monitor, names)?;
        let copied = self.copy_to(&again.file).and_then(|()| sync_folder_of(&again.path));
        if let Err(error) = copied {
            // Half of it is of no use; where it stays, it is recovered, and its events come twice.
            let _ = std::fs::remove_file(&again.path);
            return Err(SpoolError::io(format!("write {}", again.shown(monitor)), again.path, error));
        }
        (again.holds, again.is_named) = (self.holds, true);
        Ok(again)
    }

    fn copy_to(&self, to: &File) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let mut at = 0;
        while at < self.holds.bytes {
            let left = usize::try_from(self.holds.bytes - at).unwrap_or(CHUNK).min(CHUNK);
            let part = chunk.get_mut(..left).unwrap_or_default();
            self.file.read_exact_at(part, at)?;
            to.write_all_at(part, at)?;
            at += part.len() as u64;
        }
        to.sync_data()
    }

    pub(super) const fn hour(&self) -> Hour {
        self.name.hour()
    }

    /// What all its members hold.
    pub(super) const fn holds(&self) -> Share {
        self.holds
    }

    /// What makes its members durable.
    pub(super) fn job(&self) -> Job {
        Job { file: Arc::clone(&self.file), name: (!self.is_named).then(|| self.path.clone()) }
    }

    /// Such a job is done.
    pub(super) const fn is_durable(&mut self) {
        self.is_named = true;
    }

    /// Puts another file in the place of the `.part`, such as one that cannot be synced.
    #[cfg(test)]
    pub(super) fn swap(&mut self, file: File, is_torn: bool) -> File {
        let before = std::mem::replace(&mut self.file, Arc::new(file));
        self.is_torn = is_torn;
        before.try_clone().unwrap()
    }

    /// It, for messages.
    pub(super) fn shown(&self, monitor: &MonitorName) -> String {
        shown(monitor, &self.name.part_name())
    }

    /// Appends a member with one write; it is not durable yet. What a write that failed has left is cut off.
    pub(super) fn append(&mut self, member: &[u8], share: Share) -> io::Result<()> {
        if self.is_torn {
            self.cut()?;
        }
        if let Err(error) = self.file.write_all_at(member, self.holds.bytes) {
            // Where this fails too it is tried again before anything else is done; what was acknowledged is before it.
            let _ = self.cut();
            return Err(error);
        }
        self.holds.bytes += share.bytes;
        self.holds.raw += share.raw;
        self.holds.lines += share.lines;
        Ok(())
    }

    /// Takes the last members back, which could not be made durable.
    pub(super) fn take_back(&mut self, share: Share) {
        self.subtract(share);
        let _ = self.cut();
    }

    /// The same without touching the file, which may be somebody else's by now: it is cut before anything else is written.
    pub(super) fn disown(&mut self, share: Share) {
        self.subtract(share);
        self.is_torn = true;
    }

    fn subtract(&mut self, share: Share) {
        self.holds.bytes = self.holds.bytes.saturating_sub(share.bytes);
        self.holds.raw = self.holds.raw.saturating_sub(share.raw);
        self.holds.lines = self.holds.lines.saturating_sub(share.lines);
    }

    /// Cuts off what comes after the members.
    fn cut(&mut self) -> io::Result<()> {
        let cut = self.file.set_len(self.holds.bytes);
        self.is_torn = cut.is_err();
        cut
    }

    /// Gives the segment its name, or the next one that is free, and says which. Its members must be durable. One without a
    /// member goes. Where this fails, the `.part` stays and is recovered later.
    pub(super) fn finalise(
        mut self,
        layout: &Layout,
        monitor: &MonitorName,
        names: &mut Names,
    ) -> Result<Option<SegmentName>> {
        let part = self.name.part_name();
        let path = self.path.clone();
        let failed = |what: &str, error| {
            SpoolError::io(format!("{what} {}", shown(monitor, &part)), path.clone(), error)
        };
        if self.holds.lines == 0 {
            return match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", error)),
                _ => Ok(None),
            };
        }
        if self.is_torn {
            self.cut().and_then(|()| self.file.sync_data()).map_err(|error| failed("cut", error))?;
        }
        let folder = layout.monitor(monitor);
        let mut name = self.name.clone();
        loop {
            match rename_new(&self.path, &folder.join(name.file_name())) {
                Ok(()) => return Ok(Some(name)),
                // Somebody else has put a file there.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    name = names.next_of(self.name.hour())?;
                }
                Err(error) => return Err(failed("finalise", error)),
            }
        }
    }
}

/// Which names are free: counted on from the highest that anything of the monitor has in the hour.
#[derive(Debug)]
pub(super) struct Names {
    layout: Layout,
    monitor: MonitorName,
    hour: Hour,
    /// The next one, once it was looked for; not known behind the last one that there is.
    next: Option<u32>,
}

impl Names {
    /// Those of a monitor.
    pub(super) fn of(layout: &Layout, monitor: &MonitorName) -> Self {
        Self { layout: layout.clone(), monitor: monitor.clone(), hour: Hour(i64::MIN), next: None }
    }

    /// Goes on to this hour; never back.
    pub(super) fn go_on_to(&mut self, hour: Hour) {
        if hour > self.hour {
            self.hour = hour;
            self.next = None;
        }
    }

    pub(super) const fn hour(&self) -> Hour {
        self.hour
    }

    fn next(&mut self) -> Result<SegmentName> {
        let name = match self.next {
            Some(next) => SegmentName::new(self.hour, next),
            None => self.free_in(self.hour)?,
        };
        self.next = name.sequence().checked_add(1);
        Ok(name)
    }

    /// The same for an hour that may be over.
    fn next_of(&mut self, hour: Hour) -> Result<SegmentName> {
        if hour == self.hour { self.next() } else { self.free_in(hour) }
    }

    /// Nothing came of this name.
    fn give_back(&mut self, name: &SegmentName) {
        if name.hour() == self.hour {
            self.next = Some(name.sequence());
        }
    }

    fn free_in(&self, hour: Hour) -> Result<SegmentName> {
        let first = SegmentName::new(hour, 0);
        let free = Taken::of(&self.layout, &self.monitor)?.free(&first.file_name());
        free.as_deref().and_then(SegmentName::parse).ok_or_else(|| {
            let what = format!("find a free name for {}", shown(&self.monitor, &first.file_name()));
            SpoolError::io(what, None, io::ErrorKind::AlreadyExists.into())
        })
    }
}

#[cfg(test)]
mod tests;
