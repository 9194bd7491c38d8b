//! A cursor in a list, and the part of the list that is seen.

/// Which line is selected and which one is the first that is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    pub(crate) selected: usize,
    pub(crate) top: usize,
}

impl Cursor {
    /// Moves by lines; stays inside a list of `length`.
    pub(crate) fn step(&mut self, by: isize, length: usize) {
        self.selected = self.selected.saturating_add_signed(by).min(length.saturating_sub(1));
    }

    /// Makes the selected line one of the `height` that are seen, and leaves no gap at the end.
    pub(crate) fn show(&mut self, length: usize, height: usize) {
        self.selected = self.selected.min(length.saturating_sub(1));
        if self.selected < self.top {
            self.top = self.selected;
        }
        if height > 0 && self.selected >= self.top.saturating_add(height) {
            self.top = self.selected + 1 - height;
        }
        self.top = self.top.min(length.saturating_sub(height));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Cursor;

    proptest! {
        #[test]
        fn the_selected_line_is_always_seen(
            steps in prop::collection::vec((-30_isize..30, 0_usize..50, 0_usize..20), 1..30),
        ) {
            let mut cursor = Cursor::default();
            for (by, length, height) in steps {
                cursor.step(by, length);
                cursor.show(length, height);
                prop_assert!(cursor.selected < length.max(1));
                prop_assert!(height == 0 || (cursor.top..cursor.top + height).contains(&cursor.selected));
            }
        }
    }
}
