//! Who runs where: architects, builders, utils and annotations, their ports, their processes and their worktrees.
//!
//! Two files: what belongs to a project stands in its `state.db` ([`agents`], [`worktree`]), what belongs to the machine,
//! the blocks of ports, in `global.db` ([`ports`]). Whether an agent lives is never stored: it is computed from the
//! process that its row names.

pub mod agents;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod health;
pub mod import;
pub mod ports;
mod store;
pub mod supervise;
mod time;
mod words;
pub mod worktree;

pub use self::error::{RegistryError, RegistryErrorKind, Result};
pub use self::store::schema::{GLOBAL_MIGRATIONS, STATE_MIGRATIONS};
