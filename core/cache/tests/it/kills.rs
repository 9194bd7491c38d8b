//! `kill -9` while values are put and others have to go.
// cache C27

use std::path::Path;
use std::time::Duration;

use conclave_cache::{Cache, DiskCache};
use conclave_testkit::{KillDriver, Parent, Random, Rerun};

use crate::fixture::{Scratch, assert_well, key, options, value_of};

/// Starting a process costs more than the rest; the nightly run takes more of them.
const ROUNDS: usize = 60;
const ENTRIES: u64 = 20;
const BYTES: u64 = 40_000;

#[test]
fn a_killed_process_leaves_a_sound_cache_within_its_limits() {
    if let Some(mut parent) = Parent::of_this_process() {
        let cache = DiskCache::open(Path::new(parent.role()), options(ENTRIES, BYTES)).unwrap();
        parent.wait_for_release();
        let mut random = Random::new(u64::from(std::process::id()));
        for number in 0_u64.. {
            let name = random.below(100).to_string();
            match random.below(10) {
                0 => drop(cache.delete(&key(&name)).unwrap()),
                1 => drop(value_of(&cache, &key(&name))),
                2 => cache.flush().unwrap(),
                3 if number.is_multiple_of(50) => drop(cache.clear().unwrap()),
                _ => {
                    let size = usize::try_from(random.below(8000)).unwrap();
                    let value = name.bytes().cycle().take(size).collect::<Vec<_>>();
                    cache.put(&key(&name), &value).unwrap();
                    parent.say(&format!("{name} {size}"));
                }
            }
        }
    }
    let scratch = Scratch::new();
    let file = scratch.file();
    let mut killer = KillDriver::with(Random::from_env(27));
    for round in 0..ROUNDS {
        let child = Rerun::of("kills::a_killed_process_leaves_a_sound_cache_within_its_limits")
            .role(file.to_str().unwrap())
            .start();
        let killed = killer.run_and_kill(child, 12, Duration::from_millis(3));
        assert!(!killed.ended, "round {round}");
        assert_well(&file, options(ENTRIES, BYTES));
        let cache = DiskCache::open(&file, options(ENTRIES, BYTES)).unwrap();
        for name in 0..100 {
            let name = name.to_string();
            // Whole, whoever put it and when.
            let is_whole = |value: Vec<u8>| value.iter().copied().eq(name.bytes().cycle().take(value.len()));
            assert!(value_of(&cache, &key(&name)).is_none_or(is_whole), "round {round}: {name}");
        }
        assert_eq!(cache.stats().unwrap().errors, 0);
    }
}
