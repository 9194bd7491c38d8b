//! What the specification says in words.

use super::*;

const AGGREGATOR: &str = r#"{"stage":"spec-plan","agent":"gpt_pro","final_plan":{
  "work_breakdown":[{"step":"1"}],"acceptance_mapping":[{"requirement":"R1"}],
  "risks":[],"consensus":{"agreements":["the rows come first"],"conflicts":[]}}}"#;
const TEMPLATE: &str = r#"{ "stage": "spec-plan", "agent": "gpt_pro", "feasibility_notes": [ string ],
  "final_plan": { "work_breakdown": [...copy of consensus steps...] } }"#;
const ROSTER: [&str; 3] = ["gemini", "claude", "gpt_pro"];
const GEMINI: (&str, &str) = ("gemini", r#"{"research_summary":["x"]}"#);
const CLAUDE: (&str, &str) = ("claude", r#"{"questions":["y"]}"#);

/// Scenario 47.
#[test]
fn required_fields_are_found_where_the_aggregator_puts_them() {
    let full = verdict(&case("plan", &ROSTER, &[GEMINI, CLAUDE, ("gpt_pro", AGGREGATOR)]));
    assert_eq!((full.status, full.missing.len()), (RunStatus::Ok, 0), "{}", full.reason);
    assert_eq!(full.fields_found, ["work_breakdown", "acceptance_mapping"]);
    assert_eq!(full.agreements, ["the rows come first"]);

    let without = verdict(&case("plan", &ROSTER, &[GEMINI, ("gpt_pro", AGGREGATOR)]));
    assert_eq!((without.status, without.missing), (RunStatus::Degraded, vec!["claude".to_owned()]));

    let listed = AGGREGATOR.replace("\"conflicts\":[]", "\"conflicts\":[\"no rows\"]");
    let conflict = verdict(&case("plan", &ROSTER, &[GEMINI, CLAUDE, ("gpt_pro", &listed)]));
    assert_eq!(conflict.status, RunStatus::Conflict);
    let said = Conflict::Said { agent: "gpt_pro".into(), text: "no rows".into() };
    assert_eq!(conflict.conflicts, [said]);

    let template = verdict(&case("plan", &ROSTER, &[GEMINI, CLAUDE, ("gpt_pro", TEMPLATE)]));
    assert_eq!((template.status, template.agents[2].why), (RunStatus::Degraded, Some(Unusable::Template)));
    assert_eq!(template.fields_missing, ["work_breakdown", "acceptance_mapping"]);
}

/// Everybody answered, and nobody what was asked for.
#[test]
fn a_field_that_nobody_has_degrades() {
    let halves = [("a", r#"{"work_breakdown":["x"]}"#), ("b", r#"{"risks":[]}"#)];
    let judged = verdict(&case("plan", &["a", "b"], &halves));
    assert_eq!((judged.status, judged.missing.len()), (RunStatus::Degraded, 0), "{}", judged.reason);
    assert_eq!(judged.fields_missing, ["acceptance_mapping"]);
    assert!(judged.reason.contains("no answer has acceptance_mapping"), "{}", judged.reason);
}

/// Scenario 48: recorded as ok with four artifacts.
#[test]
fn four_empty_answers_are_insufficient() {
    let roster = ["claude", "gemini", "gpt_codex", "gpt_pro"];
    let answers = roster.map(|agent| (agent, ""));
    let empty = verdict(&case("implement", &roster, &answers));
    assert_eq!((empty.status, empty.usable, empty.quorum), (RunStatus::Insufficient, 0, 3));
    assert!(empty.agents.iter().all(|agent| agent.why == Some(Unusable::Empty)));
    assert_eq!(
        empty.reason,
        "0 of 4 answers can be used, 3 needed; claude answered nothing, gemini answered nothing, \
         gpt_codex answered nothing, gpt_pro answered nothing"
    );
}

/// Scenario 49: nothing that calls itself ok is believed.
#[test]
fn a_status_of_ok_beside_conflicts_is_a_conflict() {
    let claims = r#"{"status":"ok","unlock_decision":"go","consensus":{"conflicts":["the tree is dirty"]}}"#;
    let judged = verdict(&case("unlock", &["a"], &[("a", claims)]));
    assert_eq!(judged.status, RunStatus::Conflict);
}

/// Scenario 50.
#[test]
fn one_answer_of_three_is_insufficient() {
    let judged = verdict(&case("plan", &ROSTER, &[("gpt_pro", AGGREGATOR)]));
    assert_eq!((judged.status, judged.usable, judged.expected), (RunStatus::Insufficient, 1, 3));
    assert_eq!(judged.missing, ["gemini", "claude"]);
}

#[test]
fn the_quorum_is_all_of_one_or_two_and_the_majority_of_more() {
    let answer = r#"{"unlock_decision":"go"}"#;
    for (expected, usable, quorum, wanted) in [
        (1, 1, None, RunStatus::Ok),
        (1, 0, None, RunStatus::Insufficient),
        (2, 1, None, RunStatus::Insufficient),
        (2, 2, None, RunStatus::Ok),
        (3, 2, None, RunStatus::Degraded),
        (4, 2, None, RunStatus::Insufficient),
        (4, 3, None, RunStatus::Degraded),
        (5, 3, None, RunStatus::Degraded),
        (5, 2, Some(2), RunStatus::Degraded),
        (2, 2, Some(3), RunStatus::Insufficient),
        (1, 0, Some(0), RunStatus::Insufficient),
        (0, 0, None, RunStatus::Insufficient),
    ] {
        let names: Vec<String> = (0..expected).map(|agent| format!("a{agent}")).collect();
        let roster: Vec<&str> = names.iter().map(String::as_str).collect();
        let answers: Vec<(&str, &str)> = roster.iter().take(usable).map(|name| (*name, answer)).collect();
        let mut case = case("unlock", &roster, &answers);
        case.quorum = quorum;
        assert_eq!(verdict(&case).status, wanted, "{usable} of {expected}, quorum {quorum:?}");
    }
}

#[test]
fn insufficient_comes_before_conflict_and_conflict_before_degraded() {
    let disputed = r#"{"conflicts":["x"]}"#;
    for (roster, wanted) in
        [(&["a", "b", "c"][..], RunStatus::Insufficient), (&["a"][..], RunStatus::Conflict)]
    {
        assert_eq!(verdict(&case("plan", roster, &[("a", disputed)])).status, wanted);
    }
    let two = [("a", disputed), ("b", "{}")];
    assert_eq!(verdict(&case("plan", &["a", "b", "c"], &two)).status, RunStatus::Conflict);
}

#[test]
fn what_counts_as_an_answer_depends_on_the_stage() {
    let wrapped = r#"{"agent":"code","content":"[transcript]","format":"text"}"#;
    let stub = r#"{"spec_id":"S","stage":"spec-plan","agent":"a","error":"agent execution failed",
      "consensus":{"agreements":[],"conflicts":["a execution failed"]}}"#;
    for (stage, content, why) in [
        ("plan", "", Some(Unusable::Empty)),
        ("plan", " \n\t", Some(Unusable::Empty)),
        ("plan", "\u{a0}\u{2003}", Some(Unusable::Empty)),
        ("plan", TEMPLATE, Some(Unusable::Template)),
        ("plan", "prose", Some(Unusable::NotJson)),
        ("plan", "\"prose\"", Some(Unusable::NotJson)),
        ("plan", "null", Some(Unusable::NotJson)),
        ("plan", "{} {}", Some(Unusable::NotJson)),
        ("plan", wrapped, Some(Unusable::NotJson)),
        ("plan", stub, Some(Unusable::Failed)),
        ("plan", "{}", None),
        ("plan", "[]", None),
        ("clarify", "prose", Some(Unusable::NotJson)),
        ("haiku", "prose", None),
        ("haiku", wrapped, None),
        ("haiku", "", Some(Unusable::Empty)),
    ] {
        let judged = verdict(&case(stage, &["a"], &[("a", content)]));
        assert_eq!(judged.agents[0].why, why, "{stage}: {content}");
    }
}

#[test]
fn bytes_that_are_no_text_are_no_json() {
    let mut case = case("plan", &["a"], &[("a", "")]);
    case.answers[0].content = b"{\"x\":\"\xff\"}".to_vec();
    assert_eq!(verdict(&case).agents[0].why, Some(Unusable::NotJson));
}

#[test]
fn only_the_latest_answer_of_an_agent_counts() {
    let mut case = case("unlock", &["a"], &[("a", "{\"conflicts\":[\"x\"]}"), ("a", ""), ("a", "")]);
    case.answers[1].sequence = 2;
    case.answers[2] = CaseAnswer {
        attempt: 2,
        content: b"{\"unlock_decision\":\"go\"}".to_vec(),
        ..case.answers[0].clone()
    };
    assert_eq!(verdict(&case).status, RunStatus::Ok);
    case.answers.truncate(2);
    assert_eq!(verdict(&case).agents[0].why, Some(Unusable::Empty));
}

#[test]
fn an_agent_without_an_answer_has_failed_or_gave_none() {
    let mut case = case("plan", &["a", "b", "c", "d"], &[]);
    for (agent, how) in case.expected.iter_mut().skip(1).zip(["timed_out", "cancelled", "lost"]) {
        agent.failed = Some(how.into());
    }
    let judged = verdict(&case);
    let why: Vec<_> = judged.agents.iter().filter_map(|agent| agent.why).collect();
    assert_eq!(why, [Unusable::NoAnswer, Unusable::TimedOut, Unusable::Cancelled, Unusable::Failed]);
    assert!(judged.reason.contains("b timed out, c was cancelled"), "{}", judged.reason);
}

#[test]
fn conflicts_are_read_where_prompts_put_them_and_nowhere_else() {
    for (content, count) in [
        (r#"{"conflicts":["x"]}"#, 1),
        (r#"{"consensus":{"conflicts":["x","x","y"]}}"#, 2),
        (r#"{"final_plan":{"conflicts":["x"]}}"#, 1),
        (r#"{"final_plan":{"consensus":{"conflicts":[{"issue":"x"}]}}}"#, 1),
        (r#"{"conflicts":"x"}"#, 1),
        (r#"{"conflicts":[]}"#, 0),
        (r#"{"conflicts":["", " ", "None.", "n/a", null, {}, []]}"#, 0),
        (r#"{"conflicts":null}"#, 0),
        (r#"{"conflicts":false}"#, 0),
        (r#"{"consensus":{"conflicts_resolved":["x"]}}"#, 0),
        (r#"{"risks":[{"conflicts":["x"]}]}"#, 0),
    ] {
        assert_eq!(verdict(&case("plan", &["a"], &[("a", content)])).conflicts.len(), count, "{content}");
    }
}

#[test]
fn agents_contradict_each_other_on_decisions_alone() {
    for (first, second, contradiction) in [
        (r#"{"unlock_decision":"UNLOCK"}"#, r#"{"unlock_decision":"BLOCK"}"#, true),
        (r#"{"unlock_decision":"UNLOCK"}"#, r#"{"final_plan":{"unlock_decision":"block"}}"#, true),
        (r#"{"audit_verdict":"pass"}"#, r#"{"consensus":{"audit_verdict":"fail"}}"#, true),
        (r#"{"unlock_decision":"UNLOCK"}"#, r#"{"unlock_decision":" unlock. "}"#, false),
        (r#"{"unlock_decision":"UNLOCK"}"#, r#"{"unlock_decision":null}"#, false),
        (r#"{"unlock_decision":"UNLOCK"}"#, r#"{"unlock_decision":""}"#, false),
        (r#"{"unlock_decision":true}"#, r#"{"unlock_decision":"true"}"#, true),
        (r#"{"recommendation":"go"}"#, r#"{"recommendation":"stop"}"#, false),
        (r#"{"issues":[{"id":"Q","answer":"1"}]}"#, r#"{"issues":[{"id":"Q","answer":"2"}]}"#, false),
    ] {
        let judged = verdict(&case("unlock", &["a", "b"], &[("a", first), ("b", second)]));
        assert_eq!(judged.status == RunStatus::Conflict, contradiction, "{first} {second}");
        let decided = judged.conflicts.iter().any(|one| matches!(one, Conflict::Decision { .. }));
        assert_eq!(decided, contradiction);
    }
}

#[test]
fn the_answers_to_the_issues_of_a_gate_decide() {
    for (first, second, contradiction) in [("Yes", "yes.", false), ("yes", "no", true), ("yes", "", false)] {
        let answer = |text: &str| format!(r#"{{"issues":[{{"id":"Q 1","answer":"{text}"}}]}}"#);
        let (first, second) = (answer(first), answer(second));
        let judged = verdict(&case("clarify", &["a", "b"], &[("a", &first), ("b", &second)]));
        assert_eq!(judged.status == RunStatus::Conflict, contradiction, "{first} {second}");
    }
    let none = r#"{"issues":[]}"#;
    assert_eq!(verdict(&case("clarify", &["a"], &[("a", none)])).status, RunStatus::Ok);
}

/// Scenario 53: one agent never satisfies two.
#[test]
fn an_answer_under_another_spelling_satisfies_one_agent() {
    let answer = r#"{"unlock_decision":"go"}"#;
    for (roster, answers, missing) in [
        (&["gpt_pro", "gpt_codex"][..], &["code"][..], &["gpt_pro", "gpt_codex"][..]),
        (&["gemini"], &["gemini_flash"], &[]),
        (&["gpt_pro", "gpt_low"], &["gpt_low"], &["gpt_pro"]),
        (&["gemini", "gemini_flash"], &["gemini-25-pro"], &["gemini_flash"]),
        (&["gemini", "claude"], &["Gemini 2.5 Pro", "claude_haiku"], &[]),
        (&["local"], &["Local"], &["local"]),
    ] {
        let answers: Vec<(&str, &str)> = answers.iter().map(|name| (*name, answer)).collect();
        assert_eq!(verdict(&case("unlock", roster, &answers)).missing, missing, "{roster:?} {answers:?}");
    }
    let judged = verdict(&case("unlock", &["gemini"], &[("gemini_flash", answer)]));
    assert_eq!(judged.agents.len(), 1);
    assert_eq!(judged.agents[0].answered_as.as_deref(), Some("gemini_flash"));
}

/// Who was not asked makes no quorum, but is heard.
#[test]
fn an_unexpected_answer_makes_no_quorum() {
    let stranger = ("b", r#"{"unlock_decision":"go"}"#);
    let alone = verdict(&case("unlock", &["a"], &[stranger]));
    assert_eq!((alone.status, alone.agents[1].expected), (RunStatus::Insufficient, false));
    let heard = verdict(&case("unlock", &["a"], &[("a", r#"{"unlock_decision":"stop"}"#), stranger]));
    assert_eq!(heard.status, RunStatus::Conflict);
}
