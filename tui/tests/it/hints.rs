//! What the commands of agents, ports and leases say to somebody who is new to them.

use serde_json::json;

use crate::agents::Fleet;
use crate::scratch::Scratch;
use crate::terminal::Session;

#[test]
fn status_tells_how_many_agents_run_and_what_the_machine_has_given() {
    let fleet = Fleet::new();
    fleet.spawn(&["--shell"], "sleep 600");
    fleet.scratch.ok(&["start", "main", "--no-port"]);
    let text = fleet.scratch.ok(&["status"]);
    assert!(text.contains("\nagents     1 builder · 1 architect · 1 running\n"), "{text}");
    assert!(text.contains("\nports      1 block taken on this machine\n"), "{text}");
    let registry = &fleet.scratch.json(&["status"])["registry"];
    assert_eq!((&registry["running"], &registry["ports"]), (&json!(1), &json!(1)), "{registry}");
    fleet.scratch.ok(&["stop", "--all"]);
    assert_eq!(fleet.scratch.json(&["status"])["registry"]["running"], json!(0));
}

#[test]
fn words_that_are_not_there_are_answered_with_those_that_are() {
    let scratch = Scratch::new();
    for (words, error, hint) in [
        (&["agents", "list"][..], "unrecognized subcommand 'list'", "hint: `conclave agents` lists them"),
        (&["agents", "lst"], "unrecognized subcommand 'lst'", "hint: see `conclave agents --help`"),
        (
            &["agents", "set", "x"],
            "--status <STATUS>|--phase <TEXT>",
            "hint: see `conclave agents set --help`",
        ),
        (&["spawn"], "spawn needs to know what for: --spec ID", "hint: see `conclave spawn --help`"),
    ] {
        let done = scratch.run(words);
        assert!(done.refused(2).contains(error), "{words:?}: {}", done.stderr);
        assert!(done.stderr.contains(hint), "{words:?}: {}", done.stderr);
    }
}

#[test]
fn an_annotation_is_told_with_a_blank_before_its_id() {
    let scratch = Scratch::new();
    std::fs::write(scratch.project().join("notes.md"), "").unwrap();
    let said = scratch.ok(&["spawn", "--annotate", "notes.md", "--no-port"]);
    assert!(said.starts_with("annotation A-"), "{said}");
}

#[test]
fn a_list_without_leases_names_those_of_the_machine() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let hint = |words: &[&str]| scratch.run(words).stderr;
    assert_eq!(hint(&["lease", "list"]), "nothing is held\n");
    scratch.ok(&["lease", "acquire", "--lock-name", "gpu", "--global"]);
    let wanted = "nothing is held\nhint: 1 lease is held machine-wide: conclave lease list --global\n";
    assert_eq!(hint(&["lease", "list"]), wanted);
    assert_eq!(hint(&["lease", "list", "--global"]), "");
    assert_eq!(hint(&["lease", "list", "--json"]), "");
}

#[test]
fn what_needs_somebody_is_not_cut_in_the_middle_of_a_word() {
    let fleet = Fleet::new();
    for id in ["one-that-has-a-rather-long-name-for-an-agent", "another"] {
        fleet.scratch.ok(&["spawn", "--spec", id, "--no-port"]);
    }
    fleet.execute(
        "UPDATE builders SET pid = 4194999, start_time = 1, boot_id = 'another boot', pid_namespace = 1",
    );
    let (code, text) = Session::start(&fleet.scratch, &["status"]).said();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("attention"), "{text}");
    for line in text.lines() {
        assert!(line.trim_end().chars().count() <= 80, "{line:?}");
    }
}
