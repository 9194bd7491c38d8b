//! Forms that nobody filled in, and answers that look like one.

use super::is_template;

#[test]
fn forms_are_templates() {
    for text in [
        // As stored by an older program.
        r#"{ "stage": "spec-plan", "prompt_version": "${PROMPT_VERSION}", "agent": "gpt_pro", "feasibility_notes": [ string ], "final_plan": { "work_breakdown": [...copy of consensus steps...] } }"#,
        r#"{"stage": "plan", "work_breakdown": [{"step": string, "rationale": string, "success_signal": string}]}"#,
        r#"{"work_breakdown": [{"step": "string", "rationale": "string"}]}"#,
        r#"{"unlock_decision": "UNLOCK | BLOCK"}"#,
        r#"{"answers": [{"confidence": "high|medium|low", "magnitude": "critical|important|minor"}]}"#,
        r#"{"risks": ["..."], "score": 0, "final": true}"#,
        r#"{"risks": [...]}"#,
        r#"{"prompt_version": "20251110-032330", "agent": "claude", "risks": ["..."]}"#,
        r#"{"a": "<your answer>", "b": "{{b}}", "c": "${C}", "d": "…", "e": ""}"#,
        r#"{stage: "plan", risks: [string, ...]}"#,
        "```json\n{\"summary\": \"<one paragraph>\"}\n```",
        "```\n{\"summary\": \"...\"}\n```\n",
        r#"{"type": "object", "properties": {"a": {"type": "string", "description": "What it is"}}, "required": ["a"]}"#,
    ] {
        assert!(is_template(text.as_bytes()), "{text}");
    }
}

#[test]
fn answers_are_no_templates() {
    for text in [
        "",
        "...",
        "{}",
        "[]",
        "42",
        r#"{"ok": true, "score": 3}"#,
        r#"{"summary": "", "risks": []}"#,
        // The words that an older detector stumbled over.
        r#"{"summary": "Clients MUST send a token."}"#,
        r#"{"summary": "Example: the parser stops at ..."}"#,
        r#"{"fields": [{"name": "id", "type": "string"}, {"name": "at", "type": "number"}]}"#,
        r#"{"type": "string"}"#,
        r#"{"rest": ["step one", "..."]}"#,
        r#"{"command": "git log | head", "why": "short"}"#,
        r#"{"html": "<p>text</p>"}"#,
        r#"{"prompt_version": "${PROMPT_VERSION}", "risks": ["none that matter"]}"#,
        r#"{"stage": "plan", "agent": "claude"}"#,
        // A schema as a part of an answer.
        r#"{"tables": [{"type": "object", "properties": {"a": {"type": "string"}}}], "note": "two tables"}"#,
        r#"{"type": "object", "properties": {"colour": "red"}}"#,
        "The form is {\"a\": string}, and I filled it in.",
        "{\"a\": \"real\",}",
        "```json\n{\"a\": \"<b>\"}\n```\nand more words",
    ] {
        assert!(!is_template(text.as_bytes()), "{text}");
    }
}
