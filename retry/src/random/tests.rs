use std::time::Duration;

use proptest::prelude::*;

use super::{Random, SeededRandom, SystemRandom};

#[derive(Debug)]
struct Fixed(u64);

impl Random for Fixed {
    fn next_u64(&self) -> u64 {
        self.0
    }
}

#[test]
fn both_ends_are_reached_and_never_passed() {
    for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(10), Duration::MAX] {
        let reachable = limit.min(Duration::from_nanos(u64::MAX));
        assert_eq!(Fixed(0).up_to(limit), Duration::ZERO, "{limit:?}");
        assert_eq!(Fixed(u64::MAX).up_to(limit), reachable, "{limit:?}");
    }
}

#[test]
fn draws_are_even_over_the_range() {
    let random = SeededRandom::new(7);
    let mut quarters = [0_u32; 4];
    for _ in 0..4_000 {
        let drawn = random.up_to(Duration::from_nanos(3));
        quarters[usize::try_from(drawn.as_nanos()).unwrap()] += 1;
    }
    for count in quarters {
        assert!((900..1_100).contains(&count), "{quarters:?}");
    }
}

#[test]
fn one_seed_gives_one_sequence() {
    let draw = |seed| {
        let random = SeededRandom::new(seed);
        (0..8).map(|_| random.next_u64()).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn the_system_source_does_not_repeat_itself() {
    let first: Vec<u64> = (0..4).map(|_| SystemRandom.next_u64()).collect();
    let second: Vec<u64> = (0..4).map(|_| SystemRandom.next_u64()).collect();
    assert_ne!(first, second);
}

proptest! {
    #[test]
    fn a_draw_stays_within_its_limit(bits: u64, limit: Duration) {
        prop_assert!(Fixed(bits).up_to(limit) <= limit);
    }
}
