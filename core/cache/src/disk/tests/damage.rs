//! What becomes of files whose marks are right and that are no caches all the same.

use conclave_db::foreign;

use super::*;

/// A cache with three entries, spoiled.
fn spoiled(sql: &str) -> Scene {
    let scene = Scene::new();
    let cache = scene.open();
    for name in ["a", "b", "c"] {
        cache.put(&key(name), b"value").unwrap();
    }
    drop(cache);
    foreign::run(&scene.file(), sql).unwrap();
    scene
}

/// A file with the marks of a cache that was made by other means.
fn made_by_hand(sql: &str) -> Scene {
    let scene = Scene::new();
    let id = conclave_db::APPLICATION_ID;
    foreign::create(&scene.file(), &format!("PRAGMA application_id = {id}; {sql}")).unwrap();
    scene
}

fn is_new_and_works(scene: &Scene, what: &str) {
    assert_eq!((put_aside(scene), scene.heard.0.load(Ordering::Relaxed)), (1, 1), "{what}");
    let cache = scene.open();
    cache.put(&key("new"), b"value").unwrap();
    assert_eq!(value_of(&cache, &key("new")).unwrap(), b"value", "{what}");
    let tables = cache.opened().db.read(|conn| {
        conn.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    assert_eq!(tables.unwrap(), 3, "{what}");
    drop(cache);
    assert_eq!(put_aside(scene), 1, "{what}");
}

// cache C13
#[test]
fn tables_that_are_missing_or_none_of_ours_are_damage_to_whoever_meets_them_first() {
    type Use = (&'static str, fn(&DiskCache));
    let uses: [Use; 5] = [
        ("get", |cache| assert_eq!(value_of(cache, &key("a")), None)),
        ("put", |cache| assert!(cache.put(&key("new"), b"value").is_ok())),
        ("maintain", |cache| assert!(cache.maintain().is_ok())),
        ("mend", |cache| assert!(cache.mend().is_ok())),
        ("clear", |cache| assert!(cache.clear().is_ok())),
    ];
    for spoil in
        ["DROP TABLE entries", "ALTER TABLE entries RENAME COLUMN hash TO key", "DROP TABLE counters"]
    {
        for (name, used) in uses {
            // A key is looked up without the counters, and all entries are taken out whatever their columns are.
            if name == "get" && spoil.ends_with("counters") || name == "clear" && spoil.starts_with("ALTER") {
                continue;
            }
            let scene = spoiled(spoil);
            let cache = scene.open();
            used(&cache);
            // `clear` takes away what was put aside.
            assert_eq!(put_aside(&scene), usize::from(name != "clear"), "{spoil} {name}");
            assert_eq!(cache.put_aside().len(), 1, "{spoil} {name}");
            drop(cache);
            if name != "clear" {
                is_new_and_works(&scene, spoil);
            }
        }
    }
}

// cache C13
#[test]
fn marks_of_ours_on_tables_of_others_are_put_aside_and_not_taken_over() {
    for (version, tables) in [
        (50, "CREATE TABLE theirs(x)"),
        (0, "CREATE TABLE theirs(x)"),
        (100, "CREATE TABLE entries(a); CREATE TABLE counters(b)"),
    ] {
        let scene = made_by_hand(&format!("PRAGMA user_version = {version}; {tables};"));
        drop(scene.open());
        is_new_and_works(&scene, tables);
    }
}

#[test]
fn counters_that_are_missing_or_cannot_be_are_put_right_and_nothing_is_lost() {
    let spoil = [
        "DELETE FROM counters",
        "UPDATE counters SET entries = -3, bytes = -1, hits = -5",
        "UPDATE counters SET seq = 9223372036854775807",
        "UPDATE counters SET seq = -7",
        "UPDATE counters SET hits = 9223372036854775807, evictions = 9223372036854775807",
    ];
    for sql in spoil {
        // A put alone works, and what it counts on is right.
        let scene = spoiled(sql);
        let cache = scene.open_with(3, 1000);
        cache.stats().unwrap();
        assert_eq!(value_of(&cache, &key("a")).unwrap(), b"value", "{sql}");
        cache.put(&key("d"), b"value").unwrap();
        assert!(cache.delete(&key("d")).unwrap());
        cache.maintain().unwrap();
        assert!(value_of(&cache, &key("a")).is_some(), "{sql}");
        drop(cache);
        is_well(&scene, sql);

        let scene = spoiled(sql);
        let cache = scene.open();
        assert!(cache.delete(&key("c")).unwrap(), "{sql}");
        assert_eq!(cache.clear().unwrap(), 2, "{sql}");
        drop(cache);

        // And so does the pass alone.
        let scene = spoiled(sql);
        let cache = scene.open();
        assert_eq!(cache.mend().unwrap(), 0, "{sql}");
        assert_eq!(cache.stats().unwrap().entries, 3, "{sql}");
        drop(cache);
        is_well(&scene, sql);
        assert_eq!(put_aside(&scene), 0, "{sql}");
    }
}

fn is_well(scene: &Scene, what: &str) {
    let checks = crate::check::checks(&scene.file(), scene.options(10, 1000)).unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check.state != doctor::CheckState::Ok).collect();
    assert!(failed.is_empty(), "{what}: {failed:?}");
}

#[test]
fn uses_that_are_numbered_anew_stay_in_order() {
    let scene = spoiled("UPDATE counters SET seq = 9223372036854775807");
    let cache = scene.open_with(3, 1000);
    cache.put(&key("d"), b"value").unwrap();
    assert_eq!(value_of(&cache, &key("a")), None);
    assert!(["b", "c", "d"].iter().all(|name| value_of(&cache, &key(name)).is_some()));
}

/// SQLite reads such a file without a word, and finds the damage only when it looks over all of it.
#[test]
fn damage_that_only_a_check_finds_is_mended_by_a_new_file() {
    let scene = spoiled(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX entries_by_seq ON entries(seq, maker)'
         WHERE name = 'entries_by_seq'",
    );
    let checks = || crate::check::checks(&scene.file(), scene.options(10, 1000)).unwrap();
    let failed = |checks: Vec<doctor::Check>| {
        let is_bad = |check: &doctor::Check| check.state == doctor::CheckState::Fail;
        checks.into_iter().filter(is_bad).collect::<Vec<_>>()
    };
    let found = failed(checks());
    let advice = found[0].advice.clone().unwrap();
    assert!(found[0].name == "integrity" && advice.contains("cache check --fix"), "{found:?}");
    assert!(!advice.contains("restore"), "{advice}");
    let cache = scene.open();
    cache.mend().unwrap();
    assert_eq!(cache.put_aside().len(), 1);
    drop(cache);
    assert_eq!(failed(checks()), []);
    is_new_and_works(&scene, "index");
}

#[test]
fn a_value_that_is_damaged_goes_when_it_is_mended() {
    let scene = spoiled("UPDATE entries SET value = x'7b62616421' WHERE seq = 1");
    let cache = scene.open();
    assert_eq!(cache.mend().unwrap(), 1);
    assert_eq!(cache.stats().unwrap().entries, 2);
    drop(cache);
    is_well(&scene, "value");
}

#[test]
fn what_was_put_aside_is_told_and_goes_with_all_else() {
    let scene = spoiled("DROP TABLE entries");
    let cache = scene.open();
    value_of(&cache, &key("a"));
    let told = crate::check::checks(&scene.file(), scene.options(10, 1000)).unwrap();
    let told: Vec<_> = told.iter().filter(|check| check.state != doctor::CheckState::Ok).collect();
    assert_eq!((told.len(), told[0].name), (1, "put-aside"), "{told:?}");
    assert_eq!(DiskCache::damaged_files(&scene.file()).unwrap(), cache.put_aside());
    cache.clear().unwrap();
    assert_eq!(DiskCache::damaged_files(&scene.file()).unwrap(), [] as [PathBuf; 0]);
    drop(cache);
    is_well(&scene, "cleared");
}

// cache C18
#[test]
fn a_pass_is_made_now_and_then_without_being_asked_for() {
    let scene = Scene::new();
    let cache = scene.open();
    let of = |path: &str, version| CacheKey::symbols(Path::new(path), &[0; 32], CacheKey::maker(1, version));
    cache.put(&of("gone", 1), b"old").unwrap();
    cache.put(&of("a", 2), b"new").unwrap();
    cache.flush().unwrap();
    assert_eq!(cache.stats().unwrap().entries, 2);
    drop(cache);
    // As after so many uses.
    foreign::run(&scene.file(), "UPDATE counters SET seq = 4095").unwrap();
    let cache = scene.open();
    value_of(&cache, &of("a", 2)).unwrap();
    cache.flush().unwrap();
    assert_eq!(cache.stats().unwrap().entries, 1);
    drop(cache);
    // By a put, with the flush that comes when the cache is closed.
    foreign::run(&scene.file(), "UPDATE counters SET seq = 8191").unwrap();
    let cache = scene.open();
    cache.put(&of("other", 1), b"old").unwrap();
    drop(cache);
    assert_eq!(scene.open().stats().unwrap().entries, 1);
}
