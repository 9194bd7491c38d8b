//! Every option of `conclave task …` reaches what it is for, and whoever acts stands in the audit log.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use conclave_retry::{Clock as _, SystemClock};
use conclave_tasks::moment::Moment;
use serde_json::{Value, json};

use crate::scratch::{Done, Scratch, files_below};
use crate::tasks::{ids, record, with_tasks};

fn needs(kind: &str, on: &str) -> Value {
    json!({ "dependencies": [{ "issue_id": "?", "depends_on_id": on, "type": kind }] })
}

fn write(scratch: &Scratch, name: &str, text: &str) -> String {
    let path = scratch.path(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// So many days before now.
fn days_ago(days: i64) -> String {
    Moment::from_ms(SystemClock.wall_ms() - days * 86_400_000).text()
}

fn configure(scratch: &Scratch, tasks: &str) -> String {
    write(scratch, "config.toml", &format!("[tasks]\n{tasks}\n"))
}

#[test]
fn what_is_given_is_what_is_written() {
    let scratch = with_tasks(&[("t-1", json!({"issue_type": "epic"})), ("t-2", json!({}))]);
    let made = scratch.json(&[
        "task",
        "create",
        "T",
        "--id",
        "t-9",
        "--design",
        "d",
        "--acceptance",
        "a",
        "--notes",
        "n",
        "--assignee",
        "bo",
        "--defer",
        "2099-01-01",
        "--deps",
        "2",
    ]);
    for (key, wanted) in [
        ("id", json!("t-9")),
        ("design", json!("d")),
        ("acceptance_criteria", json!("a")),
        ("notes", json!("n")),
        ("assignee", json!("bo")),
        ("defer_until", json!("2099-01-01T00:00:00Z")),
        ("dependency_count", json!(1)),
    ] {
        assert_eq!(made[key], wanted, "{key}");
    }
    let child = scratch.json(&["task", "create", "Child", "--parent", "1"]);
    assert_eq!((&child["id"], &child["parent"]), (&json!("t-1.1"), &json!("t-1")));
    let change = |words: &[&str]| scratch.json(&[&["task", "update", "t-9"], words].concat())[0].clone();
    for (words, key, wanted) in [
        (["--design", "D"], "design", json!("D")),
        (["--acceptance", "A"], "acceptance_criteria", json!("A")),
        (["--external-ref", "gh-1"], "external_ref", json!("gh-1")),
        (["--due", "2098-01-01"], "due_at", json!("2098-01-01T00:00:00Z")),
        (["--defer", "2098-01-02"], "defer_until", json!("2098-01-02T00:00:00Z")),
        (["--estimate", "5"], "estimated_minutes", json!(5)),
        (["-t", "bug"], "issue_type", json!("bug")),
        (["-p", "4"], "priority", json!(4)),
        (["--set-labels", "x,y"], "labels", json!(["x", "y"])),
        (["--add-label", "z"], "labels", json!(["x", "y", "z"])),
        (["--remove-label", "x"], "labels", json!(["y", "z"])),
    ] {
        assert_eq!(change(&words)[key], wanted, "{words:?}");
    }
    for (option, key) in [
        ("--defer", "defer_until"),
        ("--due", "due_at"),
        ("--estimate", "estimated_minutes"),
        ("--external-ref", "external_ref"),
    ] {
        assert!(change(&[option, ""]).get(key).is_none_or(Value::is_null), "{option} clears");
    }
}

#[test]
fn closing_keeps_why_what_and_how_often() {
    let scratch = with_tasks(&[("t-1", json!({})), ("t-2", needs("blocks", "t-1"))]);
    scratch.run(&["task", "close", "t-2"]).refused(1);
    assert_eq!(scratch.json(&["task", "close", "t-2", "--force"])[0]["status"], "closed");
    let closed = scratch.json(&[
        "task",
        "close",
        "t-1",
        "--reason",
        "shipped",
        "--result",
        "r",
        "--error",
        "e",
        "--attempt",
        "3",
    ]);
    for (key, wanted) in [
        ("close_reason", json!("shipped")),
        ("result", json!("r")),
        ("last_error", json!("e")),
        ("attempt_count", json!(3)),
    ] {
        assert_eq!(closed[0][key], wanted, "{key}");
    }
    scratch.ok(&["task", "reopen", "t-1", "--reason", "came back"]);
    let audit = scratch.json(&["task", "audit", "t-1", "--limit", "1"]);
    assert!(audit[0].to_string().contains("came back"), "{audit}");
    scratch.ok(&["task", "reopen", "t-2"]);
    let said = scratch.ok(&["task", "close", "t-1"]);
    assert!(said.contains("ready now: t-2"), "{said}");
}

#[test]
fn whoever_acts_is_in_the_audit_log() {
    let scratch = with_tasks(&[("t-1", json!({})), ("t-2", json!({}))]);
    let newer = record("t-1", &json!({"title": "newer", "updated_at": "2026-01-02T00:00:00Z"}));
    let newer = write(&scratch, "newer.jsonl", &newer);
    let synced = record("t-3", &json!({}));
    let synced = write(&scratch, "synced.jsonl", &synced);
    for (number, (words, id)) in [
        (&["task", "import", &newer][..], "t-1"),
        (&["task", "sync", &synced], "t-3"),
        (&["task", "create", "T", "--id", "t-4"], "t-4"),
        (&["task", "update", "t-1", "-p", "0"], "t-1"),
        (&["task", "claim", "t-1"], "t-1"),
        (&["task", "close", "t-1"], "t-1"),
        (&["task", "reopen", "t-1"], "t-1"),
        (&["task", "dep", "add", "t-1", "t-2"], "t-1"),
        (&["task", "dep", "rm", "t-1", "t-2"], "t-1"),
        (&["task", "label", "add", "t-1", "l"], "t-1"),
        (&["task", "comment", "t-1", "c"], "t-1"),
        (&["task", "delete", "t-1"], "t-1"),
    ]
    .into_iter()
    .enumerate()
    {
        let who = format!("agent-{number}");
        scratch.ok(&[words, &["--actor", &who]].concat());
        let audit = scratch.json(&["task", "audit", id, "--limit", "1"]);
        assert_eq!(audit[0]["who"], json!(who), "{words:?}");
    }
}

#[test]
fn lists_do_what_their_options_say() {
    let scratch = with_tasks(&[
        ("t-1", json!({"status": "review"})),
        ("t-2", needs("blocks", "t-1")),
        ("t-3", json!({"priority": 0, "assignee": "bo", "created_at": "2026-01-03T00:00:00Z"})),
        ("t-4", json!({"priority": 3, "created_at": "2025-01-01T00:00:00Z"})),
    ]);
    let ready = |words: &[&str]| scratch.json(&[&["task", "ready"], words].concat());
    assert_eq!(ids(&ready(&[])), ["t-3", "t-2", "t-4"]);
    assert_eq!(ids(&ready(&["--sort", "oldest"])), ["t-4", "t-2", "t-3"]);
    assert_eq!(ids(&ready(&["--semantics", "1.x"])), ["t-3", "t-4"]);
    assert_eq!(ids(&ready(&["--assignee", "bo"])), ["t-3"]);
    assert_eq!(scratch.json(&["task", "search", "Task", "--limit", "2"]).as_array().unwrap().len(), 2);
    let claimed = ready(&["--claim", "--sort", "oldest", "--ttl", "1ms"]);
    assert_eq!(ids(&claimed), ["t-4"]);
    assert!(claimed[0]["claim_expires_at"].is_string(), "{claimed}");
    // By the time that another process asks, the millisecond is over.
    let said = scratch.ok(&["task", "list"]);
    assert!(said.contains("tester (expired)"), "{said}");
    // Prime names one's own alone, stats what is held up.
    scratch.ok(&["task", "claim", "t-3", "--actor", "bo"]);
    scratch.ok(&["task", "claim", "t-2"]);
    let prime = scratch.json(&["task", "prime"]);
    assert_eq!(ids(&prime["mine"]), ["t-2"]);
    scratch.ok(&["task", "dep", "add", "t-4", "t-3"]);
    assert_eq!(scratch.json(&["task", "stats"])["summary"]["blocked"], 1);
    let page = scratch.ok(&["task", "stats"]);
    let number = |label: &str| {
        let line = page.lines().find(|line| line.starts_with(label)).unwrap();
        line[label.len()..].trim().to_owned()
    };
    assert_eq!(["ready", "in progress", "blocked", "total"].map(number), ["0", "2", "1", "4"]);
    scratch.ok(&["task", "dep", "add", "t-4", "t-3", "--type", "related"]);
    scratch.ok(&["task", "dep", "rm", "t-4", "t-3", "--type", "related"]);
    let shown = scratch.json(&["task", "show", "t-4"]);
    assert_eq!(shown[0]["dependencies"].as_array().unwrap().len(), 1, "{shown}");
}

#[test]
fn refused_lines_are_kept_first_or_nothing_is_imported() {
    let scratch = Scratch::new();
    let file = write(&scratch, "bad.jsonl", &(record("t-1", &json!({})) + "{\n"));
    let kept = scratch.path("kept");
    let dry = scratch.run(&["task", "import", &file, "--quarantine", kept.to_str().unwrap(), "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stderr.contains("to be refused and kept"), "{}", dry.stderr);
    assert!(!kept.exists() && files_below(&scratch.project()).is_empty());
    // A folder that cannot be made.
    std::fs::write(&kept, "").unwrap();
    scratch.run(&["task", "import", &file, "--quarantine", kept.to_str().unwrap()]).refused(3);
    assert_eq!(files_below(&scratch.project()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_only_looks_changes_nothing_of_a_state_that_is_there() {
    let scratch = with_tasks(&[("t-1", json!({}))]);
    let before = scratch.ok(&["task", "export"]);
    let file = write(&scratch, "more.jsonl", &record("t-2", &json!({})));
    let text = std::fs::read(&file).unwrap();
    for command in ["import", "sync"] {
        let report = scratch.json(&["task", command, &file, "--dry-run", "--read-only"]);
        assert_eq!((&report["created"], &report["dry_run"]), (&json!(1), &json!(true)), "{command}");
        assert_eq!(scratch.json(&["task", command, &file, "--dry-run"])["created"], 1, "{command}");
        assert_eq!(scratch.ok(&["task", "export"]), before, "{command}");
        assert_eq!(std::fs::read(&file).unwrap(), text, "{command}");
    }
    // Where there is no state, an export touches no file, and there is nothing to mend.
    let fresh = Scratch::new();
    fresh.ok(&["task", "export", "-o", &file]);
    assert_eq!(std::fs::read(&file).unwrap(), text);
    fresh.ok(&["doctor", "--fix"]);
    assert_eq!(files_below(&fresh.project()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_order_of_a_file_stays_where_that_is_asked() {
    let scratch = Scratch::new();
    let line = |id: &str| record(id, &json!({}));
    let text = line("t-2") + &line("t-1");
    let file = write(&scratch, "s.jsonl", &text);
    scratch.ok(&["task", "sync", &file, "--order", "file"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let out = scratch.path("out.jsonl");
    scratch.ok(&["task", "export", "-o", out.to_str().unwrap(), "--order", "file"]);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), text);
    let base = write(&scratch, "base", &text);
    scratch.ok(&["task", "merge", &base, &file, &file, "-o", out.to_str().unwrap(), "--order", "file"]);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), text);
    scratch.ok(&["task", "sync", &file]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), line("t-1") + &line("t-2"));
}

#[test]
fn merges_are_made_as_configured() {
    let scratch = Scratch::new();
    let side = |name: &str, more: Value| write(&scratch, name, &record("t-1", &more));
    let base = side("base", json!({"description": "b"}));
    let left = side("left", json!({"description": "ours", "updated_at": "2026-01-02T00:00:00Z"}));
    let right = side("right", json!({"description": "theirs", "updated_at": "2026-01-03T00:00:00Z"}));
    let out = scratch.path("out");
    let merged = |sides: [&str; 3], more: &[&str]| -> Value {
        let [base, left, right] = sides;
        let words = ["task", "merge", base, left, right, "-o", out.to_str().unwrap(), "--read-only"];
        scratch.ok(&[&words, more].concat());
        serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap()
    };
    let texts = [&*base, &left, &right];
    let both = |record: &Value| {
        let text = record["description"].as_str().unwrap();
        text.contains("ours") && text.contains("theirs")
    };
    assert_eq!(merged(texts, &[])["description"], "theirs");
    assert!(both(&merged(texts, &["--concat"])));
    let concat = configure(&scratch, "text_conflicts = 'concat'");
    assert!(both(&merged(texts, &["--config", &concat])));
    // A deletion wins for as many days as are configured.
    let deleted = json!({"status": "tombstone", "deleted_at": days_ago(10), "updated_at": days_ago(10)});
    let deleted = side("deleted", deleted);
    let changed = side("changed", json!({"title": "changed", "updated_at": days_ago(1)}));
    assert_eq!(merged([&base, &deleted, &changed], &[])["status"], "tombstone");
    let week = configure(&scratch, "tombstone_days = 7");
    assert_eq!(merged([&base, &deleted, &changed], &["--config", &week])["status"], "open");
    // A line that is too long is refused, by whatever reads it.
    let long = side("long", json!({"description": "x".repeat(2000)}));
    let short = configure(&scratch, "max_line = '1KiB'");
    scratch.run(&["task", "merge", &base, &left, &long, "-o", "o", "--config", &short]).refused(2);
    for state in ["none", "there"] {
        scratch.run(&["task", "sync", &long, "--config", &short]).refused(2);
        assert_eq!(scratch.path("p/.conclave").exists(), state == "there");
        scratch.ok(&["init"]);
    }
    // What is replaced stays a link, and for whom it was.
    let target = scratch.path("target");
    std::fs::write(&target, "").unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::remove_file(&out).unwrap();
    std::os::unix::fs::symlink(&target, &out).unwrap();
    merged(texts, &[]);
    assert!(out.symlink_metadata().unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_sync_puts_texts_one_after_the_other_where_that_is_asked() {
    let scratch = Scratch::new();
    let file = write(&scratch, "s.jsonl", &record("t-1", &json!({"description": "b"})));
    scratch.ok(&["task", "sync", &file]);
    scratch.ok(&["task", "update", "t-1", "--description", "ours"]);
    write(&scratch, "s.jsonl", &record("t-1", &json!({"description": "theirs", "updated_at": days_ago(2)})));
    scratch.ok(&["task", "sync", &file, "--concat"]);
    let text = scratch.json(&["task", "show", "t-1"])[0]["description"].as_str().unwrap().to_owned();
    assert!(text.contains("ours") && text.contains("theirs"), "{text}");
}

#[test]
fn git_merges_two_branches_with_this_program() {
    let scratch = Scratch::new();
    let shell = |script: &str| {
        let done = Done::of(&mut scratch.shell(script));
        assert_eq!(done.code, Some(0), "{script}: {}{}", done.text(), done.stderr);
    };
    if Done::of(&mut scratch.shell("git --version")).code != Some(0) {
        return;
    }
    shell("git init -q -b main . && git config user.name a && git config user.email a@b && mkdir .beads");
    let said = scratch.ok(&["task", "merge", "--install"]);
    let driver = format!("merge.conclave-tasks.driver = {}", env!("CARGO_BIN_EXE_conclave"));
    assert!(said.contains(&driver) && said.contains("task merge %O %A %B -o %A"), "{said}");
    let installed = scratch.json(&["task", "merge", "--install"]);
    assert_eq!(installed["lines"], json!([".beads/*.jsonl merge=conclave-tasks"]));
    let path = scratch.project().join(".beads/issues.jsonl");
    let put = |path: &Path, day: u8, labels: &Value, more: &str| {
        let at = format!("2026-01-0{day}T00:00:00Z");
        let task = record("t-1", &json!({"labels": labels, "updated_at": at}));
        std::fs::write(path, task + &record(more, &json!({}))).unwrap();
    };
    let commit = "git add -A && git commit -qm x";
    put(&path, 1, &json!([]), "t-2");
    shell(&format!("{commit} && git checkout -qb theirs"));
    put(&path, 2, &json!(["theirs"]), "t-3");
    shell(&format!("{commit} && git checkout -q main"));
    put(&path, 3, &json!(["ours"]), "t-4");
    shell(&format!("{commit} && git merge -q --no-edit theirs"));
    let text = std::fs::read_to_string(&path).unwrap();
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ids(&Value::from(records.clone())), ["t-1", "t-3", "t-4"], "t-2 was removed by both");
    assert_eq!(records[0]["labels"], json!(["ours", "theirs"]));
}
