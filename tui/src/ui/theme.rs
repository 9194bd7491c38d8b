//! Colours and signs. State is a sign and a word; colour, from the terminal's own sixteen, only adds.

use conclave_consensus::runs::{RunStatus, RunSummary};
use ratatui::style::{Color, Modifier, Style};

use super::model::CheckState;
use crate::cli::Signs;

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) colour: bool,
    pub(crate) signs: Signs,
}

impl Theme {
    /// The first where the terminal can draw it, else the second.
    pub(crate) const fn sign<'sign>(self, unicode: &'sign str, ascii: &'sign str) -> &'sign str {
        match self.signs {
            Signs::Unicode => unicode,
            Signs::Ascii => ascii,
        }
    }

    fn paint(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    pub(crate) fn good(self) -> Style {
        self.paint(Color::Green)
    }

    pub(crate) fn bad(self) -> Style {
        self.paint(Color::Red)
    }

    pub(crate) fn warning(self) -> Style {
        self.paint(Color::Yellow)
    }

    pub(crate) fn accent(self) -> Style {
        self.paint(Color::Cyan)
    }

    /// Less important; where there is no colour it is told by nothing else.
    pub(crate) fn dim(self) -> Style {
        if self.colour { Style::new().add_modifier(Modifier::DIM) } else { Style::new() }
    }

    pub(crate) const fn strong() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The tab or the pane that is in front.
    pub(crate) fn chosen() -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// The line under the cursor; the marker in front of it says so as well.
    pub(crate) const fn selected() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(crate) const fn marker(self) -> &'static str {
        self.sign("▸", ">")
    }

    pub(crate) const fn rule(self) -> &'static str {
        self.sign("─", "-")
    }

    pub(crate) const fn dot(self) -> &'static str {
        self.sign("·", "-")
    }

    pub(crate) const fn nothing(self) -> &'static str {
        self.sign("–", "-")
    }

    /// Sign and colour of a run's status; the word is the status itself.
    pub(crate) fn status(self, status: RunStatus) -> (&'static str, Style) {
        match status {
            RunStatus::Ok => (self.sign("✓", "+"), self.good()),
            RunStatus::Conflict => (self.sign("✗", "x"), self.bad()),
            RunStatus::Degraded => (self.sign("◐", "~"), self.warning()),
            RunStatus::Insufficient => (self.sign("○", "o"), self.paint(Color::Magenta)),
            RunStatus::Running => (self.sign("●", "*"), self.accent()),
            RunStatus::Unknown => ("?", self.dim()),
        }
    }

    /// Sign, word and colour of how a run stands.
    pub(crate) fn run(self, run: &RunSummary) -> (&'static str, &'static str, Style) {
        let (sign, style) =
            if run.interrupted { (self.sign("◌", "!"), self.warning()) } else { self.status(run.status) };
        (sign, run.word(), style)
    }

    /// Sign, word and colour of a check.
    pub(crate) fn check(self, state: CheckState) -> (&'static str, &'static str, Style) {
        match state {
            CheckState::Ok => (self.sign("✓", "+"), "ok", self.good()),
            CheckState::Warn => (self.sign("◐", "~"), "warn", self.warning()),
            CheckState::Fail => (self.sign("✗", "x"), "fail", self.bad()),
        }
    }
}
