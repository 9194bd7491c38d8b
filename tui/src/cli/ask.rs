//! Asking the person at the terminal before something that cannot be taken back.

use std::io::{IsTerminal as _, Write as _};

use super::output::Output;
use crate::failure::Failure;

/// Whether a person is there to be asked.
pub(super) fn is_possible(output: &Output) -> bool {
    !output.json && output.is_terminal() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks; the safe answer is no.
pub(super) fn agrees(question: &str) -> Result<bool, Failure> {
    let mut stderr = std::io::stderr().lock();
    let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    asked.map_err(|error| Failure::io("ask", &error))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::io("read the answer", &error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
