//! What is done to a state, and who is said to have done it.

use std::time::Duration;

use conclave_tasks::read;
use conclave_tasks::work::{self, Change, NewTask};

use super::{carry_out, opened};
use crate::project::{Environment, Places, Project};
use crate::ui::effect::Write;

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
    let new = NewTask { title: "one".to_owned(), id: Some("t-1".to_owned()), ..NewTask::default() };
    work::create(&db, "ana", new).unwrap();
    work::claim(&db, "bo", "t-1", Some(Duration::from_millis(1))).unwrap();
    std::thread::sleep(Duration::from_millis(5));
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
