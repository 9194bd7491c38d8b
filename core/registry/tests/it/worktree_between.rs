//! What happens while git works: somebody commits, git fails, everything is killed in the middle of a removal.

use std::path::{Path, PathBuf};

use conclave_db::{Db, DbOptions};
use conclave_registry::agents;
use conclave_registry::worktree::{self, Hooks};
use conclave_testkit::{Parent, Rerun};

use crate::files::{state_schema, variable};
use crate::repository::{Repository, USUAL, assert_refused, write};

/// A child with a `git` of its own: a script that does something first where it is asked for this. Gives what it said.
fn with_git(test: &str, repository: &Repository, asked: &str, first: &str) -> Vec<String> {
    let folder = repository.path(".conclave/bin");
    let git = folder.join("git");
    let path = std::env::var("PATH").unwrap();
    write(
        &git,
        &format!("#!/bin/sh\nPATH='{path}'\ncase \"$*\" in *\"{asked}\"*) {first};; esac\nexec git \"$@\"\n"),
    );
    std::fs::set_permissions(&git, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut child = Rerun::of(test)
        .variable("ROOT", repository.root().display().to_string())
        .variable("PATH", format!("{}:{path}", folder.display()))
        .start();
    child.release();
    let said = child.lines();
    child.wait();
    said
}

/// In the child: does it to the agent `x`, and says how it went.
fn in_child(mut parent: Parent, deed: impl FnOnce(&Db, &Path, &agents::Agent) -> Result<(), String>) {
    let root = PathBuf::from(variable("ROOT"));
    let state = Db::open(DbOptions::new(root.join(".conclave/state.db"), state_schema())).unwrap();
    let agent = agents::find(&state, "x").unwrap();
    parent.wait_for_release();
    let said = deed(&state, &root, &agent).map_or_else(|error| error, |()| "done".to_owned());
    parent.say(&said);
}

fn clean_up(state: &Db, root: &Path, agent: &agents::Agent) -> Result<(), String> {
    let done = worktree::clean_up(state, root, agent, &Hooks::default(), USUAL);
    done.map(drop).map_err(|error| error.to_string())
}

#[test]
fn the_branch_begins_where_the_row_says_whoever_commits_meanwhile() {
    const TEST: &str = "worktree_between::the_branch_begins_where_the_row_says_whoever_commits_meanwhile";
    if let Some(parent) = Parent::of_this_process() {
        return in_child(parent, |state, root, agent| {
            let made = worktree::create(state, root, agent, &Hooks::default());
            made.map(drop).map_err(|error| error.to_string())
        });
    }
    let Some(repository) = Repository::new() else { return };
    let before = repository.head();
    repository.builder("x");
    let said = with_git(TEST, &repository, "worktree add", "git commit -q --allow-empty -m meanwhile");
    assert_eq!(said, ["done"]);
    assert_ne!(repository.head(), before, "somebody has committed");
    let base = repository.agent("x").base_commit;
    assert_eq!((repository.git(&["rev-parse", "builder/x"]), base), (before.clone(), Some(before)));
}

#[test]
fn a_removal_that_was_killed_half_way_goes_on() {
    const TEST: &str = "worktree_between::a_removal_that_was_killed_half_way_goes_on";
    if let Some(parent) = Parent::of_this_process() {
        return in_child(parent, clean_up);
    }
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    repository.commit("x", "work", "committed\n");
    let folder = repository.worktree("x");
    let half = format!("rm '{}'; kill -KILL $PPID $$", folder.join("README").display());
    assert_eq!(with_git(TEST, &repository, "worktree remove", &half), [""; 0]);
    assert!(folder.join("work").exists() && !folder.join("README").exists());
    // Nobody has deleted that file: it is no work that would be lost.
    repository.clean_up("x", USUAL).unwrap();
    repository.assert_gone("x");
    assert!(repository.has_branch("builder/x"));
}

#[test]
fn a_removal_that_git_refused_was_never_begun() {
    const TEST: &str = "worktree_between::a_removal_that_git_refused_was_never_begun";
    if let Some(parent) = Parent::of_this_process() {
        return in_child(parent, clean_up);
    }
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let said = with_git(TEST, &repository, "worktree remove", "echo not now >&2; exit 1");
    assert!(said.len() == 1 && said[0].contains("not now"), "{said:?}");
    // What somebody does there afterwards is work.
    std::fs::remove_file(repository.worktree("x").join("README")).unwrap();
    assert_refused(&repository.clean_up("x", USUAL).unwrap_err(), &["x has work in", "README"]);
}
