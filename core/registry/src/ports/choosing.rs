//! Which port of a block an agent gets.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use conclave_db::WriteTx;

use super::{Block, Probe};
use crate::error::{RegistryError, Result};
use crate::store::taken;

/// What a port of a block is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortRole {
    /// `base + 0`.
    Dashboard,
    /// `base + 1`.
    Architect,
    /// `base + 10` to `base + 29`.
    Builder,
    /// `base + 30` to `base + 49`.
    Util,
    /// `base + 50` to `base + 69`.
    Annotation,
}

impl PortRole {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Architect => "architect",
            Self::Builder => "builder",
            Self::Util => "util",
            Self::Annotation => "annotation",
        }
    }

    /// Its ports, counted from the base of the block.
    const fn offsets(self) -> RangeInclusive<u16> {
        match self {
            Self::Dashboard => 0..=0,
            Self::Architect => 1..=1,
            Self::Builder => 10..=29,
            Self::Util => 30..=49,
            Self::Annotation => 50..=69,
        }
    }
}

/// How often ports on which somebody listens are looked at.
const LOOKS: u32 = 3;

/// The first free port for the role: no row of any of the four tables has it, and the probe says that nobody listens.
/// Inside the transaction that inserts the row.
pub(crate) fn choose(tx: &WriteTx<'_>, block: Block, role: PortRole, probe: &dyn Probe) -> Result<u16> {
    let taken: BTreeSet<u16> = taken::ports(tx, block.ports())?.into_iter().collect();
    // Whoever looks at a port has it for that moment, also one with a machine-wide file of its own, and the architect has
    // a single one: so those that are nobody's are looked at again.
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::yield_now();
        }
        for port in role.offsets().filter_map(|offset| block.base.checked_add(offset)) {
            if !taken.contains(&port) && probe.is_free(port)? {
                return Ok(port);
            }
        }
    }
    let all = role.offsets().count();
    Err(RegistryError::Exhausted {
        text: format!("no free {} port ({all} of {all} in use)", role.as_str()),
        hint: "`conclave stop ID` frees the port of an agent, `--no-port` starts one without",
    })
}

#[cfg(test)]
mod tests;
