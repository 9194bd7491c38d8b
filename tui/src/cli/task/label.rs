//! `conclave task label` and `conclave task comment`

use conclave_tasks::read::TaskRow;
use conclave_tasks::work;

use super::values::Text;
use super::{document, existing, find, standard_input};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn label(
    context: &Context,
    given: &str,
    add: &[String],
    remove: &[String],
) -> Result<Exit, Failure> {
    let db = existing(context, given)?;
    let id = find(&db, given)?;
    let row = work::label(&db, &context.actor, &id, add, remove).doing("label")?;
    Context::tidy_up(&db);
    let labels = &row.record.projection().labels;
    let labels =
        if labels.is_empty() { "no labels".to_owned() } else { format!("labels {}", labels.join(", ")) };
    tell(context, &row, &labels)
}

pub(super) fn comment(context: &Context, given: &str, text: Text) -> Result<Exit, Failure> {
    let [text] = standard_input::resolve([("TEXT", Some(text))])?;
    let text = text.unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Failure::usage("the comment is empty"));
    }
    let db = existing(context, given)?;
    let id = find(&db, given)?;
    let row = work::comment(&db, &context.actor, &id, &text).doing("comment")?;
    Context::tidy_up(&db);
    tell(context, &row, &crate::text::counted(row.comment_count, "comment", "comments"))
}

fn tell(context: &Context, row: &TaskRow, what: &str) -> Result<Exit, Failure> {
    if context.output.json {
        document(context, std::slice::from_ref(row))?;
    } else {
        context.output.print(format_args!("{}: {}\n", visible(row.id()), visible(what)))?;
    }
    Ok(Exit::Done)
}
