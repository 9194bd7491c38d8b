//! A content-addressed cache that all processes of a project share, and the symbols of source files through it.
//!
//! A key holds the BLAKE3 hash of the content that the value was made of, so no entry is ever wrong for its key: what
//! changed has another key. Every lookup reads the file, since neither size nor time nor inode say that it is the same.
//!
//! The cache may be lost at any time, and nothing is lost with it: a file that is corrupt is put aside and rebuilt. Reads
//! never write; when they were is kept in memory and written now and then, many at once.

mod cache;
pub mod check;
mod codec;
mod disk;
mod error;
mod flight;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod key;
mod limits;
mod lookup;
mod memory;
mod recency;
mod store;
pub mod symbols;
mod telemetry;

pub use self::cache::{Cache, Found, Put, Stats};
pub use self::codec::{SymbolsView, encode};
pub use self::disk::{DiskCache, OnLockTimeout, OpenOptions};
pub use self::error::{CacheError, CacheErrorKind, Result};
pub use self::flight::get_or_compute;
pub use self::key::CacheKey;
pub use self::limits::CacheLimits;
pub use self::lookup::{CacheStatus, Looked, Lookup};
pub use self::memory::MemoryCache;
pub use self::symbols::{Language, Symbol, SymbolKind};
pub use self::telemetry::{CacheEvent, CacheObserver, Telemetry};
