//! What outlives the file: read from the old one while nobody can change it, and written into the new one before
//! that is put in its place. So it is carried over in the same replacement, or nothing is replaced.

use crate::error::DbError;
use crate::transaction::{ReadConn, WriteTx};

/// Takes something from the file that is replaced to the one that replaces it. It may also refuse the replacement.
///
/// First one of [`read`](Self::read) and [`lost`](Self::lost) is called, or `lost` after `read`. Then, where
/// [`is_needed`](Self::is_needed) says so, the new file is brought to the current schema and gets
/// [`write`](Self::write).
pub trait Carry {
    /// What it fails with. A failure ends the replacement before anything has changed.
    type Error: From<DbError>;

    /// Reads from the old file, which passed every check. It may have an older schema, or be another program's.
    fn read(&mut self, old: &ReadConn<'_>) -> Result<(), Self::Error>;

    /// There is no old file, or it is damaged or of a later version: nothing that stands in it can be relied on.
    fn lost(&mut self);

    /// Whether there is anything to be written into this file, which may have an older schema.
    fn is_needed(&self, new: &ReadConn<'_>) -> Result<bool, Self::Error>;

    /// Writes into the new file, which has the current schema by now. Has the same effect when it is called twice.
    fn write(&self, new: &WriteTx<'_>) -> Result<(), Self::Error>;
}

/// Nothing is carried over, and nothing is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Carry for Nothing {
    type Error = DbError;

    fn read(&mut self, _: &ReadConn<'_>) -> Result<(), DbError> {
        Ok(())
    }

    fn lost(&mut self) {}

    fn is_needed(&self, _: &ReadConn<'_>) -> Result<bool, DbError> {
        Ok(false)
    }

    fn write(&self, _: &WriteTx<'_>) -> Result<(), DbError> {
        Ok(())
    }
}
