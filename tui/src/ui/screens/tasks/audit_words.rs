//! A change of a task in words: "priority 2 → 0 by ana".

use conclave_tasks::read::AuditRow;
use serde_json::Value;

use crate::text::{visible, width};
use crate::ui::theme::Theme;

/// The longest value that is told; of a longer one only that it has changed.
const LONGEST: usize = 30;
/// Keys that say nothing that the row does not say itself.
const SILENT: [&str; 4] = ["updated_at", "status", "created_at", "closed_at"];

/// What has changed, and by whom.
pub(crate) fn change(theme: Theme, row: &AuditRow) -> String {
    let arrow = theme.sign("→", "->");
    let mut parts = Vec::new();
    if let (Some(old), Some(new)) = (&row.old_status, &row.new_status)
        && old != new
    {
        parts.push(format!("{old} {arrow} {new}"));
    }
    // Whoever creates a task, or takes one over from a file, sets everything.
    if row.old_status.is_some() {
        parts.extend(keys(arrow, row.changes.as_deref().unwrap_or_default()));
    }
    let what = if parts.is_empty() {
        row.operation.replace('_', " ")
    } else if matches!(row.operation.as_str(), "updated" | "") {
        parts.join(", ")
    } else {
        format!("{}: {}", row.operation.replace('_', " "), parts.join(", "))
    };
    visible(&format!("{what} by {}", row.who)).into_owned()
}

fn keys(arrow: &str, changes: &str) -> Vec<String> {
    let Ok(Value::Object(changes)) = serde_json::from_str(changes) else { return Vec::new() };
    let told = changes.iter().filter(|(key, _)| !SILENT.contains(&key.as_str()));
    told.map(|(key, change)| match (told_value(change.get("old")), told_value(change.get("new"))) {
        (Some(old), Some(new)) => format!("{key} {old} {arrow} {new}"),
        _ => format!("{key} changed"),
    })
    .collect()
}

/// A value that is short enough to be told.
fn told_value(value: Option<&Value>) -> Option<String> {
    let text = match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        Some(Value::Array(values)) => {
            let words: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            words.filter(|words| !words.is_empty()).map(|words| words.join(" "))?
        }
        Some(Value::Object(_)) => return None,
    };
    (width(&text) <= LONGEST && !text.contains('\n')).then_some(text)
}

#[cfg(test)]
mod tests {
    use conclave_tasks::read::AuditRow;

    use super::change;
    use crate::cli::Signs;
    use crate::ui::theme::Theme;

    fn row(operation: &str, statuses: (Option<&str>, Option<&str>), changes: &str) -> AuditRow {
        AuditRow {
            number: 1,
            task_id: "bd-1".into(),
            at: 0,
            who: "ana".into(),
            operation: operation.into(),
            old_status: statuses.0.map(Into::into),
            new_status: statuses.1.map(Into::into),
            changes: Some(changes.into()),
        }
    }

    #[test]
    fn changes_are_told_in_words() {
        let theme = Theme { colour: false, signs: Signs::Unicode };
        let open = (Some("open"), Some("open"));
        let long = "x".repeat(40);
        for (row, wanted) in [
            (row("created", (None, Some("open")), r#"{"title":{"new":"T"}}"#), "created by ana"),
            (row("updated", open, r#"{"priority":{"old":2,"new":0}}"#), "priority 2 → 0 by ana"),
            (
                row(
                    "claimed",
                    (Some("open"), Some("in_progress")),
                    r#"{"assignee":{"old":null,"new":"ana"}}"#,
                ),
                "claimed: open → in_progress, assignee none → ana by ana",
            ),
            (
                row(
                    "updated",
                    open,
                    &format!(r#"{{"notes":{{"old":"a","new":"{long}"}},"updated_at":{{}}}}"#),
                ),
                "notes changed by ana",
            ),
            (row("commented", open, "no JSON"), "commented by ana"),
        ] {
            assert_eq!(change(theme, &row), wanted);
        }
    }
}
