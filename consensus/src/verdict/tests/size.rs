//! Answers of any size and depth.

use super::*;

#[test]
fn a_deep_answer_is_cut_and_agrees_with_nothing_there() {
    for depth in [62, 63, 100, 200_000] {
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        let judged = verdict(&case("plan", &["a", "b"], &[("a", &deep), ("b", &deep)]));
        assert_eq!(judged.usable, 2, "{depth}");
        let cut = depth >= 63;
        assert_eq!(judged.cut.len(), if cut { 2 } else { 0 }, "{depth}: {:?}", judged.cut);
        assert_eq!(judged.fields[0].outcome == Outcome::Split, cut, "{depth}: {:?}", judged.fields);
    }
}

#[test]
fn a_broad_answer_is_cut_and_said_to_be() {
    let numbers: Vec<String> = (0..30_000).map(|number| number.to_string()).collect();
    let broad = format!("{{\"x\":[{}]}}", numbers.join(","));
    let judged = verdict(&case("plan", &["a"], &[("a", &broad)]));
    assert_eq!(judged.cut, ["10002 values of a: too many or too deep"]);
    assert!(serde_json::to_string(&judged).unwrap().len() < 10_000);
}

#[test]
fn many_fields_are_counted_and_the_first_listed() {
    let keys: Vec<String> = (0..3_000).map(|key| format!("\"k{key:04}\":{key}")).collect();
    let broad = format!("{{{}}}", keys.join(","));
    let judged = verdict(&case("haiku", &["a", "b"], &[("a", &broad), ("b", &broad)]));
    assert_eq!((judged.fields.len(), judged.agreement_score), (1_000, Some(1.0)));
    assert_eq!(judged.cut, ["the first 1000 of 3000 fields are listed; the score counts all"]);
}

#[test]
fn long_values_are_compared_in_full_and_shown_in_part() {
    let long = |end: &str| format!("{{\"x\":\"{}{end}\"}}", "ä".repeat(5_000));
    let judged = verdict(&case("haiku", &["a", "b"], &[("a", &long("1")), ("b", &long("2"))]));
    assert_eq!(judged.fields[0].outcome, Outcome::Split);
    let shown = judged.fields[0].positions[0].value.as_str().unwrap();
    assert!(shown.starts_with("(10003 bytes) \"ää") && shown.chars().count() < 300, "{shown}");
}

#[test]
fn many_conflicts_are_counted_and_the_first_listed() {
    let many: Vec<String> = (0..500).map(|number| format!("\"c{number}\"")).collect();
    let content = format!("{{\"unlock_decision\":\"go\",\"conflicts\":[{}]}}", many.join(","));
    let answers = [("a", content.as_str()), ("b", r#"{"unlock_decision":"stop"}"#)];
    let judged = verdict(&case("unlock", &["a", "b"], &answers));
    assert_eq!(judged.conflicts.len(), 200);
    assert!(matches!(judged.conflicts[199], Conflict::Decision { .. }));
    assert_eq!(judged.cut, ["the first 200 of 501 conflicts are listed"]);
}
