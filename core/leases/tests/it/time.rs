//! Clocks that jump, machines that start again, processes that end.

use std::sync::mpsc;
use std::time::Duration;

use conclave_db::process;
use conclave_leases::{LeaseErrorKind, Request};
use conclave_testkit::{Parent, Rerun};

use crate::fixture::{Machine, NOW, acquire, fence, kind, name, request, seconds};

const HOUR: i64 = 3_600_000;

/// Asks while somebody holds the write lock, who lets go after the clocks have gone on.
fn asked_before<T: Send>(machine: &Machine, ms: u64, asks: impl FnOnce() -> T + Send) -> T {
    let (entered, inside) = mpsc::channel();
    let (go, leave) = mpsc::channel::<()>();
    let leave = std::sync::Mutex::new(leave);
    std::thread::scope(|scope| {
        let db = machine.db.clone();
        scope.spawn(move || {
            db.write("holds the lock", move |_| {
                entered.send(()).unwrap();
                leave.lock().unwrap().recv().unwrap();
                Ok::<_, conclave_db::DbError>(())
            })
        });
        inside.recv().unwrap();
        let waits = scope.spawn(asks);
        while machine.db.writers_queued() < 1 {
            std::thread::yield_now();
        }
        machine.pass(ms);
        go.send(()).unwrap();
        waits.join().unwrap()
    })
}

// B9, B10
#[test]
fn the_clock_is_read_when_the_lock_is_held() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["L"], 1)).unwrap();
    // While it waits for the lock the lease ends that was there, and the clock goes on.
    let grant = asked_before(&machine, 3_000, || acquire(&leases, &request(&["L"], 2))).unwrap();
    assert_eq!((fence(&grant), grant.expires_utc_ms), (2, NOW + 5_000));
    // A renewal counts from then too, and what ended meanwhile is over for its holder.
    let renewed = asked_before(&machine, 1_000, || leases.renew(&grant.token, &[], seconds(2))).unwrap();
    assert_eq!(renewed.expires_utc_ms, NOW + 6_000);
    let late = asked_before(&machine, 2_000, || leases.release(&grant.token, &[]));
    assert_eq!(kind(late), LeaseErrorKind::Expired);
    let late = asked_before(&machine, 1, || leases.renew(&grant.token, &[], seconds(2)));
    assert_eq!(kind(late), LeaseErrorKind::Expired);
}

// B11
#[test]
fn a_wall_clock_that_goes_back_ends_nothing_and_prolongs_nothing() {
    let machine = Machine::new();
    let leases = machine.leases();
    let grant = acquire(&leases, &request(&["L"], 60)).unwrap();
    machine.wall_jumps(-HOUR);
    assert_eq!(kind(acquire(&leases, &request(&["L"], 60))), LeaseErrorKind::Held);
    machine.pass(30_000);
    let renewed = leases.renew(&grant.token, &[], seconds(60)).unwrap();
    assert!(renewed.expires_utc_ms >= grant.expires_utc_ms);
    machine.wall_jumps(HOUR);
    machine.pass(59_999);
    assert_eq!(kind(acquire(&leases, &request(&["L"], 60))), LeaseErrorKind::Held);
    machine.pass(1);
    assert_eq!(fence(&acquire(&leases, &request(&["L"], 60)).unwrap()), 2);
}

// B12
#[test]
fn a_wall_clock_that_goes_forward_ends_nothing() {
    let machine = Machine::new();
    let leases = machine.leases();
    acquire(&leases, &request(&["L"], 60)).unwrap();
    machine.wall_jumps(HOUR);
    assert_eq!(leases.status(&name("other")).unwrap(), None);
    assert_eq!(leases.list().unwrap().len(), 1);
    assert_eq!(kind(acquire(&leases, &request(&["L"], 60))), LeaseErrorKind::Held);
    acquire(&leases, &request(&["other"], 60)).unwrap();
    machine.wall_jumps(-HOUR);
    assert_eq!(kind(acquire(&leases, &request(&["L"], 60))), LeaseErrorKind::Held);
    leases.guard(&name("L"), 1).unwrap();
}

#[test]
fn in_another_boot_the_wall_clock_decides_and_numbers_leave_the_reserved_ones_out() {
    let mut machine = Machine::new();
    let grant = acquire(&machine.leases(), &request(&["L"], 600)).unwrap();
    machine.pass(60_000);
    machine.reboot("second", Duration::from_secs(5));
    let leases = machine.leases();
    assert_eq!(kind(acquire(&leases, &request(&["L"], 60))), LeaseErrorKind::Held);
    leases.guard(&name("L"), 1).unwrap();
    // 540 s are left; a shorter renewal leaves them, by the clock of this boot from now on.
    assert_eq!(leases.renew(&grant.token, &[], seconds(60)).unwrap().expires_utc_ms, grant.expires_utc_ms);
    let seen = leases.status(&name("L")).unwrap().unwrap();
    assert_eq!(seen.leases[0].process, None, "who acquired it was of the boot before");
    machine.wall_jumps(HOUR);
    machine.pass(539_999);
    assert_eq!(kind(acquire(&leases, &request(&["L"], 60))), LeaseErrorKind::Held);
    machine.pass(1);
    assert_eq!(fence(&acquire(&leases, &request(&["L"], 60)).unwrap()), 1001);
    assert_eq!(fence(&acquire(&leases, &request(&["new"], 60)).unwrap()), 1);
    machine.reboot("third", Duration::ZERO);
    let leases = machine.leases();
    machine.wall_jumps(HOUR);
    let grants = acquire(&leases, &request(&["L", "new"], 60)).unwrap();
    assert_eq!(grants.fences, [(name("L"), 2001), (name("new"), 1001)]);
}

#[test]
fn a_wall_clock_that_was_wrong_keeps_no_lease_alive_for_longer_than_it_could_become() {
    // Years ahead when it was given, then set right; or gone back across the boot.
    for (before, after) in [(100_000 * HOUR, -100_000 * HOUR), (0, -HOUR)] {
        let mut machine = Machine::new();
        machine.wall_jumps(before);
        acquire(&machine.leases(), &request(&["L"], 600)).unwrap();
        machine.wall_jumps(after);
        machine.reboot("second", Duration::ZERO);
        let leases = machine.leases();
        assert_eq!(kind(acquire(&leases, &request(&["L"], 60))), LeaseErrorKind::Held);
        machine.pass(600_000);
        assert_eq!(fence(&acquire(&leases, &request(&["L"], 60)).unwrap()), 1001);
    }
}

#[test]
fn a_wall_clock_that_goes_back_across_a_boot_revives_nothing() {
    // Whoever decided last wrote down how late it was.
    for renews in [false, true] {
        let mut machine = Machine::new();
        let kept = acquire(&machine.leases(), &request(&["kept"], 600)).unwrap();
        acquire(&machine.leases(), &request(&["L"], 1)).unwrap();
        machine.pass(5_000);
        if renews {
            machine.leases().renew(&kept.token, &[], seconds(600)).unwrap();
        } else {
            acquire(&machine.leases(), &request(&["other"], 1)).unwrap();
        }
        machine.reboot("second", Duration::ZERO);
        machine.wall_jumps(-5_000);
        assert_eq!(kind(machine.leases().guard(&name("L"), 1)), LeaseErrorKind::Expired, "renews: {renews}");
        acquire(&machine.leases(), &request(&["L"], 1)).unwrap();
    }
}

// B16
#[test]
fn a_bound_lease_ends_with_its_process_and_another_one_does_not() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        parent.hear();
        return;
    }
    let mut machine = Machine::new();
    let leases = machine.leases();
    let mut child = Rerun::of("time::a_bound_lease_ends_with_its_process_and_another_one_does_not").start();
    child.release();
    let bound_to = process::of(child.pid()).unwrap();
    let bound = Request { bound_to, ..request(&["bound"], 300) };
    acquire(&leases, &bound).unwrap();
    acquire(&leases, &request(&["free"], 300)).unwrap();
    assert_eq!(kind(acquire(&leases, &request(&["bound"], 300))), LeaseErrorKind::Held);
    child.kill();
    assert_eq!(kind(acquire(&leases, &request(&["free"], 300))), LeaseErrorKind::Held);
    assert!(leases.status(&name("bound")).unwrap().unwrap().leases[0].expired);
    assert_eq!(kind(acquire(&leases, &bound)), LeaseErrorKind::Invalid, "it has ended");
    assert_eq!(fence(&acquire(&leases, &request(&["bound"], 300)).unwrap()), 2);
    // From another namespace nothing is known, so it is held; from another boot it is over.
    let other = process::ProcessIdentity { pid_namespace: 1, ..process::current().unwrap() };
    acquire(&leases, &Request { bound_to: Some(other), ..request(&["far"], 300) }).unwrap();
    assert_eq!(kind(acquire(&leases, &request(&["far"], 300))), LeaseErrorKind::Held);
    machine.reboot("second", Duration::ZERO);
    acquire(&machine.leases(), &request(&["far"], 300)).unwrap();
    assert_eq!(kind(acquire(&machine.leases(), &request(&["free"], 300))), LeaseErrorKind::Held);
}

#[test]
fn what_ended_long_ago_is_forgotten_by_a_clock_that_nobody_sets() {
    let mut machine = Machine::new();
    let rows = "SELECT count(*) FROM lease_holders";
    acquire(&machine.leases(), &request(&["old"], 1)).unwrap();
    machine.pass(60_000);
    machine.wall_jumps(1000 * HOUR);
    acquire(&machine.leases(), &request(&["a"], 86_400)).unwrap();
    assert_eq!(machine.value::<i64>(rows), 2);
    machine.pass(86_400_000);
    acquire(&machine.leases(), &request(&["b"], 86_400)).unwrap();
    assert_eq!(machine.value::<i64>(rows), 2, "the first is gone");
    machine.reboot("second", Duration::ZERO);
    machine.wall_jumps(1000 * HOUR);
    acquire(&machine.leases(), &request(&["c"], 1)).unwrap();
    assert_eq!(machine.value::<i64>(rows), 3);
    machine.pass(2 * 86_400_000);
    acquire(&machine.leases(), &request(&["d"], 1)).unwrap();
    assert_eq!(machine.value::<i64>(rows), 1);
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM lease_fences"), 5, "numbers are never forgotten");
}

#[test]
fn who_holds_knows_the_end_by_the_boot_clock_whatever_the_wall_clock_does() {
    let machine = Machine::new();
    let leases = machine.leases();
    let at = |ms: u128| Duration::from_millis(u64::try_from(machine.boot_ms() + ms).unwrap());
    let grant = acquire(&leases, &request(&["L"], 30)).unwrap();
    assert_eq!(grant.ends, at(30_000));
    machine.wall_jumps(HOUR);
    machine.pass(10_000);
    assert_eq!(leases.renew(&grant.token, &[], seconds(30)).unwrap().ends, at(30_000));
    machine.wall_jumps(-2 * HOUR);
    assert_eq!(leases.renew(&grant.token, &[], seconds(1)).unwrap().ends, at(30_000), "never shorter");
}
