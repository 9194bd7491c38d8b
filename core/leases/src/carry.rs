//! Fences outlive the file that they stand in: a reset and a restore take the larger numbers of both files.

/// What `conclave_db::backup::restore` and `reset` carry over.
#[derive(Debug, Clone, Copy, Default)]
pub struct FenceCarry;
