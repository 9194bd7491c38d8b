//! What the commands on tasks say beside their results: why, whose, until when, and what to do next.

use serde_json::json;

use crate::scratch::Scratch;
use crate::tasks::{ids, needs, run_as, with_tasks};
use crate::terminal::Session;

#[test]
fn a_claim_says_what_keeps_the_task_back_and_whose_it_is() {
    let scratch = with_tasks(&[
        ("t-1", json!({})),
        ("t-2", needs("blocks", "t-1")),
        ("t-3", json!({"defer_until": "2999-01-01T00:00:00Z"})),
        ("t-4", json!({"assignee": "ada"})),
        ("t-2.1", needs("parent-child", "t-2")),
    ]);
    let quiet = scratch.run(&["task", "claim", "t-1"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
    let said = scratch.run(&["task", "claim", "t-2", "--json"]).stderr;
    assert_eq!(said, "t-2 is blocked: it waits for t-1 (in_progress): Task t-1\n");
    assert_eq!(scratch.run(&["task", "claim", "t-2"]).stderr, "", "it is said once");
    let said = scratch.run(&["task", "claim", "t-2.1"]).stderr;
    assert!(said.contains("it is a child, and its parent t-2 is blocked itself"), "{said}");
    let said = scratch.run(&["task", "claim", "t-3"]).stderr;
    assert_eq!(said, "t-3 is deferred until 2999-01-01 00:00:00 UTC\n");
    let lost = scratch.run(&["task", "claim", "t-4"]);
    lost.refused(1);
    assert!(lost.stderr.contains("it is assigned to ada"), "{}", lost.stderr);
    assert!(lost.stderr.contains("hint: `conclave task update t-4 --assignee \"\"`"), "{}", lost.stderr);
    // Such a task is in the list, and the list says so.
    let ready = scratch.run(&["task", "ready"]);
    assert!(ready.text().contains("ada"), "{}", ready.text());
    assert!(ready.stderr.contains("1 of these tasks is assigned to others"), "{}", ready.stderr);
    let none = scratch.run(&["task", "ready", "--claim"]);
    assert_eq!(none.code, Some(1));
    assert_eq!(none.stderr, "nothing is ready for tester; 1 is assigned to somebody else\n");
    assert_eq!(run_as(&scratch, "ada", &["task", "ready"]).stderr, "");
    assert_eq!(run_as(&scratch, "ada", &["task", "claim", "t-4", "--ttl", "1h"]).code, Some(0));
    let lost = scratch.run(&["task", "claim", "t-4"]);
    assert!(lost.refused(1).contains("ada has it until 2"), "{}", lost.stderr);
    let closed = scratch.run(&["task", "close", "t-4"]);
    assert!(closed.stderr.starts_with("t-4 was claimed by ada until 2"), "{}", closed.stderr);
    assert_eq!(scratch.run(&["task", "close", "t-1"]).stderr, "", "one's own");
}

#[test]
fn what_was_so_already_is_not_said_to_be_done() {
    let scratch = with_tasks(&[("t-1", json!({})), ("t-2", json!({})), ("t-3", json!({"status": "hooked"}))]);
    assert_eq!(scratch.ok(&["task", "reopen", "t-1"]), "was open already: t-1: Task t-1 (open)\n");
    assert_eq!(scratch.ok(&["task", "reopen", "t-3"]), "was not closed: t-3: Task t-3 (hooked)\n");
    assert_eq!(scratch.ok(&["task", "close", "t-1"]), "closed t-1: Task t-1\n");
    assert_eq!(
        scratch.ok(&["task", "close", "t-1", "t-2"]),
        "was closed already: t-1: Task t-1\nclosed t-2: Task t-2\n"
    );
    assert_eq!(scratch.ok(&["task", "reopen", "t-1"]), "reopened t-1: Task t-1 (open)\n");
}

#[test]
fn an_open_task_says_why_it_is_not_ready() {
    let scratch = with_tasks(&[
        ("t-1", json!({})),
        ("t-2", json!({"issue_type": "agent"})),
        ("t-mol-3", json!({})),
        ("t-4", json!({"defer_until": "2999-01-01T00:00:00Z"})),
        ("t-5", json!({"pinned": true})),
        ("t-6", needs("blocks", "t-1")),
        ("t-7", json!({"status": "deferred"})),
    ]);
    for (id, why) in [
        ("t-2", "not ready   tasks of the type agent never are\n"),
        ("t-mol-3", "not ready   tasks with -mol- in their id never are\n"),
        ("t-4", "not ready   deferred until 2999-01-01 00:00:00 UTC\n"),
        ("t-5", "not ready   pinned\n"),
        ("t-6", "\nblocked\n  waits for t-1 (open): Task t-1\n"),
    ] {
        let page = scratch.ok(&["task", "show", id]);
        assert!(page.contains(why), "{id}: {page}");
    }
    for id in ["t-1", "t-7"] {
        assert!(!scratch.ok(&["task", "show", id]).contains("not ready"), "{id}");
    }
    let list = scratch.ok(&["task", "list"]);
    let line = |id: &str| list.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    assert!(line("t-4").contains("◌ deferred") && line("t-6").contains("◐ blocked"), "{list}");
    let stats = scratch.ok(&["task", "stats"]);
    for (label, number) in [
        ("ready", 1),
        ("blocked", 1),
        ("open", 6),
        ("open, deferred by date", 1),
        ("open, but never ready", 3),
        ("deferred", 1),
    ] {
        assert!(
            stats.contains(&format!("\n{label:<24}{number:>9}\n")) || label == "ready",
            "{label}: {stats}"
        );
    }
    // What is over blocks nobody, and is blocked by nobody.
    scratch.ok(&["task", "close", "t-6", "--force"]);
    let page = scratch.ok(&["task", "show", "t-6"]);
    assert!(page.contains("  waited for t-1 (open)") && !page.contains("\nblocked\n"), "{page}");
    let page = scratch.ok(&["task", "show", "t-1"]);
    assert!(page.contains("  blocked t-6 (closed)"), "{page}");
}

#[test]
fn words_that_nothing_has_are_named() {
    let scratch = with_tasks(&[("t-1", json!({"labels": ["a", "b"]})), ("t-2", json!({}))]);
    for (words, wanted) in [
        (&["list", "--status", "bogus"][..], "no task has the status bogus; there are open, in_progress"),
        (&["list", "--type", "bogus"], "no task has the type bogus; there are bug, feature"),
        (&["list", "--label", "bogus"], "no task has the label bogus"),
        (&["ready", "--label", "bogus"], "no task has the label bogus"),
        (&["dep", "add", "t-1", "t-2", "--type", "block"], "did you mean `blocks`?"),
        (&["create", "x", "--deps", "nope:t-1"], "`nope` is a type of your own, and blocks nobody"),
    ] {
        let done = scratch.run(&[&["task"], words].concat());
        assert_eq!(done.code, Some(0), "{words:?}");
        assert!(done.stderr.contains(wanted), "{words:?}: {}", done.stderr);
    }
    assert!(!scratch.run(&["task", "list", "--label", "a", "-t", "bug"]).stderr.contains("label"));
    assert_eq!(scratch.run(&["task", "dep", "add", "t-1", "t-2", "--type", "tracks"]).stderr, "");
}

#[test]
fn labels_are_split_at_commas_everywhere() {
    let scratch = with_tasks(&[("t-1", json!({}))]);
    let labels = || scratch.json(&["task", "show", "t-1"])[0]["labels"].clone();
    scratch.ok(&["task", "label", "add", "t-1", "a,b", "c"]);
    assert_eq!(labels(), json!(["a", "b", "c"]));
    assert_eq!(ids(&scratch.json(&["task", "list", "--label", "a,b"])), ["t-1"]);
    scratch.ok(&["task", "label", "rm", "t-1", "a,b"]);
    scratch.ok(&["task", "update", "t-1", "--add-label", "d,e"]);
    assert_eq!(labels(), json!(["c", "d", "e"]));
    scratch.ok(&["task", "update", "t-1", "--remove-label", "c,d"]);
    assert_eq!(labels(), json!(["e"]));
    scratch.run(&["task", "label", "add", "t-1", "a,,b"]).refused(2);
}

#[test]
fn the_audit_says_what_has_changed_in_lists() {
    let scratch = with_tasks(&[("t-1", json!({"labels": ["a"]})), ("t-2", json!({}))]);
    scratch.ok(&["task", "label", "add", "t-1", "b"]);
    scratch.ok(&["task", "dep", "add", "t-1", "t-2"]);
    let comment = "a comment that is so long that a terminal has no room for it in one line of its own";
    scratch.ok(&["task", "comment", "t-1", comment]);
    let audit = scratch.ok(&["task", "audit", "t-1"]);
    for part in ["\n    labels: +b\n", "\n    dependencies: +waits for t-2\n", comment] {
        assert!(audit.contains(part), "{part}: {audit}");
    }
    // A terminal wraps, and cuts no word.
    for words in [&["task", "audit", "t-1"][..], &["task", "show", "t-1"]] {
        let (_, text) = Session::start(&scratch, words).said();
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(joined.contains(comment), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn a_result_stands_on_the_page_once() {
    let scratch = with_tasks(&[("t-1", json!({}))]);
    scratch.ok(&["task", "update", "t-1", "--error", "no luck", "--attempt"]);
    scratch.ok(&["task", "close", "t-1", "--result", "all of it", "--attempt"]);
    let page = scratch.ok(&["task", "show", "t-1"]);
    assert_eq!(page.matches("all of it").count(), 1, "{page}");
    assert_eq!(page.matches("no luck").count(), 1, "an older attempt keeps its own: {page}");
}

#[test]
fn a_group_without_a_command_lists_its_commands() {
    let scratch = Scratch::new();
    let bare = scratch.run(&["task"]);
    assert!(bare.refused(2).len() < 100, "{}", bare.stderr);
    assert!(bare.stderr.starts_with("  create ") && bare.stderr.contains("\n  ready "), "{}", bare.stderr);
    assert!(bare.stderr.ends_with("hint: see `conclave task --help`\n"), "{}", bare.stderr);
    assert_eq!(bare.text(), "");
    let json = scratch.run(&["task", "dep", "--json"]);
    assert_eq!(json.stderr.lines().count(), 2, "{}", json.stderr);
}
