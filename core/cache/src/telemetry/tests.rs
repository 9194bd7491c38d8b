use std::sync::Mutex;

use super::*;
use crate::error::CacheError;
use crate::limits::CacheLimits;
use crate::memory::MemoryCache;

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<(&'static str, CacheEvent)>>);

impl CacheObserver for Heard {
    fn event(&self, backend: &'static str, event: &CacheEvent) {
        self.0.lock().unwrap().push((backend, event.clone()));
    }
}

impl Heard {
    fn names(&self) -> Vec<&'static str> {
        let heard = std::mem::take(&mut *self.0.lock().unwrap());
        assert!(heard.iter().all(|(backend, _)| *backend == "memory"));
        heard.into_iter().map(|(_, event)| event.name()).collect()
    }
}

#[test]
fn each_operation_is_told_once_with_what_came_of_it() {
    let heard = Arc::new(Heard::default());
    let cache = Telemetry::new(MemoryCache::new(CacheLimits::default()), "memory", heard.clone());
    let of = |content| CacheKey::symbols("a".as_ref(), &[content; 32], 1);
    cache.get(&of(1), &mut |_| {}).unwrap();
    cache.put(&of(1), b"x").unwrap();
    cache.get(&of(1), &mut |_| {}).unwrap();
    cache.get(&of(2), &mut |_| {}).unwrap();
    assert_eq!(heard.0.lock().unwrap()[3].1, CacheEvent::Miss { stale: true });
    cache.delete(&of(1)).unwrap();
    cache.clear().unwrap();
    cache.stats().unwrap();
    cache.flush().unwrap();
    cache.reset_stats().unwrap();
    let names = ["miss", "write", "hit", "miss", "delete", "clear"].map(|name| format!("ast.cache.{name}"));
    assert_eq!(heard.names(), names);
}

#[derive(Debug)]
struct Broken;

impl Cache for Broken {
    fn get(&self, _: &CacheKey, _: &mut dyn FnMut(&[u8])) -> Result<Found> {
        Err(CacheError::Compute("broken".to_owned()))
    }

    fn put(&self, _: &CacheKey, _: &[u8]) -> Result<Put> {
        Err(CacheError::Compute("broken".to_owned()))
    }

    fn delete(&self, _: &CacheKey) -> Result<bool> {
        Err(CacheError::Compute("broken".to_owned()))
    }

    fn clear(&self) -> Result<u64> {
        Err(CacheError::Compute("broken".to_owned()))
    }

    fn stats(&self) -> Result<Stats> {
        Err(CacheError::Compute("broken".to_owned()))
    }

    fn reset_stats(&self) -> Result<()> {
        Err(CacheError::Compute("broken".to_owned()))
    }

    fn flush(&self) -> Result<()> {
        Err(CacheError::Compute("broken".to_owned()))
    }
}

#[test]
fn a_failure_is_told_as_one_with_its_kind() {
    let heard = Arc::new(Heard::default());
    let cache = Telemetry::new(Broken, "memory", heard.clone());
    let key = CacheKey::user("k").unwrap();
    cache.get(&key, &mut |_| {}).unwrap_err();
    cache.put(&key, b"").unwrap_err();
    cache.delete(&key).unwrap_err();
    cache.clear().unwrap_err();
    cache.stats().unwrap_err();
    cache.reset_stats().unwrap_err();
    cache.flush().unwrap_err();
    assert_eq!(heard.0.lock().unwrap()[0].1, CacheEvent::Error { kind: "compute" });
    assert_eq!(heard.names(), ["ast.cache.error"; 7]);
}
