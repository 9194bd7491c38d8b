//! Rows of processes that have ended, of other containers, of this one.

use std::time::Duration;

use conclave_db::process::ProcessIdentity;

use super::fixture::*;
use crate::admission::{Admission, Candidate};
use crate::answer::Why;

fn one_slot() -> Candidate<'static> {
    Candidate { slots: Some(1), ..host(0, A) }
}

/// Leaves a row behind, as a process does that is killed.
fn left_behind(machine: &Machine, process: &ProcessIdentity) {
    let shared = machine.as_process(Some(machine.db()), process.clone());
    std::mem::forget(go(&shared, &[one_slot()]));
    in_file(&shared);
}

fn me() -> ProcessIdentity {
    conclave_db::process::current().unwrap()
}

// llm L15: a number that another process has by now, one that nobody has, another boot.
#[test]
fn rows_of_processes_that_have_ended_are_purged_by_the_next_call() {
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    let gone = ended.id();
    ended.wait().unwrap();
    for process in [
        ProcessIdentity { start_time: me().start_time + 1, ..me() },
        ProcessIdentity { pid: gone, ..me() },
        ProcessIdentity { boot_id: "another".to_owned(), ..me() },
    ] {
        let machine = Machine::new();
        left_behind(&machine, &process);
        let shared = machine.process();
        drop(go(&shared, &[one_slot()]));
        assert_eq!(machine.count("llm_inflight"), 0, "{process:?}");
        in_file(&shared);
    }
}

#[test]
fn a_row_of_a_process_that_runs_stays() {
    let machine = Machine::new();
    left_behind(&machine, &me());
    let shared =
        machine.as_process(Some(machine.db()), ProcessIdentity { start_time: me().start_time + 1, ..me() });
    assert_eq!(why(&shared, &one_slot()), Why::Full);
}

// B10
#[test]
fn a_row_of_another_container_lives_as_long_as_it_beats() {
    let machine = Machine::new();
    let elsewhere = ProcessIdentity { pid_namespace: 1, ..me() };
    let theirs = machine.as_process(Some(machine.db()), elsewhere);
    let ticket = go(&theirs, &[one_slot()]);
    let ours = machine.process();
    machine.seconds(14);
    assert_eq!(why(&ours, &one_slot()), Why::Full);
    theirs.inner.beat();
    machine.seconds(14);
    assert_eq!(why(&ours, &one_slot()), Why::Full);
    machine.seconds(1);
    drop(go(&ours, &[one_slot()]));
    // That it is taken for dead does no harm to whoever it was.
    theirs.conclude(ticket, &answered());
    assert_eq!(machine.count("llm_inflight"), 0);
    in_file(&theirs);
}

#[test]
fn a_thread_beats_while_calls_run_and_ends_with_them() {
    let machine = Machine::new();
    let shared = machine.beating(Some(machine.db()), me(), Duration::from_millis(1));
    let beat = || -> i64 {
        machine
            .db()
            .read(|conn| conn.query_row("SELECT beat FROM llm_inflight", [], |row| row.get(0)))
            .unwrap()
    };
    for _ in 0..2 {
        let ticket = go(&shared, &[one_slot()]);
        let before = beat();
        machine.seconds(5);
        while beat() == before {
            std::thread::yield_now();
        }
        drop(ticket);
        while shared.inner.beats.runs() {
            std::thread::yield_now();
        }
    }
    in_file(&shared);
}

/// A row that could not be removed when its call was over goes with the next change.
#[test]
fn what_could_not_be_removed_is_removed_later() {
    let machine = Machine::new();
    let shared = machine.process();
    let ticket = go(&shared, &[one_slot()]);
    shared.inner.leaked().push(ticket.entry().row);
    ticket.end();
    drop(ticket);
    assert_eq!(machine.count("llm_inflight"), 1);
    match shared.admit(&[one_slot()], None) {
        Admission::Go { .. } => {}
        other => panic!("{other:?}"),
    }
    assert!(shared.inner.leaked().is_empty());
    in_file(&shared);
}
