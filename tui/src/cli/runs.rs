//! `conclave runs list|show|output|export`

mod answer;
mod cancel;
mod delete;
mod diff;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use conclave_consensus::export::export_run;
use conclave_consensus::runs::{
    self, AttemptDetail, OutputContent, RunCursor, RunDetail, RunFilter, RunStatus, RunSummary,
};
use conclave_db::Db;
use conclave_retry::{Clock as _, SystemClock};
use serde_json::json;

pub(super) use self::answer::lines as questions;
use super::args::Runs;
use super::context::Context;
use super::output::{Output, Paint};
use super::table::{Column, Table, left, right};
use super::verdict;
use crate::failure::{Doing, Exit, Failure};
use crate::find_run::find_one;
use crate::text::{counted, size, visible, visible_lines};
use crate::times;

/// Runs that are read at once.
const PAGE: usize = 1000;

const LIST: &[Column] = &[
    right("#"),
    left("spec"),
    left("stage"),
    left("status"),
    right("outputs"),
    left("started"),
    left("agents"),
];

const OUTPUTS: &[Column] = &[
    left("agent"),
    right("attempt"),
    right("sequence"),
    left("state"),
    right("size"),
    left("JSON"),
    left("completed"),
    // Last, since it is what a narrow terminal can do without.
    left("model"),
];

const ATTEMPTS: &[Column] = &[
    left("agent"),
    right("attempt"),
    left("state"),
    right("exit"),
    left("spawned"),
    left("completed"),
    left("error"),
];

pub(super) fn run(context: &Context, command: Runs) -> Result<Exit, Failure> {
    match command {
        Runs::List { spec, stage, status, limit } => {
            let status = status.as_deref().and_then(RunStatus::parse);
            list(context, &RunFilter { spec, stage, status }, limit.limit)
        }
        Runs::Show { run } => show(context, &run),
        Runs::Output { run, agent, attempt, sequence, raw } => {
            output(context, &Wanted { run, agent, attempt, sequence, raw })
        }
        Runs::Export { run, dir } => export(context, &run, dir),
        Runs::Diff { run, agents } => diff::run(context, &run, &agents),
        Runs::Cancel { run } => cancel::run(context, &run),
        Runs::Delete { run, yes } => delete::run(context, &run, yes),
        Runs::Answer { run, issue: Some(issue), text } => {
            answer::give(context, &run, &issue, &text.unwrap_or_default())
        }
        Runs::Answer { run, issue: None, .. } => answer::show(context, &run),
    }
}

fn list(context: &Context, filter: &RunFilter, limit: Option<usize>) -> Result<Exit, Failure> {
    let output = &context.output;
    let Some(db) = context.open_read_only()? else {
        if output.json {
            output.document(&json!([]))?;
        }
        return Ok(Exit::Done);
    };
    let limit = limit.or(output.usual_limit());
    if output.json {
        let mut runs = Vec::new();
        pages(&db, filter, limit, |page| {
            runs.extend(page);
            Ok(())
        })?;
        output.document(&runs)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(LIST, output.columns);
    let mut headed = true;
    let cut = pages(&db, filter, limit, |page| {
        let rows: Vec<_> = page.iter().map(|run| row(output, run)).collect();
        output.print(table.lines(&rows, std::mem::take(&mut headed)))
    })?;
    if headed {
        output.notice("no runs");
    }
    if cut {
        output.notice(format!("the newest {} are shown; --limit N shows more", limit.unwrap_or_default()));
    }
    Ok(Exit::Done)
}

/// Reads page by page, newest first; gives whether there would be more beyond the limit.
fn pages(
    db: &Db,
    filter: &RunFilter,
    limit: Option<usize>,
    mut each: impl FnMut(Vec<RunSummary>) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let mut left = limit.unwrap_or(usize::MAX);
    let mut after: Option<RunCursor> = None;
    loop {
        // One more than wanted, to know whether something is cut off.
        let wanted = left.saturating_add(1).min(PAGE);
        let mut page = runs::list(db, filter, after.as_ref(), Some(wanted)).doing("read the runs")?;
        let is_last = page.len() < wanted;
        let more = page.len() > left;
        page.truncate(left);
        left -= page.len();
        after = page.last().map(RunCursor::from);
        if !page.is_empty() {
            each(page)?;
        }
        if more || is_last {
            return Ok(more);
        }
    }
}

fn row(output: &Output, run: &RunSummary) -> Vec<String> {
    let started = when(output, run.started_at);
    vec![
        run.id.to_string(),
        run.spec.clone(),
        run.stage.clone(),
        standing(output, run),
        run.output_count.to_string(),
        started,
        run.agents.join(" "),
    ]
}

/// A time in a table: how long ago for people, the time itself for programs.
fn when(output: &Output, then: Option<i64>) -> String {
    then.map_or("?".to_owned(), |then| {
        if output.is_terminal() {
            format!("{} ago", times::ago(SystemClock.wall_ms(), then))
        } else {
            times::absolute(then)
        }
    })
}

/// Sign and word of how a run stands.
fn standing(output: &Output, run: &RunSummary) -> String {
    format!("{} {}", sign(output, run), run.word())
}

fn sign(output: &Output, run: &RunSummary) -> &'static str {
    match run.status {
        RunStatus::Running if run.interrupted => output.sign("◌", "!"),
        RunStatus::Ok => output.sign("✓", "+"),
        RunStatus::Conflict => output.sign("✗", "x"),
        RunStatus::Degraded => output.sign("◐", "~"),
        RunStatus::Insufficient => output.sign("○", "o"),
        RunStatus::Running => output.sign("●", "*"),
        RunStatus::Unknown => "?",
    }
}

fn show(context: &Context, name: &str) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let id = find_one(&db, name)?;
    let run = runs::show(&db, id).doing("read the run")?;
    let run = run.ok_or_else(|| Failure::not_found(format!("no run {name:?}: it has just been deleted")))?;
    if context.output.json {
        context.output.document(&run)?;
    } else {
        context.output.print(page(&context.output, &run))?;
    }
    Ok(Exit::Done)
}

/// The empty answer where one thing was asked for and there is no state.
fn nothing(context: &Context) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(&json!({}))?;
    }
    Ok(Exit::Done)
}

/// The empty list where several were asked for and there is no state.
fn empty_list(context: &Context) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(&json!([]))?;
    }
    Ok(Exit::Done)
}

/// A run for people.
fn page(output: &Output, run: &RunDetail) -> String {
    let summary = &run.summary;
    let time = |ms: Option<i64>| ms.map_or("unknown".to_owned(), times::absolute);
    let mut text = format!(
        "{}\n",
        output.coloured(
            &format!("Run {}  {} {}", summary.id, visible(&summary.spec), visible(&summary.stage)),
            Paint::Bold
        )
    );
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{label:<10}{}", visible(value));
    };
    line("status", &standing(output, summary));
    if let Some(recorded) = &summary.recorded {
        line("recorded", recorded);
    }
    if let Some(verdict) = &run.verdict {
        line("reason", &verdict.reason);
    }
    line("key", &summary.run_key);
    line("started", &time(summary.started_at));
    line("updated", &time(summary.updated_at));
    if let Some(source) = &summary.source {
        line("source", source);
    }
    if let Some(judged) = &run.verdict {
        let _ = write!(text, "\n{}", verdict::page(output, judged));
    }
    text.push('\n');
    let rows: Vec<_> = run
        .outputs
        .iter()
        .map(|one| {
            vec![
                one.agent.clone(),
                one.attempt.to_string(),
                one.sequence.to_string(),
                one.state.clone(),
                size(one.bytes),
                if one.valid_json { "yes" } else { "no" }.to_owned(),
                when(output, one.completed_at),
                one.model_version.clone().unwrap_or_default(),
            ]
        })
        .collect();
    text.push_str(&Table::new(OUTPUTS, output.columns).lines(&rows, true));
    if !run.attempts.is_empty() {
        let rows: Vec<_> = run
            .attempts
            .iter()
            .map(|one| {
                vec![
                    one.agent.clone(),
                    one.attempt.to_string(),
                    one.state.clone(),
                    one.exit_code.map_or(String::new(), |code| code.to_string()),
                    when(output, one.spawned_at),
                    one.completed_at.map_or(String::new(), |then| when(output, Some(then))),
                    remark(one),
                ]
            })
            .collect();
        let _ = write!(text, "\n{}", Table::new(ATTEMPTS, output.columns).lines(&rows, true));
        text.push_str(&advice(run));
    }
    match &run.synthesis {
        None => text.push_str("\nno synthesis\n"),
        Some(synthesis) => {
            let markdown = synthesis.get("output_markdown").and_then(|markdown| markdown.as_str());
            let written = markdown.map_or_else(|| synthesis.to_string(), str::to_owned);
            let _ = writeln!(text, "\nsynthesis\n{}", visible_lines(written.trim_end()));
        }
    }
    let several = run.outputs.iter().any(|one| (one.attempt, one.sequence) != (1, 1));
    let others = if several { " [--attempt N] [--sequence N]" } else { "" };
    let _ = writeln!(text, "\nan answer in full: conclave runs output {} AGENT{others}", summary.id);
    text
}

/// What can be done about the failures, each advice once.
fn advice(run: &RunDetail) -> String {
    let mut lines: Vec<String> = Vec::new();
    for attempt in &run.attempts {
        let Some(hint) = &attempt.details.hint else { continue };
        let line = format!("{}: {}\n", visible(&attempt.agent), visible(hint));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.concat()
}

/// Which answer is wanted.
struct Wanted {
    run: String,
    agent: OsString,
    attempt: Option<i64>,
    sequence: Option<i64>,
    raw: bool,
}

fn output(context: &Context, wanted: &Wanted) -> Result<Exit, Failure> {
    let output = &context.output;
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let id = find_one(&db, &wanted.run)?;
    let found = runs::output(&db, id, wanted.agent.as_bytes(), wanted.attempt, wanted.sequence)
        .doing("read the output")?;
    let Some(found) = found else { return Err(no_such_output(&db, id, wanted)) };
    if wanted.raw {
        output.bytes(&found.content)?;
    } else if output.json {
        output.document(&document(&found))?;
    } else if output.is_terminal() {
        let text = String::from_utf8_lossy(&found.content);
        output.print(format_args!("{}\n", visible_lines(text.trim_end_matches('\n'))))?;
    } else {
        let mut bytes = found.content;
        if bytes.last().is_none_or(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        output.bytes(&bytes)?;
    }
    Ok(Exit::Done)
}

fn document(found: &OutputContent) -> serde_json::Value {
    json!({
        "id": found.id,
        "agent": found.agent,
        "attempt": found.attempt,
        "sequence": found.sequence,
        "valid_json": found.valid_json,
        "content": String::from_utf8_lossy(&found.content),
        "response_text": found.response.as_deref().map(String::from_utf8_lossy),
    })
}

fn no_such_output(db: &Db, id: runs::RunId, wanted: &Wanted) -> Failure {
    let which = match (wanted.attempt, wanted.sequence) {
        (None, None) => String::new(),
        (attempt, sequence) => {
            let part = |what: &str, number: Option<i64>| {
                number.map_or(String::new(), |number| format!(" {what} {number}"))
            };
            format!(" with{}{}", part("attempt", attempt), part("sequence", sequence))
        }
    };
    let agent = wanted.agent.to_string_lossy();
    let failure = Failure::not_found(format!("run {id} has no output of {agent:?}{which}"));
    match runs::show(db, id) {
        Ok(Some(run)) if !run.outputs.is_empty() => {
            let of_agent = numbers_of(&run, &agent);
            if !of_agent.is_empty() {
                return failure.hint(format!("{agent} has {of_agent}"));
            }
            let mut agents: Vec<&str> = run.outputs.iter().map(|output| output.agent.as_str()).collect();
            agents.sort_unstable();
            agents.dedup();
            failure.hint(format!("it has outputs of {}", agents.join(", ")))
        }
        _ => failure,
    }
}

/// What is to be said of an attempt beyond how it ended: an answer that is no JSON, the one that was to mend it, what
/// went wrong.
fn remark(attempt: &AttemptDetail) -> String {
    let kind = match attempt.details.reason.as_deref() {
        Some("not_json") => Some("no JSON, asked again"),
        Some("repair") => Some("repair"),
        _ => None,
    };
    let parts: Vec<&str> = kind.into_iter().chain(attempt.extraction_error.as_deref()).collect();
    parts.join(": ")
}

/// Which answers of an agent there are: `attempt 1 with sequence 1-4; attempt 2 with sequence 1`.
fn numbers_of(run: &RunDetail, agent: &str) -> String {
    let mut attempts: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for one in run.outputs.iter().filter(|one| one.agent == agent) {
        attempts.entry(one.attempt).or_default().insert(one.sequence);
    }
    let parts: Vec<String> = attempts
        .iter()
        .map(|(attempt, sequences)| format!("attempt {attempt} with sequence {}", ranges(sequences)))
        .collect();
    parts.join("; ")
}

/// `1-4, 7`
fn ranges(numbers: &BTreeSet<i64>) -> String {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let parts: Vec<String> = ranges
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    parts.join(", ")
}

fn export(context: &Context, name: &str, dir: Option<PathBuf>) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let id = find_one(&db, name)?;
    let dir =
        dir.map_or_else(|| context.environment.folder.clone(), |dir| context.environment.folder.join(dir));
    let files = export_run(&db, id, &dir).doing("export the run").map_err(|failure| match failure.kind {
        "io" => failure.hint("name a folder that can be written: `--dir DIR`"),
        _ => failure,
    })?;
    if context.output.json {
        let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        context.output.document(&json!({ "run": id, "files": files }))?;
    } else {
        for file in &files {
            context.output.print(format_args!("{}\n", file.display()))?;
        }
        context.output.notice(format!("exported run {id}: {}", counted(files.len() as u64, "file", "files")));
    }
    Ok(Exit::Done)
}
