//! A new agent as the command line that would spawn it.

use super::model::{Spawn, What};
use crate::ui::shell::quoted;

/// The line, quoted for a shell.
pub(super) fn line(spawn: &Spawn) -> String {
    let mut line = "conclave spawn".to_owned();
    let mut add = |text: &str| {
        line.push(' ');
        line.push_str(text);
    };
    match (&spawn.what, spawn.text.as_str()) {
        (What::Spec, id) => add(&format!("--spec {}", quoted(id))),
        (What::Task, text) => add(&format!("--task {}", quoted(text))),
        (What::Protocol, name) => add(&format!("--protocol {}", quoted(name))),
        (What::Shell, _) => add("--shell"),
    }
    if spawn.worktree {
        add("--worktree");
    }
    if !spawn.port {
        add("--no-port");
    }
    if !spawn.command.is_empty() {
        add("--");
        for word in &spawn.command {
            // What stands behind `--` may begin with a dash.
            let rest = word.trim_start_matches('-');
            let plain = !rest.is_empty() && quoted(rest) == *rest;
            add(if plain { word.clone() } else { quoted(word) }.as_str());
        }
    }
    line
}
