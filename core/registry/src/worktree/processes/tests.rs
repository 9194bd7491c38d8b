use std::process::{Child, Command};

use super::*;
use crate::agents::testing::State;

/// A process that stands in the folder; ended with the test.
struct Standing(Child);

impl Standing {
    fn in_folder(folder: &Path) -> Self {
        Self(Command::new("sleep").arg("1000").current_dir(folder).spawn().unwrap())
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn pids(folder: &Path) -> Vec<u32> {
    inside(folder).into_iter().map(|process| process.pid).collect()
}

#[test]
fn those_stand_inside_whose_folder_is_it_or_below_it() {
    let state = State::new();
    let folder = state.project.folder("x");
    let deep = Standing::in_folder(&state.project.folder("x/a/b"));
    let top = Standing::in_folder(&folder);
    let _neighbours = [
        Standing::in_folder(&state.project.folder("x2")),
        Standing::in_folder(&state.project.folder("x (deleted)")),
        Standing::in_folder(state.project.root()),
    ];
    let mut expected = [deep.0.id(), top.0.id()];
    expected.sort_unstable();
    assert_eq!(pids(&folder), expected);
    let link = state.project.path("link");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    assert_eq!(pids(&link), expected);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(pids(&folder), expected, "the folder is gone under them");
}

#[test]
fn whoever_stands_inside_may_not_begin() {
    let state = State::new();
    let folder = state.project.folder("x");
    let _other = Standing::in_folder(&folder);
    refuse_from_inside(&folder).unwrap();
    let own = std::env::current_dir().unwrap();
    let error = refuse_from_inside(&own).unwrap_err().to_string();
    assert!(error.starts_with("this command runs inside"), "{error}");
    assert!(ancestors(std::process::id()).all(|pid| pid != std::process::id()));
    assert!(ancestors(std::process::id()).last().is_some());
}

#[test]
fn all_of_them_are_ended_and_told() {
    let state = State::new();
    let folder = state.project.folder("x");
    let mut standing = [Standing::in_folder(&folder), Standing::in_folder(&folder)];
    let mut expected = standing.each_ref().map(|one| one.0.id());
    expected.sort_unstable();
    assert_eq!(end_all(&state.db, &folder).unwrap(), expected);
    for one in &mut standing {
        assert!(!one.0.wait().unwrap().success());
    }
    assert_eq!(end_all(&state.db, &folder).unwrap(), Vec::<u32>::new());
}
