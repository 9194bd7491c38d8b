//! `[worktree]`: what is run in a builder's worktree when it is made, and before it goes.

use conclave_registry::worktree::Hooks;

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of the table.
pub(super) const KEYS: [&str; 2] = ["setup", "teardown"];

/// A program and its arguments each; nothing is run where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WorktreeSettings {
    /// Before the agent is started.
    pub(crate) setup: Option<Vec<String>>,
    /// Before the worktree is removed.
    pub(crate) teardown: Option<Vec<String>>,
}

impl WorktreeSettings {
    /// What is run; nothing where nothing is said.
    pub(crate) fn hooks(&self) -> Hooks {
        Hooks {
            setup: self.setup.clone().unwrap_or_default(),
            teardown: self.teardown.clone().unwrap_or_default(),
        }
    }

    /// The other's where this one is silent.
    pub(super) fn or(self, other: Self) -> Self {
        Self { setup: self.setup.or(other.setup), teardown: self.teardown.or(other.teardown) }
    }
}

pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<WorktreeSettings, Failure> {
    let mut settings = WorktreeSettings::default();
    for (key, value) in reader.table("worktree", value)? {
        match key.get_ref().as_ref() {
            "setup" => settings.setup = Some(command(reader, "worktree.setup", value)?),
            "teardown" => settings.teardown = Some(command(reader, "worktree.teardown", value)?),
            other => return Err(reader.unknown(key.span(), "worktree.", other, &KEYS)),
        }
    }
    Ok(settings)
}

/// An empty list runs nothing: so one file can take back what the other says.
fn command(reader: &Reader<'_>, key: &str, value: &Value<'_>) -> Result<Vec<String>, Failure> {
    let words = reader.texts(key, value, "a list such as [\"make\", \"setup\"]")?;
    if words.first().is_some_and(|program| program.trim().is_empty()) {
        return Err(reader.refuse(&value.span(), &format!("{key}: is empty, wanted a program")));
    }
    Ok(words)
}
