use proptest::prelude::*;

use super::QuotaState::{Hard, Normal, Soft};
use super::*;

// spool A13
#[test]
fn without_history_the_plain_thresholds_count() {
    let limits = Limits::new(1, 90, 100, 80, 5).unwrap();
    for (used, wanted) in [
        (0, Normal),
        (943_717, Normal),
        (943_718, Soft),
        (1_048_575, Soft),
        (1_048_576, Hard),
        (u64::MAX, Hard),
    ] {
        assert_eq!(QuotaState::after(None, used, &limits), wanted, "{used}");
        assert_eq!(QuotaState::after(Some(Normal), used, &limits), wanted, "{used}");
    }
}

#[test]
fn hard_is_left_below_soft_and_soft_below_resume() {
    let limits = Limits::new(1, 90, 100, 80, 5).unwrap();
    for (before, used, wanted) in [
        (Hard, 943_718, Hard),
        (Hard, 943_717, Soft),
        (Hard, 838_860, Soft),
        (Hard, 838_859, Normal),
        (Soft, 1_048_576, Hard),
        (Soft, 943_718, Soft),
        (Soft, 838_860, Soft),
        (Soft, 838_859, Normal),
    ] {
        assert_eq!(QuotaState::after(Some(before), used, &limits), wanted, "{before:?} {used}");
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for state in [Normal, Soft, Hard] {
        assert_eq!(QuotaState::parse(state.as_str()), Some(state));
    }
    assert_eq!(QuotaState::parse("Hard"), None);
}

proptest! {
    /// Whatever came before: what is asked twice is answered alike, more bytes never make it better, and each change has
    /// the threshold behind it that belongs to it.
    #[test]
    fn every_change_has_passed_its_threshold(
        shares in prop::collection::btree_set(1_i64..=100, 3),
        walk in prop::collection::vec(0_u64..1_300_000, 1..60),
    ) {
        let shares: Vec<i64> = shares.into_iter().collect();
        let limits = Limits::new(1, shares[1], shares[2], shares[0], 5).unwrap();
        let mut state = None;
        for used in walk {
            let next = QuotaState::after(state, used, &limits);
            prop_assert_eq!(QuotaState::after(Some(next), used, &limits), next);
            prop_assert!(QuotaState::after(state, used + 1, &limits) >= next);
            prop_assert_eq!(next == Hard, used >= limits.hard() || (state == Some(Hard) && used >= limits.soft()));
            if next == Normal {
                prop_assert!(used < limits.soft());
                prop_assert!(matches!(state, None | Some(Normal)) || used < limits.resume());
            }
            if state.is_some_and(|state| next < state) {
                prop_assert!(used < limits.soft());
            }
            if next == Soft && matches!(state, None | Some(Normal)) {
                prop_assert!(used >= limits.soft());
            }
            state = Some(next);
        }
    }
}
