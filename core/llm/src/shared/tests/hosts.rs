//! Breakers, blocks and marks as calls meet them, in the file and in the twin alike.

use std::time::Duration;

use conclave_retry::BreakerState;

use super::fixture::*;
use crate::admission::{Admission, Candidate};
use crate::answer::Why;
use crate::class::Class;
use crate::shared::Outcome;
use crate::shared::Shared;

/// Runs a scenario over the file and over the twin.
fn both(scenario: impl Fn(&Machine, &Shared)) {
    let machine = Machine::new();
    let shared = machine.process();
    scenario(&machine, &shared);
    in_file(&shared);
    let machine = Machine::new();
    scenario(&machine, &machine.alone());
}

// llm L3, B4: a host that refuses costs the first process, and nobody after it for 30 s.
#[test]
fn a_host_that_is_unreachable_is_closed_to_all_processes_at_once() {
    let machine = Machine::new();
    let first = machine.process();
    call(&first, &host(0, A), &failed(Class::Unreachable));
    for _ in 0..9 {
        let next = machine.process();
        let skipped = skips(&next, &[host(0, A)]);
        assert_eq!((skipped[0].why, skipped[0].until), (Why::Open, Some(WALL + 30_000)));
        assert_eq!(skipped[0].message.as_deref(), Some("unreachable: it broke"));
        in_file(&next);
    }
    machine.seconds(30);
    let ticket = go(&machine.process(), &[host(0, A)]);
    assert!(ticket.is_probe);
    in_file(&first);
}

// llm L1
#[test]
fn three_calls_that_each_fail_everywhere_open_all_three_hosts_for_five_minutes() {
    both(|_, shared| {
        for _ in 0..3 {
            for (endpoint, class) in [(A, Class::Timeout), (B, Class::Fault), (C, Class::Cut)] {
                call(shared, &host(0, endpoint), &failed(class));
            }
        }
        for endpoint in [A, B, C] {
            let skipped = skips(shared, &[host(0, endpoint)]);
            assert_eq!((skipped[0].why, skipped[0].until), (Why::Open, Some(WALL + 300_000)));
        }
    });
}

// llm L6
#[test]
fn a_late_failure_of_a_call_from_before_the_opening_changes_nothing_and_is_written_down() {
    let machine = Machine::new();
    let shared = machine.process();
    let slow = go(&shared, &[host(0, A)]);
    for _ in 0..3 {
        call(&shared, &host(0, A), &failed(Class::Fault));
    }
    machine.seconds(300);
    call(&shared, &host(0, A), &answered());
    machine.seconds(100);
    shared.conclude(slow, &failed(Class::Timeout));
    let row = machine.row(A).unwrap();
    assert_eq!((row.breaker.state, row.breaker.failures), (BreakerState::Closed, 0));
    assert_eq!(machine.count("llm_call"), 5);
    assert_eq!(machine.count("llm_inflight"), 0);
    in_file(&shared);
}

// llm L5: dropped as by a caller who gives up; killed ones are in `processes`.
#[test]
fn a_probe_that_is_given_up_is_free_for_the_next() {
    both(|machine, shared| {
        call(shared, &host(0, A), &failed(Class::Unreachable));
        machine.seconds(30);
        let probe = go(shared, &[host(0, A)]);
        assert_eq!(why(shared, &host(0, A)), Why::Probing);
        drop(probe);
        let next = go(shared, &[host(0, A)]);
        assert!(next.is_probe);
        shared.first_token(&next);
        assert!(!go(shared, &[host(0, A)]).is_probe, "closed by the first token");
        shared.conclude(next, &failed(Class::Cut));
        call(shared, &host(0, A), &failed(Class::Cut));
        assert!(!go(shared, &[host(0, A)]).is_probe, "two of three");
        call(shared, &host(0, A), &failed(Class::Cut));
        assert_eq!(
            why(shared, &host(0, A)),
            Why::Open,
            "the cut after the first token was the first of three"
        );
    });
}

// B9: the check before a probe fails: open again, and no call is written down.
#[test]
fn a_check_that_fails_before_the_probe_opens_it_again() {
    let machine = Machine::new();
    let shared = machine.process();
    call(&shared, &host(0, A), &failed(Class::Unreachable));
    machine.seconds(30);
    let probe = go(&shared, &[host(0, A)]);
    shared.conclude(probe, &crate::shared::Outcome { attempt: 0, ..failed(Class::Unreachable) });
    let until = skips(&shared, &[host(0, A)])[0].until.unwrap() - WALL - 30_000;
    assert!((60_000..=66_000).contains(&until), "{until}");
    assert_eq!(machine.count("llm_call"), 1);
    // The same, told by the check itself.
    machine.seconds(70);
    let probe = go(&shared, &[host(0, A)]);
    shared.checked(A, "openai", "a", Some((Class::Unreachable, "refused")), None);
    drop(probe);
    assert_eq!(why(&shared, &host(0, A)), Why::Open);
    in_file(&shared);
}

// llm L8: the boot clock counts whatever the wall clock does, and another boot's rows end by the wall clock.
#[test]
fn a_wall_clock_that_jumps_does_not_move_the_probe() {
    for jump in [-3_600_000, 864_000_000] {
        let machine = Machine::new();
        let shared = machine.process();
        call(&shared, &host(0, A), &failed(Class::Unreachable));
        machine.seconds(10);
        let now = WALL + 10_000 + jump;
        machine.wall.set_wall_ms(now);
        assert_eq!(skips(&shared, &[host(0, A)])[0].until, Some(now + 20_000));
        in_file(&shared);
    }
}

// llm L8
#[test]
fn after_a_reboot_nobody_is_locked_out_for_more_than_the_period() {
    for (jump, left) in [(0, 20_000), (-3_600_000, 30_000), (864_000_000, 0)] {
        let mut machine = Machine::new();
        call(&machine.process(), &host(0, A), &failed(Class::Unreachable));
        machine.seconds(10);
        machine.boot_id = "another".to_owned();
        machine.boot.set(Duration::from_secs(5));
        let now = WALL + 10_000 + jump;
        machine.wall.set_wall_ms(now);
        let shared = machine.process();
        match shared.admit(&[host(0, A)], None) {
            Admission::Go { ticket, .. } => assert!(ticket.is_probe && left == 0),
            Admission::Nobody { skipped } => {
                assert_eq!(skipped[0].until, Some(now + left));
                machine.seconds(30);
                assert!(go(&shared, &[host(0, A)]).is_probe, "the period does not begin anew");
            }
            Admission::Full { .. } => panic!("full"),
        }
        in_file(&shared);
    }
}

// llm L10, B11: whoever only looks changes nothing.
#[test]
fn looking_at_a_host_whose_time_is_up_changes_nothing() {
    let machine = Machine::new();
    let shared = machine.process();
    call(&shared, &host(0, A), &failed(Class::Unreachable));
    machine.seconds(60);
    let before = machine.row(A);
    for _ in 0..100 {
        assert!(shared.refused(&[host(0, A)]).is_empty(), "it would be tried out");
        shared.evidence_age_ms(A);
    }
    assert_eq!(machine.row(A), before);
    assert_eq!(before.unwrap().breaker.state, BreakerState::Open);
}

// llm L11
#[test]
fn one_url_by_two_names_is_one_host_and_one_name_at_two_urls_are_two() {
    both(|_, shared| {
        let surtr = Candidate { name: "surtr", ..host(0, A) };
        let other = Candidate { name: "other", slots: Some(1), ..host(0, A) };
        let elsewhere = Candidate { name: "surtr", ..host(0, B) };
        let running = go(shared, &[surtr]);
        assert_eq!(why(shared, &other), Why::Full, "one count of slots");
        shared.conclude(running, &failed(Class::Unreachable));
        assert_eq!(why(shared, &other), Why::Open);
        assert!(!go(shared, &[elsewhere]).is_probe);
    });
}

// llm L13
#[test]
fn a_breaker_that_is_off_never_opens_and_asks_past_an_open_one() {
    both(|_, shared| {
        let off = Candidate { breaker: false, ..host(0, A) };
        for _ in 0..10 {
            call(shared, &off, &failed(Class::Unreachable));
        }
        assert!(!go(shared, &[host(0, A)]).is_probe, "it counted for nobody");
        call(shared, &host(0, A), &failed(Class::Unreachable));
        assert!(!go(shared, &[off]).is_probe);
    });
}

// B12, llm L12 and L21: the caller's own faults.
#[test]
fn what_is_not_the_hosts_fault_never_counts() {
    both(|_, shared| {
        let classes = [
            Class::LocalNet,
            Class::Deadline,
            Class::Cancelled,
            Class::BadRequest,
            Class::TooLong,
            Class::WrongPath,
            Class::Redirect,
            Class::Config,
            Class::Busy,
        ];
        for _ in 0..20 {
            for class in classes {
                call(shared, &host(0, A), &failed(class));
            }
        }
        assert!(!go(shared, &[host(0, A)]).is_probe);
    });
}

// llm L22
#[test]
fn a_refused_key_is_not_used_again_for_a_minute_and_a_corrected_one_is() {
    both(|machine, shared| {
        let wrong = Candidate { key: Some("sk-test-AAAA"), ..host(0, A) };
        let right = Candidate { key: Some("sk-test-BBBB"), ..host(0, A) };
        call(shared, &wrong, &failed(Class::Auth));
        let skipped = skips(shared, &[wrong]);
        assert_eq!((skipped[0].why, skipped[0].until), (Why::Blocked, Some(WALL + 60_000)));
        assert_eq!(skipped[0].message.as_deref(), Some("auth"));
        call(shared, &right, &answered());
        machine.seconds(60);
        call(shared, &wrong, &failed(Class::Auth));
    });
}

// llm L50: of a key only a short salted hash is stored.
#[test]
fn no_row_holds_a_key() {
    let machine = Machine::new();
    let shared = machine.process();
    let candidate = Candidate { key: Some("sk-test-AAAA"), ..host(0, A) };
    assert!(!format!("{candidate:?}").contains("AAAA"));
    let ticket = go(&shared, &[candidate]);
    assert!(!format!("{ticket:?}").contains("AAAA"));
    shared.conclude(ticket, &failed(Class::Auth));
    let hash: String = machine
        .db()
        .read(|conn| conn.query_row("SELECT key_hash FROM llm_block", [], |row| row.get(0)))
        .unwrap();
    assert!(hash.len() == 8 && hash.chars().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    let other = Machine::new();
    call(&other.process(), &candidate, &failed(Class::Auth));
    let elsewhere: String = other
        .db()
        .read(|conn| conn.query_row("SELECT key_hash FROM llm_block", [], |row| row.get(0)))
        .unwrap();
    assert_ne!(hash, elsewhere, "each file has a salt of its own");
}

// llm L23
#[test]
fn a_host_that_asks_for_a_pause_gets_it_from_all_and_it_never_counts() {
    let machine = Machine::new();
    let throttled =
        crate::shared::Outcome { retry_after: Some(Duration::from_secs(2)), ..failed(Class::Throttled) };
    for _ in 0..10 {
        let shared = machine.process();
        call(&shared, &host(0, A), &throttled);
        let skipped = skips(&machine.process(), &[host(0, A)]);
        assert_eq!(skipped[0].why, Why::Blocked);
        machine.seconds(2);
        in_file(&shared);
    }
    assert_eq!(machine.row(A).unwrap().breaker.failures, 0);
}

// llm L24: what a server may say, and a pause that nobody waits for.
#[test]
fn pauses_are_as_long_as_asked_within_an_hour() {
    both(|_, shared| {
        for (index, (asked, left)) in [(250_u64, 250_i64), (u64::MAX, 3_600_000)].into_iter().enumerate() {
            let model = ["x", "y"][index];
            let candidate = Candidate { key: Some(model), ..host(0, A) };
            let outcome = crate::shared::Outcome {
                retry_after: Some(Duration::from_millis(asked)),
                ..failed(Class::Throttled)
            };
            call(shared, &candidate, &outcome);
            assert_eq!(skips(shared, &[candidate])[0].until, Some(WALL + left));
        }
        let now = crate::shared::Outcome { retry_after: Some(Duration::ZERO), ..failed(Class::Throttled) };
        call(shared, &host(0, B), &now);
        call(shared, &host(0, B), &answered());
    });
}

// llm L26
#[test]
fn pauses_in_a_row_get_longer_up_to_a_minute_and_a_success_forgets_them() {
    both(|machine, shared| {
        for seconds in [2, 4, 8, 16, 32, 60, 60, 60, 60, 60] {
            call(shared, &host(0, A), &failed(Class::Overloaded));
            let now = skips(shared, &[host(0, A)])[0].until.unwrap();
            machine.seconds(seconds - 1);
            assert_eq!(why(shared, &host(0, A)), Why::Blocked, "{seconds} s");
            machine.seconds(1);
            assert!(shared.refused(&[host(0, A)]).is_empty(), "until {now}");
        }
        call(shared, &host(0, A), &answered());
        call(shared, &host(0, A), &failed(Class::Overloaded));
        machine.seconds(2);
        call(shared, &host(0, A), &answered());
    });
}

// llm L26: calls that ran at once and heard of the same overload.
#[test]
fn one_overload_that_several_hear_of_is_one_pause() {
    both(|machine, shared| {
        let four: Vec<_> = (0..4).map(|_| go(shared, &[host(0, A)])).collect();
        for ticket in four {
            shared.conclude(ticket, &failed(Class::Overloaded));
        }
        machine.seconds(2);
        call(shared, &host(0, A), &answered());
    });
}

// llm L25
#[test]
fn a_spent_quota_is_left_alone_for_a_quarter_of_an_hour() {
    both(|_, shared| {
        call(shared, &host(0, A), &failed(Class::Quota));
        assert_eq!(skips(shared, &[host(0, A)])[0].until, Some(WALL + 900_000));
    });
}

// llm L28
#[test]
fn a_model_that_a_host_has_not_is_skipped_for_a_minute_and_its_others_are_not() {
    both(|machine, shared| {
        let other = Candidate { model: "n", ..host(0, A) };
        call(shared, &host(0, A), &failed(Class::NoModel));
        let skipped = skips(shared, &[host(0, A)]);
        assert_eq!((skipped[0].why, skipped[0].until), (Why::NoModel, Some(WALL + 60_000)));
        call(shared, &other, &answered());
        shared.mark_absent(A, "m", false);
        call(shared, &host(0, A), &answered());
        shared.mark_absent(A, "m", true);
        assert_eq!(why(shared, &host(0, A)), Why::NoModel);
        machine.wall.set_wall_ms(WALL - 3_600_000);
        call(shared, &host(0, A), &answered());
        machine.seconds(60);
        call(shared, &host(0, A), &answered());
    });
}

// llm L29
#[test]
fn a_model_that_does_not_load_is_open_and_its_host_is_not() {
    both(|machine, shared| {
        let x = Candidate { model: "x", ..host(0, A) };
        let y = Candidate { model: "y", ..host(0, A) };
        for _ in 0..3 {
            call(shared, &x, &crate::shared::Outcome { of_model: true, ..failed(Class::Fault) });
        }
        let skipped = skips(shared, &[x]);
        assert_eq!((skipped[0].why, skipped[0].until), (Why::Open, Some(WALL + 300_000)));
        call(shared, &y, &answered());
        machine.seconds(300);
        let probe = go(shared, &[x]);
        assert!(probe.is_probe);
        assert_eq!(why(shared, &x), Why::Probing);
        shared.first_token(&probe);
        shared.conclude(probe, &answered());
        call(shared, &x, &answered());
    });
}

// B11
#[test]
fn a_check_that_succeeds_makes_the_next_call_a_probe_and_never_closes() {
    both(|_, shared| {
        call(shared, &host(0, A), &failed(Class::Unreachable));
        assert_eq!(shared.evidence_age_ms(A), None);
        shared.checked(A, "openai", "a", None, Some(9));
        assert_eq!(shared.evidence_age_ms(A), Some(0));
        assert!(go(shared, &[host(0, A)]).is_probe);
    });
}

// llm L2, L52: what a check finds is known to all.
#[test]
fn a_check_that_fails_counts_as_a_call_does_and_only_while_closed() {
    both(|machine, shared| {
        shared.checked(A, "openai", "a", Some((Class::Unreachable, "refused")), None);
        assert_eq!(skips(shared, &[host(0, A)])[0].until, Some(WALL + 30_000));
        machine.seconds(10);
        shared.checked(A, "openai", "a", Some((Class::Unreachable, "refused")), None);
        assert_eq!(skips(shared, &[host(0, A)])[0].until, Some(WALL + 30_000), "not longer by looking");
        for _ in 0..5 {
            shared.checked(B, "openai", "b", Some((Class::Auth, "wrong key")), None);
        }
        assert!(!go(shared, &[host(0, B)]).is_probe);
    });
}

// R10
#[test]
fn evidence_is_a_success_or_a_check_and_its_age_is_known() {
    both(|machine, shared| {
        assert_eq!(shared.evidence_age_ms(A), None);
        call(shared, &host(0, A), &failed(Class::Fault));
        assert_eq!(shared.evidence_age_ms(A), None);
        call(shared, &host(0, A), &crate::shared::Outcome { context: Some(8192), ..answered() });
        machine.seconds(61);
        assert_eq!(shared.evidence_age_ms(A), Some(61_000));
        assert_eq!(shared.context(A, "m"), Some(8192));
        machine.wall.set_wall_ms(WALL - 1);
        assert_eq!(shared.evidence_age_ms(A), None, "of the future");
    });
}

// Section 4: an outage is not multiplied.
#[test]
fn the_retry_budget_is_spent_and_comes_back_by_success_and_by_peace() {
    both(|machine, shared| {
        assert!(shared.pay_retry(A), "nothing is known of it");
        call(shared, &host(0, A), &failed(Class::Fault));
        for n in 0..100 {
            assert!(shared.pay_retry(A), "{n}");
        }
        assert!(!shared.pay_retry(A));
        for _ in 0..5 {
            call(shared, &host(0, A), &answered());
        }
        assert!(shared.pay_retry(A));
        assert!(!shared.pay_retry(A));
        // What a repeat has cost comes back where it answers.
        call(shared, &host(0, A), &crate::shared::Outcome { is_repeat: true, ..answered() });
        assert!(shared.pay_retry(A));
        assert!(!shared.pay_retry(A));
        machine.seconds(601);
        assert!(shared.pay_retry(A));
    });
}

/// A host that says no is there: the next caller is no probe.
#[test]
fn a_probe_that_the_host_refuses_closes_the_breaker() {
    both(|machine, shared| {
        for class in [Class::BadRequest, Class::Auth, Class::NoModel, Class::TooLong, Class::Throttled] {
            call(shared, &host(0, A), &failed(Class::Unreachable));
            machine.seconds(400);
            let probe = go(shared, &[host(0, A)]);
            assert!(probe.is_probe);
            shared.conclude(probe, &Outcome { status: Some(400), ..failed(class) });
            machine.seconds(400);
            let next = go(shared, &[host(0, A)]);
            assert!(!next.is_probe, "{class:?}");
            shared.conclude(next, &answered());
        }
        // What no answer of the host itself is, closes nothing.
        call(shared, &host(0, A), &failed(Class::Unreachable));
        machine.seconds(400);
        call(shared, &host(0, A), &Outcome { status: Some(407), ..failed(Class::LocalNet) });
        assert!(go(shared, &[host(0, A)]).is_probe);
    });
}

/// A stray byte in a text locks nobody out.
#[test]
fn a_text_that_is_no_utf8_is_read() {
    let machine = Machine::new();
    let shared = machine.process();
    call(&shared, &host(0, A), &failed(Class::Fault));
    let spoil = |tx: &conclave_db::WriteTx<'_>| {
        tx.execute(
            "UPDATE llm_host SET last_error = CAST(x'61ff62' AS TEXT), last_name = CAST(x'ff' AS TEXT)",
            [],
        )
    };
    machine.db().write("spoil", spoil).unwrap();
    assert_eq!(machine.row(A).unwrap().breaker.last_error.unwrap(), "a\u{fffd}b");
    call(&shared, &host(0, A), &failed(Class::Unreachable));
    assert_eq!(why(&shared, &host(0, A)), Why::Open);
    in_file(&shared);
}
