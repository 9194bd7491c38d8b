//! One run that is open.

use std::sync::Arc;

use conclave_consensus::runs::{AttemptDetail, OutputDetail, RunDetail, RunId};

use crate::ui::document::Document;
use crate::ui::input::Input;
use crate::ui::list::Cursor;

/// What is shown of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Outputs,
    Synthesis,
    Attempts,
}

impl Tab {
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("outputs", Self::Outputs), ("synthesis", Self::Synthesis), ("attempts", Self::Attempts)];
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
    pub(crate) outputs: Cursor,
    pub(crate) attempts: Cursor,
    pub(crate) document: Option<Document>,
    /// What the document was made of, so that the same text keeps its place.
    pub(super) made_of: Option<(Tab, usize)>,
    /// The search while it is being typed.
    pub(crate) searching: Option<Input>,
}

impl Run {
    /// Whether one answer fills the screen.
    pub(crate) const fn is_zoomed(&self) -> bool {
        self.zoomed
    }

    /// The answer under the cursor.
    pub(crate) fn output(&self) -> Option<&OutputDetail> {
        self.detail.as_ref()?.outputs.get(self.outputs.selected)
    }

    /// The attempt under the cursor.
    pub(crate) fn attempt(&self) -> Option<&AttemptDetail> {
        self.detail.as_ref()?.attempts.get(self.attempts.selected)
    }

    /// The list of the tab: how long it is; the synthesis has none.
    pub(crate) fn length(&self) -> usize {
        let Some(detail) = &self.detail else { return 0 };
        match self.tab {
            Tab::Outputs => detail.outputs.len(),
            Tab::Synthesis => 0,
            Tab::Attempts => detail.attempts.len(),
        }
    }

    /// The cursor of the tab's list.
    pub(crate) fn cursor(&mut self) -> &mut Cursor {
        match self.tab {
            Tab::Attempts => &mut self.attempts,
            Tab::Outputs | Tab::Synthesis => &mut self.outputs,
        }
    }
}
