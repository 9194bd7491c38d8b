//! What the model client tells, as programs read it: times as everywhere, RFC 3339.

use conclave_llm::{Answer, Failed, Health, HostView, Skipped};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::times;

/// A whole answer.
pub(crate) fn answer(answer: &Answer) -> Value {
    let mut object = object(answer);
    object.insert("skipped".to_owned(), skipped(&answer.skipped));
    Value::Object(object)
}

/// What an error object says beside kind, message and hint where nobody answered.
pub(crate) fn failed(failed: &Failed) -> Map<String, Value> {
    let mut fields = Map::new();
    for (key, value) in [
        ("class", json!(failed.class)),
        ("attempts", json!(failed.attempts)),
        ("skipped", skipped(&failed.skipped)),
        ("partial", json!(failed.partial)),
        ("retry_at", time(failed.retry_at)),
    ] {
        fields.insert(key.to_owned(), value);
    }
    fields
}

/// A host, as lists show it.
pub(crate) fn host(view: &HostView) -> Value {
    let mut object = object(view);
    // The calls of the past would bury the rest; they stand in the table `llm_call`.
    object.remove("recent");
    let times = [
        ("blocked_until", view.blocked_until),
        ("opened_at", view.opened_at),
        ("last_failure_at", view.last_failure_at),
    ];
    for (key, at) in times {
        object.insert(key.to_owned(), time(at));
    }
    if let Some(breaker) = object.get_mut("breaker").and_then(Value::as_object_mut) {
        breaker.insert("retry_at".to_owned(), time(view.breaker.retry_at));
    }
    Value::Object(object)
}

/// What a check of a host found.
pub(crate) fn health(health: &Health) -> Value {
    let failure = health.failure.as_ref();
    json!({
        "name": health.host,
        "healthy": failure.is_none(),
        "class": failure.map(|(class, _)| class),
        "message": failure.map(|(_, message)| message),
        "models": health.models,
        "loaded": health.loaded,
        "took_ms": u64::try_from(health.took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn skipped(skipped: &[Skipped]) -> Value {
    let one = |skipped: &Skipped| {
        let mut object = object(skipped);
        object.insert("until".to_owned(), time(skipped.until));
        Value::Object(object)
    };
    Value::Array(skipped.iter().map(one).collect())
}

fn time(ms: Option<i64>) -> Value {
    json!(ms.and_then(times::rfc3339))
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        // None of them is anything else.
        _ => Map::new(),
    }
}
