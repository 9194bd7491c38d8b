//! Event streams of many agents on disk: compressed, imported into the state, and trimmed inside a quota.
//!
//! Each *monitor* has a folder. One writer at a time appends to a segment there, a gzip file that any program reads:
//! what came since the last *sync point* goes out as one member of its own, in one write, and is durable when the sync
//! point returns. So any prefix of whole members is a valid file, and `kill -9` costs what was not acknowledged. A
//! segment that is full, idle or of another hour is finalised: it gets its name, and no name is ever given twice.
//! The importer takes its events into the table `events`, and the file goes to `_done`, from where the quota may have it.
//!
//! What was written is always accounted for: written = pending + imported + quarantined + dropped ([`ledger`]).

pub mod advice;
mod catalogue;
pub mod drops;
mod error;
mod event;
mod flock;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod generate;
pub mod health;
pub mod import;
mod layout;
pub mod ledger;
mod monitor;
mod names;
mod notices;
mod options;
mod pressure;
pub mod quota;
pub mod recover;
mod spool;
mod store;
pub mod trim;
pub mod verify;
mod writer;

pub use self::error::{Result, SpoolError, SpoolErrorKind};
pub use self::layout::Layout;
pub use self::monitor::{MonitorName, Monitors, Priority};
pub use self::names::{Hour, SegmentName};
pub use self::options::SpoolOptions;
pub use self::quota::{Limits, QuotaState};
pub use self::spool::{Disk, Spool, SystemDisk};
pub use self::store::schema::STATE_MIGRATIONS;
pub use self::writer::{Finished, SpoolWriter};
