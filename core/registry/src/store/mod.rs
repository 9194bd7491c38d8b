//! The SQL of this crate.

pub(crate) mod schema;
pub(crate) mod worktrees;
