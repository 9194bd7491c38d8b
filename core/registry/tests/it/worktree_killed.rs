//! Making and removing a worktree, killed at any moment: the same call again ends right, and nothing committed is lost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_db::{Db, DbOptions};
use conclave_registry::agents;
use conclave_registry::worktree::{self, Hooks};
use conclave_retry::{Sleeper as _, SystemSleeper};
use conclave_testkit::{Child, KillDriver, Parent, Rerun};

use crate::files::{state_schema, variable};
use crate::repository::{FORCE, Repository, USUAL, script};

const ROUNDS: usize = 12;
/// About as long as the whole takes.
const MOST: Duration = Duration::from_millis(150);

/// What they leave is ignored by git: nobody's work.
fn hooks() -> Hooks {
    Hooks { setup: script("echo > x.secret"), teardown: script("echo > y.secret") }
}

fn child(test: &str, repository: &Repository) -> Child {
    Rerun::of(test).variable("ROOT", repository.root().display().to_string()).start()
}

/// The project whose agent `x` this process is to do something to.
fn given(parent: &mut Parent) -> (Db, PathBuf) {
    let root = PathBuf::from(variable("ROOT"));
    let state = Db::open(DbOptions::new(root.join(".conclave/state.db"), state_schema())).unwrap();
    parent.wait_for_release();
    (state, root)
}

/// A git that was running when its parent was killed goes on to its end.
fn wait_for_git(root: &Path) {
    let works_there = |entry: std::fs::DirEntry| {
        let is_other = entry.file_name().to_str() != Some(&std::process::id().to_string());
        is_other && std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(root))
    };
    while std::fs::read_dir("/proc").unwrap().flatten().any(works_there) {
        SystemSleeper.sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_making_that_was_killed_anywhere_is_cleaned_up_and_done_again() {
    const TEST: &str = "worktree_killed::a_making_that_was_killed_anywhere_is_cleaned_up_and_done_again";
    if let Some(mut parent) = Parent::of_this_process() {
        let (state, root) = given(&mut parent);
        let agent = agents::find(&state, "x").unwrap();
        worktree::create(&state, &root, &agent, &hooks()).unwrap();
        return;
    }
    let Some(repository) = Repository::new() else { return };
    let mut driver = KillDriver::new(7);
    for round in 0..ROUNDS {
        repository.builder("x");
        driver.run_and_kill(child(TEST, &repository), 0, MOST);
        wait_for_git(repository.root());
        let done = repository.clean_up("x", USUAL).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(done.kept_branch, None, "round {round}");
        repository.assert_gone("x");
        assert!(!repository.has_branch("builder/x"), "round {round}");
        repository.create("x", &hooks()).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(repository.git(&["status", "--porcelain"]), "", "round {round}");
        repository.clean_up("x", USUAL).unwrap();
    }
}

#[test]
fn a_cleanup_that_was_killed_anywhere_goes_on_and_keeps_the_branch() {
    const TEST: &str = "worktree_killed::a_cleanup_that_was_killed_anywhere_goes_on_and_keeps_the_branch";
    if let Some(mut parent) = Parent::of_this_process() {
        let (state, root) = given(&mut parent);
        let agent = agents::find(&state, "x").unwrap();
        worktree::clean_up(&state, &root, &agent, &hooks(), USUAL).unwrap();
        return;
    }
    let Some(repository) = Repository::new() else { return };
    let mut driver = KillDriver::new(8);
    for round in 0..ROUNDS {
        repository.built("x");
        for number in 0..50 {
            crate::repository::write(&repository.worktree("x").join(format!("f{number}")), "committed\n");
        }
        repository.commit("x", "work", "committed\n");
        let newest = repository.git(&["rev-parse", "builder/x"]);
        driver.run_and_kill(child(TEST, &repository), 0, MOST);
        wait_for_git(repository.root());
        if agents::list(&repository.state).unwrap().iter().any(|agent| agent.key.id == "x") {
            let again = repository.clean_up_with("x", &hooks(), USUAL);
            again.unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        repository.assert_gone("x");
        assert_eq!(repository.git(&["rev-parse", "builder/x"]), newest, "round {round}");
        repository.git(&["branch", "-q", "-D", "builder/x"]);
    }
    // Whatever happened in between, the next one is like the first.
    repository.built("x");
    repository.clean_up("x", FORCE).unwrap();
}
