use serde_json::Value;

use super::{GATES, STAGES, Stage, stage};

fn all() -> impl Iterator<Item = &'static Stage> {
    STAGES.iter().chain(&GATES)
}

#[test]
fn six_stages_and_three_gates_each_before_a_stage() {
    let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    assert_eq!(names, ["plan", "tasks", "implement", "validate", "audit", "unlock"]);
    let gates: Vec<_> = GATES.iter().map(|gate| (gate.name, gate.before)).collect();
    assert_eq!(
        gates,
        [("clarify", Some("plan")), ("checklist", Some("tasks")), ("analyze", Some("implement"))]
    );
}

#[test]
fn a_stage_is_found_in_every_spelling() {
    for (written, name) in [
        ("plan", Some("plan")),
        ("spec-plan", Some("plan")),
        ("review", Some("audit")),
        ("spec-review", Some("audit")),
        ("quality-gate-clarify", Some("clarify")),
        ("spec-checklist", Some("checklist")),
        ("Plan", Some("plan")),
        ("", None),
        ("brainstorm", None),
    ] {
        assert_eq!(stage(written).map(|stage| stage.name), name, "{written:?}");
    }
}

/// What the check asks for is what the prompt and the schema ask for.
#[test]
fn prompts_and_schemas_ask_for_the_required_fields() {
    for stage in all() {
        let prompt = stage.built_in_prompt("KIT-900");
        let schema: Value = serde_json::from_str(&stage.schema()).unwrap();
        assert!(prompt.contains("KIT-900") && prompt.contains("JSON"), "{}", stage.name);
        for field in stage.required {
            assert!(field.keys.contains(&field.name), "{}", field.name);
            assert!(prompt.contains(&format!("\"{}\"", field.name)), "{}: {}", stage.name, field.name);
            assert!(schema["properties"].get(field.name).is_some(), "{}: {}", stage.name, field.name);
        }
    }
}

/// Agents that take a schema refuse one that leaves keys open.
#[test]
fn schemas_are_closed_at_every_level() {
    fn check(schema: &Value) {
        if schema["type"] == "object" {
            let properties = schema["properties"].as_object().unwrap();
            let required = schema["required"].as_array().unwrap();
            assert_eq!(schema["additionalProperties"], false);
            assert!(properties.keys().all(|key| required.iter().any(|name| name == key)), "{schema}");
            properties.values().for_each(check);
        }
        if schema["type"] == "array" {
            check(&schema["items"]);
        }
    }
    for stage in all() {
        check(&serde_json::from_str(&stage.schema()).unwrap());
    }
}

/// An agent that gives back what it was shown has answered nothing.
#[test]
fn an_echo_of_the_example_or_the_schema_is_a_template() {
    for stage in all() {
        let prompt = stage.built_in_prompt("KIT-900");
        let example = &prompt[prompt.find("{\n").unwrap()..];
        assert!(crate::answer::is_template(example.as_bytes()), "{example}");
        assert!(crate::answer::is_template(stage.schema().as_bytes()), "{}", stage.name);
    }
}

#[test]
fn a_stage_has_one_name() {
    for (written, wanted, gate) in [
        ("plan", "plan", false),
        ("Spec-Plan", "plan", false),
        ("review", "audit", false),
        (" Clarify ", "clarify", true),
        ("Quality_Gate_Analyze", "analyze", true),
        ("quality-gate-spec-checklist", "checklist", true),
        ("before-specify", "clarify", true),
        ("after-specify", "checklist", true),
        ("after-tasks", "analyze", true),
        ("deploy", "deploy", false),
        ("Deploy", "Deploy", false),
    ] {
        assert_eq!(super::name(written), wanted);
        assert_eq!(super::gate(written).is_some(), gate, "{written}");
    }
}

#[test]
fn only_what_is_known_as_a_yes_is_one() {
    use serde_json::json;
    for yes in [json!("pass"), json!("UNLOCK"), json!(" Approved."), json!("pass with remarks"), json!(true)]
    {
        assert!(super::lets_on(&yes), "{yes}");
    }
    for no in [
        json!("fail"),
        json!("BLOCK"),
        json!("not approved"),
        json!("go/no-go"),
        json!("passable"),
        json!(""),
        json!("conditional"),
        json!(false),
        json!(null),
        json!(1),
        json!(["pass"]),
    ] {
        assert!(!super::lets_on(&no), "{no}");
    }
    assert_eq!(super::stage("audit").and_then(super::Stage::decision), Some("audit_verdict"));
    assert_eq!(super::stage("unlock").and_then(super::Stage::decision), Some("unlock_decision"));
    assert_eq!(super::stage("plan").and_then(super::Stage::decision), None);
}
