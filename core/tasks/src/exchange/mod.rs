//! Files of records: in, out, and both ways.

pub(crate) mod atomic;
mod export;
mod import;
mod lines;
mod order;
mod quarantine;
mod sync;

pub use atomic::replace_file;
pub use export::{ExportOptions, Exported, export, export_to_file};
pub use import::{ImportOptions, ImportReport, import};
pub use lines::{BadLine, Limits, Lines, read_file, read_lines};
pub use order::Order;
pub(crate) use order::{Ranked, arrange, join, rank};
pub use quarantine::{Kept, keep};
pub use sync::{SyncOptions, SyncReport, sync};
