//! Many processes on one file: races, stopped ones, killed ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_db::Db;
use conclave_leases::{Fence, FenceExt, LeaseError, LeaseErrorKind, Leases, Request};
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};
use conclave_testkit::{Child, Parent, Rerun};

use crate::fixture::{acquire, fence, kind, name, open, request, waiting};

const FILE: &str = "CONCLAVE_TEST_FILE";

fn leases(path: &Path) -> Leases {
    Leases::new(open(path)).unwrap()
}

fn file() -> PathBuf {
    PathBuf::from(std::env::var_os(FILE).unwrap())
}

/// A request for L that waits for a minute.
fn patient(ttl: u32) -> Request {
    waiting(request(&["L"], ttl), 60_000)
}

/// Looks until so many wait.
fn until_waiting(leases: &Leases, wanted: u64) {
    while leases.counts().unwrap().waiting != wanted {
        SystemSleeper.sleep(Duration::from_millis(1));
    }
}

/// Changes what L protects, as who has this number.
fn change(db: &Db, who: &str, fence: Fence) -> conclave_leases::Result<()> {
    let who = who.to_owned();
    db.write("change what is protected", move |tx| {
        tx.require_fence(&name("L"), fence)?;
        tx.execute("INSERT INTO guarded(who, fence) VALUES(?1, ?2)", (&who, fence))?;
        Ok(())
    })
}

fn changed(db: &Db) -> Vec<(String, Fence)> {
    let sql = "SELECT who, fence FROM guarded ORDER BY rowid";
    db.read(|conn| conn.query_all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))).unwrap()
}

// B8
#[test]
fn of_many_that_open_a_new_file_one_holds() {
    const PROCESSES: usize = 64;
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        while let Some(path) = parent.hear() {
            match acquire(&leases(Path::new(&path)), &request(&["L"], 600)) {
                Ok(grant) => parent.say(&format!("fence {}", fence(&grant))),
                Err(error) => parent.say(error.kind().as_str()),
            }
        }
        return;
    }
    let rounds = std::env::var("CONCLAVE_RACE_ROUNDS").map_or(2, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut fleet = Rerun::of("processes::of_many_that_open_a_new_file_one_holds").start_fleet(PROCESSES);
    fleet.release();
    for round in 0..rounds {
        let path = dir.path().join(format!("{round}/state.db"));
        for child in &mut fleet.children {
            child.send(path.to_str().unwrap());
        }
        let mut said: Vec<String> = fleet.children.iter_mut().map(|child| child.line().unwrap()).collect();
        said.sort_unstable();
        let mut wanted = vec!["lock_held"; PROCESSES];
        wanted[0] = "fence 1";
        assert_eq!(said, wanted, "round {round}");
        let steps: i64 = open(&path)
            .read(|conn| conn.query_row("SELECT count(*) FROM schema_migrations", [], |row| row.get(0)))
            .unwrap();
        assert_eq!(steps, 2, "round {round}");
    }
}

// B22
#[test]
fn many_wait_in_the_order_in_which_they_came() {
    const PROCESSES: usize = 32;
    if let Some(mut parent) = Parent::of_this_process() {
        let leases = leases(&file());
        parent.wait_for_release();
        let grant = acquire(&leases, &patient(600)).unwrap();
        parent.say(&format!("{}", fence(&grant)));
        leases.release(&grant.token, &[]).unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let leases = leases(&path);
    let first = acquire(&leases, &request(&["L"], 600)).unwrap();
    let mut fleet = Rerun::of("processes::many_wait_in_the_order_in_which_they_came")
        .variable(FILE, path.to_str().unwrap())
        .start_fleet(PROCESSES);
    for (child, waiting) in fleet.children.iter_mut().zip(1..) {
        child.release();
        until_waiting(&leases, waiting);
    }
    leases.release(&first.token, &[]).unwrap();
    let said = fleet.finish();
    let wanted: Vec<Vec<String>> = (0..PROCESSES).map(|number| vec![(number + 2).to_string()]).collect();
    assert_eq!(said, wanted);
    assert_eq!(leases.list().unwrap(), []);
}

/// Waits for L, says its number, holds it until the parent says something.
fn wait_and_hold(mut parent: Parent) {
    let leases = leases(&file());
    parent.wait_for_release();
    let grant = acquire(&leases, &patient(600)).unwrap();
    parent.say(&fence(&grant).to_string());
    parent.hear();
    leases.release(&grant.token, &[]).unwrap();
}

#[test]
fn who_is_stopped_while_it_waits_delays_the_others_for_2_s_and_goes_on_at_the_end() {
    if let Some(parent) = Parent::of_this_process() {
        return wait_and_hold(parent);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let leases = leases(&path);
    let first = acquire(&leases, &request(&["L"], 600)).unwrap();
    let rerun = Rerun::of(
        "processes::who_is_stopped_while_it_waits_delays_the_others_for_2_s_and_goes_on_at_the_end",
    )
    .variable(FILE, path.to_str().unwrap());
    let mut children: Vec<Child> = Vec::new();
    for waiting in 1..=3 {
        let mut child = rerun.start();
        child.release();
        children.push(child);
        until_waiting(&leases, waiting);
    }
    children[0].stop();
    let began = SystemClock.monotonic();
    leases.release(&first.token, &[]).unwrap();
    assert_eq!(children[1].line().as_deref(), Some("2"));
    let waited = SystemClock.monotonic().saturating_sub(began);
    assert!(waited < Duration::from_secs(20), "{waited:?}");
    children[0].go_on();
    children[1].send("enough");
    assert_eq!(children[2].line().as_deref(), Some("3"), "who was stopped is behind it now");
    children[2].send("enough");
    assert_eq!(children[0].line().as_deref(), Some("4"));
    children[0].send("enough");
    for child in children {
        child.finish();
    }
    assert_eq!(leases.list().unwrap(), []);
}

#[test]
fn who_is_killed_while_it_waits_delays_nobody() {
    if let Some(parent) = Parent::of_this_process() {
        return wait_and_hold(parent);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let leases = leases(&path);
    let first = acquire(&leases, &request(&["L"], 600)).unwrap();
    let rerun = Rerun::of("processes::who_is_killed_while_it_waits_delays_nobody")
        .variable(FILE, path.to_str().unwrap());
    for _ in 0..3 {
        let mut child = rerun.start();
        child.release();
        until_waiting(&leases, 1);
        child.kill();
        until_waiting(&leases, 0);
    }
    leases.release(&first.token, &[]).unwrap();
    assert_eq!(fence(&acquire(&leases, &request(&["L"], 600)).unwrap()), 2);
}

// B14
#[test]
fn who_is_stopped_past_its_time_changes_nothing_any_more() {
    if let Some(mut parent) = Parent::of_this_process() {
        let db = open(&file());
        let leases = Leases::new(db.clone()).unwrap();
        parent.wait_for_release();
        // Long enough for a slow machine to make the one change in time.
        let grant = acquire(&leases, &request(&["L"], 3)).unwrap();
        change(&db, "first", fence(&grant)).unwrap();
        parent.say("holds");
        parent.hear();
        let error = change(&db, "first", fence(&grant)).unwrap_err();
        assert!(matches!(error, LeaseError::StaleFence { fence: 1, .. }), "{error}");
        assert_eq!(kind(leases.guard(&name("L"), 1)), LeaseErrorKind::StaleFence);
        assert_eq!(
            kind(leases.renew(&grant.token, &[name("L")], conclave_leases::Ttl::USUAL)),
            LeaseErrorKind::NotOwner
        );
        assert_eq!(kind(leases.release(&grant.token, &[name("L")])), LeaseErrorKind::NotOwner);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let db = open(&path);
    let leases = Leases::new(db.clone()).unwrap();
    let mut child = Rerun::of("processes::who_is_stopped_past_its_time_changes_nothing_any_more")
        .variable(FILE, path.to_str().unwrap())
        .start();
    child.release();
    assert_eq!(child.line().as_deref(), Some("holds"));
    child.stop();
    let grant = acquire(&leases, &patient(600)).unwrap();
    assert_eq!(fence(&grant), 2);
    change(&db, "second", 2).unwrap();
    child.go_on();
    child.send("go on");
    child.finish();
    leases.guard(&name("L"), 2).unwrap();
    change(&db, "second", 2).unwrap();
    let second = ("second".to_owned(), 2);
    assert_eq!(changed(&db), [("first".to_owned(), 1), second.clone(), second]);
}

/// Nobody holds what another one holds, whoever is killed meanwhile, and numbers rise.
#[test]
fn one_at_a_time_of_many_that_come_and_go_and_are_killed() {
    const PROCESSES: usize = 6;
    if let Some(mut parent) = Parent::of_this_process() {
        let db = open(&file());
        let leases = Leases::new(db.clone()).unwrap();
        parent.wait_for_release();
        let me = conclave_db::process::current().unwrap();
        loop {
            let bound = Request { bound_to: Some(me.clone()), ..patient(600) };
            let grant = acquire(&leases, &bound).unwrap();
            for _ in 0..2 {
                change(&db, &me.pid.to_string(), fence(&grant)).unwrap();
            }
            leases.release(&grant.token, &[]).unwrap();
            parent.say("done");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let db = open(&path);
    let mut fleet = Rerun::of("processes::one_at_a_time_of_many_that_come_and_go_and_are_killed")
        .variable(FILE, path.to_str().unwrap())
        .start_fleet(PROCESSES);
    fleet.release();
    let mut children = fleet.children;
    while let Some(mut child) = children.pop() {
        for _ in 0..5 {
            assert_eq!(child.line().as_deref(), Some("done"));
        }
        child.kill();
    }
    let changed = changed(&db);
    assert!(changed.len() > 5 * PROCESSES, "{}", changed.len());
    for pair in changed.windows(2) {
        let ((who, fence), (next, later)) = (&pair[0], &pair[1]);
        assert!(fence < later || (fence, who) == (later, next), "{pair:?}");
    }
    acquire(&Leases::new(db).unwrap(), &request(&["L"], 600)).unwrap();
}
