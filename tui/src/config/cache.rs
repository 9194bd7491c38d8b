//! `[cache]`: how much the cache of parse results may hold.

use std::time::Duration;

use conclave_cache::{CacheLimits, OnLockTimeout};

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of the table.
pub(super) const KEYS: [&str; 4] = ["max_entries", "max_bytes", "lock_timeout", "on_lock_timeout"];

/// Bytes that it may be allowed to have: 1 TiB is beyond what one SQLite file is good for here.
const BYTES: std::ops::RangeInclusive<u64> = 1..=1 << 40;

/// What the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CacheSettings {
    /// Entries, at most.
    pub(crate) max_entries: Option<u32>,
    /// Bytes of values, at most.
    pub(crate) max_bytes: Option<u64>,
    /// How long the guard of the file's life is waited for.
    pub(crate) lock_timeout: Option<Duration>,
    /// `fail` or `bypass`.
    pub(crate) on_lock_timeout: Option<OnLockTimeout>,
}

impl CacheSettings {
    /// The other's where this one is silent.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            max_entries: self.max_entries.or(other.max_entries),
            max_bytes: self.max_bytes.or(other.max_bytes),
            lock_timeout: self.lock_timeout.or(other.lock_timeout),
            on_lock_timeout: self.on_lock_timeout.or(other.on_lock_timeout),
        }
    }

    /// The limits, checked.
    pub(crate) fn limits(&self) -> Result<CacheLimits, Failure> {
        let usual = CacheLimits::default();
        let entries = self.max_entries.map_or(usual.max_entries(), u64::from);
        Ok(CacheLimits::new(entries, self.max_bytes.unwrap_or(usual.max_bytes()))?)
    }
}

pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<CacheSettings, Failure> {
    let mut settings = CacheSettings::default();
    for (key, value) in reader.table("cache", value)? {
        match key.get_ref().as_ref() {
            "max_entries" => {
                settings.max_entries = Some(reader.number("cache.max_entries", value, 1..1_000_000_001)?);
            }
            "max_bytes" => {
                let bounds = (&BYTES, "1B to 1TiB");
                settings.max_bytes = Some(reader.bytes("cache.max_bytes", value, "100MiB", bounds)?);
            }
            "lock_timeout" => settings.lock_timeout = Some(reader.duration("cache.lock_timeout", value)?),
            "on_lock_timeout" => settings.on_lock_timeout = Some(on_lock_timeout(reader, value)?),
            other => return Err(reader.unknown(key.span(), "cache.", other, &KEYS)),
        }
    }
    Ok(settings)
}

fn on_lock_timeout(reader: &Reader<'_>, value: &Value<'_>) -> Result<OnLockTimeout, Failure> {
    let key = "cache.on_lock_timeout";
    match reader.text(key, value)?.as_str() {
        "fail" => Ok(OnLockTimeout::Fail),
        "bypass" => Ok(OnLockTimeout::Bypass),
        other => {
            let what = format!("{key}: wanted \"fail\" or \"bypass\", found {other:?}");
            Err(reader.refuse(&value.span(), &what))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use conclave_cache::OnLockTimeout;

    use super::CacheSettings;

    #[test]
    fn what_one_file_leaves_open_the_other_says() {
        let all = |number: u32, then| CacheSettings {
            max_entries: Some(number),
            max_bytes: Some(u64::from(number)),
            lock_timeout: Some(Duration::from_secs(u64::from(number))),
            on_lock_timeout: Some(then),
        };
        let (one, other) = (all(1, OnLockTimeout::Fail), all(2, OnLockTimeout::Bypass));
        assert_eq!(CacheSettings::default().or(other), other);
        assert_eq!(one.or(other), one);
    }

    #[test]
    fn the_limits_are_the_usual_ones_unless_said() {
        let limits = CacheSettings::default().limits().unwrap();
        assert_eq!((limits.max_entries(), limits.max_bytes()), (10_000, 100 << 20));
        let said = CacheSettings { max_entries: Some(3), max_bytes: Some(7), ..CacheSettings::default() };
        let limits = said.limits().unwrap();
        assert_eq!((limits.max_entries(), limits.max_bytes()), (3, 7));
    }
}
