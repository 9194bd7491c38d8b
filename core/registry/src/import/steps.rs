//! The steps of an import, for tests that end the process at one of them.

use std::fmt;
use std::sync::Arc;

/// A step that has just been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The file was read and understood.
    Read,
    /// Rows and marker stand in the transaction, which is not committed.
    Inserted,
    /// The transaction is durable.
    Committed,
    /// A copy of the file is durable, under a temporary name.
    Copied,
    /// The copy has its name, durably.
    Kept,
    /// That name stands in the marker.
    Noted,
    /// The file is gone, durably.
    Removed,
    /// The marker says so.
    Archived,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Inserted,
        Self::Committed,
        Self::Copied,
        Self::Kept,
        Self::Noted,
        Self::Removed,
        Self::Archived,
    ];
}

/// Is told of each step; nobody by default.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<dyn Fn(Step) + Send + Sync>>);

impl Observer {
    /// One that this is called by.
    pub fn new(call: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(call)))
    }

    pub(super) fn at(&self, step: Step) {
        if let Some(call) = &self.0 {
            call(step);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Observer(..)" } else { "Observer" })
    }
}
