//! The steps of the migration from the command line.

use std::process::Stdio;

use conclave_db::foreign;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::patience::{output_of, until};
use crate::scratch::Scratch;

/// What an older program writes.
const OLDER_WRITE: &str = "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
  VALUES('OLD', 'spec-plan', 'a', '{}', 'run_OLD')";

fn phase(scratch: &Scratch) -> Value {
    scratch.json(&["migrate", "status"])["phase"].clone()
}

#[test]
fn all_steps_forward_with_what_each_says() {
    let scratch = Scratch::with_runs();
    let status = scratch.json(&["migrate", "status"]);
    assert_eq!(status["next"], json!({"phase": 2, "allowed": true, "missing": []}));
    assert_eq!((&status["capture_triggers"], &status["soak_until"]), (&json!(true), &Value::Null));
    assert_eq!(
        scratch.ok(&["migrate", "advance"]),
        "phase 2 dual-write, was 1; 14 rows compared, all equal\n"
    );
    let refused = scratch.run(&["migrate", "advance"]);
    assert!(refused.refused(1).ends_with("missing: soak 7 d"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: wait, or do without with `--skip-soak`"), "{}", refused.stderr);
    let status = scratch.json(&["migrate", "status"]);
    assert_eq!(status["next"], json!({"phase": 3, "allowed": false, "missing": ["soak 7 d"]}));
    assert!(status["soak_until"].as_str().unwrap().ends_with('Z'));
    let report = scratch.json(&["--actor", "ana", "migrate", "advance", "--to", "3", "--skip-soak"]);
    assert_eq!(
        (&report["from"], &report["phase"], &report["skipped_soak"]),
        (&json!(2), &json!(3), &json!(true))
    );
    scratch.ok(&["migrate", "advance", "--skip-soak"]);
    scratch.run(&["migrate", "advance", "--skip-soak"]).refused(1);
    let report = scratch.json(&["migrate", "advance", "--skip-soak", "--confirm"]);
    assert!(std::fs::exists(report["backup"].as_str().unwrap()).unwrap());
    assert_eq!(phase(&scratch), 5);
    assert!(scratch.run(&["migrate", "rollback"]).refused(1).contains("no way back"));
    let done = scratch.json(&["db", "backup"]);
    assert_eq!(done["removed"], json!([]));
}

#[test]
fn refused_moves_change_nothing_and_say_why() {
    let scratch = Scratch::with_runs();
    for (words, code, wanted) in [
        (&["advance", "--to", "3", "--skip-soak"][..], 1, "one step at a time, 2 comes next"),
        (&["advance", "--to", "5", "--skip-soak", "--confirm"], 1, "one step at a time"),
        (&["advance", "--to", "1"], 1, "phase 1 is reached already"),
        (&["rollback"], 1, "phase 1 is the first"),
        (&["rollback", "--to", "4"], 1, "does not lie before"),
        (&["advance", "--to", "6"], 2, "6"),
        (&["advance", "--to", "0"], 2, "0"),
        (&["advance", "--to", "two"], 2, "two"),
        (&["rollback", "--confirm"], 2, "--confirm"),
    ] {
        let done = scratch.run(&[&["migrate"], words].concat());
        assert!(done.refused(code).contains(wanted), "{words:?}: {}", done.stderr);
        let done = scratch.run(&[&["migrate"], words, &["--json"]].concat());
        let error: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert!(error["error"]["kind"].is_string(), "{words:?}");
        assert_eq!(phase(&scratch), 1);
    }
    for words in [["migrate", "advance"], ["migrate", "pause"], ["migrate", "repair"]] {
        let done = scratch.run(&[&["--read-only"], &words[..]].concat());
        assert!(done.refused(2).contains(&words.join(" ")), "{}", done.stderr);
        let empty = Scratch::new();
        empty.run(&words).refused(1);
        assert!(!empty.database().exists(), "{words:?} creates nothing");
    }
}

#[test]
fn a_dry_run_says_what_a_step_would_do() {
    let scratch = Scratch::with_runs();
    let before = std::fs::read(scratch.database()).unwrap();
    let plan = scratch.ok(&["migrate", "advance", "--dry-run"]);
    assert!(
        plan.starts_with(
            "would go from phase 1 to 2 dual-write\n  compare both sides\n  begin phase 2\n14 rows, about "
        ),
        "{plan}"
    );
    let plan = scratch.json(&["migrate", "--dry-run", "advance"]);
    assert_eq!((&plan["dry_run"], &plan["rows"], &plan["allowed"]), (&json!(true), &json!(14), &json!(true)));
    assert!(plan["estimated_ms"].is_u64() && plan["disk_bytes"].is_u64());
    for words in [&["backfill"][..], &["verify"], &["pause"], &["resume"], &["repair"]] {
        scratch.ok(&[&["migrate", "--dry-run"], words].concat());
    }
    assert_eq!(std::fs::read(scratch.database()).unwrap(), before);
    scratch.ok(&["migrate", "advance"]);
    let done = scratch.run(&["migrate", "advance", "--dry-run"]);
    assert_eq!(done.code, Some(1), "it would be refused");
    assert!(done.text().ends_with("missing: soak 7 d\n"), "{}", done.text());
    assert!(scratch.ok(&["migrate", "rollback", "--dry-run"]).contains("would go from phase 2 to 1"));
    assert_eq!(phase(&scratch), 2);
}

#[test]
fn a_dry_run_of_resume_says_what_it_would_do() {
    let scratch = Scratch::with_runs();
    assert_eq!(scratch.ok(&["migrate", "resume", "--dry-run"]), "was not paused\n");
    scratch.ok(&["--actor", "ana", "migrate", "pause"]);
    let said = scratch.ok(&["migrate", "resume", "--dry-run"]);
    assert!(said.starts_with("would let it go on: paused by ana at "), "{said}");
    assert!(!scratch.json(&["migrate", "status"])["paused"].is_null(), "it changes nothing");
}

#[test]
fn a_row_that_cannot_be_copied_is_no_call_for_a_backfill() {
    let scratch = Scratch::with_runs();
    foreign::run(
        &scratch.database(),
        "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
         VALUES(NULL, 'S1', 'spec-plan', 'regular_stage', 'gemini', '2025-11-11 02:33:00')",
    )
    .unwrap();
    let verified = scratch.run(&["migrate", "verify"]);
    let named = "missing in new: agent_executions rowid 1, new -: a column that must not be NULL is";
    assert!(verified.text().contains(named), "{}", verified.text());
    assert!(verified.stderr.contains("older program") && !verified.stderr.contains("backfill"));
    let status = scratch.ok(&["migrate", "status"]);
    assert!(status.contains("cannot hold the rest: conclave migrate verify"), "{status}");
    assert!(
        scratch.run(&["migrate", "repair"]).stderr.contains("hint: `conclave migrate verify` says which")
    );
}

#[test]
fn the_configuration_says_how_long_a_soak_is() {
    let scratch = Scratch::with_runs();
    scratch.ok(&["migrate", "advance"]);
    std::fs::write(
        scratch.project().join(".conclave/config.toml"),
        "[migration]\nsoak_before_3 = \"0s\"\nsoak_before_4 = \"36h\"\n",
    )
    .unwrap();
    scratch.ok(&["migrate", "advance"]);
    let status = scratch.json(&["migrate", "status"]);
    assert_eq!((&status["phase"], &status["next"]["missing"]), (&json!(3), &json!(["soak 1 d 12 h"])));
    assert_eq!(status["soak"]["required_ms"], 36 * 3_600_000);
}

#[test]
fn an_older_program_is_seen_and_what_it_writes_is_kept() {
    let scratch = Scratch::with_runs();
    for _ in 2..=4 {
        scratch.ok(&["migrate", "advance", "--skip-soak"]);
    }
    foreign::run(&scratch.database(), OLDER_WRITE).unwrap();
    let status = scratch.json(&["migrate", "status"]);
    let older = &status["older_program"];
    assert_eq!((&older["late_writes"], &older["writing"]), (&json!(1), &json!(true)));
    assert_eq!(older["wal_reset_bug"], false, "this test writes with our own SQLite");
    assert!(scratch.ok(&["migrate", "status"]).contains("an older program is still writing"));
    assert_eq!(scratch.json(&["status"])["attention"][0]["kind"], "older-program");
    scratch.ok(&["migrate", "advance", "--skip-soak", "--confirm"]);
    // It makes its tables again.
    let tables = "CREATE TABLE consensus_artifacts (id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL,
      stage TEXT NOT NULL, agent_name TEXT NOT NULL, content_json TEXT NOT NULL, response_text TEXT, run_id TEXT,
      created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);";
    foreign::run(&scratch.database(), &format!("{tables} {OLDER_WRITE}")).unwrap();
    let attention = scratch.json(&["status"])["attention"].clone();
    assert_eq!(attention[0]["kind"], "legacy-tables");
    let checks = scratch.json(&["doctor"])["checks"].clone();
    let check = checks.as_array().unwrap().iter().find(|check| check["name"] == "legacy-tables").unwrap();
    assert_eq!(check["state"], "warn");
    let fixed = scratch.json(&["doctor", "--fix"])["fixed"].clone();
    assert!(fixed.to_string().contains("took over 1 row of"), "{fixed}");
    assert_eq!(scratch.json(&["migrate", "status"])["backfill"]["remaining"], 0);
    assert_eq!(
        scratch.json(&["status"])["attention"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["kind"] == "legacy-tables")
            .count(),
        0
    );
    scratch.ok(&["migrate", "verify"]);
}

/// A legacy file in place with so many rows that a backfill of it takes a while.
fn large(rows: u32) -> Scratch {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    for file in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(scratch.project().join(".conclave").join(file));
    }
    let sql = format!(
        "CREATE TABLE consensus_artifacts (id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL,
           stage TEXT NOT NULL, agent_name TEXT NOT NULL, content_json TEXT NOT NULL, response_text TEXT,
           run_id TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
         INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         SELECT 'S' || (i % 10), 'spec-plan', 'a' || (i % 3), '{{}}', 'run_' || (i / 6) FROM n"
    );
    foreign::create(&scratch.database(), &sql).unwrap();
    scratch.ok(&["migrate"]);
    scratch
}

fn copied(scratch: &Scratch) -> u64 {
    scratch.json(&["migrate", "status"])["backfill"]["copied"].as_u64().unwrap()
}

/// `pause` takes effect in another process at its next chunk.
#[test]
fn a_pause_stops_the_backfill_of_another_process() {
    let scratch = large(60_000);
    let child = scratch
        .command()
        .args(["migrate", "backfill"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("a row that is copied", || copied(&scratch) > 0);
    scratch.ok(&["--actor", "bob", "migrate", "pause"]);
    let ended = output_of(child);
    let said = String::from_utf8(ended.stderr).unwrap();
    let (done, all) = (copied(&scratch), 60_000);
    if ended.status.success() {
        assert_eq!(done, all, "it was faster than the pause");
    } else {
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("error: backfill: paused by bob at 2"), "{said}");
        assert!(said.contains("hint: `conclave migrate resume`"), "{said}");
        assert!(done < all);
        assert!(scratch.run(&["migrate", "backfill"]).refused(1).contains("paused by bob"));
    }
    assert_eq!(scratch.json(&["migrate", "status"])["paused"]["by"], "bob");
    assert!(scratch.ok(&["migrate", "pause"]).starts_with("paused by bob at "));
    assert_eq!(scratch.json(&["migrate", "resume"])["was_paused"], true);
    assert_eq!(scratch.ok(&["migrate", "resume"]), "was not paused\n");
    scratch.ok(&["migrate", "backfill"]);
    assert_eq!(copied(&scratch), all);
}

#[test]
fn ctrl_c_ends_a_backfill_with_130_and_it_goes_on() {
    let scratch = large(60_000);
    let child = scratch
        .command()
        .args(["migrate", "backfill"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("a row that is copied", || copied(&scratch) > 0);
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let ended = output_of(child);
    assert!(matches!(ended.status.code(), Some(130 | 0)), "{:?}", ended.status);
    let before = copied(&scratch);
    let report = scratch.json(&["migrate", "backfill"]);
    assert_eq!(report["copied"].as_u64().unwrap() + before, 60_000);
    scratch.ok(&["migrate", "verify"]);
}

/// What only reads refuses a machine-wide file of an older version, and says what brings it up to date.
#[test]
fn the_machine_wide_file_is_brought_up_to_date_too() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let host = "[[hosts]]\nname = \"a\"\nurl = \"http://127.0.0.1:9\"\ndialect = \"ollama\"\n";
    std::fs::write(scratch.project().join(".conclave/config.toml"), host).unwrap();
    scratch.ok(&["ports", "get"]);
    let global = scratch.path("home/.local/share/conclave/global.db");
    let tables =
        ["salt", "host", "pair", "block", "inflight", "call"].map(|name| format!("DROP TABLE llm_{name};"));
    let older = "DELETE FROM schema_migrations WHERE version = 102; PRAGMA user_version = 101;";
    foreign::run(&global, &format!("{}{older}", tables.concat())).unwrap();
    let refused = scratch.run(&["host", "list"]);
    assert!(refused.refused(3).contains("schema version 101"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: run `conclave migrate`"), "{}", refused.stderr);
    let told = scratch.run(&["migrate", "--dry-run"]);
    assert!(told.stderr.contains("would be migrated from schema 101 to 102: model hosts"), "{}", told.stderr);
    let told = scratch.run(&["migrate"]);
    assert!(
        told.stderr.contains("the machine-wide file: migrated from schema 101 to 102"),
        "{}",
        told.stderr
    );
    scratch.ok(&["host", "list"]);
    assert_eq!(scratch.run(&["migrate"]).stderr, "");
}
