//! What ours is measured against. Each does the same work, the way its users are told to.

pub(crate) mod held;
pub(crate) mod leases;
pub(crate) mod mutex;
pub(crate) mod plain;
pub(crate) mod pool;
pub(crate) mod postgres;
pub(crate) mod spool;
pub(crate) mod sqlx;
pub(crate) mod tasks;
