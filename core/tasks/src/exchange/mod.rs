//! Files of records: in, out, and both ways.

mod atomic;
mod export;
mod import;
mod lines;
mod quarantine;
mod sync;

pub use export::{ExportOptions, Exported, Order, export, export_to_file};
pub use import::{ImportOptions, ImportReport, import};
pub use lines::{BadLine, Limits, Lines, read_file, read_lines};
pub use quarantine::{Kept, keep};
pub use sync::{SyncOptions, SyncReport, sync};
