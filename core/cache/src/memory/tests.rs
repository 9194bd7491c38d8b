use super::*;

fn cache(max_entries: u64, max_bytes: u64) -> MemoryCache {
    MemoryCache::new(CacheLimits::new(max_entries, max_bytes).unwrap())
}

fn key(number: u64) -> CacheKey {
    CacheKey::user(&number.to_string()).unwrap()
}

fn is_there(cache: &MemoryCache, number: u64) -> bool {
    cache.get(&key(number), &mut |_| {}).unwrap() == Found::Hit
}

// cache C3
#[test]
fn what_is_too_large_changes_nothing() {
    let cache = cache(10, 100);
    cache.put(&key(1), &[1; 100]).unwrap();
    assert_eq!(cache.put(&key(1), &[2; 101]).unwrap(), Put::TooLarge);
    let mut value = Vec::new();
    cache.get(&key(1), &mut |bytes| value = bytes.to_vec()).unwrap();
    assert_eq!(value, [1; 100]);
}

// cache C5, C6
#[test]
fn limits_are_reached_and_never_exceeded() {
    for (max_entries, max_bytes) in [(5, 10_000), (1000, 500), (5, 500), (3, u32::MAX.into()), (1, 1)] {
        let cache = cache(max_entries, max_bytes);
        let size = 100.min(max_bytes);
        let most = max_entries.min(max_bytes / size);
        for number in 0..20 {
            cache.put(&key(number), &vec![0; size as usize]).unwrap();
            let stats = cache.stats().unwrap();
            assert_eq!(stats.entries, most.min(number + 1), "{max_entries} {max_bytes}");
            assert_eq!(stats.bytes, stats.entries * size);
        }
        assert_eq!(cache.stats().unwrap().evictions, 20 - most);
        // In place of itself: others stay, whatever size it gets.
        let kept = (0..20).find(|number| is_there(&cache, *number)).unwrap();
        for size in [size, size / 2, size] {
            cache.put(&key(kept), &vec![1; size as usize]).unwrap();
            let stats = cache.stats().unwrap();
            assert_eq!(stats.entries, most);
            assert_eq!(stats.bytes, (most - 1) * 100.min(max_bytes) + size);
        }
    }
}

// cache C28
#[test]
fn a_scan_does_not_wash_away_what_is_needed() {
    let cache = cache(1000, 1 << 30);
    let (mut asked, mut found) = (0, 0);
    for scanned in 0..100_000 {
        if scanned % 10 == 0 {
            let hot = 1_000_000 + scanned / 10 % 100;
            asked += 1;
            if is_there(&cache, hot) {
                found += 1;
            } else {
                cache.put(&key(hot), b"hot").unwrap();
            }
        }
        if !is_there(&cache, scanned) {
            cache.put(&key(scanned), b"once").unwrap();
        }
    }
    assert!(found * 10 >= asked * 9, "{found} of {asked}");
}

#[test]
fn what_is_about_the_same_is_stale_until_it_goes() {
    let cache = cache(2, 1000);
    let of = |path: &str, content: u8| CacheKey::symbols(path.as_ref(), &[content; 32], 1);
    let look = |key: &CacheKey| cache.get(key, &mut |_| {}).unwrap();
    cache.put(&of("a", 1), b"1").unwrap();
    cache.put(&of("a", 1), b"again").unwrap();
    assert_eq!(
        [look(&of("a", 1)), look(&of("a", 2)), look(&of("b", 1))],
        [Found::Hit, Found::Stale, Found::Miss]
    );
    assert!(cache.delete(&of("a", 1)).unwrap());
    assert!(!cache.delete(&of("a", 1)).unwrap());
    assert_eq!(look(&of("a", 2)), Found::Miss);
    cache.put(&of("a", 1), b"1").unwrap();
    assert_eq!(cache.clear().unwrap(), 1);
    assert_eq!(look(&of("a", 2)), Found::Miss);
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.bytes, stats.hits, stats.misses, stats.stale), (0, 0, 1, 3, 1));
    cache.reset_stats().unwrap();
    assert_eq!(cache.stats().unwrap().misses, 0);
}

// cache C16
#[test]
fn nothing_is_a_value_too() {
    let cache = cache(2, 1000);
    cache.put(&key(1), b"").unwrap();
    assert!(is_there(&cache, 1) && !is_there(&cache, 2));
}
