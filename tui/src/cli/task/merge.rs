//! `conclave task merge`: git's merge driver, and how git is told of it. It needs no state: three files become one.

use std::fmt::Write as _;
use std::path::Path;

use conclave_tasks::exchange::{self, Lines};
use conclave_tasks::merge::{self, Conflict, merge_files};
use serde_json::json;

use super::args::Merge;
use super::limits;
use super::sync::{merge_options, say_duplicates};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{counted, fit, visible};

/// The files that git is to merge with us where nobody says which.
const PATTERN: &str = ".beads/*.jsonl";
/// Columns of a value that is shown.
const VALUE: usize = 60;

pub(super) fn run(context: &Context, line: Merge) -> Result<Exit, Failure> {
    if let Some(patterns) = line.install {
        return install(context, patterns);
    }
    let (Some(base), Some(left), Some(right), Some(out)) =
        (&line.base, &line.left, &line.right, &line.output)
    else {
        return Err(
            Failure::usage("three files and --output are needed").hint("see `conclave task merge --help`")
        );
    };
    let (base, left, right) = (read(context, base)?, read(context, left)?, read(context, right)?);
    let options = merge_options(context, line.concat);
    let merged = merge_files(&base, &left, &right, line.order.into(), &options).doing("merge")?;
    let path = context.environment.folder.join(out);
    exchange::replace_file(&path, &merged.bytes).doing("merge")?;
    if context.output.json {
        context.output.document(&json!({
            "file": out.to_string_lossy(), "records": merged.records, "duplicates": merged.duplicates,
            "conflicts": merged.conflicts,
        }))?;
    }
    say_duplicates(context, &out.to_string_lossy(), &merged.duplicates);
    if !merged.conflicts.is_empty() {
        let number = counted(merged.conflicts.len() as u64, "conflict", "conflicts");
        context
            .output
            .notice(format!("{}: {number}, decided by the rules:", visible(&out.to_string_lossy())));
        context.output.notice(conflict_lines(&merged.conflicts));
    }
    Ok(Exit::Done)
}

/// One file, all of whose lines must be good. What cannot be read is the caller's to mend, as a bad line is.
fn read(context: &Context, file: &Path) -> Result<Lines, Failure> {
    let path = context.environment.folder.join(file);
    let mut lines = exchange::read_file(&path, limits(context))
        .doing("merge")
        .map_err(|failure| Failure { exit: Exit::Usage, ..failure })?;
    lines.path = file.to_path_buf();
    lines
        .refuse_bad()
        .doing("merge")
        .map_err(|failure| failure.hint("mend the line; the merged file was not touched"))?;
    Ok(lines)
}

/// One line for each conflict.
pub(super) fn conflict_lines(conflicts: &[Conflict]) -> String {
    let mut text = String::new();
    for conflict in conflicts {
        let key = if conflict.key.is_empty() { "the whole task" } else { &conflict.key };
        let value = |value: &Option<String>| match value {
            None => "absent".to_owned(),
            Some(value) => fit(&visible(value), VALUE).into_owned(),
        };
        let _ = writeln!(
            text,
            "  {}: {}: ours {}, theirs {}: {}",
            visible(&conflict.id),
            visible(key),
            value(&conflict.left),
            value(&conflict.right),
            visible(&conflict.decided)
        );
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

fn install(context: &Context, patterns: Vec<String>) -> Result<Exit, Failure> {
    let patterns = if patterns.is_empty() { vec![PATTERN.to_owned()] } else { patterns };
    let installed = merge::install(&context.environment.folder, &patterns, &program()).doing("tell git")?;
    if context.output.json {
        context.output.document(&installed)?;
        return Ok(Exit::Done);
    }
    let mut text = format!("{}\n", visible(&installed.attributes.to_string_lossy()));
    for line in &installed.lines {
        let _ = writeln!(text, "  {}", visible(line));
    }
    text.push_str("git configuration of this checkout\n");
    for (name, value) in &installed.config {
        let _ = writeln!(text, "  {} = {}", visible(name), visible(value));
    }
    context.output.print(text)?;
    Ok(Exit::Done)
}

/// What git is to call: this program by its path, since the PATH that git is started with may be another.
fn program() -> String {
    let own = std::env::current_exe().ok();
    own.map_or_else(|| "conclave".to_owned(), |path| path.to_string_lossy().into_owned())
}
