//! Everything is taken out again and again while others put.
// cache C19

use std::path::Path;

use conclave_cache::{Cache, OpenOptions};
use conclave_testkit::{Parent, Rerun};

use crate::fixture::{Scratch, assert_well, key, open, value_of};

const EACH: usize = 40;

#[test]
fn the_live_file_is_emptied_and_never_removed() {
    if let Some(mut parent) = Parent::of_this_process() {
        let cache = open(Path::new(parent.role()));
        parent.wait_for_release();
        for number in 0..EACH {
            let name = key(&format!("{}-{number}", std::process::id()));
            cache.put(&name, &[7; 2000]).unwrap();
            // It is whole, or gone.
            assert!(value_of(&cache, &name).is_none_or(|value| value == [7; 2000]));
        }
        return;
    }
    let scratch = Scratch::new();
    let file = scratch.file();
    let cache = open(&file);
    assert_eq!(cache.clear().unwrap(), 0);
    let before = conclave_db::FileIdentity::of(&file).unwrap();
    let mut fleet = Rerun::of("clearing::the_live_file_is_emptied_and_never_removed")
        .role(file.to_str().unwrap())
        .start_fleet(8);
    fleet.release();
    let mut removed = 0;
    for _ in 0..20 {
        cache.put(&key("old"), b"value").unwrap();
        removed += cache.clear().unwrap();
        assert_eq!(value_of(&cache, &key("old")), None, "what was cleared stays away");
    }
    fleet.finish();
    let left = cache.stats().unwrap().entries;
    assert_eq!(removed + left, 20 + 8 * EACH as u64, "nothing is lost, and nothing comes back");
    assert_eq!(conclave_db::FileIdentity::of(&file).unwrap(), before);
    assert_well(&file, OpenOptions::default());
    cache.clear().unwrap();
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.bytes, stats.misses), (0, 0, stats.misses.max(20)));
}
