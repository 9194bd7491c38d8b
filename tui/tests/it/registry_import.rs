//! `state.json` and `ports.json` of the original, in the real binary.

use std::path::PathBuf;

use conclave_db::sql::FromSql;
use conclave_db::{Db, DbOptions};
use serde_json::{Value, json};

use crate::scratch::{Done, Scratch};

const STATE: &str = r#"{"architect": null, "builders": [
  {"id": "0031", "name": "n", "port": 4210, "pid": 999999999, "status": "blocked", "phase": "", "worktree": "", "branch": ""}],
  "utils": [], "annotations": []}"#;
const PORTS: &str = r#"{"version":1,"entries":{"remote:u@h:/p":{"basePort":4200,"registered":"2024-01-01T00:00:00.000Z","new":1}}}"#;

fn farm(scratch: &Scratch, place: &str, name: &str, text: &str) -> PathBuf {
    let folder = scratch.path(place).join(".agent-farm");
    std::fs::create_dir_all(&folder).unwrap();
    let file = std::fs::canonicalize(folder).unwrap().join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// Every file but the log, which a command that writes has begun.
fn files(scratch: &Scratch) -> Vec<PathBuf> {
    let mut files = scratch.files();
    files.retain(|file| !file.ends_with("conclave.log"));
    files
}

fn builders<T: FromSql>(scratch: &Scratch) -> Vec<T> {
    let options = DbOptions::new(scratch.database(), conclave::state::schema().unwrap());
    let db = Db::open(options).unwrap();
    db.read(|conn| conn.query_all("SELECT id FROM builders ORDER BY id", [], |row| row.get(0))).unwrap()
}

/// Runs every command that the text names in backticks, first to last, as a shell would.
fn follow(scratch: &Scratch, text: &str) -> Vec<Done> {
    let commands = text.split('`').skip(1).step_by(2);
    commands
        .map(|command| {
            let binary = env!("CARGO_BIN_EXE_conclave");
            Done::of(&mut scratch.shell(&command.replacen("conclave ", &format!("{binary} "), 1)))
        })
        .collect()
}

// runtime-state 8.12 and 8.21
#[test]
fn files_are_told_apart_by_what_they_hold() {
    let scratch = Scratch::new();
    // Under names that say nothing.
    let state = farm(&scratch, "p", "a", STATE);
    let ports = farm(&scratch, "p", "b", PORTS);
    let before = files(&scratch);
    let words = |more: &[&str]| {
        let mut words = vec!["migrate", "import", state.to_str().unwrap(), ports.to_str().unwrap()];
        words.extend(more);
        words.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let dry = scratch.run(&words(&["--dry-run"]));
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert_eq!(
        dry.text(),
        format!(
            "would import {}: 1 agent\nwould import {}: 1 block of ports\n",
            state.display(),
            ports.display()
        )
    );
    assert_eq!(files(&scratch), before, "nothing was made");
    let fixture = scratch.fixture();
    let done = scratch.run(&words(&[fixture.to_str().unwrap(), "--json"]));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let reports: Value = serde_json::from_slice(&done.stdout).unwrap();
    let kept = format!("{}.bak", state.display());
    for (key, wanted) in [
        ("kind", json!("state")),
        ("source", json!(state)),
        ("rows", json!(1)),
        ("already_present", json!(false)),
        ("kept_as", json!(kept)),
        ("warnings", json!([])),
    ] {
        assert_eq!(reports[0][key], wanted, "{key}");
    }
    assert_eq!((&reports[1]["kind"], &reports[1]["rows"]), (&json!("ports"), &json!(1)));
    let warning = format!(
        "warning: {}: line 1: \"remote:u@h:/p\": not taken over, since nobody here knows it: \"new\"",
        ports.display()
    );
    assert!(done.stderr.contains(&warning), "{}", done.stderr);
    assert!(reports[2]["runs"].as_u64().unwrap() > 0, "{reports}");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), STATE);
    assert!(!state.exists() && !ports.exists());
    assert_eq!(builders::<String>(&scratch), ["0031"]);
    assert_eq!(scratch.json(&["ports", "list"])[0]["project"], "remote:u@h:/p");
    // Once more, as it was.
    std::fs::write(&state, STATE).unwrap();
    let again = scratch.json(&["migrate", "import", state.to_str().unwrap()]);
    assert_eq!(
        (&again["rows"], &again["already_present"], &again["kept_as"]),
        (&json!(0), &json!(true), &json!(kept))
    );
}

// runtime-state 8.13 and 8.17
#[test]
fn what_is_printed_for_a_broken_file_works() {
    for text in ["{\"architect\": null, \"builders\": [", "[]", "", &STATE.replace("blocked", "idle")] {
        let scratch = Scratch::new();
        let file = farm(&scratch, "p", "state.json", text);
        let before = files(&scratch);
        let words = ["agents", "set", "0031", "--phase", "x"];
        let import = ["migrate", "import", file.to_str().unwrap()];
        let done = scratch.run(&import);
        let said = done.refused(2);
        assert!(
            said.contains(file.to_str().unwrap()) && said.contains("line 1") || said.contains("line 2"),
            "{said}"
        );
        let found = scratch.run(&words);
        assert_eq!(
            found.refused(2).split_once(&format!("{}: ", file.display())).unwrap().1,
            said.split_once(".json: ").unwrap().1
        );
        assert_eq!(files(&scratch), before, "nothing was made: {text}");
        let hint = done.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap().to_owned();
        // The first way out puts the file aside.
        let (aside, mended) = hint.split_once(", or mend it: ").unwrap();
        // The second one first: mended, it is imported.
        std::fs::write(&file, STATE).unwrap();
        let followed = follow(&scratch, mended);
        assert_eq!((followed.len(), followed[0].code), (1, Some(0)), "{}", followed[0].stderr);
        assert_eq!(builders::<String>(&scratch), ["0031"]);
        let scratch = Scratch::new();
        let file = farm(&scratch, "p", "state.json", text);
        let said = scratch.run(&["migrate", "import", file.to_str().unwrap()]).stderr;
        let hint = said.lines().find(|line| line.starts_with("hint: ")).unwrap();
        assert!(!aside.is_empty());
        let followed = follow(&scratch, hint.split(", or mend it").next().unwrap());
        assert_eq!((followed.len(), followed[0].code), (1, Some(0)), "{}", followed[0].stderr);
        assert!(!file.exists());
        assert_eq!(std::fs::read_to_string(format!("{}.aside", file.display())).unwrap(), text);
        // Nothing is in the way any more: there only is no such agent.
        assert!(scratch.run(&words).refused(1).contains("no agent"));
        // And one that is whole is found by the first command that writes.
        std::fs::write(&file, STATE).unwrap();
        let done = scratch.run(&words);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(
            done.stderr.contains(&format!("imported {}: 1 agent; kept as", file.display())),
            "{}",
            done.stderr
        );
        assert_eq!(builders::<String>(&scratch), ["0031"]);
    }
}

// runtime-state 8.13, with the machine's file: `ports get` finds it by itself
#[test]
fn a_broken_ports_file_stops_what_needs_it_and_nothing_else() {
    let scratch = Scratch::new();
    let file = farm(&scratch, "home", "ports.json", &PORTS.replace("4200", "4250"));
    let before = files(&scratch);
    for words in [["ports", "get"], ["ports", "cleanup"], ["ports", "release"]] {
        let done = scratch.run(&words);
        let wanted = format!(
            "error: take over what the original has left: {}: line 1, column 53: \"remote:u@h:/p\": field \"basePort\": \
             wanted a multiple of 100 from 4200 to 65400, found 4250",
            file.display()
        );
        assert_eq!(done.refused(2), wanted);
        assert_eq!(files(&scratch), before, "nothing was made");
    }
    for words in [&["ports", "list"][..], &["status"], &["task", "list"], &["runs", "list"], &["doctor"]] {
        assert_eq!(scratch.run(words).code, Some(0), "{words:?}");
    }
    assert_eq!(files(&scratch), before, "nothing was made");
    let said = scratch.run(&["ports", "get"]).stderr;
    let hint = said.lines().find(|line| line.starts_with("hint: ")).unwrap();
    assert_eq!(follow(&scratch, hint.split(", or mend it").next().unwrap())[0].code, Some(0));
    assert_eq!(scratch.ok(&["ports", "get"]), "4200\n");
}

// runtime-state 8.20
#[test]
fn a_file_that_comes_back_is_warned_of_once_in_each_run() {
    let scratch = Scratch::new();
    let file = farm(&scratch, "home", "ports.json", PORTS);
    let done = scratch.run(&["ports", "get"]);
    assert_eq!(done.text(), "4300\n");
    let wanted = format!("imported {}: 1 block of ports; kept as {}.bak", file.display(), file.display());
    assert!(done.stderr.starts_with(&wanted), "{}", done.stderr);
    let other = PORTS.replace("4200", "4600").replace("u@h", "v@h").replace(",\"new\":1", "");
    std::fs::write(&file, &other).unwrap();
    for _ in 0..2 {
        let done = scratch.run(&["ports", "get"]);
        assert_eq!(done.text(), "4300\n");
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(
            done.stderr.starts_with("warning: ") && done.stderr.contains("is back with other content"),
            "{}",
            done.stderr
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), other);
    }
    let said = scratch.run(&["ports", "get"]).stderr;
    let followed = follow(&scratch, &said);
    assert_eq!((followed.len(), followed[0].code), (2, Some(0)), "{}", followed[0].stderr);
    let listed = scratch.json(&["ports", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(!file.exists());
    // The second instruction, by itself.
    std::fs::write(&file, other.replace("4600", "4700")).unwrap();
    let said = scratch.run(&["ports", "get"]).stderr;
    let aside = follow(&scratch, said.split_once("imports it, ").unwrap().1);
    assert_eq!((aside.len(), aside[0].code), (1, Some(0)), "{}", aside[0].stderr);
    assert_eq!(scratch.run(&["ports", "get"]).stderr, "");
}

#[test]
fn what_waits_or_cannot_be_imported_is_named_by_those_who_only_read() {
    let scratch = Scratch::new();
    let file = farm(&scratch, "p", "state.json", STATE);
    for made in [false, true] {
        if made {
            scratch.ok(&["init"]);
        }
        let said = format!("{} waits to be imported", file.display());
        let done = scratch.run(&["agents"]);
        assert!(done.stderr.contains(&said), "{made}: {}", done.stderr);
        assert_eq!(scratch.run(&["agents", "--json"]).text(), "[]\n");
        let checks = scratch.json(&["doctor"])["checks"].clone();
        let one = checks.as_array().unwrap().iter().find(|check| check["name"] == "waiting-imports").unwrap();
        assert_eq!(one["detail"], said);
    }
    std::fs::write(&file, "[").unwrap();
    let done = scratch.run(&["agents"]);
    assert!(done.stderr.contains("cannot be imported") && done.stderr.contains("line 1"), "{}", done.stderr);
    assert!(scratch.run(&["doctor"]).text().contains("cannot be imported"));
    std::fs::write(&file, STATE).unwrap();
    scratch.ok(&["migrate", "import", file.to_str().unwrap()]);
    let done = scratch.run(&["agents"]);
    assert!(done.text().contains("0031") && done.stderr.is_empty(), "{}", done.stderr);
}

#[test]
fn a_broken_file_keeps_nobody_from_ending_an_agent() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    for id in ["a", "b", "c"] {
        scratch.ok(&["spawn", "--spec", id, "--no-port"]);
    }
    let ports = farm(&scratch, "home", "ports.json", "[");
    let state = farm(&scratch, "p", "state.json", "[");
    for words in
        [&["agents", "set", "a", "--phase", "x"][..], &["stop", "a"], &["cleanup", "a"], &["stop", "--all"]]
    {
        let done = scratch.run(words);
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        assert!(done.stderr.contains("warning: "), "{words:?}: {}", done.stderr);
        for file in [&ports, &state] {
            assert!(done.stderr.contains(file.to_str().unwrap()), "{words:?}: {}", done.stderr);
        }
    }
    scratch.run(&["spawn", "--spec", "d"]).refused(2);
    assert!(ports.exists() && state.exists());
}

#[test]
fn an_annotation_is_for_a_file_that_is_there() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let done = scratch.run(&["spawn", "--annotate", "nofile", "--no-port"]);
    assert!(done.refused(3).contains("nofile"), "{}", done.stderr);
    assert_eq!(scratch.json(&["agents"]), json!([]));
    std::fs::write(scratch.project().join("file"), "").unwrap();
    scratch.ok(&["spawn", "--annotate", "file", "--no-port"]);
}
