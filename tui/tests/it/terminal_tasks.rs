//! Tasks in the UI, in a real pseudo-terminal, with others who work on the same ones.

use serde_json::json;

use crate::scratch::Scratch;
use crate::tasks::with_tasks;
use crate::terminal::Session;

/// Four tasks: two that are ready, one that waits for the first of them, one that is closed.
fn four() -> Scratch {
    with_tasks(&[
        ("bd-a1", json!({ "title": "Fix the import", "priority": 0, "labels": ["import"] })),
        ("bd-b2", json!({ "title": "Write the goldens", "issue_type": "bug" })),
        (
            "bd-c3",
            json!({ "title": "Release", "dependencies": [{ "issue_id": "bd-c3", "depends_on_id": "bd-a1", "type": "blocks" }] }),
        ),
        ("bd-d4", json!({ "title": "Begin", "status": "closed", "closed_at": "2026-01-02T00:00:00Z" })),
    ])
}

/// The Tasks screen on it.
fn on(scratch: &Scratch, words: &[&str]) -> Session {
    let mut session = Session::start(scratch, words);
    session.until("There are none yet");
    session.keys("3");
    session.until("[ready ");
    session
}

fn status(scratch: &Scratch, id: &str) -> String {
    scratch.json(&["task", "show", id])[0]["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_task_is_found_claimed_and_closed() {
    let scratch = four();
    let mut session = on(&scratch, &["--actor", "ana"]);
    session.until("[ready 2] · in progress 0 · blocked 1 · closed 1");
    session.until("blocks");
    session.keys("j");
    session.until("bd-b2  ○ open");
    session.keys("/label:import\r");
    session.until("1 match");
    session.until("bd-a1  ○ open");
    session.keys("c");
    session.until("bd-a1 is yours");
    session.until("0 match");
    session.keys("\x1b");
    session.until("[ready 1] · in progress 1 · blocked 1");
    session.keys("\t");
    session.until("bd-a1  ● in progress");
    session.until("claimed: open");
    session.keys("x");
    session.until("Close bd-a1 \"Fix the import\"?");
    session.keys("y");
    session.until("bd-a1 is closed; ready now: bd-c3");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
    let shown = scratch.json(&["task", "show", "bd-a1"]);
    assert_eq!((&shown[0]["status"], &shown[0]["assignee"]), (&json!("closed"), &json!("ana")));
}

#[test]
fn what_others_do_comes_in_below_the_cursor() {
    let scratch = four();
    let mut session = on(&scratch, &[]);
    session.until("bd-b2");
    session.keys("j");
    session.until("bd-b2  ○ open");
    scratch.ok(&["--actor", "bob", "task", "create", "Urgent", "--id", "bd-e5", "-p", "0"]);
    session.until("[ready 3]");
    session.until("▸ bd-b2");
    scratch.ok(&["--actor", "bob", "task", "claim", "bd-b2", "--ttl", "1h"]);
    session.until("[ready 2]");
    session.keys("\t");
    session.until("bob, 59:");
    // Of two who want a task one gets it, and the other is told who.
    session.keys("c");
    session.until("bob");
    session.until("✗ claim: bd-b2");
    session.keys("q");
    session.ends();
    assert_eq!(scratch.json(&["task", "show", "bd-b2"])[0]["assignee"], "bob");
}

#[test]
fn a_task_that_others_hold_up_is_closed_by_force_alone() {
    let scratch = four();
    let mut session = on(&scratch, &[]);
    session.keys("\t\t");
    session.until("[blocked 1]");
    session.until("bd-a1 (open)");
    session.keys("x");
    session.until("Close bd-c3");
    session.keys("y");
    session.until("all the same?");
    session.keys("\r");
    session.until("c claim");
    assert_eq!(status(&scratch, "bd-c3"), "open");
    session.keys("xy");
    session.until("all the same?");
    session.keys("y");
    session.until("bd-c3 is closed");
    session.keys("\t");
    session.until("[closed 2]");
    session.until("▸ bd-c3");
    session.keys("o");
    session.until("bd-c3 is open");
    session.keys("q");
    session.ends();
    assert_eq!(status(&scratch, "bd-c3"), "open");
}

#[test]
fn the_first_task_is_made_in_a_form_and_changed_with_an_editor() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let mut command = scratch.command();
    command.env("EDITOR", "printf 'one\\ntwo\\n' >");
    let mut session = Session::with(command, &[]);
    session.until("There are none yet");
    session.keys("3");
    session.until("n makes the first");
    session.keys("n");
    session.until("New task");
    session.keys("Fix it\t\x1b[D");
    session.until("conclave task create 'Fix it' --priority 1 --type task");
    session.keys("\r");
    session.until("is made");
    session.until("[ready 1]");
    session.until("▸ p-");
    session.keys("e");
    session.until("nothing has changed yet");
    session.keys("\x0f");
    session.until("one (2 lines, 7 B)");
    session.keys("\r");
    session.until("is changed");
    session.keys("\r");
    session.until("two");
    session.keys("d");
    session.until("waits for which task");
    session.keys("nothing\r");
    session.until("no task \"nothing\"");
    session.keys("D");
    session.until("Delete p-");
    session.keys("y");
    session.until("is deleted");
    session.keys("q");
    session.ends();
    let all = scratch.json(&["task", "list", "--all"]);
    assert_eq!((&all[0]["description"], &all[0]["status"]), (&json!("one\ntwo"), &json!("tombstone")));
    assert_eq!(all[0]["priority"], 1);
}

#[test]
fn the_page_of_a_task_leads_through_its_tree_and_a_short_id_to_it() {
    let scratch = four();
    let mut session = on(&scratch, &["--read-only"]);
    session.keys(":task show c3\r");
    session.until("bd-c3  Release");
    session.until("blocked");
    session.until("└─ bd-a1  ○ open  Fix the import");
    session.keys("j\r");
    session.until("bd-a1  Fix the import");
    session.until("What depends on it");
    session.keys("\x1b");
    session.until("bd-c3  Release");
    session.keys("c");
    session.until("read-only: this would change the state");
    session.keys("\x1b");
    session.keys(":task search goldens\r");
    session.until("[1 found]");
    session.keys("q");
    session.ends();
}

/// What was asked for is written, however fast the program ends.
#[test]
fn a_claim_is_written_before_the_program_ends() {
    let scratch = four();
    let mut session = on(&scratch, &["--actor", "ana"]);
    session.until("▸ bd-a1");
    session.keys("cq");
    assert_eq!(session.ends().0.code(), Some(0));
    assert_eq!(status(&scratch, "bd-a1"), "in_progress");
}
