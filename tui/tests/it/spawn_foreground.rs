//! Agents in the foreground: the command waits, passes signals on, and ends as the agent does.

use std::process::{Child, Stdio};

use conclave_db::process::Signal;
use serde_json::json;

use crate::agents::{Fleet, kill};
use crate::patience::{ended, until, when_there};

fn start(fleet: &Fleet, words: &[&str], script: &str) -> Child {
    let mut command = fleet.scratch.command();
    command.args(words).args(["--", "sh", "-c", script]).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn it_ends_as_the_agent_does_and_records_that() {
    let fleet = Fleet::new();
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)] {
        for (words, id) in [
            (&["start", "lead", "--no-port"][..], "lead"),
            (&["spawn", "--spec", "s1", "--foreground"], "s1"),
        ] {
            let mut child = start(&fleet, words, script);
            assert_eq!(ended(&mut child).code(), Some(code), "{script}");
            let agent = fleet.agent(id);
            assert_eq!(
                (&agent["exit_status"], &agent["life"], &agent["port"]),
                (&json!(code), &json!("ended"), &json!(null))
            );
        }
    }
    assert!(fleet.supervisors().is_empty());
}

#[test]
fn signals_are_passed_on_to_the_agent_who_says_how_it_ends() {
    let fleet = Fleet::new();
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::HUP, "HUP"), (Signal::INT, "INT")] {
        let script = format!(
            "trap 'echo $PPID {name} > heard; exit 9' {name}; echo $CONCLAVE_PORT > port.new; mv port.new port; \
             while :; do sleep 0.01; done"
        );
        let mut child = start(&fleet, &["start"], &script);
        assert_eq!(when_there(&fleet.scratch, "port"), "4201");
        std::fs::remove_file(fleet.scratch.project().join("port")).unwrap();
        assert_eq!(fleet.agent("main")["life"], "running");
        kill(child.id(), signal);
        assert_eq!(ended(&mut child).code(), Some(9), "{name}");
        assert_eq!(when_there(&fleet.scratch, "heard"), format!("{} {name}", child.id()));
        assert_eq!(fleet.agent("main")["exit_status"], 9);
    }
}

#[test]
fn one_whose_command_was_killed_is_unsupervised_and_can_be_stopped() {
    let fleet = Fleet::new();
    let mut child = start(&fleet, &["start", "--no-port"], "echo > there; exec sleep 1000");
    when_there(&fleet.scratch, "there");
    child.kill().unwrap();
    child.wait().unwrap();
    until("nobody waits for it", || fleet.agent("main")["life"] == "unsupervised");
    assert_eq!(fleet.scratch.ok(&["stop", "main"]), "main: stopped\n");
    // `stop` from elsewhere ends one that is waited for, too.
    let mut child = start(&fleet, &["start", "--no-port"], "echo > again; exec sleep 1000");
    when_there(&fleet.scratch, "again");
    assert_eq!(fleet.scratch.ok(&["stop", "--all"]), "main: stopped\n");
    assert_eq!(ended(&mut child).code(), Some(143));
    assert_eq!(fleet.agent("main")["ended_how"], "stopped");
}

/// The row cannot be written: then the program must not have run, since nobody would know of it.
#[test]
fn a_program_is_not_run_before_its_row_is_there() {
    let fleet = Fleet::new();
    fleet.scratch.ok(&["spawn", "--shell"]);
    for table in ["architect", "builders"] {
        fleet.execute(&format!(
            "CREATE TRIGGER refuse_{table} BEFORE UPDATE OF pid ON {table} WHEN NEW.pid IS NOT NULL
             BEGIN SELECT RAISE(ABORT, 'no row for you'); END"
        ));
    }
    let ran = fleet.scratch.project().join("ran");
    for words in
        [&["start", "--no-port"][..], &["spawn", "--spec", "a", "--foreground"], &["spawn", "--spec", "a"]]
    {
        let done = fleet.scratch.run(&[words, &["--", "touch", "ran"]].concat());
        assert_ne!(done.code, Some(0), "{words:?}");
        assert!(done.stderr.contains("no row for you"), "{words:?}: {}", done.stderr);
        assert!(!ran.exists(), "{words:?}: it ran all the same");
    }
    assert_eq!(fleet.agents().len(), 1, "only the shell");
    assert!(fleet.supervisors().is_empty());
}
