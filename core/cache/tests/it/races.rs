//! Many processes at once, on a file that none of them has made yet.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use conclave_cache::{Cache, CacheEvent, CacheObserver, DiskCache, OpenOptions, Put};
use conclave_testkit::{Parent, Rerun};

use crate::fixture::{Scratch, assert_well, key, open, value_of};

/// So many processes put and get so many values each. None of them may meet an error.
fn race(test: &str, processes: usize, each: usize) {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let cache = open(Path::new(parent.role()));
        for number in 0..each {
            let name = format!("{}-{number}", std::process::id());
            let value = name.repeat(20);
            assert_eq!(cache.put(&key(&name), value.as_bytes()).unwrap(), Put::Stored { evicted: 0 });
            assert_eq!(value_of(&cache, &key(&name)).unwrap(), value.as_bytes());
        }
        return;
    }
    let scratch = Scratch::new();
    let file = scratch.file();
    let mut fleet = Rerun::of(&format!("races::{test}")).role(file.to_str().unwrap()).start_fleet(processes);
    fleet.release();
    fleet.finish();
    let total = (processes * each) as u64;
    let stats = open(&file).stats().unwrap();
    assert_eq!((stats.entries, stats.hits, stats.misses, stats.errors), (total, total, 0, 0));
    assert_well(&file, OpenOptions::default());
    let aside = std::fs::read_dir(scratch.folder.path()).unwrap();
    assert!(aside.flatten().all(|entry| !entry.file_name().to_string_lossy().contains("corrupt")));
}

// cache C11
#[test]
fn eight_processes() {
    race("eight_processes", 8, 50);
}

// cache C11
#[test]
fn thirty_two_processes() {
    race("thirty_two_processes", 32, 20);
}

// cache C11
#[test]
fn sixty_four_processes() {
    race("sixty_four_processes", 64, 10);
}

#[derive(Debug, Default)]
struct Heard(AtomicU32);

impl CacheObserver for Heard {
    fn event(&self, _: &'static str, event: &CacheEvent) {
        assert_eq!(event.name(), "ast.cache.corruption_detected");
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The file is no database: one of them puts it aside, and all go on.
// cache C13
#[test]
fn a_damaged_file_is_put_aside_by_one_of_many() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let heard = Arc::new(Heard::default());
        let options = OpenOptions { observer: Some(heard.clone()), ..OpenOptions::default() };
        let cache = DiskCache::open(Path::new(parent.role()), options).unwrap();
        let name = std::process::id().to_string();
        cache.put(&key(&name), b"value").unwrap();
        assert_eq!(value_of(&cache, &key(&name)).unwrap(), b"value");
        parent.say(&heard.0.load(Ordering::Relaxed).to_string());
        return;
    }
    for round in 0..5 {
        let scratch = Scratch::new();
        let file = scratch.file();
        std::fs::write(&file, vec![round; 20_000]).unwrap();
        let mut fleet = Rerun::of("races::a_damaged_file_is_put_aside_by_one_of_many")
            .role(file.to_str().unwrap())
            .start_fleet(12);
        fleet.release();
        let said = fleet.finish();
        let told: u32 = said.iter().flatten().map(|line| line.parse::<u32>().unwrap()).sum();
        assert_eq!(told, 1, "one of them tells of it");
        assert_eq!(open(&file).stats().unwrap().entries, 12);
        assert_well(&file, OpenOptions::default());
        let names = std::fs::read_dir(scratch.folder.path()).unwrap();
        let aside = names.flatten().filter(|entry| entry.file_name().to_string_lossy().contains("corrupt"));
        let aside: Vec<_> = aside.map(|entry| entry.path()).collect();
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert_eq!(std::fs::read(&aside[0]).unwrap(), vec![round; 20_000]);
    }
}

/// Threads of one process share one connection to write, and each opens the file for itself.
#[test]
fn threads_that_open_it_at_once() {
    let scratch = Scratch::new();
    let file = scratch.file();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let file = &file;
            scope.spawn(move || {
                let cache = open(file);
                for number in 0..25 {
                    let name = key(&format!("{thread}-{number}"));
                    cache.put(&name, b"value").unwrap();
                    assert_eq!(value_of(&cache, &name).unwrap(), b"value");
                }
            });
        }
    });
    let stats = open(&file).stats().unwrap();
    assert_eq!((stats.entries, stats.hits, stats.misses), (200, 200, 0));
    assert_well(&file, OpenOptions::default());
}

/// The file is removed again and again under those who use it: each notices, and none fails.
#[test]
fn a_file_that_is_removed_under_its_users_is_made_anew() {
    if let Some(mut parent) = Parent::of_this_process() {
        let cache = open(Path::new(parent.role()));
        parent.wait_for_release();
        for number in 0..60 {
            let name = key(&format!("{}-{number}", std::process::id()));
            cache.put(&name, b"value").unwrap();
            // It may have gone meanwhile.
            let _ = value_of(&cache, &name);
            cache.flush().unwrap();
        }
        return;
    }
    let scratch = Scratch::new();
    let file = scratch.file();
    let mut fleet = Rerun::of("races::a_file_that_is_removed_under_its_users_is_made_anew")
        .role(file.to_str().unwrap())
        .start_fleet(4);
    fleet.release();
    for _ in 0..10 {
        drop(open(&file));
        std::fs::remove_file(&file).unwrap();
    }
    fleet.finish();
    let cache = open(&file);
    cache.put(&key("last"), b"value").unwrap();
    assert_eq!(value_of(&cache, &key("last")).unwrap(), b"value");
    drop(cache);
    assert_well(&file, OpenOptions::default());
}
