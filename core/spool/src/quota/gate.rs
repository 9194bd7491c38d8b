//! Who wants to write asks here.

use super::limits::Limits;
use super::state::Why;
use crate::error::Result;
use crate::spool::Shared;

/// Whether something may be written now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// At once.
    Go,
    /// After [`soft_delay`](crate::SpoolOptions::soft_delay), with no lock of this process held while waiting.
    Slowly,
    /// Not now.
    Hold(Why),
}

/// What is known of the quota in this process: the last look at the disk, and the state in force.
#[derive(Debug)]
pub(crate) struct Gate {
    #[expect(dead_code, reason = "skeleton")]
    limits: Limits,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Whether `incoming` bytes may be written (compressed, as far as that is known). Looks at the disk again where the
    /// last look is older than a second (half of one above the soft limit); a change of state is stored, told to the log
    /// once, and decided by what is finalised alone; `.part`, memory and `incoming` count for whether there is room.
    pub(crate) fn admit(&self, shared: &Shared, incoming: u64) -> Result<Admission> {
        let _ = (shared, incoming);
        todo!("s2")
    }

    /// Takes over what this process has just done, so that the next answer is right without a look: bytes of finalised
    /// segments, and of `.part`, that came (or went).
    pub(crate) fn moved(&self, finalised: i64, reserved: i64) {
        let _ = (finalised, reserved);
        todo!("s2")
    }
}
