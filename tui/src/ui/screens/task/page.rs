//! The page of a task: lines of a width, made once for each width.

use conclave_tasks::read::AttemptRow;

use crate::text::{visible, visible_lines};
use crate::times;
use crate::ui::document::wrapped_lines;
use crate::ui::screens::tasks::{Detail, Whole, change, task_words, tree};
use crate::ui::theme::Theme;

/// Most lines of one page: what is longer is read better with another program.
const LONGEST: usize = 20_000;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Heading,
    Plain,
    Dim,
    Warning,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageLine {
    pub(super) text: String,
    pub(super) tone: Tone,
    /// The task that it is about, where one can go to it.
    pub(super) target: Option<String>,
}

impl PageLine {
    /// Whether it only parts others.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The page, as wide as `width`.
pub(super) fn lines(theme: Theme, detail: &Detail, width: usize) -> Vec<PageLine> {
    let mut page = Page { theme, width, lines: Vec::new() };
    page.dates(detail);
    if detail.row.expired_claim_of.is_some() {
        page.plain("The claim has expired: whoever claims the task next takes it over.", Tone::Warning);
    }
    // What is finished waits for nothing, whatever its edges say.
    for by in detail.by.iter().filter(|_| !task_words::is_finished(&detail.row)) {
        page.push(&by.why, Tone::Warning, Some(&by.id));
    }
    page.section("Description", &detail.description);
    if let Some(whole) = &detail.whole {
        page.whole(whole);
        page.attempts(whole);
    }
    page.heading("Changes");
    for row in &detail.audit {
        page.plain(&format!("{}  {}", times::absolute(row.at), change(theme, row)), Tone::Plain);
    }
    if detail.audit.is_empty() {
        page.plain("none that were kept", Tone::Dim);
    }
    let mut lines = page.lines;
    if lines.len() > LONGEST {
        let more = lines.len() - LONGEST;
        lines.truncate(LONGEST);
        let text = format!(
            "and {} more; y copies the id, `conclave task show` has them all",
            crate::text::count(more as u64)
        );
        lines.push(PageLine { text, tone: Tone::Dim, target: None });
    }
    lines
}

struct Page {
    theme: Theme,
    width: usize,
    lines: Vec<PageLine>,
}

impl Page {
    fn push(&mut self, text: &str, tone: Tone, target: Option<&str>) {
        for text in wrapped_lines(text, self.width.saturating_sub(2)) {
            let target = target.map(ToOwned::to_owned);
            self.lines.push(PageLine { text: format!("  {text}"), tone, target });
        }
    }

    fn plain(&mut self, text: &str, tone: Tone) {
        self.push(text, tone, None);
    }

    fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(PageLine { text: String::new(), tone: Tone::Plain, target: None });
        }
        self.lines.push(PageLine { text: text.to_owned(), tone: Tone::Heading, target: None });
    }

    fn section(&mut self, name: &str, text: &str) {
        if !text.trim().is_empty() {
            self.heading(name);
            self.plain(&visible_lines(text.trim_end()), Tone::Plain);
        }
    }

    fn dates(&mut self, detail: &Detail) {
        let row = &detail.row;
        let dates = [("created", row.created), ("updated", row.updated), ("closed", row.closed)];
        let dates =
            dates.iter().filter_map(|(name, at)| at.map(|at| format!("{name} {}", times::absolute(at))));
        let dates: Vec<String> = dates.collect();
        if !dates.is_empty() {
            self.plain(&dates.join(&format!(" {} ", self.theme.dot())), Tone::Dim);
        }
    }

    fn whole(&mut self, whole: &Whole) {
        for (name, text) in &whole.texts {
            self.section(name, text);
        }
        for (name, nodes) in [("What it depends on", &whole.down), ("What depends on it", &whole.up)] {
            let drawn = tree::lines(self.theme, nodes, self.width);
            if !drawn.is_empty() {
                self.heading(name);
            }
            for (text, id) in drawn {
                // A tree is not wrapped: its rails would lead nowhere.
                let room = self.width.saturating_sub(2);
                let text = crate::text::fit_with(&text, room, self.theme.sign("…", "~")).into_owned();
                let line = PageLine { text: format!("  {text}"), tone: Tone::Plain, target: Some(id) };
                self.lines.push(line);
            }
        }
        if !whole.comments.is_empty() {
            self.heading("Comments");
        }
        for comment in &whole.comments {
            let who = comment.author.as_deref().unwrap_or("unknown");
            let when = comment.at.map_or_else(|| "time unknown".to_owned(), times::absolute);
            self.plain(&format!("{} {} {when}", visible(who), self.theme.dot()), Tone::Dim);
            self.plain(&visible_lines(comment.text.trim_end()), Tone::Plain);
        }
        if !whole.oddities.is_empty() {
            self.heading("Kept as it is");
            self.plain(&visible(&whole.oddities.join("; ")), Tone::Warning);
        }
    }

    /// The first line of an attempt of `conclave work`: who, for whom, since when, how it ended and after how long.
    fn dispatched(&self, attempt: &AttemptRow, agent: &str, since: i64) -> String {
        let dot = self.theme.dot();
        let mut head = format!(
            "try {} by {} (work of {}) {dot} {}",
            attempt.attempt,
            visible(agent),
            visible(&attempt.who),
            times::absolute(since),
        );
        match (attempt.outcome, attempt.ended_at) {
            (Some(outcome), Some(end)) => {
                let took = times::clock(end.saturating_sub(since));
                head.extend([" ", dot, " ", outcome.as_str(), " after ", &took]);
            }
            (Some(outcome), None) => head.extend([" ", dot, " ", outcome.as_str()]),
            (None, _) => {
                let process = attempt.child.as_ref().map(|child| format!(", process {}", child.pid));
                head.extend([" ", dot, " under way", &process.unwrap_or_default()]);
            }
        }
        if let Some(at) = attempt.retry_at {
            head.extend([" ", dot, " not again before ", &times::absolute(at)]);
        }
        head
    }

    fn attempts(&mut self, whole: &Whole) {
        if !whole.attempts.is_empty() {
            self.heading("Attempts");
        }
        for attempt in &whole.attempts {
            let status = attempt.status.as_deref().map_or_else(String::new, |status| {
                format!(" {} {}", self.theme.dot(), visible(&status.replace('_', " ")))
            });
            let head = match (&attempt.agent, attempt.started_at) {
                (Some(agent), Some(since)) => self.dispatched(attempt, agent, since),
                _ => format!(
                    "try {} by {} {} {}{status}",
                    attempt.attempt,
                    visible(&attempt.who),
                    self.theme.dot(),
                    times::absolute(attempt.at),
                ),
            };
            self.plain(&head, Tone::Dim);
            let texts = [("result", &attempt.result), ("error", &attempt.error), ("output", &attempt.output)];
            for (name, text) in texts {
                if let Some(text) = text {
                    self.plain(&format!("{name}: {}", visible_lines(text.trim_end())), Tone::Plain);
                }
            }
        }
    }
}
