//! Results that are there in part: one more try, then as they are.

use super::*;

const TWO_OF_THREE: Stop = Stop::Degraded { succeeded: 2, total: 3 };

fn two_of_three() -> Grade {
    Grade::Part { succeeded: 2, total: 3 }
}

#[test]
fn a_degraded_error_is_tried_once_more_and_then_returned() {
    let bench = Bench::new();
    let failed = bench.script(&[Err(part("first", 2, 3)), Err(part("second", 2, 3)), Ok(100)]).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts()), (TWO_OF_THREE, 2));
    assert_eq!(failed.last().unwrap().0, "first", "the second is no better");
    assert_eq!(bench.outcomes(), [retrying(100), Outcome::GaveUp(TWO_OF_THREE)]);
}

#[test]
fn a_degraded_value_is_tried_once_more_and_then_accepted() {
    let bench = Bench::new();
    let done = bench.script(&[Ok(2), Ok(1), Ok(100)]).unwrap();
    assert_eq!((done.value, done.grade, done.attempts, done.elapsed), (2, two_of_three(), 2, ms(100)));
    assert_eq!(bench.outcomes(), [retrying(100), Outcome::Accepted]);
}

#[test]
fn the_better_of_two_parts_is_kept() {
    let cases = [
        (vec![Ok(1), Ok(2)], Ok(2)),
        (vec![Ok(2), Ok(1)], Ok(2)),
        (vec![Ok(1), Err(part("error", 2, 3))], Err("error")),
        (vec![Ok(2), Err(part("error", 1, 2))], Ok(2)),
        (vec![Err(part("error", 1, 3)), Ok(2)], Ok(2)),
        (vec![Err(part("error", u32::MAX - 1, u32::MAX)), Ok(2)], Err("error")),
    ];
    for (script, expected) in cases {
        let end = Bench::new().script(&script);
        let end = end.map(|done| done.value).map_err(|failed| failed.into_last().unwrap().0);
        assert_eq!(end, expected, "{script:?}");
    }
}

#[test]
fn the_second_try_may_be_whole() {
    let bench = Bench::new();
    let done = bench.script(&[Ok(2), Ok(100)]).unwrap();
    assert_eq!((done.value, done.grade, done.attempts), (100, Grade::Whole, 2));
    assert_eq!(bench.outcomes(), [retrying(100), Outcome::Succeeded]);
}

#[test]
fn a_part_in_hand_is_not_given_up_for_an_error() {
    for error in [BUSY, BROKEN] {
        let bench = Bench::new();
        let done = bench.script(&[Ok(2), Err(error.clone()), Ok(100)]).unwrap();
        assert_eq!((done.value, done.grade, done.attempts), (2, two_of_three(), 2));
        let (attempt, reason, shown, outcome) = bench.seen().pop().unwrap();
        assert_eq!((attempt, outcome), (2, Outcome::Accepted));
        assert_eq!((reason, shown.as_str()), (error.1.reason(), error.0), "the report is on the second call");
    }
    let failed = Bench::new().script(&[Err(part("kept", 2, 3)), Err(BROKEN)]).unwrap_err();
    assert_eq!((failed.stop(), failed.last().unwrap().0), (TWO_OF_THREE, "kept"));
}

#[test]
fn but_what_may_have_happened_is_told() {
    let failed = Bench::new().script(&[Ok(2), Err(UNSURE)]).unwrap_err();
    assert_eq!((failed.stop(), failed.last()), (Stop::Ambiguous, Some(&UNSURE)));
}

#[test]
fn a_part_after_retries_gets_its_second_try_too() {
    let done = Bench::new().script(&[Err(BUSY), Ok(2), Ok(1), Ok(100)]).unwrap();
    assert_eq!((done.value, done.attempts), (2, 3));
}

#[test]
fn without_room_for_a_second_try_the_part_is_accepted_at_once() {
    let once = Bench::with(RetryPolicy::ONCE);
    let late = Bench::with(RetryPolicy::DATABASE.with_deadline(Duration::ZERO));
    let poor = Bench::new().map(|retry| retry.budget(Arc::new(RetryBudget::new(0))));
    for bench in [once, late, poor] {
        let done = bench.script(&[Ok(2), Ok(100)]).unwrap();
        assert_eq!((done.value, done.attempts), (2, 1));
        let failed = bench.retry.run(|_| Err::<(), _>(part("part", 2, 3))).unwrap_err();
        assert_eq!((failed.stop(), failed.attempts()), (TWO_OF_THREE, 1));
    }
}

#[test]
fn a_partial_result_earns_no_budget() {
    let budget = Arc::new(RetryBudget::with_tokens(500, 100));
    let bench = Bench::new().map(|retry| retry.budget(Arc::clone(&budget)));
    bench.script(&[Ok(2), Ok(2)]).unwrap();
    assert_eq!(budget.tokens(), 95);
}
