use super::{Claims, TASKS, claim_all, summed};

fn claims(ids: std::ops::Range<usize>) -> Claims {
    Claims { ids: ids.map(|id| id.to_string()).collect(), waits: vec![1000, 2000], error: None }
}

#[test]
fn a_storm_sums_shares_waits_and_owners() {
    let fair = summed(&[claims(0..500), claims(500..TASKS)], 7.0);
    assert_eq!((fair.errors, fair.worst_ms, fair.took_ms), (0.0, 2.0, 7.0));
    assert!((fair.share - 0.5).abs() < 1e-9, "500 of 1,000");
    let starved = summed(&[claims(0..TASKS), claims(0..0)], 7.0);
    assert!(starved.share < 1e-9);
    let twice = summed(&[claims(0..1001), claims(1000..TASKS)], 7.0);
    assert!((twice.errors - 1.0).abs() < 1e-9, "one task has two owners");
    let lost = summed(&[claims(0..TASKS - 2)], 7.0);
    assert!((lost.errors - 2.0).abs() < 1e-9, "two tasks have none");
}

#[test]
fn a_claimant_goes_on_until_nothing_is_left_or_it_fails() {
    let mut left = 3;
    let all = claim_all(|| {
        left -= 1;
        Ok((left >= 0).then(|| left.to_string()))
    });
    assert_eq!((all.ids.len(), all.waits.len()), (3, 4), "the last wait is in vain");
    let failed = claim_all(|| Err("locked".into()));
    assert_eq!((failed.error.as_deref(), failed.waits.len()), (Some("locked"), 1));
}
