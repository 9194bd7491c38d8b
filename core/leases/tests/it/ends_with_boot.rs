//! Leases that are over in another boot.

use std::time::Duration;

use conclave_leases::{LeaseErrorKind, Request};

use crate::fixture::{Machine, acquire, kind, name, request};

/// What `lease run` holds: it is over with the boot, and lives by its time alone while that lasts.
#[test]
fn a_lease_may_end_with_its_boot() {
    let mut machine = Machine::new();
    let bound = Request { ends_with_boot: true, ..request(&["run"], 3000) };
    acquire(&machine.leases(), &bound).unwrap();
    acquire(&machine.leases(), &request(&["free"], 3000)).unwrap();
    machine.pass(2_000_000);
    assert_eq!(kind(acquire(&machine.leases(), &request(&["run"], 60))), LeaseErrorKind::Held);
    machine.reboot("another boot", Duration::from_secs(10));
    assert_eq!(kind(acquire(&machine.leases(), &request(&["free"], 60))), LeaseErrorKind::Held);
    assert!(machine.leases().status(&name("run")).unwrap().unwrap().leases[0].expired);
    acquire(&machine.leases(), &request(&["run"], 60)).unwrap();
}
