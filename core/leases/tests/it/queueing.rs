//! Who waits, and in which order.

use std::time::Duration;

use conclave_db::Db;
use conclave_db::process::{self, ProcessIdentity};
use conclave_leases::{Counts, HolderId, LeaseError, LeaseErrorKind, Leases, Mode, Request};
use conclave_retry::{CancelToken, Clock, Sleeper, SystemClock, SystemSleeper};

use crate::fixture::{self, Machine, acquire, fence, kind, name, request, shared, waiting};

fn waiter(machine: &Machine, label: &str, names: &[&str], mode: Mode, process: &ProcessIdentity) {
    enqueue(&machine.db, label, names, mode, process);
}

/// Puts a waiter into the queue that never does anything.
fn enqueue(db: &Db, label: &str, names: &[&str], mode: Mode, process: &ProcessIdentity) {
    let (label, process) = (label.to_owned(), process.clone());
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    db
        .write("test", move |tx| {
            let sql = "INSERT INTO lease_waiters(ticket, holder_id, mode, boot_id, pid_namespace, pid, start_time,
                         since_utc_ms)
                       SELECT ifnull(max(ticket), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, 0 FROM lease_waiters RETURNING id";
            let ProcessIdentity { boot_id, pid_namespace, pid, start_time } = &process;
            let values = (&label, mode.as_str(), boot_id, pid_namespace, pid, start_time);
            let id: i64 = tx.query_row(sql, values, |row| row.get(0))?;
            for name in &names {
                tx.execute("INSERT INTO lease_waits(name, waiter) VALUES(?1, ?2)", (name, id))?;
            }
            Ok::<_, conclave_db::DbError>(())
        })
        .unwrap();
}

/// One that runs and does not take what is free.
fn hung(machine: &Machine, label: &str, names: &[&str], mode: Mode) {
    waiter(machine, label, names, mode, &process::current().unwrap());
}

/// A process that has ended.
fn dead() -> ProcessIdentity {
    let me = process::current().unwrap();
    ProcessIdentity { start_time: me.start_time.wrapping_sub(1), ..me }
}

/// The queue by ticket.
fn order(machine: &Machine) -> String {
    machine.value(
        "SELECT ifnull(group_concat(holder_id, ' '), '')
         FROM (SELECT holder_id FROM lease_waiters ORDER BY asleep, ticket)",
    )
}

fn held_by(leases: &Leases, request: &conclave_leases::Request) -> (String, Option<i64>) {
    match acquire(leases, request) {
        Err(LeaseError::Held { by, expires_utc_ms, .. }) => (by.as_str().to_owned(), expires_utc_ms),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_waits_gets_it_when_it_is_released() {
    let machine = Machine::new();
    let leases = machine.leases();
    let first = acquire(&leases, &request(&["L"], 300)).unwrap();
    let other = leases.clone();
    let began = machine.clock.monotonic();
    machine.clock.plan(began + Duration::from_secs(7), move || {
        assert_eq!(other.counts().unwrap(), Counts { held: 1, waiting: 1 });
        assert_eq!(other.status(&name("L")).unwrap().unwrap().waiters.len(), 1);
        other.release(&first.token, &[]).unwrap();
    });
    let second = acquire(&leases, &waiting(request(&["L"], 300), 10_000)).unwrap();
    assert_eq!(fence(&second), 2);
    let waited = machine.since(began);
    assert!(waited <= Duration::from_millis(7_010), "{waited:?}");
    let shortest = machine.clock.sleeps().into_iter().min();
    assert!(shortest >= Some(Duration::from_millis(10)), "{shortest:?}");
    assert_eq!(leases.counts().unwrap(), Counts { held: 1, waiting: 0 });
}

#[test]
fn who_waits_gets_it_when_it_expires() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["L"], 5)).unwrap();
    let began = machine.clock.monotonic();
    let second = acquire(&leases, &waiting(request(&["L"], 300), 10_000)).unwrap();
    assert_eq!(fence(&second), 2);
    assert!(machine.since(began) <= Duration::from_millis(5_010));
}

// B21
#[test]
fn a_wait_ends_in_time_and_leaves_nothing() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["y"], 300)).unwrap();
    let began = machine.clock.monotonic();
    let error = acquire(&leases, &waiting(request(&["x", "y"], 300), 5_000)).unwrap_err();
    let LeaseError::WaitTimeout { name: missed, waited, by } = &error else { panic!("{error}") };
    assert_eq!(
        error.to_string(),
        format!("y was not to be had within 5 s: it is held by {}", by.clone().unwrap())
    );
    assert_eq!((missed.as_str(), *waited), ("y", Duration::from_secs(5)));
    assert_eq!(machine.since(began), Duration::from_secs(5));
    assert_eq!(leases.counts().unwrap(), Counts { held: 1, waiting: 0 });
    assert_eq!(order(&machine), "");
    assert_eq!(kind(acquire(&leases, &waiting(request(&["y"], 300), 0))), LeaseErrorKind::WaitTimeout);
    assert_eq!(order(&machine), "");
    acquire(&leases, &request(&["x"], 300)).unwrap();
}

#[test]
fn a_cancelled_wait_leaves_nothing() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["L"], 300)).unwrap();
    let cancel = CancelToken::new();
    let stop = cancel.clone();
    machine.clock.plan(machine.clock.monotonic() + Duration::from_secs(1), move || stop.cancel());
    let error = leases.acquire(&waiting(request(&["L"], 300), 10_000), &cancel);
    assert_eq!(kind(error), LeaseErrorKind::Interrupted);
    assert_eq!(order(&machine), "");
}

#[test]
fn who_has_just_come_is_refused_while_others_wait() {
    let machine = Machine::new();
    let leases = machine.leases();
    let grant = acquire(&leases, &request(&["L"], 300)).unwrap();
    hung(&machine, "one", &["L"], Mode::Exclusive);
    hung(&machine, "two", &["L"], Mode::Exclusive);
    assert_eq!(held_by(&leases, &request(&["L"], 1)).1, Some(grant.expires_utc_ms), "the holder comes first");
    leases.release(&grant.token, &[]).unwrap();
    assert_eq!(held_by(&leases, &request(&["L"], 1)), ("one".to_owned(), None));
    assert_eq!(held_by(&leases, &request(&["K", "L"], 1)), ("one".to_owned(), None));
    assert_eq!(held_by(&leases, &shared(&["L"], 1)), ("one".to_owned(), None));
    acquire(&leases, &request(&["K"], 1)).unwrap();
}

#[test]
fn who_does_not_take_what_is_free_for_2_s_goes_to_the_end() {
    let machine = Machine::new();
    let leases = machine.leases();
    hung(&machine, "one", &["L"], Mode::Exclusive);
    hung(&machine, "two", &["L"], Mode::Exclusive);
    assert_eq!(held_by(&leases, &request(&["L"], 1)).0, "one");
    machine.pass(1_999);
    assert_eq!(held_by(&leases, &request(&["L"], 1)).0, "one");
    machine.pass(1);
    assert_eq!(held_by(&leases, &request(&["L"], 1)).0, "two");
    assert_eq!(order(&machine), "two one");
    // It stays there: nobody waits for the same one twice.
    machine.pass(2_000);
    let grant = acquire(&leases, &request(&["L"], 10)).unwrap();
    assert_eq!(leases.status(&name("L")).unwrap().unwrap().waiters.len(), 2);
    leases.release(&grant.token, &[]).unwrap();
    acquire(&leases, &request(&["L"], 1)).unwrap();
}

#[test]
fn the_time_of_who_waits_runs_only_while_it_could_take_it() {
    let machine = Machine::new();
    let leases = machine.leases();
    hung(&machine, "one", &["L"], Mode::Exclusive);
    assert_eq!(held_by(&leases, &request(&["L"], 1)).0, "one");
    machine.pass(1_000);
    // A shared one before it would stand against it.
    machine.execute("UPDATE lease_waiters SET ticket = 7");
    hung(&machine, "zero", &["L"], Mode::Shared);
    machine.execute("UPDATE lease_waiters SET ticket = 1 WHERE holder_id = 'zero'");
    assert_eq!(held_by(&leases, &request(&["L"], 1)).0, "zero");
    machine.pass(2_000);
    assert_eq!(held_by(&leases, &request(&["L"], 1)).0, "one", "only the first has gone to the end");
    machine.pass(2_000);
    acquire(&leases, &request(&["L"], 1)).unwrap();
}

#[test]
fn who_waits_behind_a_hung_one_waits_2_s_for_it() {
    let machine = Machine::new();
    let leases = machine.leases();
    let grant = acquire(&leases, &request(&["L"], 60)).unwrap();
    hung(&machine, "one", &["L"], Mode::Exclusive);
    let (other, began) = (leases.clone(), machine.clock.monotonic());
    machine.clock.plan(began + Duration::from_secs(10), move || {
        other.release(&grant.token, &[]).unwrap();
    });
    acquire(&leases, &waiting(request(&["L"], 10), 60_000)).unwrap();
    let waited = machine.since(began);
    assert!(waited <= Duration::from_millis(12_100), "{waited:?}");
    assert!(waited >= Duration::from_secs(12), "{waited:?}");
}

#[test]
fn who_was_taken_for_asleep_wakes_at_the_end() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["L"], 5)).unwrap();
    let at = |ms| machine.clock.monotonic() + Duration::from_millis(ms);
    let db = machine.db.clone();
    machine.clock.plan(at(1_000), move || {
        db.write("test", |tx| tx.execute("UPDATE lease_waiters SET asleep = 1", [])).unwrap();
    });
    let later = process::current().unwrap();
    let db = machine.db.clone();
    machine.clock.plan(at(1_000), move || enqueue(&db, "later", &["L"], Mode::Exclusive, &later));
    let (other, db) = (leases.clone(), machine.db.clone());
    machine.clock.plan(at(3_000), move || {
        let status = other.status(&name("L")).unwrap().unwrap();
        assert_eq!(status.waiters[0].holder.as_str(), "later");
        assert_eq!(status.waiters.len(), 2);
        let asleep: i64 = db
            .read(|conn| conn.query_row("SELECT sum(asleep) FROM lease_waiters", [], |row| row.get(0)))
            .unwrap();
        assert_eq!(asleep, 0);
    });
    let began = machine.clock.monotonic();
    acquire(&leases, &waiting(request(&["L"], 5), 20_000)).unwrap();
    assert!(machine.since(began) >= Duration::from_secs(7), "behind the other one");
    assert_eq!(order(&machine), "later");
}

#[test]
fn who_has_ended_is_in_nobodys_way() {
    let machine = Machine::new();
    let leases = machine.leases();
    let other_boot = ProcessIdentity { boot_id: "older".to_owned(), ..process::current().unwrap() };
    for process in [dead(), other_boot] {
        waiter(&machine, "dead", &["L"], Mode::Exclusive, &process);
        waiter(&machine, "dead", &["L", "M"], Mode::Exclusive, &process);
        assert_eq!(leases.counts().unwrap().waiting, 0);
        assert_eq!(leases.status(&name("L")).unwrap(), None);
        let grant = acquire(&leases, &request(&["L"], 300)).unwrap();
        assert_eq!(order(&machine), "");
        leases.release(&grant.token, &[]).unwrap();
    }
    waiter(&machine, "dead", &["L"], Mode::Exclusive, &dead());
    machine.execute("UPDATE lease_waiters SET asleep = 1");
    let grant = acquire(&leases, &request(&["L"], 300)).unwrap();
    assert_eq!(order(&machine), "");
    leases.release(&grant.token, &[]).unwrap();
    let elsewhere = ProcessIdentity { pid_namespace: 1, ..process::current().unwrap() };
    waiter(&machine, "elsewhere", &["L"], Mode::Exclusive, &elsewhere);
    assert_eq!(held_by(&leases, &request(&["L"], 300)).0, "elsewhere", "nobody knows whether it lives");
}

#[test]
fn who_has_ended_is_in_nobodys_way_also_when_something_else_is_held() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["y"], 300)).unwrap();
    waiter(&machine, "dead", &["x", "y"], Mode::Exclusive, &dead());
    hung(&machine, "hung", &["y"], Mode::Exclusive);
    acquire(&leases, &request(&["x"], 300)).unwrap();
    assert_eq!(order(&machine), "hung");
}

#[test]
fn one_who_waits_alone_stops_those_who_would_share() {
    let machine = Machine::new();
    let leases = machine.leases();
    let first = acquire(&leases, &shared(&["L"], 300)).unwrap();
    hung(&machine, "reader", &["L"], Mode::Shared);
    acquire(&leases, &shared(&["L"], 1)).unwrap();
    hung(&machine, "writer", &["L"], Mode::Exclusive);
    assert_eq!(held_by(&leases, &shared(&["L"], 300)), ("writer".to_owned(), None));
    machine.pass(60_000);
    assert_eq!(
        held_by(&leases, &shared(&["L"], 300)).0,
        "writer",
        "its time does not run: it cannot take it"
    );
    leases.release(&first.token, &[]).unwrap();
    assert_eq!(held_by(&leases, &shared(&["L"], 300)).0, "writer");
}

#[test]
fn places_are_kept_for_all_names_of_a_waiter() {
    let machine = Machine::new();
    let leases = machine.leases();
    let y = acquire(&leases, &request(&["y"], 300)).unwrap();
    hung(&machine, "both", &["x", "y"], Mode::Exclusive);
    // x is free, and the first who waits for it cannot take it without y: its time does not run.
    assert_eq!(held_by(&leases, &request(&["x"], 1)).0, "both");
    machine.pass(60_000);
    assert_eq!(held_by(&leases, &request(&["x"], 1)).0, "both");
    leases.release(&y.token, &[]).unwrap();
    assert_eq!(held_by(&leases, &request(&["x"], 1)).0, "both");
    machine.pass(2_000);
    acquire(&leases, &request(&["x"], 1)).unwrap();
}

#[test]
fn who_lost_its_place_takes_a_new_one() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["L"], 5)).unwrap();
    let db = machine.db.clone();
    machine.clock.plan(machine.clock.monotonic() + Duration::from_secs(1), move || {
        db.write("test", |tx| tx.execute("DELETE FROM lease_waiters", [])).unwrap();
    });
    let other = leases.clone();
    machine.clock.plan(machine.clock.monotonic() + Duration::from_secs(2), move || {
        assert_eq!(other.counts().unwrap().waiting, 1);
    });
    let grant = acquire(&leases, &waiting(request(&["L"], 5), 10_000)).unwrap();
    assert_eq!(fence(&grant), 2);
    assert_eq!(order(&machine), "");
}

#[test]
fn who_is_refused_by_a_queue_hears_of_the_name_that_is_awaited() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["z"], 300)).unwrap();
    let other = leases.clone();
    let now = machine.clock.monotonic();
    machine.clock.plan(now + Duration::from_secs(1), move || {
        let refused = acquire(&other, &request(&["x", "y"], 300)).unwrap_err();
        let LeaseError::Held { name, by, .. } = &refused else { panic!("{refused}") };
        assert_eq!((name.as_str(), by.as_str()), ("y", "waits"));
    });
    let waits = Request { holder: Some(HolderId::parse("waits").unwrap()), ..request(&["y", "z"], 300) };
    let over = acquire(&leases, &waiting(waits, 3_000));
    assert_eq!(kind(over), LeaseErrorKind::WaitTimeout);
}

#[test]
fn a_wait_ends_in_time_also_while_the_storage_is_kept_by_somebody() {
    for (held, before) in [(false, true), (true, true), (true, false)] {
        let folder = tempfile::tempdir().unwrap();
        let db = fixture::open(&folder.path().join("state.db"));
        let leases = Leases::new(db.clone()).unwrap();
        if held {
            acquire(&leases, &request(&["L"], 300)).unwrap();
        }
        let (let_go, gone) = std::sync::mpsc::channel::<()>();
        let (keeps, kept) = std::sync::mpsc::channel();
        let gone = std::sync::Mutex::new(gone);
        let keeper = std::thread::spawn(move || {
            if !before {
                SystemSleeper.sleep(Duration::from_millis(500));
            }
            db.write("keep the storage", move |_| {
                let _ = keeps.send(());
                let _ = gone.lock().unwrap().recv();
                Ok::<_, conclave_db::DbError>(())
            })
        });
        if before {
            kept.recv().unwrap();
        }
        let began = SystemClock.monotonic();
        let over = acquire(&leases, &waiting(request(&["L"], 300), 1_000));
        assert_eq!(kind(over), LeaseErrorKind::WaitTimeout);
        // Far less than the 30 s that a write waits where nobody says otherwise.
        assert!(SystemClock.monotonic().saturating_sub(began) < Duration::from_secs(12));
        let_go.send(()).unwrap();
        keeper.join().unwrap().unwrap();
    }
}
