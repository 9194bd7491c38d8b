//! The SQL of this crate.

pub(crate) mod agents;
pub(crate) mod blocks;
pub(crate) mod checking;
pub(crate) mod imports;
pub(crate) mod schema;
pub(crate) mod taken;
pub(crate) mod worktrees;
