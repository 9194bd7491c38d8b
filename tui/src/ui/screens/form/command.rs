//! A run as the command line that would start it.

use super::model::Asked;
use crate::ui::shell::quoted;

/// The line, quoted for a shell.
pub(super) fn line(asked: &Asked) -> String {
    let mut line = format!("conclave run {} --stage {}", quoted(&asked.spec), quoted(&asked.stage));
    if !asked.everybody {
        line = format!("{line} --agents {}", quoted(&asked.agents.join(",")));
    }
    if let Some(quorum) = asked.quorum {
        line = format!("{line} --quorum {quorum}");
    }
    match &asked.prompt {
        // The command reads a prompt from a file: `-` is what is piped into it.
        Some(prompt) => format!("printf '%s' {} | {line} --prompt -", quoted(prompt)),
        None => line,
    }
}
