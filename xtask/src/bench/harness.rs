//! Runs the measurements: fresh folders on one disk, ours and peers in turns, medians of repeats.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::load::{Load, Window};
use super::row::{Measured, number};
use crate::outcome::Outcome;
use crate::{output, workspace};

/// What a benchmark writes its rows to.
#[derive(Debug)]
pub(crate) struct Harness {
    pub(crate) quick: bool,
    only: Option<String>,
    pub(crate) rows: Vec<Measured>,
    pub(crate) notes: Vec<String>,
}

impl Harness {
    pub(crate) fn new(quick: bool, only: Option<&str>) -> Self {
        Self { quick, only: only.map(str::to_lowercase), rows: Vec::new(), notes: Vec::new() }
    }

    /// Whether the line of this name is to be measured.
    pub(crate) fn wants(&self, row: &str, condition: &str) -> bool {
        let name = format!("{row}: {condition}").to_lowercase();
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }

    pub(crate) const fn repeats(&self) -> usize {
        if self.quick { 5 } else { 9 }
    }

    pub(crate) fn window(&self) -> Window {
        Window::of(Duration::from_millis(if self.quick { 1000 } else { 2000 }))
    }

    /// Reads need no long windows, and short turns meet the same noise.
    pub(crate) const fn reads(&self) -> (usize, Window) {
        let (repeats, millis) = if self.quick { (9, 200) } else { (21, 400) };
        (repeats, Window { warm: Duration::from_millis(100), measured: Duration::from_millis(millis) })
    }

    /// A folder of its own on the disk of the checkout, gone when dropped.
    pub(crate) fn folder() -> Outcome<TempDir> {
        let parent = self::folder();
        std::fs::create_dir_all(&parent)?;
        Ok(tempfile::Builder::new().prefix("run-").tempdir_in(parent)?)
    }

    /// Runs each contender once per repeat, in another order each time; gives the repeats of each.
    pub(crate) fn in_turns<T>(
        repeats: usize,
        contenders: usize,
        mut measure: impl FnMut(usize) -> Outcome<T>,
    ) -> Outcome<Vec<Vec<T>>> {
        let mut measured: Vec<Vec<T>> = (0..contenders).map(|_| Vec::new()).collect();
        for repeat in 0..repeats {
            for place in 0..contenders {
                let contender = (repeat + place) % contenders;
                measured[contender].push(measure(contender)?);
            }
        }
        Ok(measured)
    }

    /// Adds a line, and says so while the rest is still running.
    pub(crate) fn add(&mut self, measured: Measured) {
        let row = &measured.row;
        let beside = match (row.peer, row.ratio) {
            (Some(peer), Some(ratio)) => format!(
                " beside {} ({}): {}× [{}–{}]",
                number(peer),
                row.peer_name,
                number(ratio),
                number(measured.spread.0),
                number(measured.spread.1)
            ),
            _ => format!(" [{}–{}]", number(measured.spread.0), number(measured.spread.1)),
        };
        let met = match row.met {
            Some(true) => format!(", wanted {}: met", row.target),
            Some(false) => format!(", wanted {}: MISSED", row.target),
            None => String::new(),
        };
        output::note(format_args!(
            "{}, {}: {} {}{beside}{met}",
            row.name,
            row.condition,
            number(row.ours),
            row.unit
        ));
        self.rows.push(measured);
    }

    /// Says something that belongs under the table.
    pub(crate) fn note(&mut self, text: String) {
        output::note(format_args!("  {text}"));
        self.notes.push(text);
    }

    /// Says which errors a load met, if any.
    pub(crate) fn note_errors(&mut self, what: &str, loads: &[Load]) {
        let errors: u64 = loads.iter().map(|load| load.errors).sum();
        if let Some(first) = loads.iter().find_map(|load| load.first_error.clone()) {
            self.note(format!("{what}: {errors} errors, the first: {first}"));
        }
    }
}

/// Where benchmarks work: on the disk of the checkout.
pub(crate) fn folder() -> PathBuf {
    workspace::target().join("bench")
}

#[cfg(test)]
mod tests;
