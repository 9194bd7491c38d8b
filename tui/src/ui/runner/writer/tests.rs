//! Changes of tasks, on a real state.

use conclave_db::Db;
use conclave_tasks::work::{Change, NewTask};

use super::carry_out;
use crate::failure::Failure;
use crate::project::{Environment, Places, Project};
use crate::ui::effect::Write;
use crate::ui::message::Written;

fn project() -> (tempfile::TempDir, Project, Db) {
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
    let (_dir, project, db) = project();
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
    let (_dir, project, db) = project();
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
