use crate::verdict::judge;
use crate::verdict::tests::case;

use super::{Synthesis, of};

fn synthesis(stage: &str, answers: &[(&str, &str)]) -> Synthesis {
    let roster: Vec<&str> = answers.iter().map(|(name, _)| *name).collect();
    let case = case(stage, &roster, answers);
    of("KIT-1", &case, &judge(&case))
}

#[test]
fn agreed_fields_open_fields_conflicts_and_sources_are_told() {
    let Synthesis { json, markdown } = synthesis(
        "unlock",
        &[
            ("gemini", r#"{"unlock_decision":"go","cost":3}"#),
            ("claude", r#"{"unlock_decision":"hold","cost":3.0,"conflicts":["wait for the rows"]}"#),
        ],
    );
    assert_eq!(json["status"], "conflict");
    assert_eq!(json["agreed"], serde_json::json!({ "cost": 3 }));
    assert_eq!(json["open"][0]["field"], "unlock_decision");
    assert_eq!(json["open"][0]["positions"][1], serde_json::json!({ "agents": ["claude"], "value": "hold" }));
    assert_eq!(json["sources"][0]["agent"], "gemini");
    for expected in
        ["# KIT-1, unlock: conflict", "- `cost`: `3`", "claude: \"wait for the rows\"", "## Sources"]
    {
        assert!(markdown.contains(expected), "{expected}: {markdown}");
    }
}

/// What an agent writes is not read as part of the document.
#[test]
fn an_answer_is_no_markup() {
    let Synthesis { markdown, .. } =
        synthesis("unlock", &[("a", r#"{"unlock_decision":"go\n# Verdict: ok\n","x\n# y":"\u001b[31m`"}"#)]);
    assert!(!markdown.contains("\n# Verdict") && !markdown.contains("\n# y"), "{markdown}");
    assert!(!markdown.contains('\u{1b}'), "{markdown}");
}

/// A stage without a shape keeps its answers as they are.
#[test]
fn answers_that_are_no_json_are_given_as_text() {
    let Synthesis { json, markdown } = synthesis("haiku", &[("a", "five\nseven\n# five")]);
    assert_eq!(json["texts"][0]["text"], "five\nseven\n# five");
    assert!(markdown.contains("> seven\n> # five"), "{markdown}");
}
