//! What answers look like: one table, from which schemas and examples are made.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// A key of an answer.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// What stands behind a key.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    Texts,
    Flag,
    /// 0 to 10.
    Score,
    OneOf(&'static [&'static str]),
    Object(&'static [Field]),
    Items(&'static [Field]),
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

const fn text(name: &'static str) -> Field {
    Field { name, kind: Kind::Text }
}

const LEVEL: Kind = Kind::OneOf(&["high", "medium", "low"]);
const MAGNITUDE: Kind = Kind::OneOf(&["critical", "important", "minor"]);
const RESOLVABILITY: Kind = Kind::OneOf(&["auto-fix", "suggest-fix", "need-human"]);

/// What an agent cannot settle itself. Every stage asks for it, since it is what makes a conflict.
const CONFLICTS: Field = field("conflicts", Kind::Texts);
const RISKS: Field =
    field("risks", Kind::Items(&[text("risk"), field("severity", LEVEL), text("mitigation")]));

pub(super) const PLAN: &[Field] = &[
    field("work_breakdown", Kind::Items(&[text("step"), text("rationale"), text("success_signal")])),
    field(
        "acceptance_mapping",
        Kind::Items(&[text("requirement"), text("validation_step"), text("artifact")]),
    ),
    RISKS,
    CONFLICTS,
];

pub(super) const TASKS: &[Field] = &[
    field(
        "tasks",
        Kind::Items(&[text("id"), text("title"), text("acceptance"), field("depends_on", Kind::Texts)]),
    ),
    CONFLICTS,
];

pub(super) const IMPLEMENT: &[Field] = &[
    field("implementation", Kind::Items(&[text("step"), field("files", Kind::Texts), text("check")])),
    RISKS,
    CONFLICTS,
];

pub(super) const VALIDATE: &[Field] = &[
    field("test_strategy", Kind::Items(&[text("requirement"), text("test"), text("command")])),
    RISKS,
    CONFLICTS,
];

pub(super) const AUDIT: &[Field] = &[
    field("audit_verdict", Kind::OneOf(&["pass", "fail"])),
    field("findings", Kind::Items(&[text("finding"), field("severity", LEVEL), text("remedy")])),
    CONFLICTS,
];

pub(super) const UNLOCK: &[Field] = &[
    field("unlock_decision", Kind::OneOf(&["UNLOCK", "BLOCK"])),
    text("justification"),
    field("conditions", Kind::Texts),
    CONFLICTS,
];

pub(super) const ISSUES: &[Field] = &[field(
    "issues",
    Kind::Items(&[
        text("id"),
        text("question"),
        text("answer"),
        field("confidence", LEVEL),
        field("magnitude", MAGNITUDE),
        field("resolvability", RESOLVABILITY),
        text("context"),
        text("suggested_fix"),
        text("reasoning"),
    ]),
)];

pub(super) const REQUIREMENTS: &[Field] = &[field(
    "requirements",
    Kind::Items(&[
        text("id"),
        text("text"),
        field(
            "scores",
            Kind::Object(&[
                field("specificity", Kind::Score),
                field("testability", Kind::Score),
                field("completeness", Kind::Score),
                field("clarity", Kind::Score),
            ]),
        ),
        field("needs_improvement", Kind::Flag),
        text("suggested_improvement"),
        field("confidence", LEVEL),
        field("magnitude", MAGNITUDE),
        field("resolvability", RESOLVABILITY),
    ]),
)];

/// An object of these fields as JSON Schema.
pub(super) fn schema(fields: &[Field]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), kind_schema(&field.kind))).collect();
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false })
}

fn kind_schema(kind: &Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Score => json!({ "type": "integer" }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
        Kind::Object(fields) => schema(fields),
        Kind::Items(fields) => json!({ "type": "array", "items": schema(fields) }),
    }
}

/// The same for a prompt. What stands for a value is in angle brackets and no JSON, so that an echo of it is known
/// for what it is.
pub(super) fn example(fields: &[Field]) -> String {
    let mut text = String::from("{\n");
    let last = fields.len().saturating_sub(1);
    for (index, field) in fields.iter().enumerate() {
        let comma = if index == last { "" } else { "," };
        let _ = writeln!(text, "  \"{}\": {}{comma}", field.name, kind_example(&field.kind));
    }
    text.push('}');
    text
}

fn kind_example(kind: &Kind) -> String {
    match kind {
        Kind::Text => "<string>".into(),
        Kind::Texts => "[<string>]".into(),
        Kind::Flag => "<true or false>".into(),
        Kind::Score => "<number>".into(),
        Kind::OneOf(words) => format!("<{}>", words.join(" | ")),
        Kind::Object(fields) => inner(fields),
        Kind::Items(fields) => format!("[{}]", inner(fields)),
    }
}

fn inner(fields: &[Field]) -> String {
    let parts: Vec<String> =
        fields.iter().map(|field| format!("\"{}\": {}", field.name, kind_example(&field.kind))).collect();
    format!("{{{}}}", parts.join(", "))
}
