//! `conclave task prime`: what an agent must know of tasks here, in at most two thousand bytes, however many tasks
//! there are. With `--short` only what stays true: that is what people paste into their agent's instructions.

use conclave_db::Db;
use conclave_tasks::read::{self, ListQuery, ReadyQuery, TaskRow};
use conclave_tasks::{shape, words};
use serde_json::json;

use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::task_words::status;
use crate::text::{count, visible};

/// Bytes of the whole text.
const BYTES: usize = 2000;
/// Bytes of a line of a list.
const LINE: usize = 72;
/// Tasks of one's own, and ready ones, that are named.
const NAMED: usize = 5;

const HOW: &str = "\
# Tasks (conclave)
Act under a name of your own, one for each agent: export CONCLAVE_ACTOR=NAME, or --actor NAME with every command.
Take one task at a time; of all names only one gets it:
  conclave task ready --claim --ttl 30m --json   takes the first; exit 1 and [] when there is none
  conclave task claim ID --ttl 30m               keeps it: repeat it before the 30 minutes are over
  conclave task show ID                          everything about it, and what it waits for
  conclave task comment ID \"what I found\"
  conclave task close ID --result \"what came of it\"
Failed? conclave task update ID --status open --assignee \"\" --defer 10m --error \"why\" --attempt
Found more work? conclave task create \"Title\" -p 1 -t bug --deps discovered-from:ID
Order: conclave task dep add A B                 A waits for B
Look: conclave task list | ready | blocked | search WORDS | stats. --json everywhere. Priority 0 is most urgent.
After git pull and before git commit: conclave task sync .beads/issues.jsonl
";

/// Where the rest is, for a text that is kept: lists in it would be old by tomorrow.
const NOW: &str = "Who you are here, your tasks and what is ready now: conclave task prime\n";

/// What of the state is said.
#[derive(Default)]
struct Found {
    mine: Vec<TaskRow>,
    ready: Vec<TaskRow>,
    ready_count: u64,
}

/// The part that is the same everywhere and always; no state is read for it.
pub(super) fn short(context: &Context) -> Result<Exit, Failure> {
    let text = format!("{HOW}{NOW}");
    if context.output.json {
        context.output.document(&json!({ "text": text }))?;
    } else {
        context.output.print(text)?;
    }
    Ok(Exit::Done)
}

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let found = context.open_read_only()?.map(|db| look(context, &db)).transpose()?;
    let text = text(&context.actor, found.as_ref());
    if !context.output.json {
        context.output.print(text)?;
        return Ok(Exit::Done);
    }
    let found = found.unwrap_or_default();
    context.output.document(&json!({
        "text": text,
        "actor": context.actor,
        "mine": found.mine.iter().map(shape::listed).collect::<Vec<_>>(),
        "ready": found.ready.iter().map(shape::listed).collect::<Vec<_>>(),
    }))?;
    Ok(Exit::Done)
}

fn look(context: &Context, db: &Db) -> Result<Found, Failure> {
    let mine = ListQuery {
        statuses: vec![words::IN_PROGRESS.to_owned()],
        assignee: Some(context.actor.clone()),
        // One more, to say that there are more.
        limit: Some(NAMED as u64 + 1),
        ..ListQuery::default()
    };
    let ready = ReadyQuery { limit: Some(NAMED as u64), ..ReadyQuery::default() };
    Ok(Found {
        mine: read::list(db, &mine).doing("read my tasks")?,
        ready: read::ready(db, &ready).doing("read what is ready")?,
        ready_count: read::counts(db).doing("count the tasks")?.ready,
    })
}

fn text(actor: &str, found: Option<&Found>) -> String {
    let mut text = format!("{HOW}You act as {}.\n", visible(actor));
    let Some(found) = found else { return text };
    let mut lines = Vec::new();
    let more = found.mine.len() > NAMED;
    lines.push(match found.mine.len() {
        0 => "Yours: none".to_owned(),
        _ if more => format!("Yours, the first {NAMED}:"),
        _ => "Yours:".to_owned(),
    });
    lines.extend(found.mine.iter().take(NAMED).map(line));
    lines.push(match found.ready_count {
        0 => "Ready: none".to_owned(),
        number => format!("Ready, the first of {}:", count(number)),
    });
    lines.extend(found.ready.iter().map(line));
    for line in lines {
        if text.len() + line.len() + 1 > BYTES {
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// `  bd-1 P0 bug Fix the import`, cut.
fn line(row: &TaskRow) -> String {
    let said = row.record.projection();
    let priority = said.priority.map_or_else(|| "?".to_owned(), |priority| priority.to_string());
    let kind = said.issue_type.as_deref().unwrap_or(status(row));
    let whole = format!("  {} P{priority} {} {}", visible(row.id()), visible(kind), visible(row.title()));
    cut(&whole, LINE)
}

/// At most so many bytes, whole characters, and a mark where something is missing.
fn cut(text: &str, bytes: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(MARK.len()));
    format!("{}{MARK}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::{BYTES, HOW, LINE, NAMED, cut};

    #[test]
    fn everything_fits_whatever_the_titles() {
        // The actor has at most 64 bytes.
        let headings = "You act as .\n".len() + 64 + 2 * 40;
        assert!(HOW.len() + headings + 2 * NAMED * (LINE + 1) <= BYTES, "{}", HOW.len());
    }

    #[test]
    fn lines_are_cut_between_characters() {
        assert_eq!(cut("日本語", 9), "日本語");
        assert_eq!(cut("日本語 タスク", 10), "日本…");
        assert_eq!(cut("abc", 3), "abc");
    }
}
