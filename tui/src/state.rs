//! What our files hold: the schemas of all crates below, put together once.

use conclave_db::{DbError, FIRST_VERSION, Migration, Schema};

/// The leases of a project's state.
const STATE_LEASES: &[Migration] = &[conclave_leases::migration(FIRST_VERSION + 4)];
/// The leases of the whole machine.
const GLOBAL_LEASES: &[Migration] = &[conclave_leases::migration(FIRST_VERSION + 1)];

/// The schema of `state.db`, and the legacy tables that a file may hold when it is taken over.
pub fn schema() -> Result<Schema, DbError> {
    Schema::assemble(
        &[
            conclave_consensus::MIGRATIONS,
            conclave_tasks::MIGRATIONS,
            conclave_registry::STATE_MIGRATIONS,
            STATE_LEASES,
            conclave_spool::STATE_MIGRATIONS,
        ],
        conclave_consensus::LEGACY_TABLES,
    )
}

/// The schema of `global.db`, which all projects of a machine share.
pub fn global_schema() -> Result<Schema, DbError> {
    Schema::assemble(
        &[conclave_registry::GLOBAL_MIGRATIONS, GLOBAL_LEASES, conclave_llm::GLOBAL_MIGRATIONS],
        &[],
    )
}
