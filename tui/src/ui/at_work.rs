//! The agents of a run that is not closed, one line each: how far each is, since when, and what it said last.

use conclave_consensus::runs::{AttemptDetail, RunDetail};
use conclave_consensus::workflow::{AgentState, RosterEntry};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::model::Model;
use super::theme::Theme;
use super::{answers, live};
use crate::text::{count, fit_with, pad, size, visible, width};
use crate::times;

/// Widest name that is not cut.
const NAME: usize = 16;
/// `↻ try 2 of 3 in 0:12` fits.
const STATE: usize = 20;

/// What stands above the agents: how many answers are wanted, and how long it can take at the most.
pub(crate) fn head(model: &Model, detail: &RunDetail) -> String {
    let dot = model.setting.theme.dot();
    let Some(settings) = &detail.settings else { return String::new() };
    let agents = crate::text::counted(detail.roster.len() as u64, "agent", "agents");
    let mut text = format!("{agents} {dot} quorum {}", settings.quorum);
    if live::is_driven(detail) {
        let timeout = i64::try_from(settings.timeout_ms).unwrap_or(i64::MAX);
        let left = settings.driven_at.saturating_add(timeout).saturating_sub(model.now_ms);
        if settings.cancelled_at.is_some() {
            text = format!("{text} {dot} being cancelled");
        } else {
            text = format!("{text} {dot} ends at the latest in {}", times::clock(left));
        }
    } else if live::is_left(detail) {
        text = format!("{text} {dot} nobody drives it: r goes on");
    }
    text
}

/// One line for each agent of the roster, `room` columns wide.
pub(crate) fn lines(model: &Model, detail: &RunDetail, room: usize) -> Vec<Line<'static>> {
    let widest = detail.roster.iter().map(|entry| width(&visible(&entry.agent))).max().unwrap_or(0);
    let name = widest.clamp(4, NAME);
    detail.roster.iter().map(|entry| line(model, detail, entry, name, room)).collect()
}

fn line(model: &Model, detail: &RunDetail, entry: &RosterEntry, name: usize, room: usize) -> Line<'static> {
    let theme = model.setting.theme;
    let mark = theme.sign("…", "~");
    let attempt = last_attempt(detail, &entry.agent);
    let (sign, word, style) = state(model, detail, entry);
    let took = match (entry.state, attempt.and_then(|attempt| attempt.spawned_at)) {
        (AgentState::Running, Some(from)) if live::is_driven(detail) => {
            times::clock(model.now_ms.saturating_sub(from))
        }
        (AgentState::Answered | AgentState::Failed, Some(from)) => attempt
            .and_then(|attempt| attempt.completed_at)
            .map_or(String::new(), |to| times::clock(to.saturating_sub(from))),
        _ => String::new(),
    };
    let agent = pad(&fit_with(&visible(&entry.agent), name, mark), name, false);
    let state = pad(&fit_with(&format!("{sign} {word}"), STATE, mark), STATE, false);
    let used = 3 + name + 1 + STATE + 1 + 5 + 2;
    let rest = said(model, detail, entry, attempt);
    Line::from(vec![
        Span::raw(format!("   {agent} ")),
        Span::styled(state, style),
        Span::raw(format!(" {}  ", pad(&took, 5, true))),
        Span::styled(fit_with(&visible(&rest), room.saturating_sub(used), mark).into_owned(), theme.dim()),
    ])
}

/// Sign, words and colour of where an agent stands; nobody is at it where the run is left.
fn state(model: &Model, detail: &RunDetail, entry: &RosterEntry) -> (&'static str, String, Style) {
    let theme = model.setting.theme;
    let left = live::is_left(detail);
    let unusable = || answers::newest(detail, &entry.agent).is_some_and(|output| output.unusable.is_some());
    let of = |attempt: u32| format!("try {} of {}", attempt, entry.limit.max(attempt));
    match entry.state {
        AgentState::Running | AgentState::Retrying if left => {
            (theme.sign("◌", "!"), "interrupted".to_owned(), theme.warning())
        }
        AgentState::Waiting => (theme.nothing(), "waiting".to_owned(), theme.dim()),
        AgentState::Running if entry.attempts > 1 => {
            (theme.spinner(model.now_ms), of(entry.attempts), theme.accent())
        }
        AgentState::Running => (theme.spinner(model.now_ms), "running".to_owned(), theme.accent()),
        AgentState::Retrying => {
            let next = of(entry.attempts.saturating_add(1));
            let left = entry.retry_at.map(|at| (at.saturating_sub(model.now_ms).max(0) + 999) / 1000);
            let when = match left {
                Some(seconds) if seconds < 60 => format!(" in {seconds}s"),
                Some(seconds) => format!(" in {}", times::clock(seconds * 1000)),
                None => String::new(),
            };
            (theme.retry(), next + &when, theme.warning())
        }
        AgentState::Answered if unusable() => {
            (answers::does_not_count(theme), "does not count".to_owned(), theme.warning())
        }
        AgentState::Answered => (theme.sign("✓", "+"), "answered".to_owned(), theme.good()),
        AgentState::Failed => (theme.sign("✗", "x"), "failed".to_owned(), theme.bad()),
        AgentState::Left => (theme.sign("○", "o"), "left off".to_owned(), theme.warning()),
    }
}

/// What there is to say of an agent beside its state.
fn said(model: &Model, detail: &RunDetail, entry: &RosterEntry, attempt: Option<&AttemptDetail>) -> String {
    match entry.state {
        AgentState::Running => model
            .live
            .line(detail.summary.id, &entry.agent)
            .map_or_else(String::new, |line| format!("last: \"{}\"", line.trim())),
        AgentState::Answered => {
            let output = answers::newest(detail, &entry.agent);
            let why = output.and_then(|output| output.unusable).map(|why| why.told().to_owned());
            let bytes = output.map(|output| size(output.bytes));
            let mut parts: Vec<String> = why.into_iter().chain(bytes).collect();
            parts.extend(attempt.and_then(|attempt| tokens(&attempt.details.usage)));
            parts.join("   ")
        }
        AgentState::Retrying | AgentState::Failed | AgentState::Left => attempt
            .and_then(|attempt| attempt.details.message.clone().or_else(|| attempt.extraction_error.clone()))
            .unwrap_or_default(),
        AgentState::Waiting => String::new(),
    }
}

/// What an attempt used up: `1,204 in 611 out`.
pub(crate) fn tokens(usage: &conclave_consensus::agents::Usage) -> Option<String> {
    let part = |number: Option<u64>, word: &str| number.map(|number| format!("{} {word}", count(number)));
    let parts: Vec<String> =
        [part(usage.input_tokens, "in"), part(usage.output_tokens, "out")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The newest attempt of an agent.
pub(crate) fn last_attempt<'run>(detail: &'run RunDetail, agent: &str) -> Option<&'run AttemptDetail> {
    detail.attempts.iter().filter(|attempt| attempt.agent == agent).max_by_key(|attempt| attempt.attempt)
}

impl Theme {
    /// A sign that turns, one step each second.
    pub(crate) fn spinner(self, now_ms: i64) -> &'static str {
        const UNICODE: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        const ASCII: [&str; 4] = ["|", "/", "-", "\\"];
        let step = usize::try_from(now_ms.max(0) / 1000).unwrap_or(0);
        self.sign(UNICODE[step % UNICODE.len()], ASCII[step % ASCII.len()])
    }

    /// The sign of another try.
    pub(crate) const fn retry(self) -> &'static str {
        self.sign("↻", "@")
    }
}
