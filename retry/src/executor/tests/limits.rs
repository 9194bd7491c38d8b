//! Calls, deadline, waits that are asked for, and the budget.

use super::*;

fn always(error: Failure) -> Vec<Result<u32, Failure>> {
    vec![Err(error); 20]
}

#[test]
fn the_number_of_calls_is_the_number_in_the_policy() {
    let bench = Bench::new();
    let failed = bench.script(&always(BUSY)).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts(), failed.elapsed()), (Stop::Attempts, 6, ms(3_100)));
    assert_eq!(bench.clock.sleeps(), [100, 200, 400, 800, 1_600].map(ms));
    assert_eq!(failed.last(), Some(&BUSY));
}

#[test]
fn one_call_means_one_call() {
    let bench = Bench::with(RetryPolicy::ONCE);
    let failed = bench.script(&always(BUSY)).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts()), (Stop::Attempts, 1));
}

#[test]
fn after_the_last_call_the_calls_are_what_is_used_up() {
    for error in [BUSY, asked(ms(90_000))] {
        let bench = Bench::with(RetryPolicy::ONCE.with_deadline(Duration::ZERO));
        let failed = bench.script(&always(error)).unwrap_err();
        assert_eq!((failed.stop(), failed.attempts()), (Stop::Attempts, 1));
    }
}

#[test]
fn the_last_sleep_is_trimmed_to_the_deadline() {
    let bench = Bench::with(RetryPolicy::DATABASE.with_jitter(Jitter::None).with_deadline(ms(1_000)));
    let failed = bench.script(&always(BUSY)).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts(), failed.elapsed()), (Stop::Deadline, 5, ms(1_000)));
    assert_eq!(bench.clock.sleeps(), [100, 200, 400, 300].map(ms));
}

#[test]
fn the_deadline_counts_the_work_too() {
    let bench = Bench::with(RetryPolicy::DATABASE.with_jitter(Jitter::None).with_deadline(ms(1_000)));
    let result = bench.retry.run(|_| {
        bench.clock.advance(ms(450));
        Err::<(), _>(BUSY)
    });
    let failed = result.unwrap_err();
    // 450 work, 100 sleep, 450 work: the deadline is reached, nothing is slept.
    assert_eq!((failed.stop(), failed.attempts(), failed.elapsed()), (Stop::Deadline, 2, ms(1_000)));
    assert_eq!(bench.clock.sleeps(), [ms(100)]);
}

#[test]
fn a_permanent_error_after_the_deadline_is_permanent_and_a_success_a_success() {
    for (late, expected) in
        [(Err(BROKEN), Err(Stop::Permanent)), (Err(UNSURE), Err(Stop::Ambiguous)), (Ok(7), Ok(7))]
    {
        let bench = Bench::with(RetryPolicy::DATABASE.with_deadline(ms(1_000)));
        let result = bench.retry.run(|_| {
            bench.clock.advance(ms(5_000));
            late.clone()
        });
        assert_eq!(result.map_err(|failed| failed.stop()), expected);
    }
}

#[test]
fn a_deadline_of_zero_allows_one_call() {
    let bench = Bench::with(RetryPolicy::DATABASE.with_deadline(Duration::ZERO));
    let failed = bench.script(&always(BUSY)).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts()), (Stop::Deadline, 1));
    assert_eq!(bench.retry.run(|_| Ok::<_, Failure>(100)), Ok(100));
}

#[test]
fn a_longer_wait_that_is_asked_for_is_kept_and_a_shorter_one_is_not_a_shortcut() {
    let bench = Bench::new();
    bench.script(&[Err(asked(ms(5_000))), Err(asked(ms(1))), Err(asked(ms(0))), Ok(100)]).unwrap();
    assert_eq!(bench.clock.sleeps(), [5_000, 200, 400].map(ms));
}

#[test]
fn a_wait_above_what_the_policy_allows_ends_at_once() {
    let bench = Bench::new();
    let failed = bench.script(&[Err(asked(ms(60_000))), Err(asked(ms(60_001)))]).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts()), (Stop::AskedWait(ms(60_001)), 2));
    assert_eq!(bench.clock.sleeps(), [ms(60_000)]);
}

#[test]
fn a_wait_beyond_the_deadline_is_not_begun() {
    let bench = Bench::with(RetryPolicy::DATABASE.with_deadline(ms(3_000)));
    let failed = bench.script(&[Err(asked(ms(3_001)))]).unwrap_err();
    assert_eq!((failed.stop(), failed.elapsed()), (Stop::Deadline, Duration::ZERO));
    let bench = Bench::with(RetryPolicy::DATABASE.with_deadline(ms(3_000)));
    assert!(bench.script(&[Err(asked(ms(3_000))), Ok(100)]).is_ok());
}

#[test]
fn jitter_only_shortens_waits() {
    let bench = Bench::with(RetryPolicy::DATABASE);
    let failed = bench.retry.run(|_| Err::<(), _>(BUSY)).unwrap_err();
    assert_eq!(failed.attempts(), 6);
    for (slept, limit) in bench.clock.sleeps().into_iter().zip([100, 200, 400, 800, 1_600].map(ms)) {
        assert!(slept <= limit, "{slept:?} of {limit:?}");
    }
}

#[test]
fn an_empty_budget_stops_retries_and_successes_fill_it() {
    let budget = Arc::new(RetryBudget::with_tokens(500, 14));
    let bench = Bench::new().map(|retry| retry.budget(Arc::clone(&budget)));
    let failed = bench.script(&always(BUSY)).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts(), budget.tokens()), (Stop::Budget, 3, 4));
    let failed = bench.retry.run(|_| Err::<(), _>(BUSY)).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts()), (Stop::Budget, 1));

    assert!(bench.retry.run(|_| Ok::<_, Failure>(())).is_ok());
    assert_eq!(budget.tokens(), 5, "a first try earns one");
    let mut calls = 0;
    let result = bench.retry.run(|_| {
        calls += 1;
        if calls == 1 { Err(BUSY) } else { Ok(()) }
    });
    assert_eq!((result, budget.tokens()), (Ok(()), 5), "a retry that worked gives back what it took");
}

#[test]
fn a_budget_is_not_touched_by_what_is_not_retried() {
    let budget = Arc::new(RetryBudget::new(500));
    for error in [BROKEN, UNSURE, asked(ms(90_000))] {
        let bench = Bench::new().map(|retry| retry.budget(Arc::clone(&budget)));
        assert!(bench.script(&[Err(error)]).is_err());
    }
    assert_eq!(budget.tokens(), 500);
}
