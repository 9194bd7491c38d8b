//! What is done to a state, and who is said to have done it.

use conclave_db::Db;
use conclave_tasks::exchange::{self, ImportOptions, Limits};
use conclave_tasks::read;
use conclave_tasks::work::{self, Change, NewTask};

use super::{carry_out, opened};
use crate::failure::Failure;
use crate::project::{Environment, Places, Project};
use crate::ui::effect::Write;
use crate::ui::message::Written;

fn project(folder: &std::path::Path) -> Project {
    std::fs::create_dir_all(folder.join(".conclave")).unwrap();
    std::fs::write(folder.join(".conclave/config.toml"), "[tasks]\nprefix = 'kit'\n").unwrap();
    Project::find(&Environment::new(folder, &[]), &Places::default()).unwrap()
}

#[test]
fn each_change_is_made_by_whoever_sits_here() {
    let dir = tempfile::tempdir().unwrap();
    let project = project(dir.path());
    let db = project.open().unwrap();
    let new =
        |title: &str| Write::Create(Box::new(NewTask { title: title.to_owned(), ..NewTask::default() }));
    let does = |who: &str, write: &Write| carry_out(&db, who, &project, write).unwrap();
    let one = does("ana", &new("one")).id.unwrap();
    assert!(one.starts_with("kit-"), "{one}");
    let two = does("ana", &new("two")).id.unwrap();
    let change = Change { title: Some("changed".to_owned()), ..Change::default() };
    for (number, write) in [
        new("three"),
        Write::Update { id: one.clone(), change: Box::new(change) },
        Write::Depend { issue: one.clone(), on: two.clone() },
        Write::Close { id: one.clone(), force: true },
        Write::Reopen(one.clone()),
        Write::Claim(two.clone()),
        Write::Delete(one.clone()),
    ]
    .iter()
    .enumerate()
    {
        let who = format!("agent-{number}");
        let id = does(&who, write).id.unwrap();
        assert_eq!(read::audit(&db, &id, Some(1)).unwrap()[0].who, who, "{write:?}");
        if let Write::Depend { .. } = write {
            assert_eq!(read::show(&db, &one).unwrap().dependencies[0].id, two);
        }
    }
}

#[test]
fn a_claim_that_was_taken_over_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let project = project(dir.path());
    let db = project.open().unwrap();
    let line = br#"{"id":"t-1","title":"one","status":"in_progress","assignee":"bo","claim_expires_at":"2020-01-01T00:00:00Z"}"#;
    let lines = exchange::read_lines(&mut &line[..], "-".as_ref(), Limits::default()).unwrap();
    exchange::import(&db, "bo", lines, ImportOptions::default()).unwrap();
    let claim = || carry_out(&db, "ana", &project, &Write::Claim("t-1".to_owned())).unwrap().said;
    assert_eq!(claim(), "t-1 is yours, taken over from bo, whose claim had expired");
    assert_eq!(claim(), "t-1 is yours already");
}

#[test]
fn another_file_in_its_place_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let project = project(dir.path());
    let mut open = None;
    let write = |open: &mut _, title: &str| {
        let db = opened(open, &project).unwrap();
        let new = NewTask { title: title.to_owned(), ..NewTask::default() };
        work::create(&db, "ana", new).unwrap();
        read::counts(&db).unwrap().ready
    };
    assert_eq!((write(&mut open, "one"), write(&mut open, "two")), (1, 2));
    for end in ["", "-wal", "-shm"] {
        let mut name = project.database.clone().into_os_string();
        name.push(end);
        let _ = std::fs::rename(&name, dir.path().join(format!("old{end}")));
    }
    assert_eq!(write(&mut open, "three"), 1);
}

fn fresh() -> (tempfile::TempDir, Project, Db) {
    let dir = tempfile::tempdir().unwrap();
    let project = Project::find(&Environment::new(dir.path(), &[]), &Places::default()).unwrap();
    let db = project.open().unwrap();
    (dir, project, db)
}

fn new(id: &str, kind: &str, on: &[&str]) -> Write {
    Write::Create(Box::new(NewTask {
        title: "T".to_owned(),
        id: Some(id.to_owned()),
        issue_type: Some(kind.to_owned()),
        dependencies: on.iter().map(|on| ((*on).to_owned(), "blocks".to_owned())).collect(),
        ..NewTask::default()
    }))
}

#[test]
fn what_is_so_already_is_told_as_that() {
    let (_dir, project, db) = fresh();
    let told = |write: Write| {
        let Written { said, changed, .. } = carry_out(&db, "ana", &project, &write).unwrap();
        (said, changed)
    };
    let close = || Write::Close { id: "t-1".into(), force: false };
    let depend = || Write::Depend { issue: "t-2".into(), on: "t-1".into() };
    told(new("t-1", "task", &[]));
    told(new("t-2", "task", &[]));
    for (write, said, changed) in [
        (Write::Reopen("t-1".into()), "t-1 is open already", false),
        (Write::Claim("t-1".into()), "t-1 is yours", true),
        (Write::Claim("t-1".into()), "t-1 is yours already", false),
        (Write::Reopen("t-1".into()), "t-1 is in progress already", false),
        (depend(), "t-2 waits for t-1", true),
        (depend(), "t-2 waits for t-1 already", false),
        // A claim of what waits succeeds, and says so.
        (Write::Claim("t-2".into()), "t-2 is yours; it waits for t-1", true),
        (close(), "t-1 is closed", true),
        (close(), "t-1 is closed already", false),
        (Write::Reopen("t-1".into()), "t-1 is open", true),
    ] {
        let found = told(write.clone());
        assert!(found.0.starts_with(said) && found.1 == changed, "{write:?}: {found:?}");
        assert!(changed != found.0.contains(" already"), "{found:?}");
    }
}

#[test]
fn a_type_is_checked_as_on_the_command_line() {
    let (_dir, project, db) = fresh();
    let refused = |write: &Write| -> Failure { carry_out(&db, "ana", &project, write).unwrap_err() };
    assert!(format!("{:?}", refused(&new("t-1", "bugg", &[]))).contains("no type \\\"bugg\\\""));
    carry_out(&db, "ana", &project, &new("t-1", "feat", &[])).unwrap();
    let kind = || conclave_tasks::read::show(&db, "t-1").unwrap().row.record.text("issue_type");
    assert_eq!(kind().as_deref(), Some("feature"), "the canonical name");
    let update = |kind: &str| Write::Update {
        id: "t-1".into(),
        change: Box::new(Change { issue_type: Some(kind.to_owned()), ..Change::default() }),
    };
    refused(&update("bugg"));
    carry_out(&db, "ana", &project, &update("bug")).unwrap();
    assert_eq!(kind().as_deref(), Some("bug"));
}
