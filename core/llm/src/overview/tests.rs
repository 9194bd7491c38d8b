//! What lists show, and that looking changes nothing.

use std::time::Duration;

use crate::answer::Why;
use crate::breaker::Now;
use crate::class::Class;
use crate::endpoint::Endpoint;
use crate::host::{Dialect, Fallback, Host, Hosts, ProxySetting, Timeouts};
use crate::overview::{HostView, at, calls, overview, percentile};
use crate::presence::Presence;
use crate::shared::Outcome;
use crate::shared::tests::fixture::*;
use crate::{close, force_open, reset};

fn configured(name: &str, url: &str) -> Host {
    Host {
        name: name.to_owned(),
        endpoint: Endpoint::parse(url, Dialect::Openai).unwrap(),
        dialect: Dialect::Openai,
        models: vec!["m".to_owned()],
        tasks: Vec::new(),
        priority: 1,
        max_concurrent: Some(4),
        timeouts: Timeouts::default(),
        key: None,
        breaker: true,
        proxy: ProxySetting::Direct,
        ca_file: None,
        allow_plain_key: false,
        stream: true,
        api_version: None,
        max_tokens: None,
        max_completion_tokens: false,
        context: None,
        billed: false,
    }
}

fn one(host: Host) -> Hosts {
    Hosts { hosts: vec![host], ..Hosts::default() }
}

fn look(machine: &Machine, hosts: &Hosts) -> HostView {
    use conclave_db::clock::BootClock;
    let me = conclave_db::process::current().unwrap();
    let now = Now {
        boot_ms: i64::try_from(machine.boot.since_boot().as_millis()).unwrap(),
        wall_ms: conclave_retry::Clock::wall_ms(&machine.wall),
        boot_id: machine.boot_id.clone(),
    };
    at(&machine.db(), hosts, &now, &Presence::new(me)).unwrap().remove(0)
}

// llm L55
#[test]
fn percentiles_are_by_nearest_rank_and_of_at_least_five() {
    let all: Vec<u64> = (1..=200).rev().collect();
    assert_eq!((percentile(&all, 50), percentile(&all, 95)), (Some(100), Some(190)));
    assert_eq!(percentile(&[1, 2, 3, 4], 50), None);
    assert_eq!((percentile(&[5, 1, 2, 3, 4], 50), percentile(&[5, 1, 2, 3, 4], 95)), (Some(3), Some(5)));
}

// llm L55
#[test]
fn percentiles_are_of_the_last_two_hundred_answers_of_a_day() {
    let machine = Machine::new();
    let shared = machine.process();
    let hosts = one(configured("a", A));
    let took = |total_ms, first_ms| Outcome { first_ms, total_ms, ..answered() };
    for _ in 0..50 {
        call(&shared, &host(0, A), &took(9_999, Some(9_999)));
    }
    machine.seconds(24 * 3600);
    for ms in 1..=4 {
        call(&shared, &host(0, A), &took(ms, None));
    }
    assert_eq!(look(&machine, &hosts).p50_ms, None, "four of this day");
    for ms in 1..=200 {
        call(&shared, &host(0, A), &took(ms, (ms <= 100).then_some(ms / 2)));
        if ms % 50 == 0 {
            // Alone, so that its breaker stays closed.
            call(&shared, &host(0, A), &Outcome { total_ms: 60_000, ..failed(Class::Timeout) });
        }
    }
    let view = look(&machine, &hosts);
    assert_eq!((view.p50_ms, view.p95_ms), (Some(100), Some(190)));
    assert_eq!((view.first_p50_ms, view.first_p95_ms), (Some(25), Some(47)));
    assert_eq!((view.calls_last_hour, view.tokens_last_day), (208, 208 * 30));
    assert_eq!(view.recent.len(), 30);
    assert_eq!(view.recent[29].class.as_deref(), Some("timeout"), "the newest is the last");
    let newest = calls(&machine.db(), &hosts.hosts[0], 2).unwrap();
    assert_eq!((newest[0].total_ms, newest[1].total_ms), (60_000, 200));
}

// llm L10
#[test]
fn a_view_shows_all_and_changes_nothing() {
    let machine = Machine::new();
    let shared = machine.process();
    let hosts = one(configured("a", A));
    let running = go(&shared, &[host(0, A)]);
    let _waiting = shared.queue(&host(0, A));
    let fault = Outcome { task: Some("code"), run: Some("r1"), status: Some(500), ..failed(Class::Fault) };
    call(&shared, &host(0, A), &answered());
    machine.seconds(1);
    (0..3).for_each(|_| {
        if let crate::admission::Admission::Go { ticket, .. } = shared.admit(&[host(0, A)], None) {
            shared.conclude(ticket, &fault);
        }
    });
    let view = look(&machine, &hosts);
    assert_eq!((view.in_flight, view.waiting, view.slots), (1, 1, 4));
    assert_eq!((view.breaker.state.as_str(), view.breaker.failures), ("open", 3));
    assert_eq!(view.breaker.retry_at, Some(WALL + 301_000));
    assert_eq!(view.opened_at, Some(WALL + 1000));
    assert_eq!((view.last_class.as_deref(), view.last_error.as_deref()), (Some("fault"), Some("it broke")));
    assert_eq!(view.healthy, Some(false));
    let newest = &view.recent[3];
    assert_eq!((newest.task.as_deref(), newest.run.as_deref()), (Some("code"), Some("r1")));
    assert_eq!((newest.status, newest.class.as_deref()), (Some(500), Some("fault")));
    machine.seconds(1000);
    let before = machine.row(A);
    for _ in 0..100 {
        assert_eq!(look(&machine, &hosts).breaker.state, "open");
    }
    assert_eq!(machine.row(A), before);
    assert_eq!(machine.count("llm_inflight"), 2);
    drop(running);
}

#[test]
fn a_pause_is_shown_until_it_ends() {
    let machine = Machine::new();
    let shared = machine.process();
    let hosts = one(configured("a", A));
    call(
        &shared,
        &host(0, A),
        &Outcome { retry_after: Some(Duration::from_secs(7)), ..failed(Class::Throttled) },
    );
    let view = look(&machine, &hosts);
    assert_eq!((view.blocked_until, view.blocked_why.as_deref()), (Some(WALL + 7000), Some("throttled")));
    machine.seconds(7);
    assert_eq!(look(&machine, &hosts).blocked_until, None);
}

#[test]
fn without_a_file_the_hosts_are_listed_and_the_fallback_is_the_last() {
    let off = Host { breaker: false, max_concurrent: None, ..configured("a", A) };
    let cloud = Fallback {
        host: configured("cloud", B),
        on: Fallback::ON.to_vec(),
        calls_per_hour: None,
        tokens_per_day: None,
    };
    let hosts = Hosts { fallback: Some(cloud), ..one(off) };
    let views = overview(None, &hosts).unwrap();
    assert_eq!(views[0].breaker.state, "disabled");
    assert_eq!((views[0].healthy, views[0].slots), (None, 4));
    assert_eq!((views[1].name.as_str(), views[1].fallback), ("cloud", true));
    let machine = Machine::new();
    assert_eq!(overview(Some(&machine.db()), &hosts).unwrap(), views, "nor does an empty file say more");
}

// llm L13, B11
#[test]
fn what_is_opened_by_hand_stays_so_until_somebody_closes_it() {
    let machine = Machine::new();
    let a = configured("a", A);
    let hosts = one(a.clone());
    let before = go(&machine.process(), &[host(0, A)]);
    force_open(&machine.db(), &a).unwrap();
    before.shared.clone().conclude(before, &answered());
    machine.seconds(100 * 24 * 3600);
    let shared = machine.process();
    shared.checked(A, "openai", "a", None, None);
    assert_eq!(why(&shared, &host(0, A)), Why::ForcedOpen);
    let off = crate::admission::Candidate { breaker: false, ..host(0, A) };
    assert_eq!(why(&shared, &off), Why::ForcedOpen, "a hand is above the configuration");
    assert_eq!(look(&machine, &hosts).breaker.state, "forced_open");
    close(&machine.db(), &a).unwrap();
    call(&shared, &host(0, A), &answered());
    in_file(&shared);
}

#[test]
fn closing_sets_all_counts_to_zero_and_resetting_forgets_blocks_and_marks_too() {
    let machine = Machine::new();
    let shared = machine.process();
    let a = configured("a", A);
    let wounded = || {
        let x = crate::admission::Candidate { model: "x", ..host(0, A) };
        for _ in 0..3 {
            call(&shared, &x, &Outcome { of_model: true, ..failed(Class::Fault) });
        }
        call(&shared, &host(0, A), &failed(Class::NoModel));
        call(&shared, &crate::admission::Candidate { model: "y", ..host(0, A) }, &failed(Class::Auth));
        shared.checked(A, "openai", "a", Some((Class::Unreachable, "refused")), None);
        x
    };
    let x = wounded();
    assert_eq!(why(&shared, &x), Why::Blocked);
    close(&machine.db(), &a).unwrap();
    assert_eq!(why(&shared, &host(0, A)), Why::Blocked, "close leaves blocks alone");
    reset(&machine.db(), &a).unwrap();
    for model in ["x", "m", "y"] {
        drop(go(&shared, &[crate::admission::Candidate { model, ..host(0, A) }]));
    }
    let row = machine.row(A).unwrap();
    assert_eq!((row.breaker.failures, row.breaker.opens), (0, 0));
    in_file(&shared);
}

/// A probe that was given up, or whose process was killed, leaves nobody who tries the host out.
#[test]
fn a_host_whose_probe_has_ended_is_shown_as_open_and_due() {
    let machine = Machine::new();
    let shared = machine.process();
    let hosts = one(configured("a", A));
    call(&shared, &host(0, A), &failed(Class::Unreachable));
    machine.seconds(30);
    let probe = go(&shared, &[host(0, A)]);
    assert_eq!(look(&machine, &hosts).breaker.state, "half_open");
    drop(probe);
    let view = look(&machine, &hosts);
    assert_eq!(view.breaker.state, "open");
    assert_eq!(view.breaker.retry_at, Some(conclave_retry::Clock::wall_ms(&machine.wall)));
    assert_eq!(machine.row(A).unwrap().breaker.state.as_str(), "half_open", "looking changes nothing");
}

#[test]
fn a_host_that_was_reset_is_not_shown_as_unwell() {
    let machine = Machine::new();
    let shared = machine.process();
    let configured = configured("a", A);
    let hosts = one(configured.clone());
    call(&shared, &host(0, A), &failed(Class::Unreachable));
    assert_eq!(look(&machine, &hosts).healthy, Some(false));
    reset(&machine.db(), &configured).unwrap();
    let view = look(&machine, &hosts);
    assert_eq!((view.healthy, view.last_error, view.last_class), (None, None, None));
}
