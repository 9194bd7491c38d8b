//! A bar on stderr for work that takes long, where stderr is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt::Word;
use super::output::Output;

/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(200);

/// The bar, or nothing. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    word: Option<Word>,
}

impl Progress {
    pub(crate) fn new(output: &Output) -> Self {
        let bar = output.shows_progress().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self { bar, word: None }
    }

    /// For work that cannot say how far it is: what goes on, and for how long it has.
    pub(crate) fn spinning(output: &Output, what: &'static str) -> Self {
        let bar = output.shows_progress().then(|| {
            let bar = ProgressBar::new_spinner().with_message(what);
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
                bar.set_style(style.tick_chars("|/-\\ "));
            }
            bar.enable_steady_tick(TURN);
            bar
        });
        Self { bar, word: None }
    }

    /// What Ctrl-C says while this is there.
    pub(crate) fn if_interrupted(mut self, output: &Output, text: String) -> Self {
        self.word = Some(Word::new(output, text));
        self
    }

    /// How far the work is.
    pub(crate) fn at(&self, done: u64, total: u64, phase: &'static str) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(phase);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.word = None;
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
