//! The golden fixture: a legacy database of 14 rows that holds every trap of real ones.

use std::path::Path;

use crate::error::{ConsensusError, Result};

/// Writes the fixture as a legacy database file, which must not exist yet. For the demo and for tests.
pub fn write_legacy_fixture(_path: &Path) -> Result<()> {
    Err(ConsensusError::Invalid("not built yet".into()))
}
