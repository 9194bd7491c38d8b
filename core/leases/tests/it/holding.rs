//! Acquire, renew, release: one machine, one boot.

use conclave_db::{Db, DbOptions};
use conclave_leases::{Counts, HolderId, LeaseError, LeaseErrorKind, Leases, Request, Token};

use crate::fixture::{Machine, NOW, acquire, fence, kind, name, request, schema, seconds, shared, stranger};

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
    // The file has its hash.
    let found: i64 = machine.value("SELECT length(token_hash) FROM lease_holders");
    assert_eq!(found, 32);
    let every = "SELECT group_concat(quote(token_hash) || holder_id || name) FROM lease_holders";
    let text: String = machine.value(every);
    assert!(!text.to_lowercase().contains(secret));
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

// B15
#[test]
fn a_renewal_never_shortens() {
    let machine = Machine::new();
    let leases = machine.leases();
    let grant = acquire(&leases, &request(&["L"], 600)).unwrap();
    assert_eq!(leases.renew(&grant.token, &[], seconds(1)).unwrap().expires_utc_ms, NOW + 600_000);
    machine.pass(599_999);
    leases.guard(&name("L"), 1).unwrap();
    machine.pass(1);
    assert_eq!(kind(leases.guard(&name("L"), 1)), LeaseErrorKind::Expired);
}

#[test]
fn there_is_no_second_lease_for_who_holds_one() {
    let machine = Machine::new();
    let leases = machine.leases();
    let asked = Request { holder: Some(HolderId::parse("me").unwrap()), ..request(&["L"], 30) };
    acquire(&leases, &asked).unwrap();
    assert_eq!(kind(acquire(&leases, &asked)), LeaseErrorKind::Held);
    let none = request(&[], 30);
    assert_eq!(kind(acquire(&leases, &none)), LeaseErrorKind::InvalidName);
}

// B21: all or nothing
#[test]
fn several_names_are_taken_together_or_not_at_all() {
    let machine = Machine::new();
    let leases = machine.leases();
    let y = acquire(&leases, &request(&["y"], 30)).unwrap();
    let LeaseError::Held { name: held, .. } = acquire(&leases, &request(&["x", "y", "z"], 30)).unwrap_err()
    else {
        panic!("somebody holds y")
    };
    assert_eq!(held, name("y"));
    assert_eq!(leases.counts().unwrap(), Counts { held: 1, waiting: 0 });
    leases.release(&y.token, &[]).unwrap();
    // In the order asked for, each once.
    let all = acquire(&leases, &request(&["z", "x", "z", "y"], 30)).unwrap();
    assert_eq!(all.fences, [(name("z"), 1), (name("x"), 1), (name("y"), 2)]);
    assert_eq!(leases.list().unwrap().len(), 3);
    // A part of them, then the rest.
    assert_eq!(leases.release(&all.token, &[name("y")]).unwrap(), [(name("y"), 2)]);
    let refused = leases.renew(&all.token, &[name("x"), name("y")], seconds(600));
    assert_eq!(kind(refused), LeaseErrorKind::NotFound);
    assert_eq!(leases.status(&name("x")).unwrap().unwrap().leases[0].expires_utc_ms, NOW + 30_000);
    let renewed = leases.renew(&all.token, &[], seconds(600)).unwrap();
    assert_eq!(renewed.fences, [(name("x"), 1), (name("z"), 1)]);
    let refused = leases.release(&all.token, &[name("x"), name("y")]);
    assert_eq!(kind(refused), LeaseErrorKind::NotFound);
    assert_eq!(leases.counts().unwrap().held, 2, "nothing was released");
    assert_eq!(leases.release(&all.token, &[]).unwrap().len(), 2);
}

#[test]
fn many_share_and_each_has_its_own_number() {
    let machine = Machine::new();
    let leases = machine.leases();
    let first = acquire(&leases, &shared(&["L"], 30)).unwrap();
    machine.pass(10_000);
    let second = acquire(&leases, &shared(&["L"], 30)).unwrap();
    assert_eq!((fence(&first), fence(&second)), (1, 2));
    leases.guard(&name("L"), 1).unwrap();
    leases.guard(&name("L"), 2).unwrap();
    let LeaseError::Held { by, expires_utc_ms, .. } = acquire(&leases, &request(&["L"], 30)).unwrap_err()
    else {
        panic!("two share it")
    };
    assert_eq!((by, expires_utc_ms), (second.holder, Some(NOW + 40_000)), "who holds it longest");
    // The first one ends; a third one takes its place.
    machine.pass(20_000);
    assert_eq!(kind(leases.release(&first.token, &[])), LeaseErrorKind::Expired);
    let third = acquire(&leases, &shared(&["L"], 30)).unwrap();
    assert_eq!(fence(&third), 3);
    assert_eq!(kind(leases.guard(&name("L"), 1)), LeaseErrorKind::StaleFence);
    assert_eq!(leases.status(&name("L")).unwrap().unwrap().leases.len(), 2);
    assert_eq!(leases.break_lease(&name("L"), &[1]).unwrap(), Vec::<u64>::new(), "only what was shown");
    assert_eq!(leases.break_lease(&name("L"), &[2, 3]).unwrap(), [2, 3]);
    assert_eq!(leases.break_lease(&name("L"), &[2, 3]).unwrap(), Vec::<u64>::new());
    assert_eq!(fence(&acquire(&leases, &request(&["L"], 30)).unwrap()), 4);
}

// B13
#[test]
fn numbers_rise_by_one_whatever_ends_a_lease() {
    let machine = Machine::new();
    let mut leases = machine.leases();
    let l = name("L");
    assert_eq!(kind(leases.guard(&l, 1)), LeaseErrorKind::NotFound);
    for round in 0..400 {
        let grant = acquire(&leases, &request(&["L"], 1)).unwrap();
        assert_eq!(fence(&grant), round * 3 + 1);
        leases.release(&grant.token, &[]).unwrap();
        assert_eq!(kind(leases.guard(&l, fence(&grant))), LeaseErrorKind::StaleFence, "it was released");
        // Another handle, as another process has it.
        leases = machine.leases();
        let grant = acquire(&leases, &request(&["L"], 1)).unwrap();
        machine.pass(1_000);
        assert_eq!(kind(leases.guard(&l, fence(&grant))), LeaseErrorKind::Expired);
        assert_eq!(fence(&acquire(&leases, &request(&["L"], 1)).unwrap()), round * 3 + 3);
        machine.pass(if round == 7 { 2 * 86_400_000 } else { 1_000 });
    }
    assert_eq!(kind(leases.guard(&l, 5000)), LeaseErrorKind::StaleFence, "it was never given");
    let reserved: i64 = machine.value("SELECT reserved FROM lease_fences");
    assert_eq!(reserved, 2001, "a thousand at a time");
}

// B19
#[test]
fn who_reads_writes_nothing_and_needs_no_right_to() {
    let machine = Machine::new();
    let leases = machine.leases();
    let grant = acquire(&leases, &request(&["L"], 1)).unwrap();
    acquire(&leases, &shared(&["M"], 600)).unwrap();
    machine.pass(1_000);
    let before = machine.db.metrics().commits;
    let reader = Db::open_read_only(DbOptions::new(machine.path(), schema())).unwrap();
    for leases in [leases, Leases::new(reader).unwrap()] {
        for _ in 0..100 {
            let status = leases.status(&name("L")).unwrap().unwrap();
            assert_eq!(status.leases[0].fence, fence(&grant));
            assert_eq!(leases.list().unwrap().len(), 2);
            assert_eq!(leases.status(&name("other")).unwrap(), None);
            assert!(leases.guard(&name("L"), 7).is_err());
            leases.counts().unwrap();
        }
    }
    assert_eq!(machine.db.metrics().commits, before);
    let leases = machine.leases();
    assert_eq!(leases.counts().unwrap(), Counts { held: 1, waiting: 0 });
    let ended = &leases.status(&name("L")).unwrap().unwrap().leases[0];
    assert!(ended.expired && ended.remaining.is_zero());
}
