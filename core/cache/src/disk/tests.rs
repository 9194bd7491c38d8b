use std::sync::atomic::AtomicU32;

use conclave_retry::ManualClock;
use tempfile::TempDir;

use super::*;
use crate::telemetry::CacheEvent;

#[derive(Debug, Default)]
struct Heard(AtomicU32);

impl CacheObserver for Heard {
    fn event(&self, backend: &'static str, event: &CacheEvent) {
        assert_eq!((backend, event), ("sqlite", &CacheEvent::CorruptionDetected));
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A folder with a cache, and time that stands still.
struct Scene {
    folder: TempDir,
    clock: ManualClock,
    heard: Arc<Heard>,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: ManualClock::new(), heard: Arc::default() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("cache.db")
    }

    fn options(&self, max_entries: u64, max_bytes: u64) -> OpenOptions {
        OpenOptions {
            limits: CacheLimits::new(max_entries, max_bytes).unwrap(),
            observer: Some(self.heard.clone()),
            clock: Arc::new(self.clock.clone()),
            sleeper: Arc::new(self.clock.clone()),
            ..OpenOptions::default()
        }
    }

    fn open_with(&self, max_entries: u64, max_bytes: u64) -> DiskCache {
        DiskCache::open(&self.file(), self.options(max_entries, max_bytes)).unwrap()
    }

    fn open(&self) -> DiskCache {
        self.open_with(10_000, 100 << 20)
    }
}

fn key(name: &str) -> CacheKey {
    CacheKey::user(name).unwrap()
}

fn value_of(cache: &DiskCache, key: &CacheKey) -> Option<Vec<u8>> {
    let mut value = None;
    let found = cache.get(key, &mut |bytes| value = Some(bytes.to_vec())).unwrap();
    assert_eq!(found == Found::Hit, value.is_some());
    value
}

fn evicted(put: Put) -> u64 {
    match put {
        Put::Stored { evicted } => evicted,
        Put::TooLarge => panic!("too large"),
    }
}

// cache C1, C2
#[test]
fn counters_count_lookups_and_are_seen_by_others() {
    let scene = Scene::new();
    let cache = scene.open();
    cache.put(&key("k"), b"value").unwrap();
    let Stats { entries, bytes, hits, misses, .. } = cache.stats().unwrap();
    assert_eq!((entries, bytes, hits, misses), (1, 5, 0, 0));
    for _ in 0..10 {
        assert_eq!(value_of(&cache, &key("k")).unwrap(), b"value");
    }
    for _ in 0..5 {
        assert_eq!(value_of(&cache, &key("absent")), None);
    }
    let own = cache.stats().unwrap();
    assert_eq!((own.entries, own.hits, own.misses, own.stale, own.errors), (1, 10, 5, 0, 0));
    drop(cache);
    let other = scene.open();
    assert_eq!(other.stats().unwrap(), own);
    other.reset_stats().unwrap();
    let reset = other.stats().unwrap();
    assert_eq!((reset.entries, reset.bytes, reset.hits, reset.misses), (1, 5, 0, 0));
}
