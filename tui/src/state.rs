//! What a state file holds: the schemas of all crates below, put together once.

use conclave_db::{DbError, Schema};

/// The schema of `state.db`, and the legacy tables that a file may hold when it is taken over.
pub fn schema() -> Result<Schema, DbError> {
    Schema::assemble(
        &[conclave_consensus::MIGRATIONS, conclave_tasks::MIGRATIONS],
        conclave_consensus::LEGACY_TABLES,
    )
}
