//! What was done to the files of a folder, in order.

use std::sync::Arc;

/// A recording may hold so many bytes of content; a workload that writes more is no small workload.
const MOST: usize = 256 << 20;

/// One thing that happened. Files are numbered: a name may come to mean another file.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A file that was there when SQLite first opened it.
    Found {
        file: usize,
        name: Arc<str>,
        bytes: Vec<u8>,
    },
    Created {
        file: usize,
        name: Arc<str>,
    },
    Write {
        file: usize,
        at: usize,
        bytes: Box<[u8]>,
    },
    Truncate {
        file: usize,
        size: usize,
    },
    /// `folder`: the names in the folder are durable too.
    Sync {
        file: usize,
        folder: bool,
    },
    SyncFailed {
        file: usize,
    },
    Deleted {
        name: Arc<str>,
    },
    FolderSync,
    Mark(Arc<str>),
}

/// What happened in a watched folder, to be cut anywhere.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    pub(super) events: Vec<Event>,
    bytes: usize,
}

impl Recording {
    /// Points at which it can be cut, without the one before everything.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// All marks, in order.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        self.events.iter().filter_map(|event| match event {
            Event::Mark(text) => Some(&**text),
            _ => None,
        })
    }

    pub(super) fn push(&mut self, event: Event) {
        self.bytes += match &event {
            Event::Found { bytes, .. } => bytes.len(),
            Event::Write { bytes, .. } => bytes.len(),
            _ => 0,
        };
        self.events.push(event);
    }

    /// Content is dropped where there is too much of it; then a cut would lie.
    pub(super) fn is_whole(&self) -> bool {
        self.bytes <= MOST
    }
}
