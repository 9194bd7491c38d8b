//! What each command does, seen from outside.

use conclave_testkit::SmallDisk;
use serde_json::{Value, json};

use crate::scratch::{Done, Scratch};

#[test]
fn init_twice_changes_nothing() {
    let scratch = Scratch::new();
    assert!(scratch.ok(&["init"]).starts_with("created "));
    let config = scratch.project().join(".conclave/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("# path = "), "commented: {text}");
    std::fs::write(&config, "[ui]\nmouse = false\n").unwrap();
    let before = std::fs::read(scratch.database()).unwrap();
    assert!(scratch.ok(&["init"]).contains("nothing changed"));
    assert_eq!(std::fs::read(scratch.database()).unwrap(), before);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "[ui]\nmouse = false\n");
    let ignored = std::fs::read_to_string(scratch.project().join(".conclave/.gitignore")).unwrap();
    assert!(ignored.contains("!config.toml"));
}

#[test]
fn read_commands_without_state_answer_empty_and_create_nothing() {
    let scratch = Scratch::new();
    let empty_object = json!({});
    for (words, wanted) in [
        (&["status"][..], None),
        (&["runs", "list"], Some(json!([]))),
        (&["runs", "show", "1"], Some(empty_object.clone())),
        (&["runs", "output", "1", "a"], Some(empty_object.clone())),
        (&["migrate", "status"], None),
        (&["migrate", "verify"], None),
        (&["migrate", "backfill", "--dry-run"], None),
        (&["doctor"], None),
        (&["db", "stats"], Some(empty_object.clone())),
        (&["db", "check"], None),
        (&["db", "dump"], Some(empty_object.clone())),
        (&["db", "query", "SELECT 1"], Some(json!([]))),
        (&["db", "schema-version"], Some(json!({ "version": 0 }))),
        (&["spool", "verify"], Some(json!({ "files": 0, "findings": [] }))),
        (&["spool", "trim", "--dry-run"], None),
        (&["diag"], None),
        (&["db", "stats", "--global"], Some(empty_object.clone())),
        (&["db", "check", "--global"], None),
        (&["db", "dump", "--global"], Some(empty_object)),
        (&["--global-dir", "g", "db", "--global", "query", "SELECT 1"], Some(json!([]))),
        (&["db", "schema-version", "--global"], Some(json!({ "version": 0 }))),
    ] {
        for json in [false, true] {
            let done = scratch.run(&[words, if json { &["--json"] } else { &[] }].concat());
            assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
            assert!(done.stderr.contains("no state here"), "{words:?}: {}", done.stderr);
            assert!(done.stderr.contains("conclave init"), "{words:?}: {}", done.stderr);
            if json {
                let found: Value = serde_json::from_str(done.text()).unwrap();
                assert!(wanted.as_ref().is_none_or(|wanted| *wanted == found), "{words:?}: {found}");
            }
        }
    }
    assert_eq!(scratch.files(), Vec::<std::path::PathBuf>::new(), "nothing at all, no log either");
    let checks = scratch.json(&["doctor"]);
    assert_eq!(checks["checks"], json!([]));
    assert_eq!(scratch.json(&["status"])["database"]["state"], "absent");
}

#[test]
fn status_has_every_key() {
    let keys =
        ["database", "consensus", "tasks", "registry", "leases", "spool", "cache", "hosts", "attention"];
    for scratch in [Scratch::new(), Scratch::with_runs()] {
        let status = scratch.json(&["status"]);
        for key in keys {
            assert!(status.get(key).is_some(), "{key}");
        }
        assert!(status["attention"].is_array());
        let ledger = &status["spool"]["ledger"];
        for key in ["written", "pending", "imported", "quarantined", "dropped", "reason", "monitors"] {
            assert!(ledger.get(key).is_some(), "{key}");
        }
    }
    let scratch = Scratch::with_runs();
    let status = scratch.json(&["status"]);
    assert_eq!((&status["consensus"]["runs"], &status["consensus"]["outputs"]), (&json!(10), &json!(14)));
    assert_eq!(status["consensus"]["estimated"], json!([]), "little is counted");
    assert!(scratch.ok(&["status"]).lines().count() <= 24, "one screen");
}

#[test]
fn an_import_reports_and_a_second_one_changes_nothing() {
    let scratch = Scratch::new();
    let fixture = scratch.fixture();
    let fixture = fixture.to_str().unwrap();
    let before = std::fs::read(fixture).unwrap();
    let report = scratch.json(&["migrate", "import", fixture]);
    for (key, wanted) in [
        ("rows", 14),
        ("runs", 10),
        ("outputs", 14),
        ("syntheses", 0),
        ("executions", 0),
        ("invalid_json", 2),
    ] {
        assert_eq!(report[key], wanted, "{key}");
    }
    for key in
        ["source", "sha256", "unknown_times", "duplicates", "rows_without_run_id", "bytes", "already_present"]
    {
        assert!(!report[key].is_null(), "{key}");
    }
    let runs = scratch.json(&["runs", "list"]);
    let again = scratch.json(&["migrate", "import", fixture]);
    assert_eq!((&again["already_present"], &again["updated"]), (&json!(14), &json!(0)));
    assert_eq!(scratch.json(&["runs", "list"]), runs);
    assert_eq!(std::fs::read(fixture).unwrap(), before, "the source is as it was");
    let text = scratch.ok(&["migrate", "import", fixture]);
    assert!(text.contains("nothing new: all 14 rows were here before"), "{text}");
    let two = scratch.json(&["migrate", "import", fixture, fixture]);
    assert_eq!(two.as_array().unwrap().len(), 2, "several files, a list");
}

#[test]
fn one_file_that_cannot_be_imported_keeps_no_other_from_it() {
    let scratch = Scratch::new();
    let good = scratch.fixture();
    let (refused, missing) = (scratch.path("empty.db"), scratch.path("missing.db"));
    std::fs::write(&refused, "").unwrap();
    let files = [&refused, &missing, &good].map(|file| file.to_str().unwrap());
    let words = |more: &'static str| [&["migrate", "import"], &files[..], &[more]].concat();
    let done = scratch.run(&words("--json"));
    // The worst of 2 (its content is refused), 3 (it is not there) and 0.
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    let document: serde_json::Value = serde_json::from_str(done.text()).unwrap();
    let entries = document.as_array().unwrap();
    assert_eq!(entries.len(), 3, "one for each, in their order: {document}");
    for (entry, (file, kind)) in entries.iter().zip([(files[0], "source-refused"), (files[1], "missing")]) {
        assert_eq!((&entry["source"], &entry["error"]["kind"]), (&json!(file), &json!(kind)));
        assert!(entry["error"]["message"].is_string() && entry["error"].get("hint").is_some(), "{entry}");
    }
    assert_eq!((&entries[2]["runs"], entries[2].get("error")), (&json!(10), None));
    let errors = done.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 2, "one line for each: {}", done.stderr);
    assert!(done.stderr.contains("created "), "{}", done.stderr);
    // For people the same: a line for each file.
    let done = scratch.run(&words("--quiet"));
    assert_eq!((done.code, done.text().lines().count()), (Some(3), 1), "{}", done.stderr);
    assert!(done.text().contains("10 runs") && done.stderr.contains("missing.db"), "{}", done.stderr);
}

#[test]
fn a_dry_run_changes_nothing() {
    let scratch = Scratch::new();
    let fixture = scratch.fixture();
    let report = scratch.json(&["migrate", "import", "--dry-run", fixture.to_str().unwrap()]);
    assert_eq!(report["runs"], 10);
    let plan = scratch.json(&["migrate", "--dry-run"]);
    assert_eq!(plan["from"], 0);
    assert!(!scratch.project().join(".conclave").exists());
}

#[test]
fn migrate_says_what_it_did_and_how_it_stands() {
    let scratch = Scratch::new();
    let migrated = scratch.json(&["migrate"]);
    assert_eq!(migrated["from"], 0);
    assert!(!migrated["applied"].as_array().unwrap().is_empty());
    assert!(scratch.json(&["migrate"])["applied"].as_array().unwrap().is_empty());
    assert_eq!(scratch.json(&["migrate", "status"])["phase"], 5, "a new project has no legacy side");
    let scratch = Scratch::with_runs();
    let status = scratch.json(&["migrate", "status"]);
    assert_eq!((&status["phase"], &status["backfill"]["remaining"]), (&json!(1), &json!(0)));
    for key in ["phase_name", "backfill", "counts", "mismatches", "capture_triggers", "soak_until", "next"] {
        assert!(status.get(key).is_some(), "{key}");
    }
    let verified = scratch.json(&["migrate", "verify"]);
    assert_eq!((&verified["equal"], &verified["findings"]), (&json!(true), &json!([])));
    assert!(scratch.ok(&["migrate", "backfill"]).contains("nothing left to copy"));
}

#[test]
fn verify_keeps_what_it_finds_unless_it_may_not() {
    let scratch = Scratch::with_runs();
    let tampering = "UPDATE agent_outputs SET content = 'other' WHERE id = 1";
    conclave_db::foreign::run(&scratch.database(), tampering).unwrap();
    let kept = || {
        let status = scratch.json(&["migrate", "status"]);
        (status["verified_at"].is_string(), status["mismatches"].as_u64().unwrap())
    };
    assert_eq!(scratch.run(&["--read-only", "migrate", "verify"]).code, Some(1));
    assert_eq!(kept(), (false, 0));
    assert_eq!(scratch.run(&["migrate", "verify"]).code, Some(1));
    assert_eq!(kept(), (true, 1));
}

#[test]
fn a_legacy_file_can_be_used_in_place() {
    let scratch = Scratch::new();
    let fixture = scratch.fixture();
    scratch.ok(&["init"]);
    let config = format!("[state]\npath = {:?}\n", fixture.to_str().unwrap());
    std::fs::write(scratch.project().join(".conclave/config.toml"), config).unwrap();
    let done = scratch.run(&["runs", "list"]);
    assert!(done.refused(3).contains("migrated"), "{}", done.stderr);
    assert!(done.stderr.contains("hint: run `conclave migrate`"), "{}", done.stderr);
    scratch.ok(&["migrate"]);
    scratch.ok(&["migrate", "backfill"]);
    assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 10);
    assert_eq!(scratch.json(&["migrate", "status"])["phase"], 1);
}

#[test]
fn the_database_is_looked_after() {
    let scratch = Scratch::with_runs();
    let stats = scratch.json(&["db", "stats"]);
    assert_eq!((&stats["auto_vacuum"], &stats["journal_mode"]), (&json!("incremental"), &json!("wal")));
    let checks = scratch.json(&["db", "check"]);
    for check in checks["checks"].as_array().unwrap() {
        assert!(["ok", "warn", "fail"].contains(&check["state"].as_str().unwrap()), "{check}");
        assert!(check["name"].is_string() && check["detail"].is_string() && check.get("advice").is_some());
    }
    for words in [
        &["db", "vacuum"][..],
        &["db", "vacuum", "--full"],
        &["db", "checkpoint", "--truncate"],
        &["db", "convert"],
    ] {
        assert!(scratch.json(words).is_object(), "{words:?}");
    }
    let backup = scratch.json(&["db", "backup"]);
    assert_eq!(backup["verified"], true);
    let copy = backup["path"].as_str().unwrap().to_owned();
    std::fs::write(scratch.database(), "gone").unwrap();
    scratch.run(&["runs", "list"]).refused(3);
    let restored = scratch.json(&["db", "restore"]);
    assert_eq!(restored["from"], copy.as_str());
    assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 10);
    assert!(scratch.json(&["doctor", "--fix"])["fixed"].is_array());
}

#[test]
fn read_only_refuses_what_writes_before_anything_happens() {
    let scratch = Scratch::new();
    let fixture = scratch.fixture();
    let fixture = fixture.to_str().unwrap();
    for words in [
        &["init"][..],
        &["migrate"],
        &["migrate", "import", fixture],
        &["db", "vacuum"],
        &["doctor", "--fix"],
    ] {
        let done = scratch.run(&[words, &["--read-only"]].concat());
        assert!(done.refused(2).contains("read-only"), "{words:?}: {}", done.stderr);
    }
    assert!(!scratch.project().join(".conclave").exists());
    let scratch = Scratch::with_runs();
    assert_eq!(scratch.json(&["--read-only", "runs", "list"]).as_array().unwrap().len(), 10);
}

#[test]
fn the_actor_is_checked_wherever_it_comes_from() {
    let scratch = Scratch::new();
    let status = |actor: &str| {
        scratch.command().env("CONCLAVE_ACTOR", actor).arg("status").output().unwrap().status.code()
    };
    assert_eq!(status("ana/claude-2:x@y+z.w"), Some(0));
    for bad in ["a b", "ä", &"x".repeat(65)] {
        assert_eq!(status(bad), Some(2), "{bad}");
    }
    assert_eq!(status(""), Some(0), "an empty one is none");
    let odd_login = scratch.command().env("USER", "a b").arg("status").output().unwrap();
    assert_eq!(odd_login.status.code(), Some(0), "nobody chose the login name for us");
}

#[test]
fn help_version_completions_and_manual_are_results() {
    let scratch = Scratch::new();
    assert!(scratch.ok(&["--version"]).starts_with("conclave "));
    assert!(scratch.ok(&["--help"]).contains("Without a command: the terminal UI."));
    assert!(scratch.ok(&["runs", "list", "--help"]).contains("--status"));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(scratch.ok(&["completions", shell]).contains("conclave"), "{shell}");
    }
    let page = scratch.ok(&["man"]);
    for part in [".TH", "conclave runs list", "KEYS OF THE TERMINAL UI", "ctrl-z"] {
        assert!(page.contains(part), "{part}");
    }
    let shown = page + &scratch.ok(&["--help"]) + &scratch.ok(&["completions", "bash"]);
    for word in ["sample", "launch"] {
        for dash in ["-", "\\-"] {
            assert!(!shown.contains(&format!("{word}{dash}agent")), "{word}: nobody's business");
        }
    }
    assert_eq!(scratch.files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_write_command_logs_to_a_file_and_never_to_the_screen() {
    let scratch = Scratch::with_runs();
    let done = scratch.run(&["-vv", "migrate", "backfill"]);
    assert!(!done.stderr.contains("TRACE") && !done.stderr.contains("DEBUG"), "{}", done.stderr);
    let folder = scratch.path("home/.local/state/conclave/log");
    assert!(std::fs::metadata(folder.join("conclave.log")).is_ok_and(|log| log.len() > 0));
    let done = scratch.run(&["--log-stderr", "-v", "migrate", "backfill"]);
    assert!(done.stderr.contains("migrate backfill"), "{}", done.stderr);
    let bad = scratch.command().env("CONCLAVE_LOG", "loud=maybe").arg("init").output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
}

/// Beyond 64 MiB the copy that a full vacuum makes is a file, on a disk of its own here.
#[test]
fn a_full_vacuum_asks_for_room_for_its_copy_before_it_begins() {
    let Some(disk) = SmallDisk::of(16) else { return };
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let fill = "CREATE TABLE filling(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70)
      INSERT INTO filling SELECT zeroblob(1048576) FROM n";
    conclave_db::foreign::run(&scratch.database(), fill).unwrap();
    let done = Done::of(
        scratch.command().env("SQLITE_TMPDIR", disk.path()).args(["db", "vacuum", "--full", "--json"]),
    );
    let error = done.refused(3);
    assert!(error.contains(disk.path().to_str().unwrap()) && error.contains("temporary copy"), "{error}");
    let document: serde_json::Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!(document["error"]["kind"], "full");
    scratch.ok(&["db", "vacuum", "--full"]);
}

/// The files of a project with their bytes; what SQLite itself puts beside a database does not count.
fn bytes(scratch: &Scratch) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let own = |path: &std::path::PathBuf| {
        !["-wal", "-shm"].iter().any(|ending| path.to_string_lossy().ends_with(ending))
    };
    let files = scratch.files().into_iter().filter(own);
    files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn read_commands_change_no_byte_of_a_state_that_is_there() {
    let scratch = Scratch::with_runs();
    let before = bytes(&scratch);
    let fixture = scratch.fixture();
    for words in [
        &["status"][..],
        &["runs", "list"],
        &["runs", "show", "1"],
        &["runs", "output", "1", "gemini"],
        &["migrate", "status"],
        &["migrate", "--dry-run"],
        &["migrate", "import", "--dry-run", fixture.to_str().unwrap()],
        &["migrate", "backfill", "--dry-run"],
        &["--read-only", "migrate", "verify"],
        &["doctor"],
        &["spool", "verify"],
        &["spool", "trim", "--dry-run"],
        &["diag"],
        &["db", "stats"],
        &["db", "check"],
        &["db", "schema-version"],
        &["db", "dump"],
        &["db", "query", "SELECT * FROM agent_outputs"],
    ] {
        // However much is to be logged, only -v writes it to a file here.
        let done = Done::of(scratch.command().env("CONCLAVE_LOG", "trace").args(words));
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        assert!(bytes(&scratch) == before, "{words:?} changed something");
    }
}

/// Nor does a dry run bring the state to a newer schema, which would be the largest change of all.
#[test]
fn a_dry_run_leaves_an_old_state_as_it_is() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.project().join(".conclave")).unwrap();
    let fixture = scratch.fixture();
    std::fs::copy(&fixture, scratch.database()).unwrap();
    let before = bytes(&scratch);
    for words in [
        &["migrate", "import", "--dry-run", fixture.to_str().unwrap()][..],
        &["migrate", "backfill", "--dry-run"],
        &["--read-only", "migrate", "backfill", "--dry-run"],
    ] {
        let done = scratch.run(words);
        done.refused(3);
        assert!(done.stderr.contains("hint: run `conclave migrate`"), "{words:?}: {}", done.stderr);
        assert!(bytes(&scratch) == before, "{words:?} changed something");
    }
    assert_eq!(scratch.json(&["migrate", "--dry-run"])["from"], 0);
    assert!(bytes(&scratch) == before);
}
