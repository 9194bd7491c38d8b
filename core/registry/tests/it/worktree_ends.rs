//! Cleaning up: what is ended, what is refused, what is kept.

use std::path::Path;
use std::process::{Command, Stdio};

use conclave_db::process::{self, Liveness, ProcessIdentity};
use conclave_registry::worktree::{self, Cleanup, Hooks};
use conclave_testkit::skipped;

use crate::repository::{FORCE, Repository, USUAL, assert_refused, git, script, write};

/// A server that stands in the folder and that nobody waits for; it says its pid once it is there.
fn detached(folder: &Path, program: &str) -> Option<ProcessIdentity> {
    if Command::new("setsid").arg("--version").stdout(Stdio::null()).status().is_err() {
        skipped("no setsid(1) here");
        return None;
    }
    let script = format!("setsid sh -c 'echo $$; exec >&- 2>&-; {program}' &");
    let out = Command::new("sh").args(["-c", &script]).current_dir(folder).output().unwrap();
    let pid = String::from_utf8(out.stdout).unwrap().trim().parse().unwrap();
    Some(process::of(pid).unwrap().unwrap())
}

fn lives(process: &ProcessIdentity) -> bool {
    process::liveness(process) == Liveness::Alive
}

fn end(process: &ProcessIdentity) {
    process::signal(process, process::Signal::KILL);
}

#[test]
fn a_server_that_detached_itself_is_ended_and_a_neighbour_is_not() {
    let Some(repository) = Repository::new() else { return };
    for id in ["x", "x2"] {
        repository.built(id);
    }
    std::fs::create_dir(repository.worktree("x").join("sub")).unwrap();
    let Some(server) = detached(&repository.worktree("x").join("sub"), "exec sleep 1000") else { return };
    let neighbour = detached(&repository.worktree("x2"), "exec sleep 1000").unwrap();
    let outside = detached(repository.root(), "exec sleep 1000").unwrap();
    let done = repository.clean_up("x", USUAL).unwrap();
    assert_eq!(done.ended, [server.pid]);
    assert_eq!(done.worktree, Some(repository.worktree("x")));
    let alive = [&server, &neighbour, &outside].map(lives);
    for one in [&neighbour, &outside] {
        end(one);
    }
    assert_eq!(alive, [false, true, true]);
    repository.assert_gone("x");
    assert!(repository.worktree("x2").exists());
}

#[test]
fn a_server_that_hears_nothing_or_lost_its_folder_is_ended_too() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let Some(deaf) = detached(&repository.worktree("x"), "trap \"\" TERM; while :; do sleep 1; done") else {
        return;
    };
    let done = repository.clean_up("x", USUAL).unwrap();
    assert!(done.ended.contains(&deaf.pid) && !lives(&deaf), "{done:?}");
    repository.built("y");
    let lost = detached(&repository.worktree("y"), "exec sleep 1000").unwrap();
    std::fs::remove_dir_all(repository.worktree("y")).unwrap();
    let done = repository.clean_up("y", USUAL).unwrap();
    assert_eq!((done.ended.as_slice(), done.worktree), ([lost.pid].as_slice(), None));
    assert!(!lives(&lost));
    repository.assert_gone("y");
}

#[test]
fn work_that_is_not_committed_is_refused_before_anything_is_ended() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let folder = repository.worktree("x");
    write(&folder.join("README"), "changed\n");
    write(&folder.join("new\nfile"), "new\n");
    write(&folder.join("ignored.secret"), "no work");
    let Some(server) = detached(&folder, "exec sleep 1000") else { return };
    let error = repository.clean_up("x", USUAL).unwrap_err();
    let still_lives = lives(&server);
    let done = repository.clean_up("x", FORCE);
    end(&server);
    assert_refused(&error, &["x has work in", "README", r#""new\nfile""#]);
    assert!(error.hint().unwrap().contains("conclave cleanup x --force"), "{error:?}");
    assert!(still_lives);
    assert_eq!(done.unwrap().worktree, Some(folder));
    repository.assert_gone("x");
}

#[test]
fn a_branch_goes_when_it_is_merged_or_when_that_is_asked_for() {
    let Some(repository) = Repository::new() else { return };
    for id in ["empty", "merged", "open", "asked"] {
        repository.built(id);
    }
    repository.commit("merged", "merged", "x\n");
    repository.git(&["merge", "-q", "--no-edit", "builder/merged"]);
    repository.commit("open", "open", "x\n");
    repository.commit("asked", "asked", "x\n");
    for (id, delete_branch, goes) in
        [("empty", false, true), ("merged", false, true), ("open", false, false), ("asked", true, true)]
    {
        let done = repository.clean_up(id, Cleanup { force: false, delete_branch }).unwrap();
        let branch = Some(format!("builder/{id}"));
        let wanted = if goes { (branch, None) } else { (None, branch) };
        assert_eq!((done.deleted_branch, done.kept_branch), wanted);
        assert_eq!(repository.has_branch(&format!("builder/{id}")), !goes);
        repository.assert_gone(id);
    }
}

#[test]
fn a_teardown_that_fails_keeps_everything_unless_forced() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let hooks = Hooks { teardown: script("echo the database is still up; exit 4"), ..Hooks::default() };
    let error = repository.clean_up_with("x", &hooks, USUAL).unwrap_err();
    assert_refused(&error, &["[worktree] teardown", "exit status: 4", "the database is still up"]);
    assert!(error.hint().unwrap().contains("--force"));
    assert!(repository.worktree("x").join("README").exists());
    let witness = repository.path("witness");
    let hooks =
        Hooks { teardown: script(&format!("pwd > '{}'; exit 1", witness.display())), ..Hooks::default() };
    repository.clean_up_with("x", &hooks, FORCE).unwrap();
    repository.assert_gone("x");
    let stood = std::fs::read_to_string(witness).unwrap();
    assert_eq!(Path::new(stood.trim_end()), repository.worktree("x"));
    // What it leaves running is ended, and work that it leaves is not lost.
    repository.built("y");
    let hooks =
        Hooks { teardown: script("echo work > left; sleep 1000 >/dev/null 2>&1 &"), ..Hooks::default() };
    let error = repository.clean_up_with("y", &hooks, USUAL).unwrap_err();
    assert_refused(&error, &["git worktree", "modified or untracked files"]);
    assert!(repository.worktree("y").join("left").exists());
    std::fs::remove_file(repository.worktree("y").join("left")).unwrap();
    repository.clean_up("y", USUAL).unwrap();
    repository.assert_gone("y");
}

/// What a kill leaves at each step is finished by the same call.
#[test]
fn a_second_call_finishes_what_a_kill_left() {
    let Some(repository) = Repository::new() else { return };
    let known = |id: &str| repository.path(".git/worktrees").join(id);
    for id in ["marked", "half", "rest", "folder", "known", "branch"] {
        repository.built(id);
        repository.commit(id, "work", "committed\n");
        std::fs::write(repository.worktree(id).join("x.secret"), "ignored").unwrap();
    }
    // Git was about to begin; it has deleted some files; it has deleted what makes it a checkout.
    for id in ["marked", "half", "rest"] {
        std::fs::write(known(id).join("conclave-removing"), "").unwrap();
    }
    std::fs::remove_file(repository.worktree("half").join("README")).unwrap();
    std::fs::remove_file(repository.worktree("rest").join(".git")).unwrap();
    // The folder is gone; what git knows is gone too; and the branch.
    for id in ["folder", "known", "branch"] {
        std::fs::remove_dir_all(repository.worktree(id)).unwrap();
    }
    std::fs::remove_dir_all(known("known")).unwrap();
    std::fs::remove_dir_all(known("branch")).unwrap();
    repository.git(&["branch", "-D", "builder/branch"]);
    for id in ["marked", "half", "rest", "folder", "known", "branch"] {
        let done = repository.clean_up(id, USUAL).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(done.worktree.is_some(), ["marked", "half", "rest"].contains(&id), "{id}");
        assert_eq!(done.kept_branch.is_some(), id != "branch", "{id}");
        repository.assert_gone(id);
    }
}

#[test]
fn a_removal_that_was_begun_does_not_lose_what_came_since() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let mark = repository.path(".git/worktrees/x/conclave-removing");
    std::fs::write(&mark, "").unwrap();
    write(&repository.worktree("x").join("new"), "since then");
    assert_refused(&repository.clean_up("x", USUAL).unwrap_err(), &["x has work in", "new"]);
    assert!(repository.worktree("x").join("new").exists());
    // A folder that is no checkout, and of which nobody has begun anything.
    repository.built("y");
    std::fs::remove_file(repository.worktree("y").join(".git")).unwrap();
    assert_refused(&repository.clean_up("y", USUAL).unwrap_err(), &["is no checkout of git"]);
    repository.clean_up("y", FORCE).unwrap();
    repository.assert_gone("y");
}

/// Rows of an import may name any folder and any branch.
#[test]
fn a_folder_that_is_not_this_projects_is_left_alone() {
    let Some(repository) = Repository::new() else { return };
    let other = tempfile::tempdir().unwrap();
    write(&other.path().join("file"), "theirs");
    for (id, folder) in [("other", other.path()), ("root", repository.root())] {
        repository.builder(id);
        let sql = format!(
            "UPDATE builders SET worktree = '{}', branch = 'main' WHERE id = '{id}'",
            folder.display()
        );
        crate::files::sql(&repository.state, &sql);
        let error = repository.clean_up(id, USUAL).unwrap_err();
        assert_refused(&error, &["is no worktree of this project"]);
        let done = repository.clean_up(id, Cleanup { force: true, delete_branch: true }).unwrap();
        assert_eq!((done.worktree, done.kept_branch.as_deref()), (None, Some("main")));
        assert!(folder.exists());
        repository.assert_gone(id);
    }
    assert_eq!(std::fs::read_to_string(other.path().join("file")).unwrap(), "theirs");
    assert!(repository.has_branch("main"));
    assert_eq!(git(repository.root(), &["status", "--porcelain"]), "");
}

// runtime-state 8.49
#[test]
fn an_agent_without_a_worktree_or_with_nothing_but_a_pid_just_goes() {
    let Some(repository) = Repository::without_git() else { return };
    for (number, pid) in [0, 1, -1, i64::from(std::process::id()), 4_000_000].into_iter().enumerate() {
        let id = format!("b{number}");
        repository.builder(&id);
        crate::files::sql(&repository.state, &format!("UPDATE builders SET pid = {pid} WHERE id = '{id}'"));
        let done = repository.clean_up(&id, USUAL).unwrap();
        assert_eq!((done.ended, done.worktree), (Vec::new(), None));
        assert!(conclave_registry::agents::find(&repository.state, &id).is_err());
    }
}

/// Whoever is ended finds its worktree as it was, and what it writes there at its end is work like any other.
#[test]
fn what_is_written_at_the_end_is_not_lost() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let folder = repository.worktree("x");
    let program = "trap \"cp README last-words; exit\" TERM; while :; do sleep 0.02; done";
    let Some(server) = detached(&folder, program) else { return };
    let refused = repository.clean_up("x", USUAL).unwrap_err();
    assert_refused(&refused, &["x has work in", "last-words"]);
    assert!(!lives(&server));
    assert_eq!(std::fs::read_to_string(folder.join("last-words")).unwrap(), "first\n");
    repository.clean_up("x", FORCE).unwrap();
    repository.assert_gone("x");
}

// The id became another agent's while the first one was cleaned up.
#[test]
fn the_row_of_another_agent_with_the_same_id_stays() {
    let Some(repository) = Repository::without_git() else { return };
    let old = repository.builder("x");
    conclave_registry::agents::stop(&repository.state, &old, conclave_registry::agents::Stopping::default())
        .unwrap();
    let began = old.started_at_ms;
    let anew = loop {
        let anew = repository.builder("x");
        if anew.started_at_ms != began {
            break anew;
        }
        let how = conclave_registry::agents::Stopping::default();
        conclave_registry::agents::stop(&repository.state, &anew, how).unwrap();
    };
    let error = worktree::clean_up(&repository.state, repository.root(), &old, &Hooks::default(), USUAL);
    assert_refused(&error.unwrap_err(), &["x has ended, and another agent was registered with its id"]);
    assert_eq!(repository.agent("x").started_at_ms, anew.started_at_ms);
    repository.clean_up("x", USUAL).unwrap();
    assert!(conclave_registry::agents::find(&repository.state, "x").is_err());
}

#[test]
fn commits_that_no_branch_leads_to_are_work() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let folder = repository.worktree("x");
    git(&folder, &["checkout", "-q", "--detach"]);
    repository.commit("x", "stray", "x\n");
    let Some(server) = detached(&folder, "exec sleep 1000") else { return };
    let error = repository.clean_up("x", USUAL).unwrap_err();
    let still_lives = lives(&server);
    end(&server);
    assert!(still_lives);
    assert_refused(&error, &["which no branch leads to"]);
    // The hint, as it is printed.
    let hint = error.hint().unwrap().split('`').nth(1).unwrap().replace("NAME", "kept");
    assert!(Command::new("sh").args(["-c", &hint]).status().unwrap().success(), "{hint}");
    repository.clean_up("x", USUAL).unwrap();
    repository.assert_gone("x");
    assert!(git(repository.root(), &["log", "-1", "--format=%s", "kept"]).contains("stray"));
    repository.built("y");
    git(&repository.worktree("y"), &["checkout", "-q", "--detach"]);
    repository.commit("y", "stray", "y\n");
    repository.clean_up("y", FORCE).unwrap();
    repository.assert_gone("y");
}

#[test]
fn a_branch_that_is_checked_out_elsewhere_is_kept() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    git(&repository.worktree("x"), &["checkout", "-q", "-b", "aside"]);
    repository.git(&["checkout", "-q", "builder/x"]);
    let done = repository.clean_up("x", Cleanup { force: false, delete_branch: true }).unwrap();
    assert_eq!((done.deleted_branch, done.kept_branch.as_deref()), (None, Some("builder/x")));
    assert!(done.kept_because.unwrap().starts_with("which is checked out in /"));
    repository.assert_gone("x");
}

#[test]
fn what_setup_and_teardown_leave_running_is_ended() {
    let Some(repository) = Repository::new() else { return };
    let leaves = |ends: &str| script(&format!("sleep 1000 & echo $! > \"$CONCLAVE_ROOT/left\"; exit {ends}"));
    let left = || {
        let pid = std::fs::read_to_string(repository.path("left")).unwrap().trim().parse().unwrap();
        process::of(pid).unwrap()
    };
    let hooks = Hooks { setup: leaves("7"), teardown: leaves("0") };
    repository.create("x", &hooks).unwrap_err();
    assert_eq!(left(), None, "of a setup that failed");
    repository.built("y");
    let done = repository.clean_up_with("y", &hooks, USUAL).unwrap();
    assert_eq!((left(), done.ended.len()), (None, 1));
}

/// The command would end itself, or whoever waits for it.
#[test]
fn nobody_cleans_up_the_worktree_that_he_stands_in() {
    const TEST: &str = "worktree_ends::nobody_cleans_up_the_worktree_that_he_stands_in";
    if let Some(mut parent) = conclave_testkit::Parent::of_this_process() {
        let root = std::path::PathBuf::from(crate::files::variable("ROOT"));
        std::env::set_current_dir(root.join(".builders/x")).unwrap();
        let schema = crate::files::state_schema();
        let options = conclave_db::DbOptions::new(root.join(".conclave/state.db"), schema);
        let state = conclave_db::Db::open(options).unwrap();
        let agent = conclave_registry::agents::find(&state, "x").unwrap();
        parent.wait_for_release();
        let refused = conclave_registry::worktree::clean_up(&state, &root, &agent, &Hooks::default(), FORCE);
        parent.say(&refused.unwrap_err().to_string());
        return;
    }
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let root = repository.root().display().to_string();
    let mut child = conclave_testkit::Rerun::of(TEST).variable("ROOT", root).start();
    child.release();
    let said = child.finish();
    assert!(said.len() == 1 && said[0].contains("this command runs inside"), "{said:?}");
    assert!(repository.worktree("x").join("README").exists());
}

#[test]
fn a_worktree_that_is_locked_is_refused_before_anything_is_ended() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let folder = repository.worktree("x");
    repository.git(&["worktree", "lock", "--reason", "on a stick", folder.to_str().unwrap()]);
    let Some(server) = detached(&folder, "exec sleep 1000") else { return };
    let errors = [USUAL, FORCE].map(|how| repository.clean_up("x", how).unwrap_err());
    let still_lives = lives(&server);
    end(&server);
    assert!(still_lives);
    for error in &errors {
        assert_refused(error, &["is locked: on a stick"]);
    }
    let hint = errors[0].hint().unwrap().split('`').nth(1).unwrap().to_owned();
    assert!(Command::new("sh").args(["-c", &hint]).status().unwrap().success(), "{hint}");
    repository.clean_up("x", USUAL).unwrap();
    repository.assert_gone("x");
}

#[test]
fn of_two_that_clean_up_at_once_one_is_told_so() {
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let held = std::fs::File::open(repository.worktree("x")).unwrap();
    held.lock().unwrap();
    for how in [USUAL, FORCE] {
        let error = repository.clean_up("x", how).unwrap_err();
        assert_refused(&error, &["x is being cleaned up by another process"]);
    }
    drop(held);
    repository.clean_up("x", USUAL).unwrap();
    repository.assert_gone("x");
}

/// Git deletes what makes it a checkout first, and then stops at what it may not delete.
#[test]
fn what_git_could_not_finish_is_still_a_rest() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(repository) = Repository::new() else { return };
    repository.built("x");
    let kept = repository.worktree("x").join("build");
    write(&kept.join("of another"), "");
    let permit = |mode| std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o500);
    if std::fs::remove_file(kept.join("of another")).is_ok() {
        conclave_testkit::skipped("this user may delete everything");
        return;
    }
    let first = repository.clean_up("x", USUAL).unwrap_err();
    let second = repository.clean_up("x", USUAL).unwrap_err();
    permit(0o700);
    assert!(!second.to_string().contains("is no checkout"), "{first}; then {second}");
    repository.clean_up("x", USUAL).unwrap();
    repository.assert_gone("x");
}
