//! `conclave auto`, and the questions of its gates.

use serde_json::json;

use crate::asking::{agent, answers};
use crate::scratch::Scratch;

/// What every stage and gate wants, all at once.
const EVERYTHING: &str = r#"{"work_breakdown":[],"acceptance_mapping":[],"tasks":[],"implementation":"x","test_strategy":"x",
    "audit_verdict":"pass","unlock_decision":"UNLOCK","issues":[],"requirements":[]}"#;

fn everything(name: &str, more: &str) -> String {
    agent(name, &answers(&EVERYTHING.replace('\n', " ")), more)
}

#[test]
fn a_spec_goes_through_all_stages() {
    let scratch = Scratch::configured(&(everything("a", "") + &everything("b", "")));
    let done = scratch.run(&["auto", "S-1"]);
    assert_eq!(done.code, Some(0), "{}\n{}", done.text(), done.stderr);
    let runs = scratch.json(&["runs", "list"]);
    let mut stages: Vec<&str> =
        runs.as_array().unwrap().iter().map(|run| run["stage"].as_str().unwrap()).collect();
    stages.sort_unstable();
    let wanted =
        ["analyze", "audit", "checklist", "clarify", "implement", "plan", "tasks", "unlock", "validate"];
    assert_eq!(stages, wanted);
    for stage in wanted {
        assert!(
            done.text().contains(stage) && done.stderr.contains(&format!("S-1 {stage}")),
            "{stage}: {}",
            done.text()
        );
    }
    assert!(done.text().contains("S-1 is through all stages"), "{}", done.text());
    // Gates have less time than stages, whoever begins them.
    let time = |run: &str| scratch.json(&["runs", "show", run])["settings"]["timeout_ms"].clone();
    assert_eq!((time("1"), time("2")), (300_000.into(), 1_800_000.into()), "clarify and plan");
    scratch.run(&["run", "S-2", "--stage", "clarify"]);
    scratch.run(&["run", "S-2", "--stage", "plan"]);
    assert_eq!((time("10"), time("11")), (300_000.into(), 1_800_000.into()), "clarify and plan");
}

/// Whoever asks twice by mistake does not pay twice.
#[test]
fn what_is_through_is_told_and_begins_again_only_when_told_to() {
    let scratch = Scratch::configured(&(everything("a", "") + &everything("b", "")));
    let count = || scratch.json(&["runs", "list"]).as_array().unwrap().len();
    scratch.ok(&["auto", "S-1", "--from", "unlock"]);
    assert_eq!(count(), 1);
    let again = scratch.run(&["auto", "S-1"]);
    assert_eq!((again.code, count()), (Some(0), 1), "{}", again.stderr);
    assert!(again.stderr.contains("already through all stages") && again.stderr.contains("--from plan"));
    assert!(again.text().contains("S-1 is through all stages"), "{}", again.text());
    scratch.ok(&["auto", "S-1", "--from", "unlock"]);
    assert_eq!(count(), 2);
}

#[test]
fn a_later_stage_can_be_the_first() {
    let scratch = Scratch::configured(&(everything("a", "") + &everything("b", "")));
    let done = scratch.run(&["auto", "S-1", "--from", "audit", "--json"]);
    assert_eq!(done.code, Some(0), "{}\n{}", done.text(), done.stderr);
    let document: serde_json::Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!(
        (&document["pipeline"]["state"], &document["verdict"]["status"]),
        (&json!("done"), &json!("ok"))
    );
    assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 2);
}

/// A conflict ends the way; the exit code says it.
#[test]
fn a_conflict_halts_it() {
    let listed = EVERYTHING.replace('\n', " ").replacen('{', r#"{"conflicts":["the port"],"#, 1);
    let only = "stages = ['plan']";
    let scratch = Scratch::configured(
        &(everything("a", "") + &everything("b", "") + &agent("c", &answers(&listed), only)),
    );
    let done = scratch.run(&["auto", "S-1"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.text().contains("S-1 has halted"), "{}", done.text());
    assert_eq!(scratch.json(&["resume"]), json!({ "runs": [], "pipelines": [] }), "it is ended");
}

#[test]
fn a_question_waits_for_a_person_and_is_answered_once() {
    let asks = r#"{"issues":[{"id":"Q-1","question":"Which port?","answer":"8080","confidence":"high","magnitude":"critical","resolvability":"need-human"}]}"#;
    let others = "stages = ['plan','tasks','implement','validate','audit','unlock','checklist','analyze']";
    let scratch = Scratch::configured(
        &(everything("a", others)
            + &everything("b", others)
            + &agent("c", &answers(asks), "stages = ['clarify']\ncopies = 2")),
    );
    let done = scratch.run(&["auto", "S-1"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(
        done.text().contains("Which port?") && done.text().contains("conclave runs answer 1"),
        "{}",
        done.text()
    );
    let needs = scratch.json(&["status"])["attention"].clone();
    assert!(
        needs.as_array().unwrap().iter().any(|need| need["kind"] == "gate" && need["name"] == "1"),
        "{needs}"
    );
    let open = scratch.json(&["runs", "answer", "1"]);
    assert_eq!((open.as_array().unwrap().len(), &open[0]["issue"]["id"]), (1, &json!("Q-1")));
    let wrong = || scratch.run(&["runs", "answer", "1", "Q-9", "x"]);
    assert!(wrong().refused(1).contains("Q-9"));
    assert!(wrong().stderr.contains("hint: the question that is open is Q-1"), "{}", wrong().stderr);
    let stored = scratch.json(&["runs", "answer", "1", "Q-1", "9090"]);
    assert_eq!(stored["left"], 0);
    let done = scratch.run(&["runs", "answer", "1", "Q-1", "7070"]);
    assert!(
        done.refused(1).contains("answered by tester") && done.stderr.contains("9090"),
        "{}",
        done.stderr
    );
    assert!(wrong().stderr.contains("hint: none of its questions is open"), "{}", wrong().stderr);
    assert!(scratch.ok(&["runs", "answer", "1"]).contains("no question waits"));
    let done = scratch.run(&["auto", "S-1"]);
    assert_eq!(done.code, Some(0), "{}\n{}", done.text(), done.stderr);
    assert!(done.stderr.contains("going on where it was left"), "{}", done.stderr);
}

/// Agents make up the ids of their issues, and people copy what is printed into a shell.
#[test]
fn what_is_printed_to_be_copied_holds_nothing_of_an_agents_for_a_shell() {
    let asks = r#"{"issues":[{"id":"2","question":"a?","answer":"x","confidence":"low","magnitude":"critical","resolvability":"need-human"},{"id":"Q$(touch x)`id`","question":"b?","answer":"y","confidence":"low","magnitude":"critical","resolvability":"need-human"}]}"#;
    let scratch = Scratch::configured(&agent("c", &format!("cat >/dev/null; cat <<'E'\n{asks}\nE"), ""));
    let done = scratch.run(&["run", "S-1", "--stage", "clarify"]);
    let status = scratch.ok(&["status", "--json"]);
    for (text, place) in
        [(done.text(), "run"), (&*status, "status"), (&*scratch.ok(&["runs", "answer", "1"]), "answer")]
    {
        let commands: Vec<&str> = text.split("conclave runs answer 1 ").skip(1).collect();
        assert!(!commands.is_empty(), "{place}: {text}");
        for command in commands {
            assert!(command.starts_with("2 TEXT") || command.starts_with("@2 TEXT"), "{place}: {command}");
        }
    }
    let wrong = scratch.run(&["runs", "answer", "1", "@3", "x"]);
    wrong.refused(1);
    assert!(wrong.stderr.contains("hint: the questions that are open are 2, @2\n"), "{}", wrong.stderr);
    assert_eq!(scratch.json(&["runs", "answer", "1", "@2", "y"])["issue"], "Q$(touch x)`id`");
    assert_eq!(scratch.json(&["runs", "answer", "1", "2", "x"])["left"], 0, "an id wins");
    scratch.run(&["runs", "answer", "1", "@3", "x"]).refused(1);
}
