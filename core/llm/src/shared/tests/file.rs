//! Files that cannot be used (B13): the call goes on.

use std::time::Duration;

use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_testkit::{Failure, Fault, FaultDisk, Op};

use super::fixture::*;
use crate::admission::Candidate;
use crate::answer::Why;
use crate::class::Class;
use crate::shared::Place;

// llm L14
#[test]
fn a_disk_that_fails_is_left_alone_and_used_again_after_a_minute() {
    for error in [Failure::Full, Failure::Io] {
        let machine = Machine::new();
        let disk = FaultDisk::watch(machine.dir.path());
        let shared = machine.process();
        let before = go(&shared, &[host(0, A)]);
        let lost = go(&shared, &[host(0, A)]);
        shared.inner.leaked().push(lost.entry().row);
        lost.end();
        disk.fail(Fault { op: Op::Write, nth: 1, error, sticky: true });
        call(&shared, &host(0, B), &failed(Class::Unreachable));
        assert_eq!(why(&shared, &host(0, B)), Why::Open);
        assert_eq!(disk.fired(), 1, "it was tried once");
        shared.conclude(before, &answered());
        let waiting = shared.queue(&host(0, C));
        assert!(shared.warning().unwrap().contains("global.db"));
        disk.heal();
        machine.seconds(60);
        // Rows that could not be removed are removed, and what is of the twin stays there.
        call(&shared, &host(0, C), &answered());
        drop(waiting);
        assert_eq!(machine.count("llm_inflight"), 0);
        assert_eq!(machine.row(B), None);
        assert_eq!(shared.warning(), None);
    }
}

#[test]
fn a_call_from_the_twin_leaves_its_numbers_in_the_file_and_touches_no_row_there() {
    let machine = Machine::new();
    let disk = FaultDisk::watch(machine.dir.path());
    let shared = machine.process();
    call(&shared, &host(0, A), &answered());
    disk.fail(Fault { op: Op::Write, nth: 1, error: Failure::Full, sticky: true });
    let in_twin = go(&shared, &[host(0, A)]);
    disk.heal();
    machine.seconds(60);
    let in_file: Vec<_> = (0..3).map(|_| go(&shared, &[host(0, A)])).collect();
    shared.conclude(in_twin, &failed(Class::Unreachable));
    assert_eq!(machine.count("llm_inflight"), 3);
    assert_eq!(machine.count("llm_call"), 2);
    assert!(machine.row(A).unwrap().breaker.opens == 0);
    drop(in_file);
    assert_eq!(machine.count("llm_inflight"), 0);
}

// `--read-only`: what others found out counts, and nothing is written.
#[test]
fn a_file_that_is_only_read_is_where_the_twin_begins() {
    let machine = Machine::new();
    call(&machine.process(), &host(0, A), &failed(Class::Unreachable));
    let calls = machine.count("llm_call");
    let schema = Schema::assemble(&[OTHERS, crate::GLOBAL_MIGRATIONS], &[]).unwrap();
    let db = Db::open_read_only(DbOptions::new(machine.dir.path().join("global.db"), schema)).unwrap();
    let shared = machine.with(Some(db));
    assert_eq!(why(&shared, &host(0, A)), Why::Open);
    call(&shared, &host(0, B), &failed(Class::Unreachable));
    assert_eq!(why(&shared, &host(0, B)), Why::Open);
    assert_eq!((machine.count("llm_call"), machine.row(B)), (calls, None));
    assert_eq!(shared.warning(), None, "it was asked for");
}

/// A file without our tables is one that cannot be used.
#[test]
fn a_file_without_the_tables_is_left_alone() {
    const OTHER: &[Migration] = &[Migration {
        version: FIRST_VERSION,
        name: "another's",
        up: Step::Sql("CREATE TABLE other(x)"),
        down: None,
        rewrites: false,
    }];
    let machine = Machine::new();
    let schema = Schema::assemble(&[OTHER], &[]).unwrap();
    let db = Db::open(DbOptions::new(machine.dir.path().join("other.db"), schema)).unwrap();
    let shared = machine.with(Some(db));
    assert_eq!(shared.evidence_age_ms(A), None);
    call(&shared, &host(0, A), &failed(Class::Unreachable));
    assert_eq!(why(&shared, &host(0, A)), Why::Open);
    assert!(shared.warning().is_some());
}

/// A call that was let through without the file holds its slot in it as soon as the file answers again.
#[test]
fn a_call_from_the_twin_is_counted_by_others_as_soon_as_the_file_answers() {
    let machine = Machine::new();
    let one = Candidate { slots: Some(1), ..host(0, A) };
    let me = conclave_db::process::current().unwrap();
    let disk = FaultDisk::watch(machine.dir.path());
    let shared = machine.beating(Some(machine.db()), me, Duration::from_millis(20));
    disk.fail(Fault { op: Op::Write, nth: 1, error: Failure::Full, sticky: true });
    let ticket = go(&shared, &[one]);
    assert_eq!(ticket.place(), Place::Twin);
    disk.heal();
    while ticket.place() == Place::Twin {
        std::thread::yield_now();
    }
    let elsewhere = machine.process();
    assert_eq!(why(&elsewhere, &one), Why::Full);
    // Its end frees the slot, and says nothing of a host that others let it through to.
    shared.conclude(ticket, &failed(Class::Unreachable));
    drop(go(&elsewhere, &[one]));
    assert_eq!((machine.count("llm_inflight"), machine.count("llm_call")), (0, 1));
}

/// Within one process too: who goes back to the file takes along what runs.
#[test]
fn who_goes_back_to_the_file_takes_its_calls_along() {
    let machine = Machine::new();
    let one = Candidate { slots: Some(1), ..host(0, A) };
    let disk = FaultDisk::watch(machine.dir.path());
    let shared = machine.process();
    disk.fail(Fault { op: Op::Write, nth: 1, error: Failure::Full, sticky: true });
    let ticket = go(&shared, &[one]);
    assert_eq!(ticket.place(), Place::Twin);
    disk.heal();
    machine.seconds(60);
    assert_eq!(why(&shared, &one), Why::Full);
    assert_eq!(ticket.place(), Place::File);
    drop(ticket);
    drop(go(&shared, &[one]));
    assert_eq!(machine.count("llm_inflight"), 0);
}

/// A row of memory that is given up late is no row of the file.
#[test]
fn numbers_of_rows_are_never_those_of_the_file() {
    let machine = Machine::new();
    let alone = machine.alone();
    let (first, second) = (go(&alone, &[host(0, A)]), go(&machine.process(), &[host(0, A)]));
    assert!(first.entry().row > second.entry().row + 1_000_000);
}

/// The thread of the calls removes what could not be removed, though no further call comes.
#[test]
fn a_row_that_could_not_be_removed_goes_without_a_further_call() {
    let machine = Machine::new();
    let me = conclave_db::process::current().unwrap();
    let shared = machine.beating(Some(machine.db()), me, Duration::from_millis(20));
    let ticket = go(&shared, &[host(0, A)]);
    shared.inner.leaked().push(ticket.entry().row);
    ticket.end();
    drop(ticket);
    while machine.count("llm_inflight") > 0 {
        std::thread::yield_now();
    }
}
