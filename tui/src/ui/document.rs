//! A text to be read: wrapped, folded where it is JSON, searched. Everything in it is safe to be drawn.

mod layout;

use std::collections::HashSet;

use self::layout::Row;
use super::json_tree::{self, Line, Value};
use super::list::Cursor;
use crate::text::visible_lines;

/// The most that is shown: what is larger is read better with another program.
pub(crate) const LARGEST: usize = 1024 * 1024;

/// A text with a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// As it came, for copying.
    text: String,
    tree: Option<Vec<Line>>,
    raw: bool,
    folded: HashSet<usize>,
    rows: Vec<Row>,
    width: usize,
    pub(crate) cursor: Cursor,
    search: String,
}

impl Document {
    /// Makes a text readable; JSON becomes a tree.
    pub(crate) fn new(text: &str) -> Self {
        let mut end = text.len().min(LARGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let kept = text[..end].to_owned();
        let tree = if kept.len() == text.len() {
            // A single number or word needs no tree.
            json_tree::parse(&kept).filter(|lines| lines.len() > 1)
        } else {
            None
        };
        Self {
            raw: tree.is_none(),
            text: kept,
            tree,
            folded: HashSet::new(),
            rows: Vec::new(),
            width: 0,
            cursor: Cursor::default(),
            search: String::new(),
        }
    }

    /// Lines that are nothing but lines, also where they are JSON.
    pub(crate) fn plain(text: &str) -> Self {
        let mut document = Self::new("");
        document.replace(text, 0);
        document
    }

    /// Another text in its place, laid out as wide, the cursor on this line of it, where it was on the screen.
    pub(crate) fn replace(&mut self, text: &str, line: usize) {
        let mut end = text.len().min(LARGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let offset = self.cursor.selected.saturating_sub(self.cursor.top);
        text[..end].clone_into(&mut self.text);
        self.rows.clear();
        if self.width > 0 {
            self.layout();
        }
        self.go_to_line(line);
        self.cursor.top = self.cursor.selected.saturating_sub(offset);
    }

    /// More of a plain text, at its end. Only what can change is laid out anew.
    pub(crate) fn append(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        let mut end = piece.len().min(LARGEST.saturating_sub(self.text.len()));
        while !piece.is_char_boundary(end) {
            end -= 1;
        }
        // A line feed at the end stands for no row until something follows it.
        let start = self.text.rfind('\n').map_or(0, |at| at + 1);
        let last = self.rows.last().map_or(0, |row| row.line);
        let line = if start > 0 && start == self.text.len() { last + 1 } else { last };
        self.text.push_str(&piece[..end]);
        if self.width == 0 {
            return;
        }
        self.rows.truncate(self.rows.partition_point(|row| row.line < line));
        let added = layout::plain(&visible_lines(&self.text[start..]), self.width);
        self.rows.extend(added.into_iter().map(|row| Row { line: row.line + line, ..row }));
    }

    /// The line that the cursor is on.
    pub(crate) fn line(&self) -> usize {
        self.rows.get(self.cursor.selected).map_or(0, |row| row.line)
    }

    /// The text as it came.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.raw
    }

    /// Whether it can be shown as a tree.
    pub(crate) const fn is_json(&self) -> bool {
        self.tree.is_some()
    }

    /// The lines to draw, as many as are asked for, from the first that is seen.
    pub(crate) fn rows(&self, height: usize) -> impl Iterator<Item = (usize, &Row)> {
        self.rows.iter().enumerate().skip(self.cursor.top).take(height)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn search(&self) -> &str {
        &self.search
    }

    /// Wraps the text anew where the width has changed, and keeps the cursor in sight.
    pub(crate) fn fit(&mut self, width: usize, height: usize) {
        if self.width != width || self.rows.is_empty() {
            self.width = width;
            self.layout();
        }
        self.cursor.show(self.rows.len(), height);
    }

    fn layout(&mut self) {
        let line = self.rows.get(self.cursor.selected).map(|row| row.line);
        self.rows = match &self.tree {
            Some(tree) if !self.raw => layout::tree(&self.text, tree, &self.folded, self.width),
            _ => layout::plain(&visible_lines(&self.text), self.width),
        };
        if let Some(line) = line {
            self.go_to_line(line);
        }
    }

    /// The cursor on this line; on the last one where there is none.
    pub(crate) fn go_to_line(&mut self, line: usize) {
        // A folded line is not there; the one that folds it stands before.
        let row = self.rows.partition_point(|row| row.line <= line).saturating_sub(1);
        let line = self.rows.get(row).map_or(0, |row| row.line);
        self.cursor.selected = self.rows.partition_point(|row| row.line < line);
    }

    /// Changes between the tree and the text as it is.
    pub(crate) fn toggle_raw(&mut self) {
        if self.tree.is_some() {
            self.raw = !self.raw;
            self.cursor = Cursor::default();
            self.layout();
        }
    }

    /// Folds or unfolds what the selected line opens or stands in.
    pub(crate) fn toggle_fold(&mut self) {
        let Some(tree) = self.tree.as_ref().filter(|_| !self.raw) else { return };
        let Some(line) = self.rows.get(self.cursor.selected).map(|row| row.line) else { return };
        let opens = |at: usize| match tree.get(at).map(|line| &line.value) {
            Some(Value::Open { end, items, .. }) if *items > 0 => Some(*end),
            _ => None,
        };
        let Some(opener) = (0..=line).rev().find(|at| opens(*at).is_some_and(|end| end >= line)) else {
            return;
        };
        if !self.folded.remove(&opener) {
            self.folded.insert(opener);
        }
        self.layout();
        self.go_to_line(opener);
    }

    /// Folds everything below the top, or unfolds everything.
    pub(crate) fn toggle_all(&mut self) {
        let Some(tree) = self.tree.as_ref().filter(|_| !self.raw) else { return };
        if self.folded.is_empty() {
            let below = |(at, line): (usize, &Line)| {
                let folds = matches!(line.value, Value::Open { items, .. } if items > 0);
                (line.depth > 0 && folds).then_some(at)
            };
            self.folded = tree.iter().enumerate().filter_map(below).collect();
        } else {
            self.folded.clear();
        }
        self.layout();
    }

    /// Searches from here on; gives whether anything matches.
    pub(crate) fn set_search(&mut self, needle: &str) -> bool {
        needle.clone_into(&mut self.search);
        needle.is_empty() || self.find(true, true)
    }

    /// Goes to the next match, or to the one before; gives whether there is one.
    pub(crate) fn find_next(&mut self, forward: bool) -> bool {
        !self.search.is_empty() && self.find(forward, false)
    }

    fn find(&mut self, forward: bool, here_too: bool) -> bool {
        let here = self.rows.get(self.cursor.selected).map_or(0, |row| row.line);
        let matches = self.matching_lines();
        let later = matches.iter().find(|line| **line > here || here_too && **line == here);
        let earlier = matches.iter().rfind(|line| **line < here);
        let found = if forward { later.or(matches.first()) } else { earlier.or(matches.last()) };
        let Some(line) = found.copied() else { return false };
        if let Some(tree) = &self.tree {
            let hides = |opener: &usize| match tree.get(*opener).map(|line| &line.value) {
                Some(Value::Open { end, .. }) => *opener < line && *end >= line,
                _ => false,
            };
            let before = self.folded.len();
            self.folded.retain(|opener| !hides(opener));
            if self.folded.len() != before {
                self.layout();
            }
        }
        self.go_to_line(line);
        true
    }

    fn matching_lines(&self) -> Vec<usize> {
        let needle = self.search.to_lowercase();
        let matches = |text: &str| text.to_lowercase().contains(&needle);
        match &self.tree {
            Some(tree) if !self.raw => tree
                .iter()
                .enumerate()
                .filter(|(_, line)| {
                    let part =
                        |range: &std::ops::Range<usize>| self.text.get(range.clone()).is_some_and(matches);
                    line.key.as_ref().is_some_and(part)
                        || matches!(&line.value, Value::Scalar(range) if part(range))
                })
                .map(|(at, _)| at)
                .collect(),
            _ => visible_lines(&self.text)
                .split('\n')
                .enumerate()
                .filter(|(_, line)| matches(line))
                .map(|(at, _)| at)
                .collect(),
        }
    }
}

/// The lines of a text, cut to a width.
pub(crate) fn wrapped_lines(text: &str, width: usize) -> impl Iterator<Item = String> {
    layout::plain(&visible_lines(text), width).into_iter().map(|row| row.text)
}

#[cfg(test)]
mod tests;
