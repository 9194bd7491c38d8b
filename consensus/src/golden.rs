//! The golden fixture: a legacy database of 14 rows that holds every trap of real ones.

use std::path::Path;

use crate::error::Result;

/// Writes the fixture as a legacy database file, which must not exist yet. For the demo and for tests.
/// Synced when this returns.
pub fn write_legacy_fixture(path: &Path) -> Result<()> {
    Ok(conclave_db::foreign::create(path, include_str!("store/golden.sql"))?)
}
