//! What is to be spawned, while it is being filled in.

use crate::ui::input::Input;
use crate::ui::shell;

/// What an agent is spawned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Task,
    Spec,
    Protocol,
    Shell,
}

impl What {
    pub(super) const ALL: [(&'static str, Self); 4] =
        [("task", Self::Task), ("spec", Self::Spec), ("protocol", Self::Protocol), ("shell", Self::Shell)];

    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, what)| *what == self).map_or("", |(word, _)| word)
    }

    /// The one so many further.
    pub(super) fn turned(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|(_, what)| *what == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()].1
    }
}

/// What is to be spawned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spawn {
    pub(crate) what: What,
    /// The id of a spec, the text of a task, the name of a protocol; empty for a shell.
    pub(crate) text: String,
    /// What to run; nothing is run without it.
    pub(crate) command: Vec<String>,
    /// In a git worktree of its own.
    pub(crate) worktree: bool,
    /// With a port of its own.
    pub(crate) port: bool,
}

/// The parts of the form, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    What,
    Text,
    Command,
    Worktree,
    Port,
}

impl Field {
    pub(super) const ALL: [Self; 5] = [Self::What, Self::Text, Self::Command, Self::Worktree, Self::Port];
}

/// The form.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) field: Field,
    pub(super) what: What,
    pub(super) text: Input,
    pub(super) command: Input,
    pub(super) worktree: bool,
    pub(super) port: bool,
    begun: String,
    /// It was sent, and is being spawned.
    pub(crate) sent: bool,
}

impl Form {
    pub(super) fn new(text: &str) -> Self {
        Self {
            field: Field::Text,
            what: What::Task,
            text: Input::new(text),
            command: Input::default(),
            worktree: false,
            port: true,
            begun: text.to_owned(),
            sent: false,
        }
    }

    /// Whether something was typed that would be lost.
    pub(super) fn has_changed(&self) -> bool {
        !self.sent && (self.text.text() != self.begun || !self.command.is_empty())
    }

    /// The line of a field that is one.
    pub(super) const fn input(&mut self) -> Option<&mut Input> {
        match self.field {
            Field::Text => Some(&mut self.text),
            Field::Command => Some(&mut self.command),
            Field::What | Field::Worktree | Field::Port => None,
        }
    }

    /// What the form asks for; or what is missing, and where.
    pub(super) fn spawn(&self) -> Result<Spawn, (Field, &'static str)> {
        let text = self.text.text().trim();
        let missing = match self.what {
            What::Task => "a task needs words: what is to be done",
            What::Spec => "a spec needs its id",
            What::Protocol => "a protocol needs its name",
            What::Shell => "",
        };
        if text.is_empty() && self.what != What::Shell {
            return Err((Field::Text, missing));
        }
        let text = if self.what == What::Shell { String::new() } else { text.to_owned() };
        let command = shell::words(self.command.text()).map_err(|wrong| (Field::Command, wrong))?;
        Ok(Spawn { what: self.what, text, command, worktree: self.worktree, port: self.port })
    }
}
