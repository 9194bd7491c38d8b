//! Prompts hold what they should, and never more than their bound.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ALL_ANSWERS, EACH_SYNTHESIS, Earlier, Settled, compose, stripped};

fn earlier(stage: &str, synthesis: &str) -> Earlier {
    Earlier { stage: stage.into(), status: "ok".into(), synthesis: synthesis.into() }
}

fn settled(issue: &str, answer: &str) -> Settled {
    Settled {
        gate: "clarify".into(),
        issue: issue.into(),
        question: "Which?".into(),
        answer: answer.into(),
        by: "ada".into(),
    }
}

#[test]
fn the_first_prompt_is_its_own() {
    assert_eq!(compose(None, &[], &[], b"\xff do it"), b"\xff do it");
}

#[test]
fn a_later_prompt_holds_what_came_before() {
    let synthesis = json!({"spec": "S", "status": "ok", "agreed": {"steps[0]": "one"}, "sources": [{"agent": "a"}],
        "open": [], "texts": []});
    let prompt = compose(
        Some("Build it."),
        &[settled("Q-1", "the left one")],
        &[earlier("plan", &synthesis.to_string())],
        b"List the tasks.",
    );
    let wanted = "Build it.\n\n## What was decided\n\n- clarify Q-1: Which?\n  the left one (ada)\n\n\
        ## What came of the stages before\n\n### plan: ok\n\n\
        {\"agreed\":{\"steps[0]\":\"one\"}}\n\nList the tasks.";
    assert_eq!(String::from_utf8(prompt).unwrap(), wanted);
}

#[test]
fn a_synthesis_of_an_older_program_is_its_text() {
    let old = json!({"output_markdown": "# Plan", "output_path": "/home/ada/plan.md", "status": "ok",
        "artifacts_count": 3, "agreements": null, "conflicts": null});
    assert_eq!(stripped(&old.to_string()), r##"{"text":"# Plan"}"##);
    assert_eq!(stripped("no JSON"), "no JSON");
}

#[test]
fn answers_are_cut_from_the_oldest() {
    let many: Vec<Settled> =
        (0..100).map(|number| settled(&format!("Q-{number}"), &"ä".repeat(3000))).collect();
    let text = String::from_utf8(compose(None, &many, &[], b"")).unwrap();
    assert!(text.len() <= ALL_ANSWERS, "{}", text.len());
    assert!(text.contains("Q-0:") && text.contains("more are left out"), "{text}");
}

/// Six stages, each of whose syntheses holds its whole prompt several times over: what grew in the original.
#[test]
fn prompts_do_not_grow_from_stage_to_stage() {
    let mut before: Vec<Earlier> = Vec::new();
    for stage in ["plan", "tasks", "implement", "validate", "audit", "unlock"] {
        let prompt = compose(Some("Build it."), &[], &before, b"Do.");
        assert!(prompt.len() < 200 + before.len() * (EACH_SYNTHESIS + 100), "{stage}: {}", prompt.len());
        let echoed = String::from_utf8(prompt).unwrap().repeat(4);
        let synthesis = json!({"agreed": {"plan": echoed, "steps": vec![echoed.clone(); 3]}, "texts": [
            {"agent": "a", "text": echoed}], "output_markdown": echoed});
        before.push(earlier(stage, &synthesis.to_string()));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,40}".prop_map(|text| json!(text)),
        Just(json!("ä\"\n".repeat(2000))),
    ];
    leaf.prop_recursive(4, 24, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(|list| json!(list)),
            prop::collection::btree_map("[a-z]{1,6}|agreed|open|sources", inner, 0..8)
                .prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_synthesis_is_longer_than_its_bound(value in any_json(), repeat in 1..8_usize) {
        let whole = json!({"agreed": vec![value; repeat]});
        let text = stripped(&whole.to_string());
        prop_assert!(text.len() <= EACH_SYNTHESIS);
    }

    #[test]
    fn no_text_is_longer_than_its_bound(text in ".{1,20}", repeat in 1..9000_usize) {
        prop_assert!(stripped(&text.repeat(repeat)).len() <= EACH_SYNTHESIS);
    }
}
