//! What is wrong with a command line, in this program's form: one line and a hint.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::output::Output;
use crate::failure::{Exit, Failure};

/// Answers a line that the parser did not take: help and version as results, the rest as a failure.
pub(super) fn answer(error: &clap::Error, output: &Output) -> Exit {
    let printed = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output.print(error.render()),
        _ => Err(failure(error)),
    };
    match printed {
        Ok(()) => Exit::Done,
        Err(failure) => {
            output.failure(&failure);
            failure.exit
        }
    }
}

/// The parser's first paragraph on one line; its tip, or where to read on, as the hint.
fn failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let first: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty() && !line.starts_with("Usage:"))
        .collect();
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    let hint = tip.map_or_else(|| format!("see `{} --help`", command(error)), str::to_owned);
    Failure::usage(first.join(" ")).hint(hint)
}

/// The words of the command that was meant, out of its usage line.
fn command(error: &clap::Error) -> String {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else {
        return "conclave".to_owned();
    };
    let usage = usage.to_string();
    let words = usage.trim_start_matches("Usage:").split_whitespace();
    let words: Vec<&str> =
        words.take_while(|word| word.starts_with(|first: char| first.is_ascii_lowercase())).collect();
    if words.is_empty() { "conclave".to_owned() } else { words.join(" ") }
}
