//! Agents and leases in the UI, in a real pseudo-terminal, with others who start and hold them.

use conclave_db::{Db, DbOptions};
use conclave_leases::{HolderId, LeaseName, Leases, Request, Ttl};
use conclave_retry::CancelToken;

use crate::scratch::Scratch;
use crate::terminal::Session;

/// A project with a state and nothing in it.
fn empty() -> Scratch {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    scratch
}

fn on(scratch: &Scratch, words: &[&str], screen: &str, is_there: &str) -> Session {
    let mut session = Session::start(scratch, words);
    session.until("There are none yet");
    session.keys(screen);
    session.until(is_there);
    session
}

/// Writes a line, another one once the file `go` is there, and stays until it is ended.
const PATIENT: &str = "echo the first; until test -e go; do sleep 0.05; done; echo the second; exec sleep 60";

#[test]
fn an_agent_of_others_is_seen_followed_stopped_and_cleaned_up() {
    let scratch = empty();
    let mut session = on(&scratch, &[], "2", "n spawns the first");
    scratch.ok(&["spawn", "--spec", "0031", "--no-port", "--", "sh", "-c", PATIENT]);
    session.until("1 running");
    session.until("the first");
    std::fs::write(scratch.project().join("go"), "").unwrap();
    session.until("the second");
    session.keys("\r");
    session.until("f hold  / search");
    session.keys("/FIRST\r");
    session.until("▸ the first");
    session.until("held");
    session.keys("\x1b");
    session.until("x clean up");
    session.keys("s");
    session.until("Stop 0031 (spec, pid");
    session.keys("y");
    session.until("0031 has ended");
    session.until("○ stopped");
    session.keys("x");
    session.until("Clean up 0031");
    session.keys("y");
    session.until("0031 is removed");
    session.until("n spawns the first");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
    assert_eq!(scratch.json(&["agents"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn an_agent_is_spawned_in_a_form_as_its_command_line_says() {
    let scratch = empty();
    let mut session = on(&scratch, &[], "2", "n spawns the first");
    session.keys("n");
    session.until("Spawn an agent");
    session.keys("Fix it\tsh -c 'echo from the form; exec sleep 60'\t\t ");
    session.until("conclave spawn --task 'Fix it' --no-port -- sh -c");
    session.keys("\r");
    session.until(" runs");
    session.until("▸ task-");
    session.until("from the form");
    session.until("1 running");
    let agents = scratch.json(&["agents"]);
    let agent = &agents[0];
    assert_eq!((&agent["type"], &agent["life"]), (&"task".into(), &"running".into()), "{agents}");
    scratch.ok(&["stop", "--all"]);
    session.until("○ stopped");
    session.keys("q");
    session.ends();
}

#[test]
fn what_is_changed_in_a_worktree_is_shown_and_lost_only_after_a_second_question() {
    let scratch = empty();
    let git = |words: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.current_dir(scratch.project()).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(words);
        git.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        git.status().is_ok_and(|status| status.success())
    };
    if !git(&["init", "-q"]) {
        conclave_testkit::skipped("no git");
        return;
    }
    std::fs::write(scratch.project().join("a.txt"), "one\n").unwrap();
    assert!(git(&["add", "a.txt"]) && git(&["commit", "-qm", "one"]));
    scratch.ok(&["spawn", "--spec", "0032", "--no-port", "--worktree"]);
    std::fs::write(scratch.project().join(".builders/0032/a.txt"), "two, and more of it\n").unwrap();
    let mut session = on(&scratch, &[], "2", ".builders/0032");
    session.keys("d");
    session.until("0032  changes");
    session.until("+two, and more");
    // The last of its footer: nothing of the list is left then.
    session.until("as tester");
    session.keys("\x1b");
    session.until("x clean up");
    session.keys("xy");
    session.until("all the same?");
    // Whoever says no to that can do something else, and nothing was done.
    session.keys("\ry");
    session.until("sent to the terminal");
    assert!(scratch.project().join(".builders/0032").exists());
    session.keys("x");
    session.until("What runs in its worktree");
    session.keys("y");
    session.until("all the same?");
    session.keys("y");
    session.until("0032 is removed");
    session.keys("q");
    session.ends();
    assert!(!scratch.project().join(".builders/0032").exists());
}

fn acquire(leases: &Leases, name: &str, holder: &str) {
    let request = Request {
        ttl: Ttl::parse("600").unwrap(),
        holder: Some(HolderId::parse(holder).unwrap()),
        ..Request::of(LeaseName::parse(name).unwrap())
    };
    leases.acquire(&request, &CancelToken::new()).unwrap();
}

#[test]
fn leases_of_the_project_and_of_the_machine_are_seen_counted_down_and_broken() {
    let scratch = empty();
    let machine = scratch.path("machine");
    let mut session = on(&scratch, &["--global-dir", machine.to_str().unwrap()], "4", "None is held");
    let open =
        |path: std::path::PathBuf, schema| Leases::new(Db::open(DbOptions::new(path, schema)).unwrap());
    let here = open(scratch.database(), conclave::state::schema().unwrap()).unwrap();
    acquire(&here, "release", "ci-4");
    session.until("ci-4 (");
    session.until("  9:");
    // The machine-wide file is made while the screen is seen.
    std::fs::create_dir_all(&machine).unwrap();
    let everywhere = open(machine.join("global.db"), conclave::state::global_schema().unwrap()).unwrap();
    acquire(&everywhere, "gpu-0", "train");
    session.until("gpu-0 (global)");
    session.until("2 held");
    session.keys("\r");
    session.until("release  lease of this project");
    session.until("exclusive, fence 1, ");
    session.keys("R");
    session.until("Break the lease \"release\"?");
    session.keys("y");
    session.until("release is taken from its holder");
    session.until("1 held");
    session.keys("\x1b");
    session.until("▸ gpu-0");
    session.keys("Ry");
    session.until("gpu-0 is taken from its holder");
    session.until("None is held");
    session.keys("q");
    session.ends();
    assert!(here.list().unwrap().is_empty() && everywhere.list().unwrap().is_empty());
}
