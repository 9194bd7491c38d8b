//! The vote, field by field.

use serde_json::{Value, json};

use super::*;

/// Field, value, k, n, outcome, tie.
type Row = (String, Value, usize, usize, Outcome, bool);

fn rows(answers: &[&str]) -> Vec<Row> {
    let names = ["a", "b", "c", "d", "e"];
    let answers: Vec<(&str, &str)> = names.into_iter().zip(answers.iter().copied()).collect();
    let roster: Vec<&str> = answers.iter().map(|(name, _)| *name).collect();
    let judged = verdict(&case("haiku", &roster, &answers));
    let rows = judged.fields.into_iter();
    rows.map(|one| (one.field, one.value.unwrap_or_default(), one.k, one.n, one.outcome, one.tie)).collect()
}

fn row(field: &str, value: Value, k: usize, n: usize, outcome: Outcome) -> Row {
    (field.to_owned(), value, k, n, outcome, false)
}

fn tie(field: &str, k: usize, n: usize) -> Row {
    (field.to_owned(), Value::Null, k, n, Outcome::Split, true)
}

#[test]
fn leaves_and_lists_are_voted_on() {
    for (answers, expected) in [
        // Values are the same in canonical form only.
        (&[r#"{"x":1}"#, r#"{"x":1.0}"#][..], vec![row("x", json!(1), 2, 2, Outcome::Unanimous)]),
        (&[r#"{"x":"1"}"#, r#"{"x":1}"#], vec![tie("x", 1, 2)]),
        (&[r#"{"x":"a  b"}"#, r#"{"x":" a b\n"}"#], vec![row("x", json!("a  b"), 2, 2, Outcome::Unanimous)]),
        (&[r#"{"x":"Go"}"#, r#"{"x":"go"}"#], vec![tie("x", 1, 2)]),
        (&[r#"{"x":1}"#, r#"{"x":2}"#, r#"{"x":2}"#], vec![row("x", json!(2), 2, 3, Outcome::Majority)]),
        (
            &[r#"{"x":1}"#, r#"{"x":2}"#, r#"{"x":2}"#, r#"{"x":3}"#],
            vec![row("x", json!(2), 2, 4, Outcome::Split)],
        ),
        (&[r#"{"x":1}"#, r#"{"x":2}"#, r#"{"x":2}"#, r#"{"x":1}"#], vec![tie("x", 2, 4)]),
        // A lone voice, silence, and what is not there.
        (&[r#"{"x":{"y":1}}"#, "{}"], vec![row("x", Value::Null, 1, 1, Outcome::Insufficient)]),
        (
            &[r#"{"x":1}"#, r#"{"x":null}"#, r#"{"x":""}"#],
            vec![row("x", Value::Null, 1, 1, Outcome::Insufficient)],
        ),
        (&[r#"{"x":null}"#, r#"{"x":null}"#], vec![]),
        // Objects are walked, lists where they differ.
        (
            &[r#"{"x":{"y":{"z":1}}}"#, r#"{"x":{"y":{"z":1}}}"#],
            vec![row("x.y.z", json!(1), 2, 2, Outcome::Unanimous)],
        ),
        (&[r#"{"x":[1,2]}"#, r#"{"x":[1,2]}"#], vec![row("x", json!([1, 2]), 2, 2, Outcome::Unanimous)]),
        (
            &[r#"{"x":[{"s":"h","t":1}]}"#, r#"{"x":[{"s":"m","t":1}]}"#, r#"{"x":[{"s":"h","t":1}]}"#],
            vec![
                row("x[0].s", json!("h"), 2, 3, Outcome::Majority),
                row("x[0].t", json!(1), 3, 3, Outcome::Unanimous),
            ],
        ),
        (&[r#"{"x":[1]}"#, r#"{"x":[1,2]}"#], vec![tie("x", 1, 2)]),
        (
            &[r#"{"x":[{"id":"p","v":1},{"id":"q","v":2}]}"#, r#"{"x":[{"id":"q","v":2}]}"#],
            vec![
                row("x[p]", Value::Null, 1, 1, Outcome::Insufficient),
                row("x[q].id", json!("q"), 2, 2, Outcome::Unanimous),
                row("x[q].v", json!(2), 2, 2, Outcome::Unanimous),
            ],
        ),
        (&[r#"{"x":{"y":1}}"#, r#"{"x":7}"#], vec![tie("x", 1, 2)]),
        // What an answer says of itself is no field.
        (
            &[r#"{"agent":"a","model":"m","conflicts":[],"final_plan":{"consensus":{"k":1},"x":1}}"#, "{}"],
            vec![row("final_plan", Value::Null, 1, 1, Outcome::Insufficient)],
        ),
        (&[r#"{"agent":"a"}"#, r#"{"agent":"a"}"#], vec![]),
        // Keys that would be mistaken for a path.
        (
            &[r#"{"a.b":1,"":2}"#, r#"{"a.b":1}"#],
            vec![
                row("[\"\"]", Value::Null, 1, 1, Outcome::Insufficient),
                row("[\"a.b\"]", json!(1), 2, 2, Outcome::Unanimous),
            ],
        ),
        (&["prose", "[1]"], vec![]),
    ] {
        assert_eq!(rows(answers), expected, "{answers:?}");
    }
}

#[test]
fn the_threshold_is_the_callers() {
    let answers = [
        ("a", r#"{"x":1}"#),
        ("b", r#"{"x":1}"#),
        ("c", r#"{"x":2}"#),
        ("d", r#"{"x":1}"#),
        ("e", r#"{"x":2}"#),
    ];
    for (voters, accept, outcome) in [
        (3, Accept::Majority, Outcome::Majority),
        (3, Accept::TwoThirds, Outcome::Majority),
        (3, Accept::All, Outcome::Split),
        (5, Accept::Majority, Outcome::Majority),
        (5, Accept::TwoThirds, Outcome::Split),
        (2, Accept::All, Outcome::Unanimous),
    ] {
        let mut case = case("haiku", &[], &answers[..voters]);
        case.accept = accept;
        assert_eq!(verdict(&case).fields[0].outcome, outcome, "{voters} {accept:?}");
    }
}

/// What meets a threshold is more than half, so no other value has as many.
#[test]
fn no_threshold_is_met_by_a_tie() {
    for accept in Accept::ALL {
        for n in 0..=100 {
            for k in (0..=n).filter(|k| accept.is_met(*k, n)) {
                assert!(2 * k > n, "{k} of {n} {accept:?}");
            }
        }
    }
}

#[test]
fn copies_of_an_agent_are_one_family() {
    let answer = r#"{"work_breakdown":["a"]}"#;
    let names = ["own#1", "own#2", "other", "#1"];
    let mut case = case("plan", &names, &names.map(|name| (name, answer)));
    let vote = |case: &Case| verdict(case).fields[0].clone();
    assert_eq!((vote(&case).k, vote(&case).families), (4, 3), "own, other and #1");
    case.expected[1].family = Some("else".to_owned());
    assert_eq!(vote(&case).families, 4, "what is said counts before the name");
}

#[test]
fn agreement_is_counted_in_families_too() {
    let mut case = case(
        "haiku",
        &["claude#1", "claude#2", "gemini", "own"],
        &[("claude#1", r#"{"x":1}"#), ("claude#2", r#"{"x":1}"#), ("gemini", r#"{"x":2}"#), ("own", "{}")],
    );
    case.expected[3].family = Some("google".into());
    let judged = verdict(&case);
    let vote = &judged.fields[0];
    assert_eq!((vote.k, vote.families, &vote.abstained[..]), (2, 1, &["own".to_owned()][..]));
    assert_eq!(vote.positions[1].agents, ["gemini"]);
    let families: Vec<&str> = judged.agents.iter().map(|agent| agent.family.as_str()).collect();
    assert_eq!(families, ["anthropic", "anthropic", "google", "google"]);
}

#[test]
fn the_score_is_the_mean_over_the_fields_that_several_have() {
    let score = |answers: &[(&str, &str)]| verdict(&case("haiku", &[], answers)).agreement_score;
    assert_eq!(score(&[("a", r#"{"x":1}"#), ("b", "{}")]), None);
    assert_eq!(score(&[("a", "prose"), ("b", "prose")]), None);
    let three = [("a", r#"{"x":1,"y":1,"z":1}"#), ("b", r#"{"x":1,"y":1}"#), ("c", r#"{"x":2,"y":1}"#)];
    assert_eq!(score(&three), Some(0.8333));
}

/// Answers that cannot be used have no vote.
#[test]
fn unusable_answers_have_no_vote() {
    let judged = verdict(&case("plan", &["a", "b"], &[("a", r#"{"x":1}"#), ("b", "prose")]));
    assert_eq!((judged.fields[0].n, judged.fields[0].abstained.len()), (1, 0));
}

/// What is no contradiction is no split vote either.
#[test]
fn a_decision_is_the_same_however_it_is_written() {
    for (stage, one, other) in [
        ("unlock", r#"{"unlock_decision":"go"}"#, r#"{"unlock_decision":"GO."}"#),
        ("audit", r#"{"audit_verdict":"Pass"}"#, r#"{"audit_verdict":"pass"}"#),
        (
            "clarify",
            r#"{"issues":[{"id":"A","answer":"use Rust"}]}"#,
            r#"{"issues":[{"id":"A","answer":"Use rust."}]}"#,
        ),
    ] {
        let verdict = verdict(&case(stage, &["a", "b"], &[("a", one), ("b", other)]));
        assert_eq!(verdict.conflicts, Vec::new(), "{stage}");
        assert!(verdict.fields.iter().all(|vote| vote.outcome == Outcome::Unanimous), "{:?}", verdict.fields);
    }
    let free = verdict(&case("notes", &["a", "b"], &[("a", r#"{"word":"go"}"#), ("b", r#"{"word":"GO"}"#)]));
    assert_eq!(free.fields[0].outcome, Outcome::Split, "other fields are taken as they are written");
}
