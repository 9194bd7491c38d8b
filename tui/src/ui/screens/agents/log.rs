//! The end of an agent's log, or what somebody has scrolled back to: pages of it, never the whole.

use std::collections::VecDeque;

use crate::ui::document::Document;
use crate::ui::effect::{Effect, Read};
use crate::ui::input::Input;
use crate::ui::screens::agents::Who;

/// Most pages that are kept: what is further away is read again when it is needed.
const PAGES: usize = 4;
/// Rows that must lie around the cursor, or more are read.
const AHEAD: usize = 100;

/// A place in a log that outlives its rotation: which file, and how many bytes of it come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The file's number in its file system.
    pub(crate) file: u64,
    pub(crate) offset: u64,
}

/// Which part of a log is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// None of it: how large it is, and an end to whatever is looked for.
    Nothing,
    /// Its end.
    End,
    /// Its beginning.
    Start,
    /// What comes before.
    Before(Position),
    /// What follows.
    After(Position),
    /// The nearest page before that has this text.
    FindBefore { needle: String, from: Position },
    /// The nearest page behind that has this text.
    FindAfter { needle: String, from: Position },
}

/// What is asked of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogAsk {
    pub(crate) id: String,
    /// Answers to older generations are dropped.
    pub(crate) generation: u64,
    pub(crate) at: At,
}

/// A part of a log: whole lines, but for the last one of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogPage {
    pub(crate) text: String,
    pub(crate) begin: Position,
    pub(crate) end: Position,
    pub(crate) at_start: bool,
    pub(crate) at_end: bool,
    /// The line that has what was looked for.
    pub(crate) line: Option<usize>,
}

/// What was read of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogRead {
    pub(crate) asked: LogAsk,
    /// Bytes of all of it; `None` where there is none.
    pub(crate) bytes: Option<u64>,
    /// Where the page is; `None` where nothing was found.
    pub(crate) page: Option<LogPage>,
}

/// A part of the log of one agent.
#[expect(clippy::struct_excessive_bools, reason = "each is told on its own")]
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) id: String,
    /// Whose it is; a log of its predecessor of the same id is another.
    pub(super) who: Option<Who>,
    pages: VecDeque<LogPage>,
    /// Bytes of all of it; `None` where there is none.
    pub(crate) bytes: Option<u64>,
    /// Whether anything was read yet.
    pub(crate) loaded: bool,
    /// It stays where it is, whatever is written.
    pub(crate) held: bool,
    /// Something was written that was not read.
    pub(crate) behind: bool,
    /// It was seen over the whole screen: its cursor is where somebody left it.
    pub(super) was_read: bool,
    generation: u64,
    waiting: bool,
    /// It is being looked for a text: the next key ends that.
    looking: bool,
    pub(crate) document: Document,
    /// The text that is looked for, while it is typed.
    pub(crate) searching: Option<Input>,
    pub(crate) needle: String,
}

impl Log {
    pub(super) fn new(id: &str, generation: u64) -> Self {
        Self {
            id: id.to_owned(),
            who: None,
            pages: VecDeque::new(),
            bytes: None,
            loaded: false,
            held: false,
            behind: false,
            was_read: false,
            generation,
            waiting: false,
            looking: false,
            document: Document::plain(""),
            searching: None,
            needle: String::new(),
        }
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn ask(&mut self, at: At) -> Effect {
        self.generation += 1;
        self.waiting = true;
        self.looking = matches!(at, At::FindBefore { .. } | At::FindAfter { .. });
        Effect::Read(Read::Log(LogAsk { id: self.id.clone(), generation: self.generation, at }))
    }

    /// Its last lines, as many as are asked for; while it is held, those that end where it was left.
    pub(crate) fn last_lines(&self, count: usize) -> Vec<&str> {
        let mut lines: Vec<&str> = Vec::new();
        let all: usize = self.pages.iter().map(|page| page.text.lines().count()).sum();
        let behind =
            if self.held && self.was_read { all.saturating_sub(self.document.line() + 1) } else { 0 };
        let mut skipped = behind;
        for page in self.pages.iter().rev() {
            // What ends with a line feed has no line behind it.
            let text = page.text.strip_suffix('\n').unwrap_or(&page.text);
            let here = page.text.lines().count();
            let left = count.saturating_sub(lines.len());
            lines.extend(text.rsplit('\n').skip(skipped).take(left));
            skipped = skipped.saturating_sub(here);
        }
        lines.reverse();
        lines
    }

    /// Whether the last line is the last of the log.
    pub(crate) fn at_end(&self) -> bool {
        !self.behind && self.pages.back().is_none_or(|page| page.at_end)
    }

    fn at_start(&self) -> bool {
        self.pages.front().is_none_or(|page| page.at_start)
    }

    /// A part has come. Gives whether it was what is waited for; `Some(false)` where nothing was found.
    pub(super) fn arrived(&mut self, read: LogRead) -> Option<bool> {
        if read.asked.id != self.id || read.asked.generation != self.generation {
            return None;
        }
        (self.waiting, self.looking) = (false, false);
        self.loaded = true;
        let grown = self.bytes != read.bytes;
        self.bytes = read.bytes;
        if read.asked.at == At::Nothing {
            self.behind |= grown;
            return None;
        }
        let is_search = matches!(read.asked.at, At::FindBefore { .. } | At::FindAfter { .. });
        let Some(page) = read.page else {
            if !is_search {
                self.pages.clear();
                self.document = Document::plain("");
            }
            return Some(false);
        };
        let lines = page.text.matches('\n').count();
        let line = self.document.line();
        let found = page.line;
        if page.at_end {
            self.behind = false;
        }
        match read.asked.at {
            At::Nothing => {}
            At::Before(_) => {
                self.pages.push_front(page);
                self.pages.truncate(PAGES);
                self.show(line + lines);
            }
            At::After(_) => {
                self.pages.push_back(page);
                let mut gone = 0;
                while self.pages.len() > PAGES {
                    gone += self.pages.pop_front().map_or(0, |page| page.text.matches('\n').count());
                }
                self.show(line.saturating_sub(gone));
            }
            At::End => {
                self.pages = VecDeque::from([page]);
                self.show(usize::MAX);
            }
            At::Start | At::FindBefore { .. } | At::FindAfter { .. } => {
                self.pages = VecDeque::from([page]);
                self.show(found.unwrap_or(0));
            }
        }
        Some(true)
    }

    /// The text of all pages anew, with the cursor on this line.
    fn show(&mut self, line: usize) {
        let text: String = self.pages.iter().map(|page| page.text.as_str()).collect();
        self.document.replace(&text, line);
    }

    /// Something was written.
    pub(super) fn grew(&mut self) -> Option<Effect> {
        self.behind = true;
        if self.held || self.waiting { None } else { Some(self.ask(At::End)) }
    }

    /// Nobody wants any more what is looked for.
    pub(super) fn abandon(&mut self) -> Option<Effect> {
        self.looking.then(|| self.ask(At::Nothing))
    }

    /// Somebody comes back to it: what was written meanwhile was told to nobody.
    pub(super) fn seen_again(&mut self) -> Option<Effect> {
        match (self.waiting, self.held) {
            (true, _) => None,
            (false, true) => Some(self.ask(At::Nothing)),
            (false, false) => self.grew(),
        }
    }

    /// How many lines it has, where all of it is here.
    pub(crate) fn lines(&self) -> Option<usize> {
        let all = self.loaded && self.at_start() && self.at_end() && !self.pages.is_empty();
        let in_page = |page: &LogPage| page.text.matches('\n').count();
        let rest = self.pages.back().is_some_and(|page| !page.text.is_empty() && !page.text.ends_with('\n'));
        all.then(|| self.pages.iter().map(in_page).sum::<usize>() + usize::from(rest))
    }

    /// Whether a line of what is here has what is looked for.
    pub(super) fn has_match(&self) -> bool {
        let needle = self.needle.to_lowercase();
        self.pages.iter().any(|page| page.text.to_lowercase().contains(&needle))
    }

    /// Holds, or follows again.
    pub(super) fn toggle(&mut self) -> Option<Effect> {
        self.held = !self.held;
        if self.held { None } else { Some(self.ask(At::End)) }
    }

    /// Asks for what the cursor will need.
    pub(super) fn keep_in_sight(&mut self) -> Option<Effect> {
        if self.waiting || !self.loaded {
            return None;
        }
        let (selected, rows) = (self.document.cursor.selected, self.document.len());
        // While it follows, its end is all that is looked at.
        if self.held && selected < AHEAD && !self.at_start() {
            let begin = self.pages.front()?.begin;
            return Some(self.ask(At::Before(begin)));
        }
        if self.held && selected + AHEAD >= rows && !self.at_end() {
            let end = self.pages.back()?.end;
            return Some(self.ask(At::After(end)));
        }
        None
    }

    /// To the first line.
    pub(super) fn go_to_start(&mut self) -> Option<Effect> {
        self.held = true;
        if self.at_start() {
            self.document.cursor.selected = 0;
            return None;
        }
        Some(self.ask(At::Start))
    }

    /// To the last line, and on with what follows.
    pub(super) fn go_to_end(&mut self) -> Effect {
        self.held = false;
        self.ask(At::End)
    }

    /// To the nearest line that has the text, upwards or downwards; what is not here is looked for in the rest.
    pub(super) fn find(&mut self, down: bool, here_too: bool) -> Option<Effect> {
        if self.needle.is_empty() {
            return None;
        }
        self.held = true;
        let needle = self.needle.to_lowercase();
        let here = self.document.line();
        let text: String = self.pages.iter().map(|page| page.text.as_str()).collect();
        let matches = text.split('\n').enumerate().filter(|(_, line)| line.to_lowercase().contains(&needle));
        let mut matches = matches.map(|(at, _)| at);
        let found = if down {
            matches.find(|at| *at > here || here_too && *at == here)
        } else {
            matches.take_while(|at| *at < here || here_too && *at == here).last()
        };
        if let Some(line) = found {
            self.document.go_to_line(line);
            return None;
        }
        let needle = self.needle.clone();
        let at = if down {
            At::FindAfter { needle, from: self.pages.back()?.end }
        } else {
            At::FindBefore { needle, from: self.pages.front()?.begin }
        };
        Some(self.ask(at))
    }
}

#[cfg(test)]
mod tests;
