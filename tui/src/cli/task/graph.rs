//! `conclave task dep tree` and `conclave task dep cycles`

use std::fmt::Write as _;

use conclave_tasks::read::{self, Direction, Tree};
use conclave_tasks::shape;

use super::listing::{TITLE, coloured_standing, plain_standing, priority};
use super::{find, nothing};
use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::failure::{Doing, Exit, Failure};
use crate::task_words::{End, edge};
use crate::text::{fit, visible, width};

/// Levels that are drawn; what is deeper stands at the last of them, with its depth. A chain of ten thousand tasks
/// would be drawn with a hundred million blanks.
const DRAWN: u32 = 32;

pub(super) fn tree(context: &Context, given: &str, up: bool) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let id = find(&db, given)?;
    let direction = if up { Direction::Up } else { Direction::Down };
    let nodes = read::tree(&db, &id, direction).doing("read the tree")?;
    if context.output.json {
        context.output.document(&nodes.iter().map(shape::node).collect::<Vec<_>>())?;
    } else {
        let from = if up { End::Target } else { End::Issue };
        context.output.print(drawn(&context.output, &nodes, from))?;
    }
    Ok(Exit::Done)
}

fn drawn(output: &Output, nodes: &[Tree], from: End) -> String {
    let (branch, last, pipe) =
        (output.sign("├─ ", "|- "), output.sign("└─ ", "`- "), output.sign("│  ", "|  "));
    let mut text = String::new();
    for (node, goes_on) in nodes.iter().zip(siblings(nodes)) {
        let level = node.depth.min(DRAWN);
        let mut line = String::new();
        for above in 1..level {
            line.push_str(if goes_on & bit(above) == 0 { "   " } else { pipe });
        }
        if level > 0 {
            line.push_str(if goes_on & bit(level) == 0 { last } else { branch });
        }
        if node.depth > DRAWN {
            let _ = write!(line, "({} deep) ", node.depth);
        }
        let room = output.columns.map(|edge| edge.saturating_sub(width(&line)));
        line.push_str(&words(output, node, from, room));
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// A node without its branches: `waits for bd-2  ○ open · P1  Title`. The title gives way where there is no room; the
/// rest stays whole, and so do its colours.
fn words(output: &Output, node: &Tree, from: End, room: Option<usize>) -> String {
    let edge = node.kind.as_deref().map_or_else(String::new, |kind| edge(kind, from) + " ");
    let id = visible(&node.id);
    let Some(row) = &node.row else { return format!("{edge}{id}  does not exist") };
    let dot = output.sign("·", "-");
    let again = if node.repeated { "  (see above)" } else { "" };
    let plain = format!("{edge}{id}  {} {dot} {}  ", plain_standing(output, row), priority(row));
    let title = visible(row.title());
    let title = match room {
        Some(room) => fit(&title, room.saturating_sub(width(&plain) + width(again)).max(TITLE)),
        None => title.as_ref().into(),
    };
    format!("{edge}{id}  {} {dot} {}  {title}{again}", coloured_standing(output, row), priority(row))
}

/// Of each node, at which levels a later node follows below the same parent: one bit for each level drawn.
fn siblings(nodes: &[Tree]) -> Vec<u64> {
    let mut open = 0_u64;
    let mut found: Vec<u64> = nodes
        .iter()
        .rev()
        .map(|node| {
            let level = node.depth.min(DRAWN);
            let goes_on = open & up_to(level);
            open = goes_on | bit(level);
            goes_on
        })
        .collect();
    found.reverse();
    found
}

const fn bit(level: u32) -> u64 {
    1 << level
}

/// The bits of this level and all above it.
const fn up_to(level: u32) -> u64 {
    (1 << (level + 1)) - 1
}

pub(super) fn cycles(context: &Context) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let cycles = read::cycles(&db).doing("look for cycles")?;
    if context.output.json {
        context.output.document(&cycles)?;
        return Ok(Exit::Done);
    }
    if cycles.is_empty() {
        context.output.print("no cycles\n")?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for cycle in &cycles {
        let first = cycle.first().map(String::as_str);
        let around: Vec<_> = cycle.iter().map(String::as_str).chain(first).map(visible).collect();
        text.push_str(&around.join(" depends on "));
        text.push('\n');
    }
    context.output.print(text)?;
    context.output.notice("hint: conclave task dep rm ISSUE DEPENDS_ON cuts a cycle");
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
