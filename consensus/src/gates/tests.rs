//! Payloads as the prompts bring them about, the table cell by cell, and any bytes at all in any order.

use proptest::prelude::*;
use serde_json::json;

use super::decide::is_allowed;
use super::merge::agreement;
use super::payload::{NO_CHANGE, says_something};
use super::{Confidence, Decision, GateAnswer, Judged, Magnitude, Resolvability, gate_name, judge};

fn check(gate: &str, answers: &[(&str, serde_json::Value)]) -> Judged {
    let texts: Vec<(&str, Vec<u8>)> =
        answers.iter().map(|(agent, payload)| (*agent, payload.to_string().into_bytes())).collect();
    let answers: Vec<GateAnswer<'_>> =
        texts.iter().map(|(agent, content)| GateAnswer { agent, family: None, content }).collect();
    judge(gate, &answers)
}

/// A clarify payload with the one issue `Q-1`.
fn one(answer: &str, magnitude: &str, resolvability: &str) -> serde_json::Value {
    json!({"stage": "quality-gate-clarify", "issues": [{"id": "Q-1", "question": "Which?", "answer": answer,
        "confidence": "high", "magnitude": magnitude, "resolvability": resolvability}]})
}

fn decision(judged: &Judged) -> &Decision {
    assert_eq!(judged.issues.len(), 1, "{judged:?}");
    &judged.issues[0].decision
}

fn asks(judged: &Judged) -> &str {
    match decision(judged) {
        Decision::Ask { why } => why,
        Decision::Apply { answer } => panic!("applied {answer:?}"),
    }
}

#[test]
fn the_tag_of_a_gate_is_its_name() {
    for (written, wanted) in [
        ("clarify", "clarify"),
        ("quality-gate-clarify", "clarify"),
        ("Quality_Gate_Analyze", "analyze"),
        ("spec-checklist", "checklist"),
        ("before-specify", "clarify"),
        ("after-specify", "checklist"),
        ("after-tasks", "analyze"),
        ("ä", "ä"),
        ("", ""),
    ] {
        assert_eq!(gate_name(written), wanted);
    }
    let two = json!({"stage": "quality-gate-clarify", "agent": "a",
        "issues": [{"id": "A", "question": "1?"}, {"id": "B", "question": "2?"}]});
    assert_eq!(check("clarify", &[("a", two)]).issues.len(), 2);
}

#[test]
fn a_payload_is_bounded() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    let content = format!(r#"{{"issues":[{{"id":"A","question":"1?"}}],"more":{deep}}}"#);
    let answers = [GateAnswer { agent: "a", family: None, content: content.as_bytes() }];
    let judged = judge("clarify", &answers);
    assert_eq!((judged.payloads, judged.issues.len()), (0, 0));
    assert_eq!(judged.rejected[0].why, "is too big or too deep");
}

#[test]
fn what_is_no_payload_is_told() {
    for (content, wanted) in [
        ("", "empty"),
        (" \n", "empty"),
        ("no", "no JSON"),
        ("[]", "no JSON object"),
        ("{}", "lists neither issues nor requirements"),
        (r#"{"issues":null}"#, "lists neither issues nor requirements"),
        (r#"{"issues":[7,{}]}"#, "lists nothing that has an id or a question"),
        (r#"{"stage":"quality-gate-analyze","issues":[]}"#, r#"speaks of "quality-gate-analyze""#),
        (r#"{"stage":"quality-gate-clarify","issues":[{"id": string}]}"#, "no JSON"),
    ] {
        let answer = GateAnswer { agent: "a", family: None, content: content.as_bytes() };
        let judged = judge("clarify", &[answer]);
        assert_eq!((judged.payloads, judged.issues.len()), (0, 0), "{content}");
        assert_eq!(judged.rejected[0].why, wanted, "{content}");
    }
    let nothing = check("clarify", &[("a", json!({"issues": []}))]);
    assert_eq!((nothing.payloads, nothing.rejected.len()), (1, 0));
}

#[test]
fn a_checklist_lists_requirements() {
    let payload = |needs: bool, better: serde_json::Value| {
        json!({"stage": "quality-gate-checklist", "requirements": [
            {"id": "R1", "text": "Stable prompts", "overall": 6, "needs_improvement": needs,
             "suggested_improvement": better, "confidence": "high", "resolvability": "auto-fix"},
            {"id": "R2", "text": "Fine", "overall": 10, "needs_improvement": false,
             "suggested_improvement": null, "confidence": "high", "resolvability": "auto-fix"}]})
    };
    let better = || payload(true, json!("Define stable."));
    let judged = check("checklist", &[("a", better()), ("b", better()), ("c", payload(false, json!(null)))]);
    assert_eq!(judged.payloads, 3);
    let issue = &judged.issues[0];
    assert_eq!((judged.issues.len(), issue.id.as_str(), issue.k, issue.n), (1, "R1", 2, 3));
    assert_eq!(issue.answers[1].answer, NO_CHANGE);
    assert_eq!(issue.decision, Decision::Apply { answer: "Define stable.".into() });
}

#[test]
fn an_analysis_has_descriptions_and_severities() {
    let payload = |severity: &str| {
        json!({"stage": "quality-gate-analyze", "issues": [{"id": "C-1", "type": "contradiction",
            "description": "25 or 50 MB?", "severity": severity, "affected_artifacts": ["a.md", "b.md"],
            "suggested_fix": "50 MB", "confidence": "high", "resolvability": "auto-fix"}]})
    };
    let judged =
        check("analyze", &[("a", payload("minor")), ("b", payload("important")), ("c", payload("minor"))]);
    let issue = &judged.issues[0];
    assert_eq!(issue.questions, ["25 or 50 MB?"]);
    assert_eq!(issue.context, ["a.md; b.md"]);
    assert_eq!((issue.magnitude, issue.confidence), (Magnitude::Important, Confidence::High));
    assert_eq!(issue.decision, Decision::Apply { answer: "50 MB".into() });
}

#[test]
fn one_agent_alone_decides_nothing() {
    let lone = one("yes", "minor", "auto-fix");
    assert_eq!(asks(&check("clarify", &[("a", lone.clone())])), "only a says so");
    let nothing = json!({"issues": []});
    let judged = check("clarify", &[("a", lone.clone()), ("b", nothing.clone()), ("c", nothing)]);
    assert_eq!(asks(&judged), "only a says so");
    // Copies of one agent are one voice.
    let judged = check("clarify", &[("a#1", lone.clone()), ("a#2", lone.clone()), ("a#3", lone.clone())]);
    assert_eq!(asks(&judged), "only a says so");
    assert_eq!(judged.issues[0].confidence, Confidence::High);
    // Two of two are too few for the table.
    assert_eq!(asks(&check("clarify", &[("a", lone.clone()), ("b", lone)])), "2 of 2 agree");
}

#[test]
fn not_knowing_is_no_answer() {
    for word in
        ["unknown", " Unknown. ", "", "N/A", "tbd", "?", "...", "…", "${ANSWER}", "<answer>", "string"]
    {
        assert!(!says_something(word), "{word:?}");
        let payload = one(word, "minor", "auto-fix");
        let judged = check("clarify", &[("a", payload.clone()), ("b", payload.clone()), ("c", payload)]);
        assert_eq!(asks(&judged), "no agent knows an answer", "{word:?}");
        assert_eq!(judged.issues[0].abstained, ["a", "b", "c"]);
    }
    for word in ["no", "none", "unknown keys are kept", "0"] {
        assert!(says_something(word), "{word:?}");
    }
}

#[test]
fn ties_are_told_and_settled_by_nobody() {
    let yes = || one("Yes", "minor", "auto-fix");
    let no = || one("no", "minor", "auto-fix");
    let judged = check("clarify", &[("a", yes()), ("b", no()), ("c", yes()), ("d", no())]);
    let issue = &judged.issues[0];
    assert_eq!((issue.tie, issue.confidence), (true, Confidence::Low));
    assert_eq!(issue.answers[0].answer, "no", "by their canonical form");
    assert_eq!(asks(&judged), "tie: 2 against 2 of 4");
}

#[test]
fn answers_agree_in_canonical_form() {
    let say = |answer| one(answer, "minor", "suggest-fix");
    let judged =
        check("clarify", &[("a", say("Use  SQLite.")), ("b", say("use sqlite")), ("c", say("USE SQLITE"))]);
    assert_eq!(judged.issues[0].confidence, Confidence::High);
    assert_eq!(decision(&judged), &Decision::Apply { answer: "USE SQLITE".into() });
}

#[test]
fn who_contradicts_itself_has_no_answer() {
    for (first, second) in [("Yes", "yes."), ("yes.", "Yes")] {
        let same = json!({"issues": [{"id": "Q-1", "answer": first}, {"id": "Q-1", "answer": second}]});
        assert_eq!(check("clarify", &[("a", same)]).issues[0].answers[0].answer, "Yes");
    }
    let twice = json!({"issues": [{"id": "Q-1", "answer": "yes"}, {"id": "Q-1", "answer": "no"}]});
    assert_eq!(check("clarify", &[("a", twice)]).issues[0].abstained, ["a"]);
}

#[test]
fn an_issue_without_id_is_known_by_its_question() {
    let ask = |question: &str| json!({"issues": [{"question": question, "answer": "50"}, "Another?"]});
    let judged = check("clarify", &[("a", ask("How many?")), ("b", ask("how  many?"))]);
    assert_eq!(judged.issues.len(), 2, "{judged:?}");
    assert!(judged.issues.iter().all(|issue| issue.id.starts_with("question-")));
    assert_eq!(judged.issues.iter().map(|issue| issue.k).max(), Some(2));
}

#[test]
fn agreement_is_counted_in_answers() {
    use Confidence::{High, Low, Medium};
    for (k, n, tie, wanted) in [
        (0, 0, false, Low),
        (1, 1, false, Low),
        (2, 2, false, Low),
        (1, 2, true, Low),
        (3, 3, false, High),
        (2, 3, false, Medium),
        (1, 3, true, Low),
        (4, 4, false, High),
        (3, 4, false, Medium),
        (2, 4, true, Low),
        (2, 4, false, Low),
        (3, 5, false, Medium),
        (2, 5, false, Low),
    ] {
        assert_eq!(agreement(k, n, tie), wanted, "{k} of {n}");
    }
}

#[test]
fn the_table_of_what_agents_may_settle() {
    use Resolvability::{AutoFix, NeedHuman, SuggestFix};
    let allowed = [
        (Confidence::High, Magnitude::Minor, AutoFix),
        (Confidence::High, Magnitude::Minor, SuggestFix),
        (Confidence::High, Magnitude::Important, AutoFix),
        (Confidence::Medium, Magnitude::Minor, AutoFix),
    ];
    for confidence in [Confidence::Low, Confidence::Medium, Confidence::High] {
        for magnitude in [Magnitude::Minor, Magnitude::Important, Magnitude::Critical] {
            for resolvability in [AutoFix, SuggestFix, NeedHuman] {
                let cell = (confidence, magnitude, resolvability);
                assert_eq!(
                    is_allowed(confidence, magnitude, resolvability),
                    allowed.contains(&cell),
                    "{cell:?}"
                );
            }
        }
    }
}

#[test]
fn the_most_careful_word_counts() {
    for (magnitude, resolvability, why) in [
        ("critical", "auto-fix", "too much hangs on it"),
        ("P0", "auto-fix", "too much hangs on it"),
        ("minor", "need-human", "an agent asks for a person"),
        ("minor", "whatever", "an agent asks for a person"),
        ("important", "suggest-fix", "3 of 3 agree"),
    ] {
        let careless = || one("yes", "minor", "auto-fix");
        let judged = check(
            "clarify",
            &[("a", careless()), ("b", one("yes", magnitude, resolvability)), ("c", careless())],
        );
        assert_eq!(asks(&judged), why, "{magnitude} {resolvability}");
    }
}

/// Payloads close to real ones, and bytes that are none.
fn payloads() -> impl Strategy<Value = Vec<u8>> {
    let word =
        prop::sample::select(vec!["yes", "Yes.", "no", "unknown", "", "minor", "auto-fix", "critical", "ä"]);
    let field = prop::sample::select(vec![
        "id",
        "question",
        "description",
        "text",
        "answer",
        "suggested_fix",
        "suggested_improvement",
        "magnitude",
        "severity",
        "resolvability",
        "needs_improvement",
        "context",
    ]);
    let value = prop_oneof![
        4 => word.prop_map(|word| json!(word)),
        1 => any::<bool>().prop_map(|value| json!(value)),
        1 => any::<i64>().prop_map(|value| json!(value)),
        1 => Just(json!(null)),
        1 => Just(json!(["a", 1, {"b": []}])),
    ];
    let entry = prop::collection::btree_map(field, value, 0..8).prop_map(|entry| json!(entry));
    let list = prop::collection::vec(entry, 0..4);
    prop_oneof![
        6 => (prop::sample::select(vec!["issues", "requirements", "other"]), list)
            .prop_map(|(key, list)| json!({"stage": "quality-gate-clarify", key: list}).to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => Just("[".repeat(100_000).into_bytes()),
    ]
}

proptest! {
    #[test]
    fn the_order_of_the_agents_does_not_matter(
        (given, mixed) in prop::collection::vec((prop::sample::select(vec!["a", "b", "c", "c#1"]), payloads()), 0..5)
            .prop_flat_map(|given| (Just(given.clone()), Just(given).prop_shuffle()))
    ) {
        let of = |given: &[(&str, Vec<u8>)]| {
            let answers: Vec<GateAnswer<'_>> = given
                .iter()
                .map(|(agent, content)| GateAnswer { agent, family: None, content })
                .collect();
            judge("clarify", &answers)
        };
        let judged = of(&given);
        prop_assert_eq!(&judged, &of(&mixed));
        for issue in &judged.issues {
            if let Decision::Apply { answer } = &issue.decision {
                prop_assert!(says_something(answer) && issue.k > 1 && !issue.tie, "{:?}", issue);
            }
        }
        let stored = serde_json::to_string(&judged).unwrap();
        prop_assert_eq!(serde_json::from_str::<Judged>(&stored).unwrap(), judged);
    }
}
