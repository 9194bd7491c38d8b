//! Random sequences of operations, beside a list in memory that does the same in the plainest way.

use conclave_cache::{Cache, DiskCache, Found, MemoryCache, Put};
use proptest::prelude::*;

use crate::fixture::{Scratch, assert_well, key, options};

#[derive(Debug, Clone)]
enum Step {
    Get(u8),
    Put(u8, usize),
    Delete(u8),
    Clear,
    /// The process ends, and another one opens the file.
    Reopen,
    Maintain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..12).prop_map(Step::Get),
        12 => (0_u8..12, 0_usize..400).prop_map(|(name, size)| Step::Put(name, size)),
        2 => (0_u8..12).prop_map(Step::Delete),
        1 => Just(Step::Clear),
        1 => Just(Step::Reopen),
        1 => Just(Step::Maintain),
    ]
}

/// What was used last stands last.
struct Model {
    entries: Vec<(u8, usize)>,
    most: usize,
    most_bytes: usize,
    evictions: u64,
}

impl Model {
    fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, size)| size).sum()
    }

    fn take(&mut self, name: u8) -> Option<(u8, usize)> {
        let place = self.entries.iter().position(|(other, _)| *other == name)?;
        Some(self.entries.remove(place))
    }

    fn get(&mut self, name: u8) -> Option<usize> {
        let entry = self.take(name)?;
        self.entries.push(entry);
        Some(entry.1)
    }

    fn put(&mut self, name: u8, size: usize) -> Put {
        if size > self.most_bytes {
            return Put::TooLarge;
        }
        self.take(name);
        let mut evicted = 0;
        while self.entries.len() >= self.most || self.bytes() + size > self.most_bytes {
            self.entries.remove(0);
            evicted += 1;
        }
        self.evictions += evicted;
        self.entries.push((name, size));
        Put::Stored { evicted }
    }
}

fn get(cache: &dyn Cache, name: u8) -> Option<usize> {
    let mut size = None;
    let found = cache
        .get(&key(&name.to_string()), &mut |value| {
            assert!(value.iter().all(|byte| *byte == name));
            size = Some(value.len());
        })
        .unwrap();
    assert_eq!(found == Found::Hit, size.is_some());
    size
}

fn put(cache: &dyn Cache, name: u8, size: usize) -> Put {
    cache.put(&key(&name.to_string()), &vec![name; size]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_file_does_as_the_model(
        most in 1_u64..8,
        most_bytes in 1_u64..1000,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let scratch = Scratch::new();
        let open = || DiskCache::open(&scratch.file(), options(most, most_bytes)).unwrap();
        let mut cache = Some(open());
        let mut model =
            Model { entries: vec![], most: most as usize, most_bytes: most_bytes as usize, evictions: 0 };
        for step in steps {
            let disk = cache.get_or_insert_with(open);
            match step {
                Step::Get(name) => prop_assert_eq!(get(disk, name), model.get(name)),
                Step::Put(name, size) => prop_assert_eq!(put(disk, name, size), model.put(name, size)),
                Step::Delete(name) => {
                    let was_there = disk.delete(&key(&name.to_string())).unwrap();
                    prop_assert_eq!(was_there, model.take(name).is_some());
                }
                Step::Clear => {
                    prop_assert_eq!(disk.clear().unwrap(), model.entries.len() as u64);
                    model.entries.clear();
                }
                Step::Reopen => cache = None,
                Step::Maintain => prop_assert_eq!(disk.maintain().unwrap(), 0),
            }
            let stats = cache.get_or_insert_with(open).stats().unwrap();
            prop_assert_eq!(stats.entries, model.entries.len() as u64);
            prop_assert_eq!(stats.bytes, model.bytes() as u64);
            prop_assert_eq!(stats.evictions, model.evictions);
        }
        drop(cache);
        assert_well(&scratch.file(), options(most, most_bytes));
    }

    /// Which of the entries stay is its own decision; limits and values are not.
    #[test]
    fn memory_stays_within_its_limits(
        most in 1_u64..8,
        most_bytes in 1_u64..1000,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let limits = options(most, most_bytes).limits;
        let cache = MemoryCache::new(limits);
        for step in steps {
            match step {
                Step::Get(name) => drop(get(&cache, name)),
                Step::Put(name, size) => {
                    let is_too_large = put(&cache, name, size) == Put::TooLarge;
                    prop_assert_eq!(is_too_large, size as u64 > most_bytes);
                }
                Step::Delete(name) => {
                    cache.delete(&key(&name.to_string())).unwrap();
                    prop_assert_eq!(get(&cache, name), None);
                }
                Step::Clear => drop(cache.clear().unwrap()),
                Step::Reopen | Step::Maintain => cache.flush().unwrap(),
            }
            let stats = cache.stats().unwrap();
            prop_assert!(stats.entries <= most && stats.bytes <= most_bytes);
        }
    }
}
