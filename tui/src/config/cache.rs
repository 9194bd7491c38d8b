//! `[cache]`: how much the cache of parse results may hold.

use std::time::Duration;

use conclave_cache::{CacheLimits, OnLockTimeout};

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of the table.
pub(super) const KEYS: [&str; 4] = ["max_entries", "max_bytes", "lock_timeout", "on_lock_timeout"];

/// What the table says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CacheSettings {
    /// How long the guard of the file's life is waited for.
    pub(crate) lock_timeout: Option<Duration>,
    /// `fail` or `bypass`.
    pub(crate) on_lock_timeout: Option<OnLockTimeout>,
}

impl CacheSettings {
    /// The other's where this one is silent.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            lock_timeout: self.lock_timeout.or(other.lock_timeout),
            on_lock_timeout: self.on_lock_timeout.or(other.on_lock_timeout),
        }
    }

    /// The limits, checked.
    pub(crate) fn limits(&self) -> Result<CacheLimits, Failure> {
        todo!("c2")
    }
}

pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<CacheSettings, Failure> {
    let mut settings = CacheSettings::default();
    for (key, value) in reader.table("cache", value)? {
        match key.get_ref().as_ref() {
            "lock_timeout" => settings.lock_timeout = Some(reader.duration("cache.lock_timeout", value)?),
            other => return Err(reader.unknown(key.span(), "cache.", other, &KEYS)),
        }
    }
    Ok(settings)
}
