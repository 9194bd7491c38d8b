use std::path::PathBuf;

use conclave_db::doctor::CheckState;
use conclave_db::foreign;

use super::*;
use crate::cache::Cache as _;
use crate::disk::DiskCache;
use crate::key::CacheKey;

fn options(max_entries: u64) -> OpenOptions {
    OpenOptions { limits: CacheLimits::new(max_entries, 1000).unwrap(), ..OpenOptions::default() }
}

/// A folder with a cache of three entries.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let cache = DiskCache::open(&file, options(10)).unwrap();
    for name in ["a", "b", "c"] {
        cache.put(&CacheKey::user(name).unwrap(), b"value").unwrap();
    }
    (folder, file)
}

/// The names of the checks that are not well, without those of the folder's rights.
fn unwell(file: &Path, max_entries: u64) -> Vec<(&'static str, CheckState)> {
    let checks = checks(file, options(max_entries)).unwrap();
    let unwell = checks.iter().filter(|check| check.state != CheckState::Ok);
    unwell.map(|check| (check.name, check.state)).collect()
}

#[test]
fn a_sound_cache_is_well_and_a_missing_one_has_no_checks() {
    let (folder, file) = place();
    assert_eq!(unwell(&file, 10), []);
    assert_eq!(checks(&file, options(10)).unwrap().len(), 6);
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(checks(&folder.path().join("other.db"), options(10)).unwrap(), []);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
}

#[test]
fn what_is_wrong_is_named_and_mended() {
    let (_folder, file) = place();
    foreign::run(&file, "UPDATE entries SET value = x'7b62616421' WHERE seq = 1").unwrap();
    assert_eq!(unwell(&file, 10), [("values", CheckState::Warn)]);
    foreign::run(&file, "UPDATE counters SET bytes = 7").unwrap();
    assert_eq!(
        unwell(&file, 2),
        [("values", CheckState::Warn), ("counters", CheckState::Fail), ("limits", CheckState::Warn)]
    );
    assert_eq!(DiskCache::open(&file, options(2)).unwrap().maintain().unwrap(), 1);
    assert_eq!(unwell(&file, 2), []);
}

/// There is no backup of a cache: the advice is what makes a new one.
#[test]
fn damage_behind_the_first_page_is_named_and_mended() {
    use std::os::unix::fs::FileExt as _;
    let (_folder, file) = place();
    std::fs::File::options().write(true).open(&file).unwrap().write_all_at(&[0xa5; 4096], 4096).unwrap();
    let found = checks(&file, options(10)).unwrap();
    let integrity = found.iter().find(|check| check.name == "integrity").unwrap();
    assert_eq!(
        (integrity.state, integrity.advice.as_deref()),
        (CheckState::Fail, Some(BEGIN_ANEW)),
        "{integrity:?}"
    );
    DiskCache::open(&file, options(10)).unwrap().mend().unwrap();
    // What was put aside is told, until `cache clear`.
    assert_eq!(unwell(&file, 10), [("put-aside", CheckState::Warn)]);
}

#[test]
fn what_is_no_cache_fails_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let bytes = vec![7; 20_000];
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(unwell(&file, 10), [("integrity", CheckState::Fail)]);
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}
