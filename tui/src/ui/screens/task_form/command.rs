//! A new task as the command line that would make it.

use conclave_tasks::work::NewTask;

use crate::ui::shell::quoted;

/// The line, quoted for a shell.
pub(super) fn line(asked: &NewTask) -> String {
    let mut line = format!("conclave task create {}", quoted(&asked.title));
    let mut add = |name: &str, value: &str| line = format!("{line} --{name} {}", quoted(value));
    if let Some(priority) = asked.priority {
        add("priority", &priority.to_string());
    }
    if let Some(kind) = &asked.issue_type {
        add("type", kind);
    }
    if let Some(assignee) = &asked.assignee {
        add("assignee", assignee);
    }
    if !asked.labels.is_empty() {
        add("labels", &asked.labels.join(","));
    }
    if !asked.description.is_empty() {
        add("description", &asked.description);
    }
    line
}
