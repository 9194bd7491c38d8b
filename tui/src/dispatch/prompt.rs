//! What an agent is asked about a task.

use std::fmt::Write as _;

use conclave_tasks::read::TaskRow;

/// The texts of a task that a prompt can have, by what stands for them.
const TEXTS: [(&str, &str); 4] = [
    ("description", "description"),
    ("design", "design"),
    ("acceptance", "acceptance_criteria"),
    ("notes", "notes"),
];

/// What is asked about this task: the template with what it names, or all that the task says.
pub(super) fn prompt(template: Option<&str>, row: &TaskRow) -> Vec<u8> {
    template.map_or_else(|| built_in(row), |template| fill(template, row)).into_bytes()
}

/// Everything the task says, without what is empty.
fn built_in(row: &TaskRow) -> String {
    let mut prompt =
        fill("Do this task, and answer with what you did.\n\nTask {id} ({type}): {title}\n", row);
    if !row.record.projection().labels.is_empty() {
        prompt.push_str(&fill("Labels: {labels}\n", row));
    }
    for (name, key) in TEXTS {
        if let Some(text) = row.record.text(key).filter(|text| !text.trim().is_empty()) {
            let _ = write!(prompt, "\n{}:\n\n{}\n", capitalised(name), text.trim_end());
        }
    }
    prompt
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

/// A template with what it names put in, each once: what is put in is not looked through again. Braces around anything
/// else stay.
fn fill(template: &str, row: &TaskRow) -> String {
    let (mut filled, mut rest) = (String::with_capacity(template.len()), template);
    while let Some((before, from)) = rest.split_once('{') {
        filled.push_str(before);
        let named = from.split_once('}').and_then(|(name, after)| Some((value(name, row)?, after)));
        let (put_in, after) = named.unwrap_or_else(|| ("{".to_owned(), from));
        filled.push_str(&put_in);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// What stands for a name in braces.
fn value(name: &str, row: &TaskRow) -> Option<String> {
    let said = row.record.projection();
    match name {
        "id" => Some(row.id().to_owned()),
        "title" => Some(row.title().to_owned()),
        "type" => Some(said.issue_type.clone().unwrap_or_default()),
        "labels" => Some(said.labels.join(", ")),
        _ => {
            let (_, key) = TEXTS.iter().find(|(text, _)| *text == name)?;
            Some(row.record.text(key).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use conclave_tasks::read::TaskRow;
    use conclave_tasks::record::Record;

    use super::prompt;

    fn row(more: &str) -> TaskRow {
        let record = format!(
            "{{\"id\":\"t-1\",\"title\":\"Fix {{notes}}\",\"status\":\"open\",\"issue_type\":\"bug\"{more}}}"
        );
        TaskRow {
            record: Record::read(record.as_bytes()).unwrap(),
            status: Some("open".to_owned()),
            assignee: None,
            expired_claim_of: None,
            blocked: false,
            dependency_count: 0,
            dependent_count: 0,
            comment_count: 0,
            parent: None,
        }
    }

    fn check(template: Option<&str>, more: &str, wanted: &str) {
        assert_eq!(String::from_utf8(prompt(template, &row(more))).unwrap(), wanted);
    }

    #[test]
    fn what_is_put_in_is_not_looked_through_again_and_other_braces_stay() {
        let more = r#","notes":"n {id}","labels":["a","b"]"#;
        check(Some("{id} {title} {type} [{labels}] {notes}"), more, "t-1 Fix {notes} bug [a, b] n {id}");
        check(Some("{\"id\": {}} {other} {{id}} {"), more, "{\"id\": {}} {other} {t-1} {");
        check(Some("<{description}{design}{acceptance}>"), "", "<>");
    }

    #[test]
    fn without_a_template_all_that_the_task_says_is_asked() {
        let begins = "Do this task, and answer with what you did.\n\nTask t-1 (bug): Fix {notes}\n";
        check(None, "", begins);
        let more = r#","description":"It hides.\n","acceptance_criteria":"It does not.","labels":["ui"]"#;
        let wanted = "Labels: ui\n\nDescription:\n\nIt hides.\n\nAcceptance:\n\nIt does not.\n";
        check(None, more, &format!("{begins}{wanted}"));
    }
}
