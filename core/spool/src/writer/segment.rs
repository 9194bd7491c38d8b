//! The segment that is being written: a `.part` of whole members, which gets its name when it is finalised.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use crate::error::{Result, SpoolError};
use crate::layout::{Layout, SEGMENT, rename_new, shown, sync_folder_of};
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

/// A segment with its `.part`.
#[derive(Debug)]
pub(super) struct Segment {
    file: Arc<File>,
    path: PathBuf,
    name: SegmentName,
    /// Of all members in it.
    holds: Share,
    /// Behind them is something that could not be cut off.
    is_torn: bool,
}

impl Segment {
    /// Makes the `.part` of the first name that is free from `names` on, with a name that is durable.
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
            if let Err(error) = sync_folder_of(&path) {
                let _ = std::fs::remove_file(&path);
                return Err(failed(error));
            }
            return Ok(Self { file, path, name, holds: Share::default(), is_torn: false });
        }
    }

    pub(super) const fn hour(&self) -> Hour {
        self.name.hour()
    }

    /// What all its members hold.
    pub(super) const fn holds(&self) -> Share {
        self.holds
    }

    pub(super) const fn file(&self) -> &Arc<File> {
        &self.file
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

    /// Takes the last member back, which could not be made durable.
    pub(super) fn take_back(&mut self, share: Share) {
        self.holds.bytes = self.holds.bytes.saturating_sub(share.bytes);
        self.holds.raw = self.holds.raw.saturating_sub(share.raw);
        self.holds.lines = self.holds.lines.saturating_sub(share.lines);
        let _ = self.cut();
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

/// Which names are free: counted on from the highest that any file of the monitor has in the hour.
#[derive(Debug)]
pub(super) struct Names {
    folders: [PathBuf; 3],
    hour: Hour,
    /// The next one, once it was looked for.
    next: Option<u32>,
}

impl Names {
    /// Those of a monitor.
    pub(super) fn of(layout: &Layout, monitor: &MonitorName) -> Self {
        let folders = [layout.monitor(monitor), layout.done(monitor), layout.quarantine(monitor)];
        Self { folders, hour: Hour(i64::MIN), next: None }
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
        let sequence = match self.next {
            Some(next) => next,
            None => self.free_in(self.hour)?,
        };
        self.next = Some(sequence.saturating_add(1));
        Ok(SegmentName::new(self.hour, sequence))
    }

    /// The same for an hour that may be over.
    fn next_of(&mut self, hour: Hour) -> Result<SegmentName> {
        if hour == self.hour { self.next() } else { Ok(SegmentName::new(hour, self.free_in(hour)?)) }
    }

    /// Nothing came of this name.
    fn give_back(&mut self, name: &SegmentName) {
        if name.hour() == self.hour {
            self.next = Some(name.sequence());
        }
    }

    fn free_in(&self, hour: Hour) -> Result<u32> {
        let mut free = 0;
        for folder in &self.folders {
            let taken = match std::fs::read_dir(folder) {
                Ok(taken) => taken,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(folder, error)),
            };
            for entry in taken {
                let entry = entry.map_err(|error| failed(folder, error))?;
                let Some(name) = entry.file_name().to_str().and_then(name_in) else { continue };
                if name.hour() == hour {
                    free = free.max(name.sequence().saturating_add(1));
                }
            }
        }
        Ok(free)
    }
}

fn failed(folder: &Path, error: io::Error) -> SpoolError {
    SpoolError::io("list a folder of the spool", folder.to_path_buf(), error)
}

/// The segment that a file is, is to become, or says something about (such as its rejects).
fn name_in(file: &str) -> Option<SegmentName> {
    let end = file.find(SEGMENT)? + SEGMENT.len();
    SegmentName::parse(file.get(..end)?)
}

#[cfg(test)]
mod tests;
