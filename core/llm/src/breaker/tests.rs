//! The breaker as a value: the table of its transitions, and a model of it under random events.

use conclave_retry::{BreakerState, SeededRandom};
use proptest::prelude::*;

use super::{Breaker, Fault, Now, Pass};

const SOFT: Fault<'static> = Fault { hard: false, class: "fault", message: "500" };
const HARD: Fault<'static> = Fault { hard: true, class: "unreachable", message: "refused" };

fn at(seconds: i64) -> Now {
    Now {
        boot_ms: 1_000_000 + seconds * 1000,
        wall_ms: 1_795_000_000_000 + seconds * 1000,
        boot_id: "one".to_owned(),
    }
}

fn fail(breaker: &mut Breaker, fault: Fault<'_>, now: &Now) {
    breaker.fail(breaker.generation, fault, now, &SeededRandom::new(1));
}

/// One that three soft failures have opened at 0 s.
fn opened() -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..3 {
        fail(&mut breaker, SOFT, &at(0));
    }
    assert_eq!(breaker.state, BreakerState::Open);
    breaker
}

// B3, llm L1
#[test]
fn three_soft_failures_in_a_row_open_it_for_exactly_five_minutes() {
    let breaker = opened();
    assert_eq!(breaker.pass(&at(0), false), Pass::Open(300_000));
    assert_eq!(breaker.pass(&at(299), false), Pass::Open(1000));
    assert_eq!(breaker.pass(&at(300), false), Pass::Probe);
}

#[test]
fn a_success_between_failures_sets_the_count_to_zero() {
    let mut breaker = Breaker::default();
    for _ in 0..10 {
        fail(&mut breaker, SOFT, &at(0));
        fail(&mut breaker, SOFT, &at(0));
        breaker.succeed(breaker.generation);
    }
    assert_eq!((breaker.state, breaker.failures), (BreakerState::Closed, 0));
}

// llm L9
#[test]
fn failures_before_five_idle_minutes_are_forgotten() {
    for (idle, state) in [(300, BreakerState::Open), (301, BreakerState::Closed)] {
        let mut breaker = Breaker::default();
        fail(&mut breaker, SOFT, &at(0));
        fail(&mut breaker, SOFT, &at(0));
        fail(&mut breaker, SOFT, &at(idle));
        assert_eq!(breaker.state, state, "{idle} s");
    }
}

// B4, B5
#[test]
fn a_hard_failure_opens_at_once_and_ever_longer_up_to_five_minutes() {
    let mut breaker = Breaker::default();
    let mut now = 0;
    for (least, most) in [(30, 30), (60, 66), (120, 132), (240, 264), (300, 300), (300, 300)] {
        fail(&mut breaker, HARD, &at(now));
        let period = breaker.left_ms(&at(now));
        assert!((least * 1000..=most * 1000).contains(&period), "{period} ms, wanted {least} to {most} s");
        now += 400;
        breaker.claim(1);
    }
}

// llm L7
#[test]
fn a_probe_that_fails_opens_it_for_twice_as_long_and_a_success_forgets_that() {
    let mut breaker = opened();
    let mut now = 400;
    for (least, most) in [(600, 660), (1200, 1320), (2400, 2640), (3600, 3600), (3600, 3600)] {
        assert_eq!(breaker.pass(&at(now), false), Pass::Probe);
        breaker.claim(7);
        fail(&mut breaker, SOFT, &at(now));
        let period = breaker.left_ms(&at(now));
        assert!((least * 1000..=most * 1000).contains(&period), "{period} ms, wanted {least} to {most} s");
        now += 4000;
    }
    breaker.claim(7);
    breaker.succeed(breaker.generation);
    assert_eq!((breaker.failures, breaker.opens), (0, 0));
    for _ in 0..3 {
        fail(&mut breaker, SOFT, &at(now));
    }
    assert_eq!(breaker.left_ms(&at(now)), 300_000);
}

// B9
#[test]
fn the_first_token_closes_it_and_a_later_cut_is_the_first_of_three() {
    let mut breaker = opened();
    breaker.claim(7);
    let generation = breaker.first_token(breaker.generation).unwrap();
    assert_eq!((breaker.state, breaker.opens), (BreakerState::Closed, 1), "not yet a whole answer");
    breaker.fail(generation, SOFT, &at(400), &SeededRandom::new(1));
    assert_eq!((breaker.state, breaker.failures), (BreakerState::Closed, 1));
}

// llm L6
#[test]
fn what_began_before_the_opening_changes_nothing_after_it() {
    let mut breaker = Breaker::default();
    let old = breaker.generation;
    for _ in 0..3 {
        fail(&mut breaker, SOFT, &at(0));
    }
    breaker.claim(7);
    let probe = breaker.generation;
    breaker.succeed(probe);
    let closed = breaker.clone();
    for late in [old, probe] {
        breaker.fail(late, HARD, &at(400), &SeededRandom::new(1));
        breaker.succeed(late);
        assert_eq!(breaker.first_token(late), None);
    }
    assert_eq!(breaker, closed);
}

// llm L8
#[test]
fn what_is_left_stays_within_the_period_whatever_the_clocks_do() {
    let breaker = opened();
    let now = at(100);
    let hour = 3_600_000;
    for boot_id in ["one", "two"] {
        for boot_ms in [now.boot_ms, 0, i64::MIN, i64::MAX] {
            for wall_ms in [now.wall_ms - hour, now.wall_ms + 240 * hour, i64::MIN, i64::MAX] {
                let jumped = Now { boot_ms, wall_ms, boot_id: boot_id.to_owned() };
                assert!((0..=300_000).contains(&breaker.left_ms(&jumped)), "{jumped:?}");
            }
        }
    }
    let set_back = Now { wall_ms: now.wall_ms - hour, ..now.clone() };
    assert_eq!(breaker.left_ms(&set_back), 200_000, "the boot clock counts");
    let rebooted = Now { boot_ms: 5000, boot_id: "two".to_owned(), ..now };
    assert_eq!(breaker.left_ms(&rebooted), 200_000, "the wall clock counts");
}

// llm L8: a machine that boots with its clock an hour behind must not clamp to the whole period again and again.
#[test]
fn after_a_reboot_one_period_is_the_most_whatever_the_wall_clock_says() {
    let mut breaker = opened();
    let booted = Now { boot_ms: 5000, wall_ms: at(0).wall_ms - 3_600_000, boot_id: "two".to_owned() };
    assert!(breaker.rebase(&booted));
    assert!(!breaker.rebase(&booted), "once");
    let later =
        Now { boot_ms: booted.boot_ms + 300_000, wall_ms: booted.wall_ms + 300_000, ..booted.clone() };
    assert_eq!(breaker.pass(&later, false), Pass::Probe);
}

#[test]
fn rows_that_make_no_sense_do_no_harm() {
    let mut breaker = opened();
    (breaker.failures, breaker.opens, breaker.generation) = (i64::MAX, i64::MAX, i64::MAX);
    breaker.claim(i64::MIN);
    fail(&mut breaker, SOFT, &at(0));
    assert!(breaker.left_ms(&at(0)) <= 3_600_000);
    let mut breaker = Breaker { opens: i64::MIN, failures: i64::MIN, ..Breaker::default() };
    fail(&mut breaker, HARD, &at(0));
    assert_eq!(breaker.left_ms(&at(0)), 30_000);
    let mut open_for_nothing = opened();
    open_for_nothing.open = None;
    assert_eq!(open_for_nothing.pass(&at(0), false), Pass::Probe);
}

/// What may happen to it.
#[derive(Debug, Clone, Copy)]
enum Event {
    Wait(i64),
    /// A call asks; it is remembered.
    Ask,
    /// One of the calls that run ends.
    End(usize, End),
    Check,
    Force,
    Close,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Success,
    Soft,
    Hard,
    /// First token, then a whole answer or a cut.
    Token(bool),
    /// Neither: cancelled, or killed.
    Gone,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let end = prop_oneof![
        Just(End::Success),
        Just(End::Soft),
        Just(End::Soft),
        Just(End::Hard),
        any::<bool>().prop_map(End::Token),
        Just(End::Gone),
    ];
    let event = prop_oneof![
        3 => prop_oneof![Just(1), Just(30), Just(299), Just(301), Just(4000)].prop_map(Event::Wait),
        6 => Just(Event::Ask),
        6 => (any::<usize>(), end).prop_map(|(call, end)| Event::End(call, end)),
        1 => Just(Event::Check),
        1 => Just(Event::Force),
        1 => Just(Event::Close),
    ];
    proptest::collection::vec(event, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// What holds whatever happens: one probe at a time, no call while it is open, no opening beyond an hour, an opening
    /// that nobody touches ends, results of old generations change nothing.
    #[test]
    fn its_promises_hold_under_any_events(events in events(), seed in any::<u64>()) {
        let random = SeededRandom::new(seed);
        let mut breaker = Breaker::default();
        let (mut seconds, mut row) = (0, 0);
        // Of the calls that run: row, generation, whether it is a probe.
        let mut calls: Vec<(i64, i64, bool)> = Vec::new();
        for event in events {
            let now = at(seconds);
            let before = breaker.clone();
            match event {
                Event::Wait(more) => seconds += more,
                Event::Ask => {
                    let lives = breaker.probe_row.is_some_and(|probe| calls.iter().any(|call| call.0 == probe));
                    match breaker.pass(&now, lives) {
                        Pass::Yes => {
                            row += 1;
                            calls.push((row, breaker.generation, false));
                            prop_assert_eq!(breaker.state, BreakerState::Closed);
                        }
                        Pass::Probe => {
                            row += 1;
                            breaker.claim(row);
                            calls.push((row, breaker.generation, true));
                            let probes = calls.iter().filter(|call| call.2 && call.1 == breaker.generation);
                            prop_assert_eq!(probes.count(), 1);
                        }
                        Pass::Open(left) => prop_assert!((1..=3_600_000).contains(&left)),
                        Pass::Probing => prop_assert!(lives),
                        Pass::Forced => prop_assert_eq!(breaker.state, BreakerState::ForcedOpen),
                    }
                }
                Event::End(call, end) => {
                    if calls.is_empty() {
                        continue;
                    }
                    let (_, mut generation, _) = calls.swap_remove(call % calls.len());
                    let is_current = generation == breaker.generation;
                    match end {
                        End::Success => breaker.succeed(generation),
                        End::Soft => breaker.fail(generation, SOFT, &now, &random),
                        End::Hard => breaker.fail(generation, HARD, &now, &random),
                        End::Token(whole) => {
                            generation = breaker.first_token(generation).unwrap_or(generation);
                            if whole {
                                breaker.succeed(generation);
                            } else {
                                breaker.fail(generation, SOFT, &now, &random);
                            }
                        }
                        End::Gone => {}
                    }
                    if !is_current {
                        prop_assert_eq!(&breaker, &before);
                    }
                }
                Event::Check => {
                    breaker.make_due(&now);
                    prop_assert_eq!(breaker.state, before.state);
                }
                Event::Force => breaker.force_open(),
                Event::Close => breaker.close(),
            }
            prop_assert!(breaker.state == before.state || breaker.generation == before.generation + 1
                || (before.state == BreakerState::HalfOpen && breaker.generation == before.generation + 2));
            prop_assert_eq!(breaker.state == BreakerState::Open, breaker.open.is_some()
                && breaker.state != BreakerState::HalfOpen);
            if breaker.state == BreakerState::Open {
                prop_assert_eq!(breaker.pass(&at(seconds + 3601), false), Pass::Probe);
            }
        }
    }
}
