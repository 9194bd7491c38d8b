//! A folder with a cache, and what tests do with it.

use std::path::{Path, PathBuf};

use conclave_cache::check::checks;
use conclave_cache::{Cache, CacheKey, CacheLimits, DiskCache, Found, OpenOptions};
use conclave_db::doctor::CheckState;
use tempfile::TempDir;

/// A folder that goes with the test.
pub(crate) struct Scratch {
    pub(crate) folder: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("cache.db")
    }
}

pub(crate) fn options(max_entries: u64, max_bytes: u64) -> OpenOptions {
    OpenOptions { limits: CacheLimits::new(max_entries, max_bytes).unwrap(), ..OpenOptions::default() }
}

pub(crate) fn open(file: &Path) -> DiskCache {
    DiskCache::open(file, OpenOptions::default()).unwrap()
}

pub(crate) fn key(name: &str) -> CacheKey {
    CacheKey::user(name).unwrap()
}

pub(crate) fn value_of(cache: &dyn Cache, key: &CacheKey) -> Option<Vec<u8>> {
    let mut value = None;
    let found = cache.get(key, &mut |bytes| value = Some(bytes.to_vec())).unwrap();
    assert_eq!(found == Found::Hit, value.is_some());
    value
}

/// Every check is well: the file is sound, all values are whole, the counters are right and within the limits.
pub(crate) fn assert_well(file: &Path, options: OpenOptions) {
    let checks = checks(file, options).unwrap();
    assert!(!checks.is_empty());
    // That there was a damaged file says nothing of the one that is there.
    let of_it = checks.iter().filter(|check| check.name != "put-aside");
    let unwell: Vec<_> = of_it.filter(|check| check.state != CheckState::Ok).collect();
    assert!(unwell.is_empty(), "{unwell:?}");
}
