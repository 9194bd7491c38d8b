//! What `conclave task …` does, seen from outside: shapes, exit codes, words.

use serde_json::{Value, json};

use crate::scratch::{Done, Scratch};
use crate::terminal::Session;

/// A record as other trackers write it.
pub(crate) fn record(id: &str, more: &Value) -> String {
    let mut record = json!({
        "id": id, "title": format!("Task {id}"), "status": "open", "priority": 2, "issue_type": "task",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    format!("{record}\n")
}

/// A project with these tasks.
pub(crate) fn with_tasks(tasks: &[(&str, Value)]) -> Scratch {
    let scratch = Scratch::new();
    let lines: String = tasks.iter().map(|(id, more)| record(id, more)).collect();
    std::fs::write(scratch.path("tasks.jsonl"), lines).unwrap();
    scratch.ok(&["task", "import", scratch.path("tasks.jsonl").to_str().unwrap()]);
    scratch
}

pub(crate) fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect()
}

pub(crate) fn needs(kind: &str, on: &str) -> Value {
    json!({ "dependencies": [{ "issue_id": "?", "depends_on_id": on, "type": kind }] })
}

/// As [`Scratch::run`], by somebody else.
pub(crate) fn run_as(scratch: &Scratch, actor: &str, words: &[&str]) -> Done {
    scratch.run(&[words, &["--actor", actor]].concat())
}

#[test]
fn a_task_goes_from_its_creation_to_its_end() {
    let scratch = Scratch::new();
    let made = scratch.json(&[
        "task",
        "create",
        "Fix the import",
        "-p",
        "P1",
        "-t",
        "feat",
        "-l",
        "b,a",
        "-d",
        "why",
        "--estimate",
        "90",
        "--due",
        "2026-12-24",
        "--external-ref",
        "gh-9",
    ]);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("p-"), "the folder's name is the prefix: {id}");
    for (key, wanted) in [
        ("title", json!("Fix the import")),
        ("status", json!("open")),
        ("priority", json!(1)),
        ("issue_type", json!("feature")),
        ("labels", json!(["a", "b"])),
        ("description", json!("why")),
        ("estimated_minutes", json!(90)),
        ("due_at", json!("2026-12-24T00:00:00Z")),
        ("external_ref", json!("gh-9")),
        ("assignee", Value::Null),
        ("closed_at", Value::Null),
        ("dependency_count", json!(0)),
        ("comment_count", json!(0)),
    ] {
        assert_eq!(made[key], wanted, "{key}");
    }
    assert_eq!(scratch.json(&["task", "ready"])[0]["id"], made["id"]);
    let claimed = scratch.json(&["task", "claim", id]);
    assert_eq!((&claimed[0]["status"], &claimed[0]["assignee"]), (&json!("in_progress"), &json!("tester")));
    assert_eq!(scratch.json(&["task", "ready"]), json!([]));
    let updated = scratch.json(&["task", "update", id, "--notes", "half done", "--attempt"]);
    assert_eq!((&updated[0]["notes"], &updated[0]["attempt_count"]), (&json!("half done"), &json!(1)));
    assert_eq!(
        scratch.json(&["task", "update", id, "--notes", ""])[0].get("notes"),
        None,
        "empty text clears"
    );
    let closed = scratch.json(&["task", "close", id, "--reason", "shipped", "--result", "all of it"]);
    assert_eq!((&closed[0]["status"], &closed[0]["result"]), (&json!("closed"), &json!("all of it")));
    assert!(closed[0]["closed_at"].is_string());
    assert_eq!(scratch.json(&["task", "list"]), json!([]), "closed ones are hidden");
    assert_eq!(ids(&scratch.json(&["task", "list", "--all"])), [id]);
    assert_eq!(ids(&scratch.json(&["task", "list", "--status", "closed"])), [id]);
    let reopened = scratch.json(&["task", "reopen", id]);
    assert_eq!((&reopened[0]["status"], &reopened[0]["closed_at"]), (&json!("open"), &Value::Null));
    let deleted = scratch.json(&["task", "delete", id, "--reason", "made twice"]);
    assert_eq!(
        (&deleted[0]["status"], &deleted[0]["delete_reason"]),
        (&json!("tombstone"), &json!("made twice"))
    );
    assert_eq!(scratch.json(&["task", "list"]), json!([]));
    scratch.run(&["task", "reopen", id]).refused(1);
    let audit = scratch.json(&["task", "audit", id]);
    let operations: Vec<&str> =
        audit.as_array().unwrap().iter().map(|row| row["operation"].as_str().unwrap()).collect();
    assert_eq!(operations.last(), Some(&"created"), "{operations:?}");
    assert!(operations.len() >= 7, "{operations:?}");
    assert_eq!(scratch.json(&["task", "audit", id, "--limit", "1"]).as_array().unwrap().len(), 1);
    for key in ["number", "task_id", "at", "who", "operation", "old_status", "new_status", "changes"] {
        assert!(audit[0].get(key).is_some(), "{key}");
    }
}

#[test]
fn of_all_claimants_one_has_the_task() {
    let scratch = with_tasks(&[("t-1", json!({})), ("t-2", json!({"priority": 0})), ("t-3", json!({}))]);
    assert_eq!(run_as(&scratch, "ana", &["task", "claim", "t-1"]).code, Some(0));
    let lost = run_as(&scratch, "bo", &["task", "claim", "t-1"]);
    assert!(lost.refused(1).contains("ana"), "{}", lost.stderr);
    let lost = run_as(&scratch, "bo", &["task", "update", "t-1", "--claim", "--json"]);
    lost.refused(1);
    let document: Value = serde_json::from_slice(&lost.stdout).unwrap();
    assert_eq!(document["error"]["kind"], "not-claimable");
    assert_eq!(run_as(&scratch, "ana", &["task", "update", "t-1", "--claim", "--ttl", "1h"]).code, Some(0));
    let shown = scratch.json(&["task", "show", "t-1"]);
    assert!(shown[0]["claim_expires_at"].is_string(), "{shown}");
    // One by default, the most urgent, never one that is taken.
    let took = |actor: &str, more: &[&str]| {
        let done = run_as(&scratch, actor, &[&["task", "ready", "--claim", "--json"], more].concat());
        (done.code, serde_json::from_slice::<Value>(&done.stdout).unwrap())
    };
    let (code, first) = took("ana", &[]);
    assert_eq!((code, ids(&first)), (Some(0), vec!["t-2"]));
    let (code, rest) = took("ana", &["--limit", "5"]);
    assert_eq!((code, ids(&rest)), (Some(0), vec!["t-3"]));
    assert_eq!(took("ana", &[]), (Some(1), json!([])));
    let none = run_as(&scratch, "ana", &["task", "ready", "--claim"]);
    assert_eq!((none.code, none.text()), (Some(1), ""));
    // What has expired is taken over.
    scratch.ok(&["task", "update", "t-3", "--status", "open", "--assignee", ""]);
    assert_eq!(run_as(&scratch, "ana", &["task", "claim", "t-3", "--ttl", "1ms"]).code, Some(0));
    let over = run_as(&scratch, "bo", &["task", "claim", "t-3"]);
    assert!(over.text().contains("taken over from ana"), "{}{}", over.text(), over.stderr);
}

#[test]
fn ids_may_be_short_while_they_are_unique() {
    let scratch = with_tasks(&[
        ("bd-a3f8", json!({})),
        ("bd-a3f9", json!({})),
        ("bd-a3f", json!({})),
        ("x-77", json!({})),
    ]);
    let shown = |text: &str| scratch.json(&["task", "show", text])[0]["id"].clone();
    assert_eq!(shown("bd-a3f"), "bd-a3f", "an exact one wins");
    assert_eq!(shown("a3f8"), "bd-a3f8");
    assert_eq!(shown("x-7"), "x-77");
    assert_eq!(ids(&scratch.json(&["task", "show", "a3f8", "bd-a3f8", "77"])), ["bd-a3f8", "x-77"]);
    for words in
        [&["task", "show", "bd-a"][..], &["task", "claim", "bd-a"], &["task", "dep", "add", "77", "bd-a"]]
    {
        let done = scratch.run(words);
        let error = done.refused(2);
        assert!(error.contains("bd-a3f8") && error.contains("bd-a3f9"), "{words:?}: {error}");
    }
    for words in [
        &["task", "show", "nothing"][..],
        &["task", "claim", "nothing"],
        &["task", "close", "x-77", "nothing"],
        &["task", "update", "nothing", "-p", "1"],
        &["task", "comment", "nothing", "text"],
        &["task", "label", "add", "nothing", "l"],
        &["task", "dep", "add", "x-77", "nothing"],
        &["task", "dep", "tree", "nothing"],
        &["task", "list", "--parent", "nothing"],
        &["task", "audit", "nothing"],
    ] {
        assert!(scratch.run(words).refused(1).contains("nothing"), "{words:?}");
    }
    assert_eq!(scratch.json(&["task", "show", "x-77"])[0]["status"], "open", "all or nothing");
}

#[test]
fn dependencies_are_said_in_words() {
    let scratch =
        with_tasks(&[("t-1", json!({})), ("t-2", json!({})), ("t-3", json!({"issue_type": "epic"}))]);
    assert_eq!(scratch.ok(&["task", "dep", "add", "2", "1"]), "t-2 waits for t-1 (open): Task t-1\n");
    let child = ["task", "dep", "add", "t-1", "t-3", "--type", "parent-child"];
    assert_eq!(
        scratch.json(&child),
        json!({
            "status": "added", "issue_id": "t-1", "depends_on_id": "t-3", "type": "parent-child",
            "types": ["parent-child"],
        })
    );
    assert_eq!(scratch.json(&child)["status"], "unchanged");
    assert_eq!(scratch.ok(&child), "t-1 is a child of t-3 (open): Task t-3 (as before)\n");
    for refused in [["2", "2"], ["1", "2"], ["3", "1"]] {
        scratch.run(&["task", "dep", "add", refused[0], refused[1]]).refused(1);
    }
    let blocked = scratch.json(&["task", "blocked"]);
    assert_eq!((&blocked[0]["id"], &blocked[0]["blocked_by"]), (&json!("t-2"), &json!(["t-1"])));
    let text = scratch.ok(&["task", "blocked"]);
    assert!(text.contains("\n    waits for t-1 (open): Task t-1\n"), "{text}");
    let tree = scratch.ok(&["task", "dep", "tree", "t-2"]);
    assert_eq!(
        tree,
        "t-2  ◐ blocked · P2  Task t-2\n\
         └─ waits for t-1  ○ open · P2  Task t-1\n   \
         └─ is a child of t-3  ○ open · P2  Task t-3\n"
    );
    let up = scratch.json(&["task", "dep", "tree", "t-3", "--up"]);
    assert_eq!(ids(&up), ["t-3", "t-1", "t-2"]);
    assert_eq!((&up[2]["depth"], &up[2]["dependency_type"]), (&json!(2), &json!("blocks")));
    assert_eq!(scratch.json(&["task", "dep", "cycles"]), json!([]));
    let page = scratch.ok(&["task", "show", "t-1"]);
    assert!(page.contains("  is a child of t-3 (open): Task t-3\n  blocks t-2 (open): Task t-2\n"), "{page}");
    assert!(scratch.run(&["task", "close", "t-2"]).refused(1).contains("t-1"));
    let closed = scratch.json(&["task", "close", "t-1", "--suggest-next"]);
    assert_eq!((ids(&closed["closed"]), &closed["unblocked"]), (vec!["t-1"], &json!(["t-2"])));
    let removed = scratch.json(&["task", "dep", "rm", "t-2", "t-1"]);
    assert_eq!((&removed["status"], &removed["type"]), (&json!("removed"), &json!("blocks")));
    scratch.run(&["task", "dep", "rm", "t-2", "t-1"]).refused(1);
}

#[test]
fn edges_to_what_does_not_exist_can_be_cut_and_cycles_are_listed() {
    let scratch = with_tasks(&[
        ("t-1", needs("blocks", "t-2")),
        ("t-2", needs("blocks", "t-1")),
        ("t-3", needs("blocks", "gone-1")),
    ]);
    assert_eq!(scratch.json(&["task", "dep", "cycles"]), json!([["t-1", "t-2"]]));
    let text = scratch.ok(&["task", "dep", "cycles"]);
    assert_eq!(text, "t-1 depends on t-2 depends on t-1\n");
    let tree = scratch.ok(&["task", "dep", "tree", "t-3"]);
    assert!(tree.contains("waits for gone-1  does not exist"), "{tree}");
    assert_eq!(
        scratch.ok(&["task", "dep", "rm", "t-3", "gone-1"]),
        "no more: t-3 waits for gone-1 (does not exist)\n"
    );
    assert!(scratch.json(&["task", "show", "t-3"])[0]["dependencies"].as_array().unwrap().is_empty());
}

#[test]
fn lists_are_narrowed_and_cut() {
    let scratch = with_tasks(&[
        ("t-1", json!({"priority": 0, "labels": ["a", "b"], "assignee": "ana"})),
        ("t-2", json!({"issue_type": "bug", "labels": ["a"]})),
        ("t-3", json!({"status": "in_progress", "assignee": "bo"})),
        ("t-4", json!({"status": "closed", "closed_at": "2026-01-02T00:00:00Z"})),
        ("t-5", needs("parent-child", "t-2")),
    ]);
    for (words, wanted) in [
        (&[][..], &["t-1", "t-2", "t-3", "t-5"][..]),
        (&["--status", "open,closed"], &["t-1", "t-2", "t-4", "t-5"]),
        (&["--priority", "P0"], &["t-1"]),
        (&["--type", "bug,epic"], &["t-2"]),
        (&["--assignee", "bo"], &["t-3"]),
        (&["--label", "a"], &["t-1", "t-2"]),
        (&["--label", "a", "--label", "b"], &["t-1"]),
        (&["--parent", "t-2"], &["t-5"]),
        (&["--limit", "2"], &["t-1", "t-2"]),
    ] {
        let mut found = scratch.json(&[&["task", "list"], words].concat());
        let mut found: Vec<Value> = std::mem::take(found.as_array_mut().unwrap());
        found.sort_by_key(|task| task["id"].as_str().unwrap().to_owned());
        assert_eq!(ids(&Value::from(found)), wanted, "{words:?}");
    }
    assert_eq!(scratch.json(&["task", "list", "--all"]).as_array().unwrap().len(), 5);
    let cut = scratch.run(&["task", "list", "--limit", "1"]);
    assert!(cut.stderr.contains("the first 1 are shown; --limit N shows more"), "{}", cut.stderr);
    assert_eq!(cut.text().lines().count(), 2, "the headings and one task");
    assert_eq!(ids(&scratch.json(&["task", "ready", "--label", "a", "--limit", "1"])), ["t-1"]);
    assert_eq!(ids(&scratch.json(&["task", "search", "Task", "t-2"])), ["t-2"]);
    assert_eq!(
        scratch.json(&["task", "search", "\"unbalanced", "NEAR(", "*"]),
        json!([]),
        "no syntax, no error"
    );
    let stats = scratch.json(&["task", "stats"]);
    let ready = scratch.json(&["task", "ready"]).as_array().unwrap().len();
    assert_eq!(stats["summary"]["ready"], json!(ready));
    assert_eq!((&stats["summary"]["total"], &stats["summary"]["closed"]), (&json!(5), &json!(1)));
    let status = scratch.json(&["status"]);
    assert_eq!(status["tasks"], json!({"ready": ready, "in_progress": 1, "blocked": 0, "closed": 1}));
    assert!(
        scratch.ok(&["status"]).contains("\ntasks      3 ready · 1 in progress · 0 blocked · 1 closed\n")
    );
}

#[test]
fn texts_may_come_from_standard_input_whole() {
    let scratch = with_tasks(&[("t-1", json!({}))]);
    let long = "ä\n\u{1b}[31m".repeat(20_000) + "\n\n";
    std::fs::write(scratch.path("long"), &long).unwrap();
    let fed = |words: &[&str]| {
        let input = std::fs::File::open(scratch.path("long")).unwrap();
        Done::of(scratch.command().args(words).stdin(input))
    };
    for (words, key) in [
        (&["task", "update", "t-1", "--result", "-", "--json"][..], "result"),
        (&["task", "update", "t-1", "--error", "-", "--json"], "last_error"),
        (&["task", "update", "t-1", "--description", "-", "--json"], "description"),
    ] {
        let done = fed(words);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let document: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(document[0][key], json!(long), "{key}");
    }
    assert_eq!(fed(&["task", "comment", "t-1", "-"]).code, Some(0));
    let shown = scratch.json(&["task", "show", "t-1"]);
    assert_eq!(shown[0]["comments"][0]["text"], json!(long));
    assert_eq!(shown[0]["comments"][0]["author"], "tester");
    let page = scratch.ok(&["task", "show", "t-1"]);
    assert!(
        !page.contains('\u{1b}') && page.contains("\u{241b}[31m"),
        "control characters are shown, not obeyed"
    );
    let twice = fed(&["task", "update", "t-1", "--result", "-", "--error", "-"]);
    assert!(twice.refused(2).contains("--result and --error"), "{}", twice.stderr);
    let done = Done::of(scratch.command().args(["task", "comment", "t-1", "-"]));
    done.refused(2);
}

#[test]
fn a_wrong_line_is_refused_before_anything_is_made() {
    let scratch = Scratch::new();
    let long = "x".repeat(501);
    for words in [
        &["task"][..],
        &["task", "create"],
        &["task", "create", ""],
        &["task", "create", &long],
        &["task", "create", "t", "-p", "5"],
        &["task", "create", "t", "-p", "high"],
        &["task", "create", "t", "-t", "bugg"],
        &["task", "create", "t", "-l", "a,,b"],
        &["task", "create", "t", "--due", "tomorrow"],
        &["task", "create", "t", "--estimate", "-1"],
        &["task", "create", "t", "--deps", "blocks:"],
        &["task", "update", "t-1"],
        &["task", "update", "t-1", "--claim", "-p", "1"],
        &["task", "update", "t-1", "--ttl", "5s"],
        &["task", "update", "t-1", "t-2", "--claim"],
        &["task", "update", "t-1", "--set-labels", "a", "--add-label", "b"],
        &["task", "claim", "t-1", "--ttl", "-5s"],
        &["task", "claim", "t-1", "--ttl", "0"],
        &["task", "ready", "--ttl", "5s"],
        &["task", "ready", "--limit", "0"],
        &["task", "ready", "--sort", "age"],
        &["task", "ready", "--semantics", "2"],
        &["task", "list", "--limit", "-1"],
        &["task", "comment", "t-1", " "],
        &["task", "search"],
        &["task", "label", "add", "t-1"],
        &["task", "import", "-", "--archive"],
        &["task", "import", "x", "--archive", "--dry-run"],
        &["task", "export", "--force"],
        &["task", "merge", "a", "b", "c"],
        &["task", "merge", "a", "b", "-o", "c"],
        &["task", "merge", "--install", "--order", "id"],
    ] {
        scratch.run(words).refused(2);
    }
    let typo = scratch.run(&["task", "create", "t", "-t", "bugg"]);
    assert!(typo.stderr.contains("bug, feature, task, epic"), "{}", typo.stderr);
    // What must be there is not, and nothing is made for it.
    for words in [
        &["task", "create", "t", "--parent", "t-1"][..],
        &["task", "create", "t", "--deps", "t-1"],
        &["task", "update", "t-1", "-p", "1"],
        &["task", "claim", "t-1"],
        &["task", "close", "t-1"],
        &["task", "reopen", "t-1"],
        &["task", "delete", "t-1"],
        &["task", "comment", "t-1", "x"],
        &["task", "label", "rm", "t-1", "x"],
        &["task", "dep", "add", "t-1", "t-2"],
        &["task", "dep", "rm", "t-1", "t-2"],
    ] {
        assert!(scratch.run(words).refused(1).contains("no state here"), "{words:?}");
    }
    let none = scratch.run(&["task", "ready", "--claim", "--json"]);
    assert_eq!((none.code, none.text()), (Some(1), "[]\n"));
    assert_eq!(crate::scratch::files_below(&scratch.project()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_reads_creates_and_changes_nothing() {
    let reading = [
        &["task", "show", "t-1"][..],
        &["task", "list"],
        &["task", "ready"],
        &["task", "blocked"],
        &["task", "stats"],
        &["task", "search", "x"],
        &["task", "dep", "tree", "t-1"],
        &["task", "dep", "cycles"],
        &["task", "audit", "t-1"],
        &["task", "export"],
        &["task", "prime"],
    ];
    let scratch = Scratch::new();
    for words in reading {
        let done = scratch.run(&[words, &["--json"]].concat());
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        assert!(done.stderr.contains("no state here") && done.stderr.contains("conclave init"), "{words:?}");
        let document: Value = serde_json::from_slice(&done.stdout).unwrap();
        match words[1] {
            "stats" => assert_eq!(document["summary"]["ready"], 0),
            "prime" => assert!(document["text"].as_str().unwrap().contains("--claim")),
            _ => assert_eq!(document, json!([]), "{words:?}"),
        }
        assert_eq!(scratch.run(words).code, Some(0), "{words:?}");
    }
    assert_eq!(scratch.files(), Vec::<std::path::PathBuf>::new());
    let scratch = with_tasks(&[("t-1", json!({})), ("t-2", json!({}))]);
    let state = || {
        // SQLite itself puts the other two beside a database that is read.
        let own = |file: &std::path::PathBuf| {
            !["wal", "shm"].iter().any(|end| file.to_string_lossy().ends_with(end))
        };
        let files: Vec<_> = scratch.files().into_iter().filter(own).collect();
        let bytes = std::fs::read(scratch.database()).unwrap();
        let sum = bytes.iter().fold(0_u64, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte));
        (files, sum, scratch.ok(&["task", "export"]))
    };
    let before = state();
    for words in reading {
        scratch.ok(&[words, &["--read-only"]].concat());
        scratch.ok(words);
    }
    for words in [
        &["task", "create", "t"][..],
        &["task", "update", "t-1", "-p", "1"],
        &["task", "claim", "t-1"],
        &["task", "ready", "--claim"],
        &["task", "close", "t-1"],
        &["task", "reopen", "t-1"],
        &["task", "delete", "t-1"],
        &["task", "dep", "add", "t-1", "t-2"],
        &["task", "dep", "rm", "t-1", "t-2"],
        &["task", "label", "add", "t-1", "x"],
        &["task", "comment", "t-1", "x"],
        &["task", "import", "x"],
        &["task", "sync", "x"],
    ] {
        let done = scratch.run(&[words, &["--read-only"]].concat());
        let name = if words[1] == "dep" || words[1] == "label" {
            words[..3].join(" ")
        } else {
            words[..2].join(" ")
        };
        assert!(done.refused(2).contains(&format!("read-only: {name}")), "{words:?}: {}", done.stderr);
    }
    assert_eq!(before, state());
}

#[test]
fn prime_is_small_however_much_there_is() {
    let titles = "日本語 タスク 🚀 ".repeat(20);
    let tasks: Vec<(String, Value)> = (0..40)
        .map(|number| {
            let mine = json!({"title": titles, "status": "in_progress", "assignee": "tester"});
            (
                format!("{}-{number:03}", "prefix".repeat(8)),
                if number % 2 == 0 { mine } else { json!({"title": titles}) },
            )
        })
        .collect();
    let tasks: Vec<(&str, Value)> = tasks.iter().map(|(id, more)| (id.as_str(), more.clone())).collect();
    let scratch = with_tasks(&tasks);
    let text = scratch.ok(&["task", "prime"]);
    assert!(text.len() <= 2000, "{} bytes", text.len());
    assert!(
        text.contains("You act as tester.\nYours, the first 5:") && text.contains("Ready, the first of 20:"),
        "{text}"
    );
    for part in ["CONCLAVE_ACTOR", "--actor", "--ttl", "--defer 10m", "After git pull and before git commit"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("  prefix")).count(), 10, "{text}");
    let long = run_as(&scratch, &"a".repeat(64), &["task", "prime"]);
    assert!(long.stdout.len() <= 2000);
    let document = scratch.json(&["task", "prime"]);
    assert_eq!(document["ready"].as_array().unwrap().len(), 5);
    // What is pasted into a file says nothing of this moment.
    let short = scratch.ok(&["task", "prime", "--short"]);
    assert_eq!(short, Scratch::new().ok(&["task", "prime", "--short"]));
    assert!(
        short.contains("ready --claim") && !short.contains("tester") && !short.contains("prefix"),
        "{short}"
    );
}

#[test]
fn the_settings_of_the_manual_fit_a_new_project() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let manual = include_str!("../../../docs/tasks.md");
    let settings = manual.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let path = scratch.project().join(".conclave/config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config + settings).unwrap();
    assert!(scratch.json(&["task", "create", "t"])["id"].as_str().unwrap().starts_with("bd-"));
}

#[test]
fn a_list_fits_the_terminal_and_says_who_and_how_old() {
    let long =
        "A title that is longer than the line of any terminal may be, even if it is a wide one: 日本語";
    let tasks: Vec<(String, Value)> =
        (0..60).map(|number| (format!("t-{number:02}"), json!({"title": long, "assignee": "ana"}))).collect();
    let tasks: Vec<(&str, Value)> = tasks.iter().map(|(id, more)| (id.as_str(), more.clone())).collect();
    let scratch = with_tasks(&tasks);
    let (code, text) = Session::start(&scratch, &["task", "list"]).said();
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("t-")).collect();
    assert_eq!(lines.len(), 50);
    for line in lines {
        assert_eq!(line.chars().count(), 80, "{line}");
        assert!(line.contains("…  ana  ") && line.ends_with('d'), "{line}");
    }
    assert!(text.contains("the first 50 are shown; --limit N shows more"), "{text}");
    assert_eq!(scratch.ok(&["task", "list"]).lines().count(), 61, "a pipe gets all, and uncut");
    assert!(scratch.ok(&["task", "list"]).contains(long));
}

#[test]
fn every_command_has_an_example() {
    let scratch = Scratch::new();
    let names = |words: &[&str]| -> Vec<String> {
        let help = scratch.ok(&[words, &["--help"]].concat());
        let commands = help.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
        commands.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
    };
    let mut all: Vec<Vec<String>> = names(&["task"]).into_iter().map(|name| vec![name]).collect();
    assert_eq!(all.len(), 21, "{all:?}");
    for group in ["dep", "label"] {
        all.retain(|words| words[0] != group);
        all.extend(names(&["task", group]).into_iter().map(|name| vec![group.to_owned(), name]));
    }
    for words in all {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = scratch.ok(&[&["task"], &words[..], &["--help"]].concat());
        let example = format!("Example: conclave task {}", words.join(" "));
        assert!(help.contains(&example), "{words:?}: {help}");
    }
    assert!(scratch.ok(&["man"]).contains("conclave task ready"));
}

#[test]
fn the_configuration_names_prefix_types_and_statuses() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let config = "[tasks]\nprefix = 'kit'\nstatuses = ['review']\ntypes = ['spec']\n";
    std::fs::write(scratch.project().join(".conclave/config.toml"), config).unwrap();
    let made = scratch.json(&["task", "create", "t", "-t", "spec"]);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("kit-"), "{id}");
    assert_eq!(scratch.json(&["task", "update", id, "--status", "review"])[0]["status"], "review");
    scratch.run(&["task", "update", id, "--status", "revue"]).refused(2);
    scratch.run(&["task", "update", id, "--status", "tombstone"]);
}

#[test]
fn the_doctor_looks_at_tasks_and_mends_what_is_ours() {
    let scratch = with_tasks(&[
        ("t-1", json!({"status": "closed"})),
        ("t-2", needs("parent_child", "t-1")),
        ("t-3", needs("blocks", "gone")),
    ]);
    let before = scratch.ok(&["task", "export"]);
    let state = |document: &Value, name: &str| {
        let checks = document["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).map(|check| check["state"].clone())
    };
    let document = scratch.json(&["doctor"]);
    for name in ["task-rules", "task-dependency-types"] {
        assert_eq!(state(&document, name), Some(json!("warn")), "{name}: {document}");
    }
    assert_eq!(state(&document, "task-blocked"), Some(json!("ok")), "{document}");
    conclave_db::foreign::run(&scratch.database(), "UPDATE tasks SET blocked = 1 WHERE id = 't-3'").unwrap();
    let done = scratch.run(&["doctor", "--json"]);
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_ne!(state(&document, "task-blocked"), Some(json!("ok")), "{document}");
    let fixed = scratch.json(&["doctor", "--fix"]);
    assert!(!fixed["fixed"].as_array().unwrap().is_empty(), "{fixed}");
    assert_eq!(state(&fixed, "task-blocked"), Some(json!("ok")), "{fixed}");
    assert_eq!(scratch.ok(&["task", "export"]), before, "no record is touched");
}

/// What a terminal would obey, in everything that a record may hold.
#[test]
fn what_others_wrote_is_shown_and_never_obeyed() {
    let bad = "x\u{1b}[31m\u{9b}2J\u{202e}\r\ny";
    let (one, two) = (format!("t-1{bad}"), format!("t-2{bad}"));
    let more = json!({
        "title": bad, "description": bad, "notes": bad, "assignee": bad, "issue_type": bad, "labels": [bad],
        "external_ref": bad, "created_by": bad, "result": bad,
        "comments": [{"id": 1, "author": bad, "text": bad, "created_at": "2026-01-01T00:00:00Z"}],
        "dependencies": [{"depends_on_id": two, "type": "blocks"}, {"depends_on_id": bad, "type": bad}],
    });
    let scratch = with_tasks(&[(&one, more), (&two, json!({"title": bad, "status": bad}))]);
    scratch.run(&["task", "update", &one, "--title", bad, "--status", "open", "--attempt", "--error", bad]);
    for words in [
        &["task", "list"][..],
        &["task", "ready"],
        &["task", "blocked"],
        &["task", "show", &one, &two],
        &["task", "search", "y"],
        &["task", "audit", &one],
        &["task", "dep", "tree", &one],
        &["task", "dep", "tree", &two, "--up"],
        &["task", "dep", "add", &one, &two, "--type", "related"],
        &["task", "dep", "rm", &one, bad],
        &["task", "comment", &one, bad],
        &["task", "label", "add", &one, "more"],
        &["task", "prime"],
        &["doctor"],
        &["task", "show", bad],
        &["task", "claim", &two],
        &["task", "delete", &two, "--reason", bad],
    ] {
        let done = scratch.run(words);
        let said = format!("{}{}", done.text(), done.stderr);
        let obeyed =
            |each: &char| each.is_control() && *each != '\n' || ('\u{202A}'..='\u{202E}').contains(each);
        assert_eq!(said.chars().find(obeyed), None, "{words:?}: {said:?}");
        assert!(!said.is_empty(), "{words:?}");
    }
}
