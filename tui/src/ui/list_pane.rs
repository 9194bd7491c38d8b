//! Where the parts of a screen are that is a list with a pane for what is under its cursor.

use ratatui::layout::Rect;

/// From this width on the list and the pane stand side by side.
pub(crate) const WIDE: u16 = 110;
/// Lines of the lower pane, without its rule.
const PANE: u16 = 7;
/// Below this many lines there is no room for a pane.
pub(crate) const SHORT: u16 = 13;

/// Where the parts of the screen are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) title: Rect,
    pub(crate) head: Rect,
    pub(crate) list: Rect,
    /// Between the list and a pane below it.
    pub(crate) rule: Option<Rect>,
    pub(crate) pane: Option<Rect>,
}

impl Parts {
    /// The parts of an area; a lower pane takes at most one `share`-th of what is below the head.
    pub(crate) fn of(area: Rect, share: u16) -> Self {
        let line = |y: u16, height: u16| Rect {
            y: area.y + y.min(area.height),
            height: height.min(area.height.saturating_sub(y)),
            ..area
        };
        let (title, head) = (line(0, 1), line(1, 1));
        let rest = area.height.saturating_sub(2);
        if area.width >= WIDE {
            let left = area.width / 3 * 2;
            let list = Rect { width: left, ..line(2, rest) };
            let pane = Rect { x: area.x + left + 2, width: area.width - left - 2, ..line(1, rest + 1) };
            return Self { title, head: Rect { width: left, ..head }, list, rule: None, pane: Some(pane) };
        }
        if area.height < SHORT {
            return Self { title, head, list: line(2, rest), rule: None, pane: None };
        }
        let pane = PANE.min(rest / share);
        let list = rest - pane - 1;
        let (rule, pane) = (line(2 + list, 1), line(3 + list, pane));
        Self { title, head, list: line(2, list), rule: Some(rule), pane: Some(pane) }
    }

    /// Which line of the list, counted from the first that is seen, a click meets.
    pub(crate) fn clicked(&self, column: u16, row: u16) -> Option<usize> {
        self.list.contains((column, row).into()).then(|| usize::from(row - self.list.y))
    }
}
