//! What is done to agents and leases, on a real state.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

use conclave_db::Db;
use conclave_leases::{LeaseName, Leases, Request};
use conclave_registry::agents::{self, BuilderType, Key, Kind, NewAgent, Role};
use conclave_retry::CancelToken;

use super::{AtWork, break_lease, clean_up, stop};
use crate::project::{Environment, Places, Project};
use crate::ui::screens::agents::Who;

fn project(folder: &Path) -> (Project, Db) {
    let project = Project::find(&Environment::new(folder, &[]), &Places::default()).unwrap();
    project.init().unwrap();
    let db = project.open().unwrap();
    (project, db)
}

fn register(db: &Db, id: &str) -> Who {
    let role =
        Role::Builder { kind: BuilderType::Spec, id: Some(id.to_owned()), task_text: None, protocol: None };
    let new = NewAgent { role, cmd: String::new(), worktrees: None, adopt: None };
    let agent = agents::register(db, &new, None).unwrap();
    Who { key: agent.key, started: agent.started_at_ms }
}

#[test]
fn what_was_confirmed_of_one_is_done_to_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (project, db) = project(dir.path());
    let longer = register(&db, "0031-b");
    // The one that was asked about is gone, and its id is the beginning of another's.
    let gone = Who { key: Key { kind: Kind::Builder, id: "0031".into() }, started: longer.started };
    for failed in [stop(&db, &gone), clean_up(&db, &project, &gone, true)] {
        assert_eq!(failed.unwrap_err().message, "0031 is gone by now: nothing was done");
    }
    // An id that was given again, and one of another kind.
    let before = Who { started: longer.started - 1, ..longer.clone() };
    let failed = clean_up(&db, &project, &before, true).unwrap_err();
    assert_eq!(
        (failed.kind, failed.message.as_str()),
        ("changed", "0031-b is another agent by now: nothing was done")
    );
    let util = Who { key: Key { kind: Kind::Util, id: "0031-b".into() }, started: longer.started };
    assert_eq!(clean_up(&db, &project, &util, true).unwrap_err().kind, "changed");
    assert_eq!(agents::list(&db).unwrap().len(), 1);
    clean_up(&db, &project, &longer, false).unwrap();
    assert_eq!(agents::list(&db).unwrap().len(), 0);
}

#[test]
fn only_the_holder_that_was_shown_loses_the_lease() {
    let dir = tempfile::tempdir().unwrap();
    let (_, db) = project(dir.path());
    let leases = Leases::new(db.clone()).unwrap();
    let name = LeaseName::parse("release").unwrap();
    let take = || leases.acquire(&Request::of(name.clone()), &CancelToken::new()).unwrap().fences[0].1;
    let first = take();
    let said =
        |fences: &[u64]| format!("{:?}", break_lease(&db, "release", fences).map_err(|failure| failure.kind));
    assert!(said(&[first]).contains("counts no more; it is free"), "{}", said(&[]));
    let second = take();
    assert!(said(&[first]).contains("changed"), "another holds it by now");
    assert!(!leases.status(&name).unwrap().unwrap().leases[0].expired);
    assert!(said(&[second]).contains("free"));
    assert!(said(&[second]).contains("nobody held release any more"));
}

#[test]
fn nobody_is_at_work_after_a_defect() {
    let dir = tempfile::tempdir().unwrap();
    let (_, db) = project(dir.path());
    let list = Mutex::default();
    let other = AtWork::begin(&list, db.clone());
    let defect = catch_unwind(AssertUnwindSafe(|| {
        let _at_work = AtWork::begin(&list, db.clone());
        assert_eq!(list.lock().unwrap().len(), 2);
        std::panic::resume_unwind(Box::new("a defect"));
    }));
    assert!(defect.is_err());
    assert_eq!(list.lock().unwrap().len(), 1, "the other one's stays");
    drop(other);
    assert!(list.lock().unwrap().is_empty());
}
