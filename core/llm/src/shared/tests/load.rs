//! Slots, order, queues, budgets.

use std::time::Duration;

use conclave_retry::{Random, SeededRandom};

use super::fixture::*;
use crate::admission::{Admission, Candidate, Ticket};
use crate::answer::{Tokens, Why};
use crate::class::Class;
use crate::shared::{Outcome, Shared};

fn full(shared: &Shared, candidates: &[Candidate<'_>], waiting: Option<&Ticket>) -> usize {
    match shared.admit(candidates, waiting) {
        Admission::Full { shortest, .. } => shortest,
        other => panic!("not full: {other:?}"),
    }
}

fn let_through(shared: &Shared, candidates: &[Candidate<'_>], waiting: &Ticket) -> Ticket {
    match shared.admit(candidates, Some(waiting)) {
        Admission::Go { ticket, .. } => ticket,
        other => panic!("not let through: {other:?}"),
    }
}

// S2
#[test]
fn a_host_takes_as_many_as_configured_else_as_it_says_else_as_its_dialect_does() {
    let machine = Machine::new();
    let shared = machine.alone();
    for (dialect, slots, said, wanted) in [
        ("ollama", None, None, 1),
        ("openai", None, None, 4),
        ("anthropic", None, None, 8),
        ("openai", None, Some(2), 2),
        ("openai", Some(3), Some(2), 3),
        ("ollama", Some(0), None, 1),
    ] {
        let endpoint = format!("http://{dialect}-{slots:?}-{said:?}");
        if said.is_some() {
            shared.checked(&endpoint, dialect, "x", None, said);
        }
        let candidate = Candidate { endpoint: &endpoint, dialect, slots, ..host(0, A) };
        let running: Vec<_> = (0..wanted).map(|_| go(&shared, &[candidate])).collect();
        full(&shared, &[candidate], None);
        drop(running);
        drop(go(&shared, &[candidate]));
    }
}

// S3
#[test]
fn a_full_host_is_passed_over_for_one_of_lower_priority() {
    let machine = Machine::new();
    let shared = machine.process();
    let first = Candidate { slots: Some(1), ..host(0, A) };
    let second = Candidate { priority: 2, ..host(1, B) };
    let _running = go(&shared, &[second, first]);
    match shared.admit(&[first, second], None) {
        Admission::Go { ticket, skipped } => {
            assert_eq!(ticket.index, 1);
            assert_eq!((skipped[0].host.as_str(), skipped[0].why), ("a:1", Why::Full));
        }
        other => panic!("{other:?}"),
    }
    in_file(&shared);
}

// S1: outstanding per slot, then what the first token is expected to take, then the name.
#[test]
fn within_a_priority_the_least_loaded_is_first_then_the_fastest_then_by_name() {
    let machine = Machine::new();
    let shared = machine.process();
    let wide = Candidate { slots: Some(8), ..host(0, B) };
    let narrow = Candidate { slots: Some(2), ..host(1, A) };
    let one = go(&shared, &[wide, narrow]);
    assert_eq!(one.entry().endpoint, A, "by name");
    let two = go(&shared, &[wide, narrow]);
    assert_eq!(two.entry().endpoint, B, "A is half full");
    let three = go(&shared, &[wide, narrow]);
    assert_eq!(three.entry().endpoint, B, "an eighth is less than a half");
    shared.conclude(one, &Outcome { first_ms: Some(500), ..answered() });
    shared.conclude(two, &Outcome { first_ms: Some(100), ..answered() });
    drop(three);
    assert_eq!(go(&shared, &[wide, narrow]).entry().endpoint, B, "it is faster");
    in_file(&shared);
}

// S4
#[test]
fn a_slow_answer_counts_at_once_and_is_forgotten_by_and_by() {
    let machine = Machine::new();
    let shared = machine.process();
    let took = |first_ms| Outcome { first_ms: Some(first_ms), ..answered() };
    let mean = || machine.row(A).unwrap().ewma_first_ms.unwrap();
    call(&shared, &host(0, A), &took(100));
    call(&shared, &host(0, A), &took(1000));
    assert!((mean() - 1000.0).abs() < 0.5, "the peak counts at once");
    call(&shared, &host(0, A), &took(100));
    assert!(mean() > 999.0, "no time has passed");
    machine.seconds(600);
    call(&shared, &host(0, A), &took(100));
    assert!((mean() - (100.0 + 900.0 / std::f64::consts::E)).abs() < 1.0, "{}", mean());
    machine.boot.set(Duration::from_secs(1));
    call(&shared, &host(0, A), &took(50));
    assert!((mean() - 50.0).abs() < 0.5, "a mean of another boot says nothing");
    in_file(&shared);
}

// llm L19, S3
#[test]
fn where_all_are_full_the_shortest_queue_is_named() {
    let machine = Machine::new();
    let shared = machine.process();
    let a = Candidate { slots: Some(1), ..host(0, A) };
    let b = Candidate { slots: Some(2), ..host(1, B) };
    let _running: Vec<_> = (0..3).map(|_| go(&shared, &[a, b])).collect();
    assert_eq!(full(&shared, &[a, b], None), 0);
    let _one = shared.queue(&a);
    assert_eq!(full(&shared, &[a, b], None), 1, "A has a queue of two, B of one for each slot");
    assert_eq!(machine.count("llm_call"), 0, "nothing was sent");
    in_file(&shared);
}

// S3
#[test]
fn who_came_first_is_let_through_first() {
    let machine = Machine::new();
    for shared in [machine.process(), machine.alone()] {
        let a = Candidate { slots: Some(1), ..host(0, A) };
        let running = go(&shared, &[a]);
        let first = shared.queue(&a);
        let second = shared.queue(&a);
        full(&shared, &[a], Some(&first));
        shared.conclude(running, &answered());
        full(&shared, &[a], Some(&second));
        full(&shared, &[a], None);
        let running = let_through(&shared, &[a], &first);
        full(&shared, &[a], Some(&second));
        drop(first);
        full(&shared, &[a], Some(&second));
        drop(running);
        let running = let_through(&shared, &[a], &second);
        drop(second);
        full(&shared, &[a], None);
        drop(running);
        drop(go(&shared, &[a]));
        in_file(&shared);
    }
    assert_eq!(machine.count("llm_inflight"), 0);
}

// S3: who waits takes whatever is free first, and leaves no hole in the other queue.
#[test]
fn who_waits_for_one_host_goes_to_another_that_is_free_sooner() {
    let machine = Machine::new();
    let shared = machine.process();
    let (a, b) = (Candidate { slots: Some(1), ..host(0, A) }, Candidate { slots: Some(1), ..host(1, B) });
    let (on_a, on_b) = (go(&shared, &[a]), go(&shared, &[b]));
    let waiting = shared.queue(&a);
    drop(on_b);
    let ticket = let_through(&shared, &[a, b], &waiting);
    assert_eq!(ticket.entry().endpoint, B);
    drop((waiting, on_a));
    assert_eq!(go(&shared, &[a]).entry().endpoint, A);
    in_file(&shared);
}

/// Somebody who was stopped (Ctrl-Z) must not keep those behind him from a free slot.
#[test]
fn a_waiter_that_asks_no_more_is_gone_past_and_one_that_asks_is_not() {
    let machine = Machine::new();
    let shared = machine.process();
    let a = Candidate { slots: Some(1), ..host(0, A) };
    let running = go(&shared, &[a]);
    let stopped = shared.queue(&a);
    machine.seconds(9);
    full(&shared, &[a], Some(&stopped));
    machine.seconds(9);
    drop(running);
    full(&shared, &[a], None);
    machine.seconds(1);
    drop(go(&shared, &[a]));
    drop(let_through(&shared, &[a], &stopped));
    in_file(&shared);
}

/// 300 calls, 12 at a time, on three hosts that take so long each; how many each got.
fn shares(shared: &Shared, machine: &Machine, takes: [u64; 3]) -> [i32; 3] {
    let random = SeededRandom::new(11);
    let hosts = [host(0, A), host(1, B), host(2, C)];
    let (mut counts, mut running) = ([0; 3], Vec::<(u64, u64, Ticket)>::new());
    let (mut now, mut sent) = (0_u64, 0);
    while sent < 300 || !running.is_empty() {
        while sent < 300 && running.len() < 12 {
            let ticket = go(shared, &hosts);
            let base = takes[ticket.index];
            let took =
                base + u64::try_from(random.up_to(Duration::from_millis(base / 10)).as_millis()).unwrap();
            counts[ticket.index] += 1;
            running.push((now + took, took, ticket));
            sent += 1;
        }
        running.sort_by_key(|(end, ..)| std::cmp::Reverse(*end));
        let (end, took, ticket) = running.pop().unwrap();
        machine.advance(Duration::from_millis(end - now));
        now = end;
        shared.conclude(ticket, &Outcome { first_ms: Some(took), ..answered() });
    }
    counts
}

// llm L18
#[test]
fn equal_hosts_get_equal_shares_and_a_slow_one_the_smallest() {
    let machine = Machine::new();
    let shared = machine.process();
    let counts = shares(&shared, &machine, [100, 100, 100]);
    assert!(counts.iter().all(|count| (90..=110).contains(count)), "{counts:?}");
    let machine = Machine::new();
    let shared = machine.process();
    let [a, b, c] = shares(&shared, &machine, [100, 200, 100]);
    assert!(b < a && b < c, "{a} {b} {c}");
    in_file(&shared);
}

// llm L20, in one process.
#[test]
fn a_budget_of_calls_counts_those_that_run_and_those_of_the_hour() {
    let machine = Machine::new();
    for shared in [machine.process(), machine.alone()] {
        let cloud = Candidate { calls_per_hour: Some(5), slots: Some(100), ..host(0, A) };
        let mut running: Vec<_> = (0..5).map(|_| go(&shared, &[cloud])).collect();
        assert_eq!(why(&shared, &cloud), Why::Budget);
        shared.conclude(running.remove(0), &answered());
        shared.conclude(running.remove(0), &failed(Class::Fault));
        assert_eq!(why(&shared, &cloud), Why::Budget);
        drop(running.remove(0));
        shared.conclude(go(&shared, &[cloud]), &answered());
        assert_eq!(why(&shared, &cloud), Why::Budget, "one that was never sent was given back, once");
        drop(running);
        machine.seconds(3599);
        for _ in 0..2 {
            call(&shared, &cloud, &answered());
        }
        assert_eq!(why(&shared, &cloud), Why::Budget);
        machine.seconds(1);
        call(&shared, &cloud, &answered());
        let none = Candidate { calls_per_hour: Some(0), ..host(0, B) };
        assert_eq!(why(&shared, &none), Why::Budget, "0 is none at all");
        in_file(&shared);
    }
}

// Section 4: no overshoot by calls that run at once.
#[test]
fn a_budget_of_tokens_keeps_free_what_running_calls_may_take() {
    let machine = Machine::new();
    for shared in [machine.process(), machine.alone()] {
        let cloud =
            Candidate { tokens_per_day: Some(1000), reserved_tokens: 400, slots: Some(100), ..host(0, A) };
        let one = go(&shared, &[cloud]);
        let two = go(&shared, &[cloud]);
        assert_eq!(why(&shared, &cloud), Why::Budget, "800 of 1000 are kept free");
        let used = |tokens| Outcome {
            tokens: Tokens { input: Some(tokens), output: None, estimated: false },
            ..answered()
        };
        shared.conclude(one, &used(100));
        let three = go(&shared, &[cloud]);
        shared.conclude(two, &used(100));
        shared.conclude(three, &used(500));
        assert_eq!(why(&shared, &cloud), Why::Budget, "700 are used");
        machine.seconds(24 * 3600);
        call(&shared, &cloud, &answered());
        in_file(&shared);
    }
}

/// Trimming must not give budget back.
#[test]
fn calls_that_a_budget_counts_are_kept_beyond_a_thousand() {
    let machine = Machine::new();
    let shared = machine.process();
    let cloud = Candidate { calls_per_hour: Some(1100), ..host(0, A) };
    for _ in 0..1100 {
        call(&shared, &cloud, &answered());
    }
    assert_eq!(why(&shared, &cloud), Why::Budget);
    for _ in 0..1100 {
        call(&shared, &host(0, B), &answered());
    }
    let kept = machine.count("llm_call") - 1100;
    assert!((1000..1064).contains(&kept), "{kept} rows of a host without a budget");
    machine.seconds(31 * 24 * 3600);
    for _ in 0..64 {
        call(&shared, &host(0, C), &answered());
    }
    assert!(machine.count("llm_call") <= 64, "what is older than 30 days is gone");
    in_file(&shared);
}

/// A call whose process was killed may have been paid.
#[test]
fn a_call_of_a_killed_process_stays_in_the_budget() {
    let machine = Machine::new();
    let cloud = Candidate { calls_per_hour: Some(2), reserved_tokens: 100, ..host(0, A) };
    let gone = conclave_db::process::current().unwrap();
    // Nobody has this number and began then.
    let gone = conclave_db::process::ProcessIdentity { start_time: gone.start_time + 1, ..gone };
    for _ in 0..2 {
        let killed = machine.as_process(Some(machine.db()), gone.clone());
        std::mem::forget(go(&killed, &[cloud]));
    }
    let shared = machine.process();
    assert_eq!(why(&shared, &cloud), Why::Budget);
    assert_eq!((machine.count("llm_inflight"), machine.count("llm_call")), (0, 2));
    machine.seconds(3601);
    drop(go(&shared, &[cloud]));
    in_file(&shared);
}

/// A host that was slow once gets another chance.
#[test]
fn a_slow_answer_fades_though_no_call_comes() {
    let machine = Machine::new();
    let shared = machine.process();
    let first = |first_ms| Outcome { first_ms: Some(first_ms), ..answered() };
    call(&shared, &host(0, A), &first(300_000));
    call(&shared, &host(1, B), &first(100));
    let hosts = [host(0, A), host(1, B)];
    assert_eq!(go(&shared, &hosts).index, 1);
    // Its equal is asked every minute, and stays what it is.
    for _ in 0..120 {
        machine.seconds(60);
        call(&shared, &host(1, B), &first(100));
    }
    assert_eq!(go(&shared, &hosts).index, 0);
    in_file(&shared);
}
