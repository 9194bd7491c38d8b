//! What is wrong with a command line, in this program's form: one line and a hint.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Line;
use super::lease;
use super::output::Output;
use crate::failure::{Exit, Failure};

/// The group with so many commands that they need lines of their own.
const MANY: &str = "conclave task";

/// Answers a line that the parser did not take: help and version as results, the rest as a failure.
pub(super) fn answer(line: &[OsString], error: &clap::Error, output: &Output) -> Exit {
    let printed = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output.print(error.render()),
        ErrorKind::MissingSubcommand => {
            // A group of two or three is told in the error itself.
            if !output.json && command(line) == MANY {
                output.notice(commands(line));
            }
            Err(failure(line, error))
        }
        _ => Err(failure(line, error)),
    };
    match printed {
        Ok(()) => Exit::Done,
        Err(failure) => {
            if !lease::tell(&command(line), output, &failure) {
                output.failure(&failure);
            }
            failure.exit
        }
    }
}

/// The parser's first paragraph on one line; its tip, or where to read on, as the hint.
fn failure(line: &[OsString], error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let first: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty() && !line.starts_with("Usage:"))
        .filter(|part| !(part.starts_with("[subcommands:") && command(line) == MANY))
        .collect();
    // Of a few values the message lists all; the one with the most letters in common is seldom the one meant.
    let has_tip = error.kind() != ErrorKind::InvalidValue;
    let tip = text.lines().filter(|_| has_tip).find_map(|line| line.trim().strip_prefix("tip: "));
    let meant = command(line);
    let hint = match tip {
        _ if lists_without_a_word(&meant, error) => format!("`{meant}` lists them"),
        Some(tip) => tip.to_owned(),
        None => format!("see `{meant} --help`"),
    };
    Failure::usage(first.join(" ")).hint(hint)
}

/// Whether `list` was said where the command without a word is the list, other than with all its siblings.
fn lists_without_a_word(command: &str, error: &clap::Error) -> bool {
    let word = error.get(ContextKind::InvalidSubcommand);
    command == "conclave agents" && matches!(word, Some(ContextValue::String(word)) if word == "list")
}

/// The commands that might have been meant where one is missing: the help without what it says of options.
fn commands(line: &[OsString]) -> String {
    let help = meant(line).1.render_help().to_string();
    let below = help.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    below.unwrap_or_default().trim_end().to_owned()
}

/// The words of the command that was meant, as far as the line names one.
fn command(line: &[OsString]) -> String {
    meant(line).0
}

/// The same with the command itself.
fn meant(line: &[OsString]) -> (String, clap::Command) {
    let mut names = vec!["conclave".to_owned()];
    let mut command = Line::command();
    for word in line.iter().skip(1) {
        if let Some(child) = word.to_str().and_then(|word| command.find_subcommand(word)).cloned() {
            names.push(child.get_name().to_owned());
            command = child;
        }
    }
    (names.join(" "), command)
}
