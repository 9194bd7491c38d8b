//! Real processes on one file: races, killed ones, one that holds the lock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_db::DbError;
use conclave_db::clock::SystemBootClock;
use conclave_retry::{Clock, Sleeper, SystemClock, SystemRandom, SystemSleeper};
use conclave_testkit::{Parent, Rerun};

use super::fixture::*;
use crate::admission::{Admission, Candidate, Ticket};
use crate::answer::Why;
use crate::class::Class;
use crate::presence::{BEAT, Presence};
use crate::shared::{PATIENCE, Shared};

/// With the system's clocks.
fn real(path: &Path, patience: Duration) -> Shared {
    Shared::with(
        Some(open(path)),
        Arc::new(SystemClock),
        Arc::new(SystemBootClock),
        Arc::new(SystemRandom),
        Presence::of_this_process(),
        patience,
        BEAT,
    )
}

/// One that waits for the file as long as a slow machine takes.
fn patient(path: &Path) -> Shared {
    real(path, Duration::from_mins(1))
}

fn one_slot() -> Candidate<'static> {
    Candidate { slots: Some(1), ..host(0, A) }
}

/// Asks again and again, as a caller in a queue does.
fn wait_for(shared: &Shared, candidate: &Candidate<'_>) -> Ticket {
    let waiting = shared.queue(candidate);
    loop {
        match shared.admit(std::slice::from_ref(candidate), Some(&waiting)) {
            Admission::Go { ticket, .. } => return ticket,
            Admission::Full { .. } => SystemSleeper.sleep(Duration::from_millis(2)),
            Admission::Nobody { skipped } => panic!("{skipped:?}"),
        }
    }
}

// llm L4, B8
#[test]
fn of_many_processes_one_tries_an_open_host_out_and_the_others_go_to_the_next() {
    const PROCESSES: usize = 16;
    let hosts = [
        Candidate { slots: Some(16), ..host(0, A) },
        Candidate { priority: 2, slots: Some(16), ..host(1, B) },
    ];
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        while let Some(path) = parent.hear() {
            let shared = patient(Path::new(&path));
            parent.hear().unwrap();
            let ticket = go(&shared, &hosts);
            parent.say(&format!("{} {}", ticket.entry().endpoint, ticket.is_probe));
            parent.hear().unwrap();
            shared.conclude(ticket, &failed(Class::Cancelled));
            in_file(&shared);
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut fleet = Rerun::of(
        "shared::tests::processes::of_many_processes_one_tries_an_open_host_out_and_the_others_go_to_the_next",
    )
    .start_fleet(PROCESSES);
    fleet.release();
    for round in 0..20 {
        let path = dir.path().join(format!("{round}/global.db"));
        let shared = patient(&path);
        call(&shared, &hosts[0], &failed(Class::Unreachable));
        shared.checked(A, "openai", "a", None, None);
        for line in [path.to_str().unwrap(), "go"] {
            fleet.children.iter_mut().for_each(|child| child.send(line));
        }
        let mut said: Vec<String> = fleet.children.iter_mut().map(|child| child.line().unwrap()).collect();
        said.sort_unstable();
        let mut wanted = vec![format!("{B} false"); PROCESSES];
        wanted[0] = format!("{A} true");
        assert_eq!(said, wanted, "round {round}");
        fleet.children.iter_mut().for_each(|child| child.send("end"));
    }
}

// llm L5
#[test]
fn a_prober_that_is_killed_frees_the_probe() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let shared = patient(Path::new(&parent.hear().unwrap()));
        let ticket = go(&shared, &[host(0, A)]);
        parent.say(&ticket.is_probe.to_string());
        parent.hear();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("global.db");
    let shared = patient(&path);
    call(&shared, &host(0, A), &failed(Class::Unreachable));
    shared.checked(A, "openai", "a", None, None);
    for _ in 0..3 {
        let mut child =
            Rerun::of("shared::tests::processes::a_prober_that_is_killed_frees_the_probe").start();
        child.release();
        child.send(path.to_str().unwrap());
        assert_eq!(child.line().unwrap(), "true");
        assert_eq!(why(&shared, &host(0, A)), Why::Probing);
        child.kill();
    }
    let ticket = go(&shared, &[host(0, A)]);
    assert!(ticket.is_probe);
    shared.conclude(ticket, &answered());
    assert!(!go(&shared, &[host(0, A)]).is_probe);
    in_file(&shared);
}

// llm L15
#[test]
fn the_slots_of_killed_processes_are_free_at_once() {
    if let Some(mut parent) = Parent::of_this_process() {
        let shared = patient(Path::new(&std::env::var("CONCLAVE_TEST_FILE").unwrap()));
        parent.wait_for_release();
        let _kept = match shared.admit(&[one_slot()], None) {
            Admission::Go { ticket, .. } => ticket,
            _ => shared.queue(&one_slot()),
        };
        parent.say("there");
        parent.hear();
        return;
    }
    let machine = Machine::new();
    let path = machine.dir.path().join("global.db");
    let shared = patient(&path);
    let mut fleet = Rerun::of("shared::tests::processes::the_slots_of_killed_processes_are_free_at_once")
        .variable("CONCLAVE_TEST_FILE", path.to_str().unwrap())
        .start_fleet(8);
    fleet.release();
    for child in &mut fleet.children {
        assert_eq!(child.line().unwrap(), "there");
    }
    assert_eq!(machine.count("llm_inflight"), 8);
    assert_eq!(why(&shared, &one_slot()), Why::Full);
    fleet.children.iter_mut().for_each(conclave_testkit::Child::kill);
    let _ticket = go(&shared, &[one_slot()]);
    assert_eq!(machine.count("llm_inflight"), 1, "only the one that runs now");
    in_file(&shared);
}

// llm L16: what the server would see, as a lock that only one can have.
#[test]
fn a_host_with_one_slot_is_never_called_by_two_processes_at_once() {
    const ROUNDS: usize = 5;
    if let Some(mut parent) = Parent::of_this_process() {
        let path = std::env::var("CONCLAVE_TEST_FILE").unwrap();
        let shared = patient(Path::new(&path));
        let slot = std::fs::File::create(Path::new(&path).with_extension("slot")).unwrap();
        parent.wait_for_release();
        for _ in 0..ROUNDS {
            let ticket = wait_for(&shared, &one_slot());
            slot.try_lock().unwrap();
            SystemSleeper.sleep(Duration::from_millis(5));
            slot.unlock().unwrap();
            shared.conclude(ticket, &answered());
        }
        in_file(&shared);
        parent.say("done");
        return;
    }
    let machine = Machine::new();
    let path = machine.dir.path().join("global.db");
    let mut fleet =
        Rerun::of("shared::tests::processes::a_host_with_one_slot_is_never_called_by_two_processes_at_once")
            .variable("CONCLAVE_TEST_FILE", path.to_str().unwrap())
            .start_fleet(6);
    fleet.release();
    for said in fleet.finish() {
        assert_eq!(said, ["done"]);
    }
    assert_eq!(machine.count("llm_call"), 30);
    assert_eq!(machine.count("llm_inflight"), 0);
    let row = machine.row(A).unwrap();
    assert_eq!((row.breaker.failures, row.breaker.generation), (0, 0));
}

// llm L20
#[test]
fn a_budget_is_never_overdrawn_by_processes_at_once() {
    let cloud = Candidate { calls_per_hour: Some(5), slots: Some(100), ..host(0, A) };
    if let Some(mut parent) = Parent::of_this_process() {
        let shared = patient(Path::new(&std::env::var("CONCLAVE_TEST_FILE").unwrap()));
        parent.wait_for_release();
        match shared.admit(&[cloud], None) {
            Admission::Go { ticket, .. } => {
                shared.conclude(ticket, &answered());
                parent.say("called");
            }
            Admission::Nobody { skipped } => parent.say(&format!("{:?}", skipped[0].why)),
            other @ Admission::Full { .. } => panic!("{other:?}"),
        }
        in_file(&shared);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("global.db");
    let mut fleet = Rerun::of("shared::tests::processes::a_budget_is_never_overdrawn_by_processes_at_once")
        .variable("CONCLAVE_TEST_FILE", path.to_str().unwrap())
        .start_fleet(20);
    fleet.release();
    let said: Vec<String> = fleet.finish().into_iter().flatten().collect();
    assert_eq!(said.iter().filter(|said| *said == "called").count(), 5, "{said:?}");
    assert_eq!(said.iter().filter(|said| *said == "Budget").count(), 15, "{said:?}");
}

// llm L14, B13
#[test]
fn a_file_that_another_process_holds_delays_a_call_once_and_stops_none() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let path = parent.hear().unwrap();
        if parent.role() == "new" {
            let started = SystemClock.monotonic();
            let shared = real(Path::new(&path), PATIENCE);
            let admission = shared.admit(&[host(0, A), host(1, B)], None);
            let took = SystemClock.monotonic().saturating_sub(started);
            assert!(took < Duration::from_secs(20), "{took:?}");
            assert!(matches!(admission, Admission::Go { ticket, .. } if ticket.entry().endpoint == B));
            parent.say(&shared.warning().unwrap());
            return;
        }
        let db = open(Path::new(&path));
        let parent = std::sync::Mutex::new(parent);
        let held = db.write("hold the lock", move |tx| {
            tx.execute("DELETE FROM llm_salt", [])?;
            let mut parent = parent.lock().unwrap();
            parent.say("held");
            parent.hear();
            Ok::<_, DbError>(())
        });
        held.unwrap();
        return;
    }
    let machine = Machine::new();
    let path = machine.dir.path().join("global.db");
    call(&patient(&path), &host(0, A), &failed(Class::Unreachable));
    let shared = real(&path, PATIENCE);
    let mut running = vec![go(&shared, &[host(1, B)])];
    let mut holder = Rerun::of(
        "shared::tests::processes::a_file_that_another_process_holds_delays_a_call_once_and_stops_none",
    )
    .start();
    holder.release();
    holder.send(path.to_str().unwrap());
    assert_eq!(holder.line().unwrap(), "held");
    let started = SystemClock.monotonic();
    let hosts = [host(0, A), Candidate { slots: Some(2), ..host(1, B) }];
    match shared.admit(&hosts, None) {
        Admission::Go { ticket, skipped } => {
            assert_eq!(ticket.entry().endpoint, B);
            assert_eq!(skipped[0].why, Why::Open, "what the file said last is known");
            running.push(ticket);
        }
        other => panic!("{other:?}"),
    }
    // 250 ms are promised; what is tested is that nobody waits for as long as the lock is held.
    let took = SystemClock.monotonic().saturating_sub(started);
    assert!(took < Duration::from_secs(20), "{took:?}");
    let failed_writes = open(&path).metrics().failed;
    assert_eq!(why(&shared, &hosts[1]), Why::Full, "the call from before is known too");
    running.drain(..).for_each(|ticket| shared.conclude(ticket, &failed(Class::Fault)));
    call(&shared, &hosts[1], &failed(Class::Fault));
    assert_eq!(why(&shared, &hosts[1]), Why::Open, "the twin has a breaker too");
    assert_eq!(open(&path).metrics().failed, failed_writes, "the file is left alone now");
    let warning = shared.warning().unwrap();
    assert!(warning.contains("locked") && warning.contains("global.db"), "{warning}");
    assert_eq!(shared.warning(), None, "once");
    // A process that begins meanwhile is no worse off.
    let mut new = Rerun::of(
        "shared::tests::processes::a_file_that_another_process_holds_delays_a_call_once_and_stops_none",
    )
    .role("new")
    .start();
    new.release();
    new.send(path.to_str().unwrap());
    assert!(new.line().unwrap().contains("locked"));
    new.finish();
    holder.send("end");
    holder.finish();
}
