//! `conclave completions SHELL` and `conclave man`: both made from the same tables as the program itself.

use std::fmt::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Line;
use super::output::Output;
use crate::failure::{Exit, Failure};
use crate::ui;

pub(super) fn completions(output: &Output, shell: &str) -> Result<Exit, Failure> {
    let shell: Shell = shell.parse().map_err(Failure::usage)?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "conclave", &mut script);
    output.bytes(&script)?;
    Ok(Exit::Done)
}

pub(super) fn page(output: &Output) -> Result<Exit, Failure> {
    let mut command = Line::command();
    command.build();
    let mut page = Vec::new();
    let io = |error: std::io::Error| Failure::io("write the manual", &error);
    Man::new(command.clone()).render(&mut page).map_err(io)?;
    let mut more = String::from(".SH COMMANDS IN DETAIL\n");
    for child in command.get_subcommands() {
        describe(child, &mut more);
    }
    more.push_str(".SH KEYS OF THE TERMINAL UI\n");
    more.push_str(&ui::keys_manual());
    page.extend(more.into_bytes());
    output.bytes(&page)?;
    Ok(Exit::Done)
}

/// A command with what it takes, then the commands below it.
fn describe(command: &clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(text, ".SS {}\n{}", escaped(name), escaped(&about));
    for argument in
        command.get_arguments().filter(|argument| !argument.is_global_set() && argument.get_id() != "help")
    {
        let value = argument
            .get_value_names()
            .map(|names| names.join(" "))
            .filter(|_| argument.get_action().takes_values());
        let head = match (argument.get_long(), value) {
            (Some(long), Some(value)) => format!("--{long} {value}"),
            (Some(long), None) => format!("--{long}"),
            (None, value) => value.unwrap_or_else(|| argument.get_id().as_str().to_uppercase()),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", escaped(&head), escaped(&help));
    }
    if let Some(example) = command.get_after_help().filter(|_| !command.has_subcommands()) {
        let _ = writeln!(text, ".PP\n.nf\n{}\n.fi", escaped(&example.to_string()));
    }
    for child in command.get_subcommands() {
        describe(child, text);
    }
}

/// Text as roff takes it.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
