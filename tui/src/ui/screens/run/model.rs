//! One run that is open.

use std::sync::Arc;

use conclave_consensus::gates::{Gate, GateIssue};
use conclave_consensus::runs::{AttemptDetail, OutputDetail, RunDetail, RunId};
use conclave_consensus::verdict::{FieldVote, Verdict};

use super::diff::Compared;
use crate::ui::document::Document;
use crate::ui::input::Input;
use crate::ui::list::Cursor;
use crate::ui::live;

/// What is shown of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Of quality gates alone.
    Questions,
    Verdict,
    Outputs,
    Diff,
    Synthesis,
    Attempts,
}

impl Tab {
    /// All, with their names, and shorter ones for narrow screens.
    pub(crate) const ALL: [(&'static str, &'static str, Self); 6] = [
        ("questions", "asks", Self::Questions),
        ("verdict", "verdict", Self::Verdict),
        ("outputs", "outputs", Self::Outputs),
        ("diff", "diff", Self::Diff),
        ("synthesis", "synth", Self::Synthesis),
        ("attempts", "tries", Self::Attempts),
    ];
}

/// Which part the keys move in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pane {
    List,
    Text,
}

/// The open run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    /// `None` until it was read, or when it is gone.
    pub(crate) detail: Option<Arc<RunDetail>>,
    pub(crate) gone: bool,
    /// Whether it was ever seen: what never was is not gone.
    pub(crate) was_there: bool,
    pub(crate) tab: Tab,
    pub(crate) pane: Pane,
    /// The text at full width.
    pub(crate) zoomed: bool,
    /// The questions that it asks, where it is a quality gate.
    pub(crate) gate: Option<Arc<Gate>>,
    /// A tab that was asked for before there was anything in it.
    pub(super) wanted: Option<Tab>,
    pub(crate) questions: Cursor,
    /// Of the fields that were voted on, or of the agents while it runs.
    pub(crate) fields: Cursor,
    pub(crate) outputs: Cursor,
    pub(crate) attempts: Cursor,
    /// Which two answers are compared.
    pub(crate) pair: usize,
    pub(crate) compared: Option<Compared>,
    pub(crate) document: Option<Document>,
    /// What the document was made of, so that the same text keeps its place.
    pub(super) made_of: Option<(Tab, usize)>,
    /// The search while it is being typed.
    pub(crate) searching: Option<Input>,
}

impl Run {
    pub(super) fn new(id: RunId, detail: Option<Arc<RunDetail>>, was_there: bool) -> Self {
        Self {
            id,
            detail,
            gone: false,
            was_there,
            tab: Tab::Verdict,
            pane: Pane::List,
            zoomed: false,
            gate: None,
            wanted: None,
            questions: Cursor::default(),
            fields: Cursor::default(),
            outputs: Cursor::default(),
            attempts: Cursor::default(),
            pair: 0,
            compared: None,
            document: None,
            made_of: None,
            searching: None,
        }
    }

    /// Whether one answer fills the screen.
    pub(crate) const fn is_zoomed(&self) -> bool {
        self.zoomed
    }

    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.detail.as_ref()?.verdict.as_ref()
    }

    /// Whether its agents are shown instead of a verdict: it is not closed.
    pub(crate) fn is_open(&self) -> bool {
        self.detail.as_deref().is_some_and(live::is_open)
    }

    /// The tabs that it has.
    pub(crate) fn tabs(&self) -> impl Iterator<Item = (&'static str, &'static str, Tab)> {
        let asks = self.gate.is_some();
        Tab::ALL.into_iter().filter(move |(.., tab)| asks || *tab != Tab::Questions)
    }

    /// The question under the cursor.
    pub(crate) fn question(&self) -> Option<&GateIssue> {
        self.gate.as_ref()?.issues.get(self.questions.selected)
    }

    /// Where the open question under the cursor stands, or the first one.
    pub(crate) fn open_question(&self) -> Option<usize> {
        let is_open = |issue: &GateIssue| issue.answer.is_none();
        if self.question().is_some_and(is_open) {
            return Some(self.questions.selected);
        }
        self.gate.as_ref()?.issues.iter().position(is_open)
    }

    /// The field under the cursor.
    pub(crate) fn field(&self) -> Option<&FieldVote> {
        self.verdict().filter(|_| !self.is_open())?.fields.get(self.fields.selected)
    }

    /// The answer under the cursor.
    pub(crate) fn output(&self) -> Option<&OutputDetail> {
        self.detail.as_ref()?.outputs.get(self.outputs.selected)
    }

    /// The attempt under the cursor.
    pub(crate) fn attempt(&self) -> Option<&AttemptDetail> {
        self.detail.as_ref()?.attempts.get(self.attempts.selected)
    }

    /// The list of the tab: how long it is; some have none.
    pub(crate) fn length(&self) -> usize {
        let Some(detail) = &self.detail else { return 0 };
        match self.tab {
            Tab::Questions => self.gate.as_ref().map_or(0, |gate| gate.issues.len()),
            Tab::Verdict if self.is_open() => detail.roster.len(),
            Tab::Verdict => self.verdict().map_or(0, |verdict| verdict.fields.len()),
            Tab::Outputs => detail.outputs.len(),
            Tab::Diff | Tab::Synthesis => 0,
            Tab::Attempts => detail.attempts.len(),
        }
    }

    /// The cursor of the tab's list.
    pub(crate) fn cursor(&mut self) -> &mut Cursor {
        match self.tab {
            Tab::Questions => &mut self.questions,
            Tab::Verdict => &mut self.fields,
            Tab::Attempts => &mut self.attempts,
            Tab::Outputs | Tab::Diff | Tab::Synthesis => &mut self.outputs,
        }
    }

    /// The first line of the tab's list that is seen.
    pub(super) const fn top(&self) -> usize {
        match self.tab {
            Tab::Questions => self.questions.top,
            Tab::Verdict => self.fields.top,
            Tab::Attempts => self.attempts.top,
            Tab::Outputs | Tab::Diff | Tab::Synthesis => self.outputs.top,
        }
    }
}
