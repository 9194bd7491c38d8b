use std::sync::Arc;

use proptest::prelude::*;

use super::RetryBudget;

#[test]
fn a_bucket_runs_dry_and_is_filled_by_successes() {
    let budget = RetryBudget::new(12);
    assert!(budget.try_spend() && budget.try_spend());
    assert!(!budget.try_spend());
    assert_eq!(budget.tokens(), 2, "a refused retry costs nothing");
    for expected in [3, 4] {
        budget.refill(false);
        assert_eq!(budget.tokens(), expected);
    }
    budget.refill(true);
    assert_eq!(budget.tokens(), 9);
    budget.refill(true);
    assert_eq!((budget.tokens(), budget.capacity()), (12, 12), "never above its capacity");
}

#[test]
fn a_stored_bucket_holds_no_more_than_its_capacity() {
    assert_eq!(RetryBudget::with_tokens(500, 7).tokens(), 7);
    assert_eq!(RetryBudget::with_tokens(500, 501).tokens(), 500);
    assert!(!RetryBudget::new(4).try_spend());
}

#[test]
fn threads_do_not_spend_a_token_twice() {
    let budget = Arc::new(RetryBudget::default());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let budget = Arc::clone(&budget);
            std::thread::spawn(move || (0..100).filter(|_| budget.try_spend()).count())
        })
        .collect();
    let granted: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!((granted, budget.tokens()), (100, 0));
}

proptest! {
    #[test]
    fn tokens_stay_between_zero_and_capacity(capacity in 0..30_u32, moves in proptest::collection::vec(0..3_u8, 0..60)) {
        let budget = RetryBudget::new(capacity);
        let mut model = capacity;
        for step in moves {
            match step {
                0 => {
                    prop_assert_eq!(budget.try_spend(), model >= 5);
                    if model >= 5 { model -= 5; }
                }
                step => {
                    budget.refill(step == 1);
                    model = (model + if step == 1 { 5 } else { 1 }).min(capacity);
                }
            }
            prop_assert_eq!(budget.tokens(), model);
        }
    }
}
