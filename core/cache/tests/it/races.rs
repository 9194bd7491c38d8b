//! Many processes at once, on a file that none of them has made yet.

use std::path::Path;

use conclave_cache::{Cache, OpenOptions, Put};
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

/// The file is no database: one of them puts it aside, and all go on.
// cache C13
#[test]
fn a_damaged_file_is_put_aside_by_one_of_many() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let cache = open(Path::new(parent.role()));
        let name = std::process::id().to_string();
        cache.put(&key(&name), b"value").unwrap();
        assert_eq!(value_of(&cache, &key(&name)).unwrap(), b"value");
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
        fleet.finish();
        assert_eq!(open(&file).stats().unwrap().entries, 12);
        assert_well(&file, OpenOptions::default());
        let names = std::fs::read_dir(scratch.folder.path()).unwrap();
        let aside = names.flatten().filter(|entry| entry.file_name().to_string_lossy().contains("corrupt"));
        let aside: Vec<_> = aside.map(|entry| entry.path()).collect();
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert_eq!(std::fs::read(&aside[0]).unwrap(), vec![round; 20_000]);
    }
}
