mod damage;

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

#[test]
fn what_is_reset_does_not_come_back_and_all_of_it_goes() {
    let scene = Scene::new();
    let cache = scene.open_with(1, 1000);
    let of = |content| CacheKey::symbols(Path::new("a"), &[content; 32], CacheKey::maker(1, 1));
    cache.put(&key("k"), b"value").unwrap();
    cache.put(&of(1), b"value").unwrap();
    conclave_db::foreign::run(&scene.file(), "UPDATE entries SET checksum = checksum + 1").unwrap();
    for key in [of(1), of(2), key("absent")] {
        assert_eq!(value_of(&cache, &key), None);
    }
    cache.put(&of(1), b"value").unwrap();
    assert!(value_of(&cache, &of(1)).is_some());
    let before = cache.stats().unwrap();
    let counted = [before.hits, before.misses, before.stale, before.errors, before.evictions];
    assert_eq!(counted, [1, 2, 1, 1, 1]);
    // The hit is still kept back at this moment.
    cache.reset_stats().unwrap();
    let reset = Stats { hits: 0, misses: 0, stale: 0, errors: 0, evictions: 0, ..before };
    assert_eq!(cache.stats().unwrap(), reset);
    drop(cache);
    assert_eq!(scene.open_with(1, 1000).stats().unwrap(), reset);
}

// cache C3
#[test]
fn what_is_too_large_changes_nothing() {
    let scene = Scene::new();
    let cache = scene.open_with(10, 100);
    cache.put(&key("k"), &[1; 100]).unwrap();
    assert_eq!(cache.put(&key("k"), &[2; 101]).unwrap(), Put::TooLarge);
    assert_eq!(cache.put(&key("other"), &[2; 200]).unwrap(), Put::TooLarge);
    assert_eq!(value_of(&cache, &key("k")).unwrap(), [1; 100]);
    assert_eq!(cache.stats().unwrap().entries, 1);
}

// cache C4
#[test]
fn limits_that_cannot_be_are_refused() {
    for (entries, bytes) in [(0, 1), (1, 0), (u64::MAX, 1), (1, u64::MAX)] {
        let error = CacheLimits::new(entries, bytes).unwrap_err();
        assert_eq!(error.kind(), crate::CacheErrorKind::Invalid);
    }
}

// cache C5
#[test]
fn one_too_many_takes_the_place_of_one() {
    let scene = Scene::new();
    let cache = scene.open_with(5, 10_000);
    for number in 0..6 {
        let gone = evicted(cache.put(&key(&number.to_string()), b"value").unwrap());
        assert_eq!(gone, u64::from(number == 5));
    }
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.bytes, stats.evictions), (5, 25, 1));
    assert_eq!(value_of(&cache, &key("0")), None);
    assert!((1..6).all(|number| value_of(&cache, &key(&number.to_string())).is_some()));
}

// cache C6
#[test]
fn a_value_in_its_own_place_needs_no_room_but_for_its_bytes() {
    let scene = Scene::new();
    let cache = scene.open_with(5, 1000);
    for number in 0..5 {
        cache.put(&key(&number.to_string()), &[0; 150]).unwrap();
    }
    for (size, bytes) in [(400, 1000), (10, 610), (10, 610), (150, 750)] {
        assert_eq!(evicted(cache.put(&key("0"), &vec![1; size]).unwrap()), 0);
        let stats = cache.stats().unwrap();
        assert_eq!((stats.entries, stats.bytes), (5, bytes));
    }
    // 302 bytes more: two of 150 have to go, those used least recently.
    cache.put(&key("0"), &[1; 400]).unwrap();
    assert_eq!(evicted(cache.put(&key("new"), &[1; 300]).unwrap()), 2);
    assert_eq!((value_of(&cache, &key("1")), value_of(&cache, &key("2"))), (None, None));
    assert_eq!(cache.stats().unwrap().bytes, 1000);
}

// cache C7
#[test]
fn what_was_read_stays_whatever_the_clock_says() {
    let scene = Scene::new();
    let cache = scene.open_with(3, 1000);
    for name in ["a", "b", "c"] {
        cache.put(&key(name), b"value").unwrap();
    }
    value_of(&cache, &key("a"));
    scene.clock.set_wall_ms(scene.clock.wall_ms() - 86_400_000);
    cache.put(&key("d"), b"value").unwrap();
    assert_eq!(value_of(&cache, &key("b")), None);
    assert!(["a", "c", "d"].iter().all(|name| value_of(&cache, &key(name)).is_some()));
}

#[test]
fn of_what_was_read_together_the_last_stays_longest() {
    let scene = Scene::new();
    let cache = scene.open_with(3, 1000);
    for name in ["a", "b", "c"] {
        cache.put(&key(name), b"value").unwrap();
    }
    for name in ["a", "b", "a"] {
        value_of(&cache, &key(name));
    }
    cache.put(&key("d"), b"value").unwrap();
    cache.put(&key("e"), b"value").unwrap();
    let left = ["a", "b", "c", "d", "e"].map(|name| value_of(&cache, &key(name)).is_some());
    assert_eq!(left, [true, false, false, true, true]);
}

// cache C12
#[test]
fn a_thousand_hits_cause_few_transactions() {
    let scene = Scene::new();
    let cache = scene.open();
    cache.put(&key("k"), b"value").unwrap();
    let before = cache.opened().db.metrics().commits;
    for _ in 0..999 {
        value_of(&cache, &key("k"));
    }
    assert_eq!(cache.opened().db.metrics().commits, before, "reads do not write");
    value_of(&cache, &key("k"));
    assert_eq!(cache.opened().db.metrics().commits, before + 1);
    value_of(&cache, &key("k"));
    scene.clock.advance(Duration::from_secs(5));
    value_of(&cache, &key("k"));
    assert_eq!(cache.opened().db.metrics().commits, before + 2);
}

// cache C13
#[test]
fn a_file_that_is_no_cache_is_put_aside_once_and_made_anew() {
    type Spoil = (&'static str, fn(&Path));
    let spoil: [Spoil; 5] = [
        ("random", |file| {
            let mut random = conclave_testkit::Random::new(7);
            let bytes: Vec<u8> = (0..2500).flat_map(|_| random.below(u64::MAX).to_le_bytes()).collect();
            std::fs::write(file, bytes).unwrap();
        }),
        ("cut", |file| std::fs::File::options().write(true).open(file).unwrap().set_len(4096).unwrap()),
        ("text", |file| std::fs::write(file, "SQLite format 2\0").unwrap()),
        ("another schema", |file| {
            std::fs::remove_file(file).unwrap();
            conclave_db::foreign::create(file, "CREATE TABLE theirs(x)").unwrap();
        }),
        ("another step", |file| {
            conclave_db::foreign::run(file, "UPDATE schema_migrations SET checksum = 'other'").unwrap();
        }),
    ];
    for (number, (what, spoil)) in (1..).zip(spoil) {
        let scene = Scene::new();
        let cache = scene.open();
        cache.put(&key("k"), b"value").unwrap();
        drop(cache);
        spoil(&scene.file());
        let cache = scene.open();
        assert_eq!(value_of(&cache, &key("k")), None, "{what}");
        cache.put(&key("k"), b"anew").unwrap();
        drop(cache);
        let cache = scene.open();
        assert_eq!(value_of(&cache, &key("k")).unwrap(), b"anew", "{what}");
        assert_eq!(scene.heard.0.load(Ordering::Relaxed), 1, "{what} {number}");
        assert_eq!(put_aside(&scene), 1, "{what}");
    }
}

fn put_aside(scene: &Scene) -> usize {
    let names = std::fs::read_dir(scene.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let is_one = |name: &std::ffi::OsStr| {
        let name = name.to_str().unwrap();
        name.starts_with("cache.db.corrupt-") && !name.ends_with("-wal")
    };
    names.filter(|name| is_one(name)).count()
}

// cache C13
#[test]
fn a_newer_file_stays_as_it_is() {
    let scene = Scene::new();
    drop(scene.open());
    conclave_db::foreign::run(&scene.file(), "PRAGMA user_version = 9999").unwrap();
    let error = DiskCache::open(&scene.file(), scene.options(1, 1)).unwrap_err();
    assert_eq!(error.kind(), crate::CacheErrorKind::Storage(ErrorKind::Newer));
    assert_eq!((put_aside(&scene), scene.heard.0.load(Ordering::Relaxed)), (0, 0));
}

// cache C13
#[test]
fn damage_that_shows_later_is_put_aside_too() {
    for reads in [true, false] {
        let scene = Scene::new();
        let cache = scene.open();
        for number in 0..100 {
            cache.put(&key(&number.to_string()), &[0; 5000]).unwrap();
        }
        drop(cache);
        damage_entries(&scene.file());
        let cache = scene.open();
        if reads {
            assert_eq!(value_of(&cache, &key("1")), None);
            assert_eq!(cache.stats().unwrap().errors, 1);
        } else {
            cache.put(&key("1"), b"value").unwrap();
        }
        assert_eq!((put_aside(&scene), scene.heard.0.load(Ordering::Relaxed)), (1, 1));
        cache.put(&key("1"), b"anew").unwrap();
        assert_eq!(value_of(&cache, &key("1")).unwrap(), b"anew");
        assert_eq!(cache.stats().unwrap().entries, 1);
    }
}

/// Each page in turn, whole or one bit of it: whatever was on it, nobody meets a failure or a wrong value, and at most one
/// file is put aside.
// cache C13
#[test]
fn damage_of_any_page_is_no_failure() {
    let scene = Scene::new();
    let cache = scene.open();
    let value = |number: u8| vec![number; 3000];
    for number in 0..20 {
        cache.put(&key(&number.to_string()), &value(number)).unwrap();
    }
    drop(cache);
    let sound = std::fs::read(scene.file()).unwrap();
    let pages = sound.len() / 4096;
    assert!(pages > 10 && !scene.folder.path().join("cache.db-wal").exists());
    for (page, whole) in (0..pages).flat_map(|page| [(page, true), (page, false)]) {
        let scene = Scene::new();
        let mut bytes = sound.clone();
        let damaged = &mut bytes[page * 4096..][..4096];
        if whole {
            damaged.fill(0xa5);
        } else {
            damaged[2048 + page] ^= 0x10;
        }
        std::fs::write(scene.file(), &bytes).unwrap();
        let cache = scene.open();
        for number in 0..20 {
            let key = key(&number.to_string());
            assert!(value_of(&cache, &key).is_none_or(|found| found == value(number)), "{page} {whole}");
            cache.put(&key, &value(number)).unwrap();
            assert_eq!(value_of(&cache, &key).unwrap(), value(number), "{page} {whole}");
        }
        cache.clear().unwrap();
        drop(cache);
        assert!(put_aside(&scene) <= 1, "{page} {whole}");
    }
}

/// `cache check --fix` is what a check of a damaged file advises, so none is left after it.
// cache C13
#[test]
fn damage_of_any_page_is_mended() {
    use conclave_db::doctor::CheckState;
    let scene = Scene::new();
    let cache = scene.open();
    for number in 0..20 {
        cache.put(&key(&number.to_string()), &[7; 3000]).unwrap();
    }
    drop(cache);
    let sound = std::fs::read(scene.file()).unwrap();
    for page in 0..sound.len() / 4096 {
        let scene = Scene::new();
        let mut bytes = sound.clone();
        bytes[page * 4096..][..4096].fill(0xa5);
        std::fs::write(scene.file(), &bytes).unwrap();
        scene.open().mend().unwrap();
        let checks = crate::check::checks(&scene.file(), scene.options(10_000, 100 << 20)).unwrap();
        let failed: Vec<_> = checks.iter().filter(|check| check.state == CheckState::Fail).collect();
        assert!(failed.is_empty(), "{page}: {failed:?}");
        assert!(put_aside(&scene) <= 1, "{page}");
    }
}

/// Both meet the same damage: the second finds the new file in its place, and lets it be.
// cache C13
#[test]
fn damage_that_two_meet_is_put_aside_once() {
    let scene = Scene::new();
    let cache = scene.open();
    for number in 0..100 {
        cache.put(&key(&number.to_string()), &[0; 5000]).unwrap();
    }
    drop(cache);
    damage_entries(&scene.file());
    let (one, other) = (scene.open(), scene.open());
    for cache in [&one, &other] {
        assert_eq!(value_of(cache, &key("1")), None);
        cache.put(&key("1"), b"anew").unwrap();
    }
    assert_eq!((put_aside(&scene), scene.heard.0.load(Ordering::Relaxed)), (1, 1));
    assert_eq!(value_of(&one, &key("1")).unwrap(), b"anew");
}

/// Damages the roots of the entries and their indexes, and leaves the schema as it is.
fn damage_entries(file: &Path) {
    use std::os::unix::fs::FileExt as _;
    let client = conclave_db::foreign::Client::open(file).unwrap();
    let roots = client.rows("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'entries'").unwrap();
    drop(client);
    let opened = std::fs::File::options().write(true).open(file).unwrap();
    for root in roots {
        let conclave_db::sql::Value::Integer(page) = root[0] else { panic!("a page has a number") };
        opened.write_all_at(&[0xa5; 4096], (page.cast_unsigned() - 1) * 4096).unwrap();
    }
}

// cache C14
#[test]
fn a_damaged_value_is_a_miss_and_is_replaced() {
    let scene = Scene::new();
    let cache = scene.open();
    for name in ["a", "b", "c"] {
        cache.put(&key(name), b"value").unwrap();
    }
    drop(cache);
    // Of the same length, so that only the checksum tells; and those of two entries exchanged.
    conclave_db::foreign::run(&scene.file(), "UPDATE entries SET value = x'7b62616421' WHERE seq = 1")
        .unwrap();
    let cache = scene.open();
    assert_eq!(value_of(&cache, &key("a")), None);
    assert_eq!(value_of(&cache, &key("b")).unwrap(), b"value");
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.hits, stats.misses, stats.errors), (3, 1, 1, 1));
    cache.put(&key("a"), b"anew").unwrap();
    assert_eq!(value_of(&cache, &key("a")).unwrap(), b"anew");
    assert_eq!(cache.stats().unwrap().errors, 1);
    drop(cache);
    // The value of another entry, whole, is no better.
    let exchange = "UPDATE entries SET (value, checksum) = (SELECT value, checksum FROM entries WHERE rowid = 2) WHERE rowid = 3";
    conclave_db::foreign::run(&scene.file(), exchange).unwrap();
    let cache = scene.open();
    assert_eq!(
        (value_of(&cache, &key("b")).unwrap(), value_of(&cache, &key("c"))),
        (b"value".to_vec(), None)
    );
}

// cache C16
#[test]
fn nothing_is_a_value_too() {
    let scene = Scene::new();
    let cache = scene.open();
    for value in ["", "null", "[]", "0", "\"\""] {
        cache.put(&key("k"), value.as_bytes()).unwrap();
        assert_eq!(value_of(&cache, &key("k")).unwrap(), value.as_bytes());
    }
    assert!(cache.delete(&key("k")).unwrap());
    assert!(!cache.delete(&key("k")).unwrap());
    assert_eq!(value_of(&cache, &key("k")), None);
    assert_eq!(cache.stats().unwrap().bytes, 0);
}

// cache C18
#[test]
fn what_an_older_maker_made_is_stale_and_goes() {
    let scene = Scene::new();
    let cache = scene.open();
    let of = |path: &str, kind, version| {
        CacheKey::symbols(Path::new(path), &[0; 32], CacheKey::maker(kind, version))
    };
    for path in ["a", "b", "c"] {
        cache.put(&of(path, 1, 1), b"old").unwrap();
    }
    cache.put(&of("other", 2, 1), b"other").unwrap();
    cache.put(&key("user"), b"user").unwrap();
    assert_eq!(cache.get(&of("a", 1, 2), &mut |_| unreachable!()).unwrap(), Found::Stale);
    assert_eq!(cache.get(&of("d", 1, 2), &mut |_| unreachable!()).unwrap(), Found::Miss);
    // The one it replaces goes with it.
    cache.put(&of("a", 1, 2), b"new").unwrap();
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.stale, stats.misses, stats.evictions), (5, 1, 1, 0));
    assert_eq!(cache.maintain().unwrap(), 2);
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.bytes, stats.evictions), (3, 12, 0));
    for (key, value) in [(of("a", 1, 2), "new"), (of("other", 2, 1), "other"), (key("user"), "user")] {
        assert_eq!(value_of(&cache, &key).unwrap(), value.as_bytes());
    }
    assert_eq!(cache.maintain().unwrap(), 0);
}

#[test]
fn what_another_kind_made_of_the_same_file_stays() {
    let scene = Scene::new();
    let cache = scene.open();
    let of = |kind, version| CacheKey::symbols(Path::new("a"), &[0; 32], CacheKey::maker(kind, version));
    for key in [of(1, 1), of(3, 1), of(2, 2)] {
        cache.put(&key, b"value").unwrap();
    }
    // An older program beside a newer one does not take away what is newer.
    cache.put(&of(2, 1), b"value").unwrap();
    assert_eq!(cache.stats().unwrap().entries, 4);
    assert!(value_of(&cache, &of(2, 2)).is_some());
    cache.put(&of(2, 3), b"value").unwrap();
    let left = [of(1, 1), of(3, 1), of(2, 1), of(2, 2), of(2, 3)].map(|key| value_of(&cache, &key).is_some());
    assert_eq!(left, [true, true, false, false, true]);
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.bytes), (3, 15));
}

#[test]
fn counters_that_are_wrong_are_put_right_where_there_is_no_room() {
    let scene = Scene::new();
    let cache = scene.open_with(5, 1000);
    for name in ["a", "b", "c"] {
        cache.put(&key(name), b"value").unwrap();
    }
    conclave_db::foreign::run(&scene.file(), "UPDATE counters SET entries = 99, bytes = 9999").unwrap();
    assert_eq!(evicted(cache.put(&key("d"), b"value").unwrap()), 3);
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.bytes), (1, 5));
    assert_eq!(value_of(&cache, &key("d")).unwrap(), b"value");
}

/// Room that nothing is in goes back, by clearing and by mending.
#[test]
fn what_goes_leaves_no_pages_behind() {
    for clears in [true, false] {
        let scene = Scene::new();
        let cache = scene.open();
        for number in 0..100 {
            cache.put(&key(&number.to_string()), &[7; 5000]).unwrap();
        }
        if clears {
            assert_eq!(cache.clear().unwrap(), 100);
        } else {
            drop(cache);
            assert_eq!(scene.open_with(1, 10_000).maintain().unwrap(), 99);
        }
        let client = conclave_db::foreign::Client::open(&scene.file()).unwrap();
        let rows = client.rows("SELECT freelist_count FROM pragma_freelist_count").unwrap();
        assert_eq!(rows, [[conclave_db::sql::Value::Integer(0)]], "clears: {clears}");
    }
}

#[test]
fn other_content_of_the_same_file_is_kept_beside() {
    let scene = Scene::new();
    let cache = scene.open();
    let of = |content| CacheKey::symbols(Path::new("a"), &[content; 32], CacheKey::maker(1, 1));
    cache.put(&of(1), b"1").unwrap();
    cache.put(&of(2), b"2").unwrap();
    assert_eq!(value_of(&cache, &of(1)).unwrap(), b"1");
    assert_eq!(cache.get(&of(3), &mut |_| {}).unwrap(), Found::Stale);
}

#[test]
fn lower_limits_count_from_the_next_pass_on() {
    let scene = Scene::new();
    let cache = scene.open();
    for number in 0..10 {
        cache.put(&key(&number.to_string()), b"value").unwrap();
    }
    drop(cache);
    let cache = scene.open_with(4, 1000);
    assert_eq!(cache.maintain().unwrap(), 6);
    assert_eq!(value_of(&cache, &key("9")).unwrap(), b"value");
    drop(cache);
    let cache = scene.open_with(2, 1000);
    assert_eq!(evicted(cache.put(&key("new"), b"value").unwrap()), 3);
    assert_eq!(cache.stats().unwrap().entries, 2);
}

#[test]
fn what_was_just_read_is_not_what_the_next_pass_takes() {
    let scene = Scene::new();
    let (small, large) = (scene.open_with(2, 1000), scene.open());
    for name in ["a", "b", "c"] {
        large.put(&key(name), b"value").unwrap();
    }
    assert!(value_of(&small, &key("a")).is_some());
    assert_eq!(small.maintain().unwrap(), 1);
    let left = ["a", "b", "c"].map(|name| value_of(&large, &key(name)).is_some());
    assert_eq!(left, [true, false, true]);
}

#[test]
fn a_file_that_was_deleted_is_noticed_by_reading_and_by_writing() {
    for (reads, writes) in [(true, true), (true, false), (false, false)] {
        let scene = Scene::new();
        let cache = scene.open();
        cache.put(&key("k"), b"value").unwrap();
        if reads {
            value_of(&cache, &key("k"));
        }
        std::fs::remove_file(scene.file()).unwrap();
        // From the file that is open, if a connection is.
        assert_eq!(value_of(&cache, &key("k")).is_some(), reads);
        if writes {
            cache.put(&key("new"), b"value").unwrap();
        } else {
            cache.flush().unwrap();
        }
        assert!(scene.file().exists());
        assert_eq!(value_of(&cache, &key("k")), None);
        drop(cache);
        let entries = scene.open().stats().unwrap().entries;
        assert_eq!(entries, u64::from(writes));
    }
}

#[test]
fn a_file_that_was_deleted_is_noticed_with_nothing_to_write_down() {
    let scene = Scene::new();
    let cache = scene.open();
    std::fs::remove_file(scene.file()).unwrap();
    cache.flush().unwrap();
    assert!(scene.file().exists());
}

#[test]
fn a_folder_that_is_made_for_it_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    let folder = scene.folder.path().join("a/b");
    drop(DiskCache::open(&folder.join("cache.db"), scene.options(1, 1)).unwrap());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("cache.db"))), (0o700, 0o600));
}

/// As the specification has them.
#[test]
fn without_settings_the_usual_limits_are_in_force() {
    let usual = OpenOptions::default();
    assert_eq!((usual.limits.max_entries(), usual.limits.max_bytes()), (10_000, 100 << 20));
    assert_eq!(usual.lock_timeout, Duration::from_secs(5));
    assert_eq!(OnLockTimeout::default(), OnLockTimeout::Fail);
}

// cache C24
#[test]
fn to_be_read_only_nothing_is_made_and_nothing_counted() {
    let scene = Scene::new();
    let open = || DiskCache::open_read_only(&scene.file(), scene.options(10, 1000)).unwrap();
    assert!(open().is_none());
    assert_eq!(std::fs::read_dir(scene.folder.path()).unwrap().count(), 0);
    let cache = scene.open();
    cache.put(&key("k"), b"value").unwrap();
    drop(cache);
    let cache = open().unwrap();
    assert_eq!(value_of(&cache, &key("k")).unwrap(), b"value");
    cache.put(&key("new"), b"value").unwrap_err();
    cache.flush().unwrap();
    drop(cache);
    assert_eq!(scene.open().stats().unwrap().hits, 0);
}

#[test]
fn to_be_read_only_a_damaged_file_stays_as_it_is() {
    let scene = Scene::new();
    std::fs::write(scene.file(), "no database").unwrap();
    DiskCache::open_read_only(&scene.file(), scene.options(10, 1000)).unwrap_err();
    assert_eq!(put_aside(&scene), 0);
}

#[test]
fn to_be_read_only_damage_that_shows_later_stays_as_it_is() {
    let scene = Scene::new();
    let cache = scene.open();
    for number in 0..100 {
        cache.put(&key(&number.to_string()), &[0; 5000]).unwrap();
    }
    drop(cache);
    damage_entries(&scene.file());
    let damaged = std::fs::read(scene.file()).unwrap();
    let cache = DiskCache::open_read_only(&scene.file(), scene.options(10, 1000)).unwrap().unwrap();
    cache.get(&key("1"), &mut |_| unreachable!()).unwrap_err();
    cache.put(&key("1"), b"value").unwrap_err();
    cache.maintain().unwrap_err();
    drop(cache);
    assert_eq!((put_aside(&scene), scene.heard.0.load(Ordering::Relaxed)), (0, 0));
    assert_eq!(std::fs::read(scene.file()).unwrap(), damaged);
}

// cache C22
#[test]
fn in_a_folder_that_cannot_be_written_reads_work() {
    let fill = |folder: &Path| {
        let cache = DiskCache::open(&folder.join("cache.db"), OpenOptions::default()).unwrap();
        cache.put(&key("k"), b"value").unwrap();
    };
    let Some(folder) = conclave_testkit::UnwritableFolder::filled(fill) else { return };
    let file = folder.path().join("cache.db");
    let cache = DiskCache::open(&file, OpenOptions::default()).unwrap();
    assert_eq!(value_of(&cache, &key("k")).unwrap(), b"value");
    assert_eq!(value_of(&cache, &key("absent")), None);
    for _ in 0..2 {
        let error = cache.put(&key("new"), b"value").unwrap_err();
        assert_eq!(error.kind(), crate::CacheErrorKind::Storage(ErrorKind::ReadOnly));
    }
    cache.flush().unwrap();
    DiskCache::open(&folder.path().join("other.db"), OpenOptions::default()).unwrap_err();
}
