//! The only place that prints. Results go to standard output, everything else to standard error.
//!
//! A reader that is gone ends the program quietly; a notice that cannot be printed is no failure.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::json;

use super::args::{Colour, Globals};
use crate::failure::Failure;
use crate::project::Environment;
use crate::text;

/// Columns of a terminal that does not tell its own.
const USUAL_WIDTH: usize = 80;

/// How and where to print.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) json: bool,
    quiet: bool,
    colour: bool,
    pub(crate) signs: Signs,
    /// Columns of the terminal; `None` where standard output is none, and nothing is cut.
    pub(crate) columns: Option<usize>,
}

/// Which signs the reader's font is expected to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signs {
    Unicode,
    Ascii,
}

impl Signs {
    /// What the locale says, as the C library reads it: the first of the three that is set counts.
    pub(crate) fn of(environment: &Environment) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| environment.text(name));
        let name = locale.unwrap_or_default().to_ascii_lowercase();
        if name.contains("utf-8") || name.contains("utf8") { Self::Unicode } else { Self::Ascii }
    }
}

impl Output {
    pub(crate) fn new(globals: &Globals, environment: &Environment) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let colour = match globals.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && environment.get("NO_COLOR").is_none(),
        };
        let columns = is_terminal.then(|| {
            let told = ratatui::crossterm::terminal::size().map_or(0, |(columns, _)| usize::from(columns));
            if told > 0 { told } else { USUAL_WIDTH }
        });
        Self { json: globals.json, quiet: globals.quiet, colour, signs: Signs::of(environment), columns }
    }

    /// Before the command line is understood: plain.
    pub(crate) const fn plain(json: bool) -> Self {
        Self { json, quiet: false, colour: false, signs: Signs::Ascii, columns: None }
    }

    /// Says nothing by itself: somebody else has the terminal.
    pub(crate) const fn silent() -> Self {
        Self { quiet: true, ..Self::plain(false) }
    }

    pub(crate) const fn is_coloured(&self) -> bool {
        self.colour
    }

    /// The first where the reader's font has it, else the second.
    pub(crate) const fn sign<'sign>(&self, unicode: &'sign str, ascii: &'sign str) -> &'sign str {
        match self.signs {
            Signs::Unicode => unicode,
            Signs::Ascii => ascii,
        }
    }

    /// Whether progress may be shown on stderr.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether people look at standard output.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.columns.is_some()
    }

    /// The most entries of a list where the user said nothing.
    pub(crate) const fn usual_limit(&self) -> Option<usize> {
        if self.json || self.columns.is_none() { None } else { Some(50) }
    }

    /// Prints a result as it is; it ends with its own line feed.
    pub(crate) fn print(&self, text: impl Display) -> Result<(), Failure> {
        self.bytes(text.to_string().as_bytes())
    }

    /// Prints bytes as they are.
    #[expect(clippy::unused_self, reason = "who prints has an output in hand")]
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| Failure::io("print", &error))
    }

    /// Where a result goes that is too long to be made first; whoever writes flushes.
    #[expect(clippy::unused_self, reason = "who prints has an output in hand")]
    pub(crate) fn writer(&self) -> impl io::Write {
        io::BufWriter::new(io::stdout().lock())
    }

    /// Prints the one JSON document.
    pub(crate) fn document(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text =
            if self.is_terminal() { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) };
        let mut text = text.map_err(|error| Failure::internal(format!("write JSON: {error}")))?;
        text.push(b'\n');
        self.bytes(&text)
    }

    /// Tells what happened beside the result.
    pub(crate) fn notice(&self, text: impl Display) {
        if !self.quiet {
            to_stderr(&text.to_string());
        }
    }

    /// Prints a failure: one line, its hint, and the JSON object where one is promised.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.complain(failure);
        if self.json && !failure.silent {
            // Nobody may be reading any more; the exit code says it as well.
            let _ = self.document(&json!({ "error": failure.object() }));
        }
    }

    /// Prints a failure for people: one line, what led to it, and its hint.
    pub(crate) fn complain(&self, failure: &Failure) {
        if failure.silent {
            return;
        }
        to_stderr(&format!("{}: {}", self.coloured("error", Paint::Red), one_line(&failure.message)));
        for line in failure.story.iter().flat_map(|story| &story.lines) {
            to_stderr(&format!("  {}", one_line(line)));
        }
        if let Some(hint) = &failure.hint {
            to_stderr(&format!("{}: {}", self.coloured("hint", Paint::Cyan), one_line(hint)));
        }
    }

    /// Says what Ctrl-C left, in place of the bar that may stand there.
    pub(crate) fn interrupted(&self, text: &str) {
        if !self.quiet {
            let clear = if self.shows_progress() { "\r\x1b[K" } else { "" };
            to_stderr(&format!("{clear}interrupted: {}", one_line(text)));
        }
    }

    /// Says that a read command found nothing to read.
    pub(crate) fn no_state(&self) {
        self.notice("no state here");
        self.notice("hint: conclave init");
    }

    /// The text in a colour, where colours are wanted.
    pub(crate) fn coloured(&self, text: &str, paint: Paint) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", paint.code()) } else { text.to_owned() }
    }
}

/// Set when stderr takes nothing, and somebody is stuck in writing to it.
static STDERR_IS_STUCK: AtomicBool = AtomicBool::new(false);

/// Nothing is written to stderr any more: it takes nothing, and whoever wrote would wait for good.
pub(super) fn give_up_stderr() {
    STDERR_IS_STUCK.store(true, Ordering::Relaxed);
}

fn to_stderr(line: &str) {
    if STDERR_IS_STUCK.load(Ordering::Relaxed) {
        return;
    }
    // `eprintln!` would panic where stderr is closed.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The colours of results, all from the terminal's own sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Red,
    Green,
    Yellow,
    Cyan,
    Bold,
}

impl Paint {
    const fn code(self) -> u8 {
        match self {
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Cyan => 36,
            Self::Bold => 1,
        }
    }
}

/// A message on one line, whatever it was made of.
fn one_line(text: &str) -> String {
    let joined = text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>();
    text::visible(&joined.join(" ")).into_owned()
}
