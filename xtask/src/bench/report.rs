//! The table as Markdown and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::harness::Harness;
use super::machine::{self, Machine};
use super::row::{Measured, number};
use crate::outcome::Outcome;

/// Everything that one run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    load_average_after: String,
    quick: bool,
    window_ms: u128,
    repeats: usize,
    rows: Vec<Measured>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn new(machine: Machine, harness: Harness) -> Self {
        Self {
            machine,
            load_average_after: machine::load_average(),
            quick: harness.quick,
            window_ms: harness.window().measured.as_millis(),
            repeats: harness.repeats(),
            rows: harness.rows,
            notes: harness.notes,
        }
    }

    pub(crate) fn json(&self) -> Outcome<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("# Benchmarks\n\nWritten by `cargo xtask bench`.");
        if self.quick {
            text.push_str(" **Quick: to see that it works, not to quote.**");
        }
        text.push_str(
            " Ours and each peer run in turns in one process on one disk (rows of several processes say so), \
             each repeat in a fresh file (point reads: all in one). Values are medians, `ratio` is the median of \
             the ratios of the pairs, `spread` the smallest and largest of them (of single values where there is \
             no peer). Ratios count, absolute times are noise.\n\n",
        );
        self.header(&mut text);
        text.push_str(
            "\n| row | condition | ours | peer | peer's name | unit | repeats | ratio | spread | target | met |\n\
             |---|---|---:|---:|---|---|---:|---:|---|---|---|\n",
        );
        for measured in &self.rows {
            line(&mut text, measured);
        }
        if !self.notes.is_empty() {
            text.push_str("\n## Notes\n\n");
            for note in &self.notes {
                let _ = writeln!(text, "- {note}");
            }
        }
        text
    }

    fn header(&self, text: &mut String) {
        let machine = &self.machine;
        let lines = [
            ("machine", format!("{}, {} cores, {} GiB", machine.cpu, machine.cores, machine.memory_gib)),
            ("kernel", machine.kernel.clone()),
            ("load average", format!("{} before, {} after", machine.load_average, self.load_average_after)),
            ("file system", machine.file_system.clone()),
            (
                "one sync",
                format!(
                    "{} µs (median of fdatasync after 4 KiB), {} µs (99th percentile)",
                    machine.sync_p50_us, machine.sync_p99_us
                ),
            ),
            ("SQLite", machine.sqlite.to_owned()),
            ("journal", machine.journal.to_owned()),
            ("build", machine.build.to_owned()),
            ("windows", windows(self.quick)),
        ];
        for (name, value) in lines {
            let _ = writeln!(text, "- {name}: {value}");
        }
    }
}

/// How long each repeat lasts; of vacuum and import it is the work itself.
fn windows(quick: bool) -> String {
    let harness = Harness::new(quick, None);
    let (writes, (_, reads)) = (harness.window(), harness.reads());
    format!(
        "writes {} ms after {} ms of warm-up, reads {} ms after {} ms; vacuum and import as long as they take",
        writes.measured.as_millis(),
        writes.warm.as_millis(),
        reads.measured.as_millis(),
        reads.warm.as_millis()
    )
}

fn line(text: &mut String, measured: &Measured) {
    let row = &measured.row;
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let ratio = row.ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{}×", number(ratio)));
    let spread = if measured.repeats > 1 {
        format!("{}–{}", number(measured.spread.0), number(measured.spread.1))
    } else {
        String::new()
    };
    let met = match row.met {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} | {} | {ratio} | {spread} | {} | {met} |",
        row.name,
        row.condition,
        number(row.ours),
        value(row.peer),
        row.peer_name,
        row.unit,
        measured.repeats,
        row.target
    );
}

#[cfg(test)]
mod tests;
