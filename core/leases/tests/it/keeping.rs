//! Renewing for as long as something else runs.

use std::time::Duration;

use conclave_leases::LeaseErrorKind;
use conclave_retry::{CancelToken, Clock};

use crate::fixture::{Machine, acquire, kind, name, request, seconds};

#[test]
fn a_kept_lease_lives_until_it_is_let_go() {
    let machine = Machine::new();
    let leases = machine.leases();
    let grant = acquire(&leases, &request(&["x", "y"], 30)).unwrap();
    let cancel = CancelToken::new();
    let stop = cancel.clone();
    let began = machine.clock.monotonic();
    machine.clock.plan(began + Duration::from_mins(5), move || stop.cancel());
    leases.keep(&grant, seconds(30), &cancel).unwrap();
    assert_eq!(machine.since(began), Duration::from_mins(5));
    leases.guard(&name("x"), 1).unwrap();
    leases.guard(&name("y"), 1).unwrap();
    // A third of its life at a time.
    assert!(machine.clock.sleeps().iter().all(|&sleep| sleep == Duration::from_secs(10)));
    leases.release(&grant.token, &[]).unwrap();
}

#[test]
fn who_keeps_a_lease_hears_that_it_is_lost() {
    for taken in [false, true] {
        let machine = Machine::new();
        let leases = machine.leases();
        let grant = acquire(&leases, &request(&["x", "y"], 30)).unwrap();
        let other = leases.clone();
        machine.clock.plan(machine.clock.monotonic() + Duration::from_secs(55), move || {
            other.break_lease(&name("y")).unwrap();
            if taken {
                acquire(&other, &request(&["y"], 30)).unwrap();
            }
        });
        let began = machine.clock.monotonic();
        let lost = leases.keep(&grant, seconds(30), &CancelToken::new());
        assert_eq!(kind(lost), if taken { LeaseErrorKind::NotOwner } else { LeaseErrorKind::NotFound });
        assert_eq!(machine.since(began), Duration::from_mins(1));
    }
}

#[test]
fn what_the_database_cannot_do_is_tried_again_until_the_lease_is_over() {
    let machine = Machine::new();
    let leases = machine.leases();
    let grant = acquire(&leases, &request(&["L"], 30)).unwrap();
    machine.execute("ALTER TABLE lease_holders RENAME TO away");
    let db = machine.db.clone();
    let began = machine.clock.monotonic();
    machine.clock.plan(began + Duration::from_secs(29), move || {
        db.write("test", |tx| tx.execute("ALTER TABLE away RENAME TO lease_holders", [])).unwrap();
    });
    let db = machine.db.clone();
    machine.clock.plan(began + Duration::from_secs(100), move || {
        db.write("test", |tx| tx.execute("ALTER TABLE lease_holders RENAME TO away", [])).unwrap();
    });
    let lost = leases.keep(&grant, seconds(30), &CancelToken::new());
    assert!(matches!(kind(lost), LeaseErrorKind::Storage(_)));
    let kept = machine.since(began);
    assert!((Duration::from_mins(2)..Duration::from_secs(131)).contains(&kept), "{kept:?}");
}
