//! Export: the bytes of every record, one line each.

use std::io::Write;
use std::path::Path;

use conclave_db::Db;

use crate::error::Result;

/// The order of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Headers, then by id (bytewise), records without one last in the order of their file.
    #[default]
    Id,
    /// As they were read; new ones last.
    File,
}

/// How to export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// The order.
    pub order: Order,
    /// Also over a file that holds what the store lacks.
    pub force: bool,
}

/// What was exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// Lines.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Writes all records, of one snapshot.
pub fn export(db: &Db, order: Order, out: &mut dyn Write) -> Result<Exported> {
    let _ = (db, order, out);
    todo!("B4")
}

/// Replaces a file by all records. Refused where the file holds an id that the store lacks, or lines that cannot be
/// read, unless forced. When it returns, the file is durable; it is never torn.
pub fn export_to_file(db: &Db, path: &Path, options: ExportOptions) -> Result<Exported> {
    let _ = (db, path, options);
    todo!("B4")
}
