//! A task that is open.

use std::sync::Arc;

use super::page::PageLine;
use crate::ui::list::Cursor;
use crate::ui::screens::tasks::Detail;

/// A task that is open, with its page laid out.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    /// The id that it was asked for by; a short form until it is known.
    pub(crate) id: String,
    pub(crate) detail: Option<Arc<Detail>>,
    /// There is no such task (any more).
    pub(crate) missing: bool,
    pub(super) lines: Vec<PageLine>,
    /// The width that they are laid out for.
    pub(super) width: usize,
    pub(crate) cursor: Cursor,
}

impl Open {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            detail: None,
            missing: false,
            lines: Vec::new(),
            width: 0,
            cursor: Cursor::default(),
        }
    }

    /// The task that the line under the cursor is about.
    pub(super) fn target(&self) -> Option<&str> {
        self.lines.get(self.cursor.selected).and_then(|line| line.target.as_deref())
    }
}
