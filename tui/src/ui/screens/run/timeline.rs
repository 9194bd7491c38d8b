//! The attempts of a run as a timeline, one line for each agent.

use conclave_consensus::runs::{AttemptDetail, RunDetail};
use conclave_consensus::workflow::AttemptEnd;
use ratatui::text::{Line, Span};

use crate::text::{fit_with, pad, visible, width};
use crate::ui::answers;
use crate::ui::live;
use crate::ui::model::Model;

/// Columns between two labels of the axis.
const LABEL: usize = 10;
/// What ten columns may stand for, in seconds.
const STEPS: [i64; 14] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400];
/// Widest name that is not cut.
const NAME: usize = 16;
/// Columns for what the attempts came to.
const WORDS: usize = 24;

/// The axis and a line for each agent; nothing where no times are known.
pub(super) fn lines(model: &Model, detail: &RunDetail, room: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let mark = theme.sign("…", "~");
    let now = live::is_driven(detail).then_some(model.now_ms);
    let spans = detail.attempts.iter().filter_map(|attempt| span(attempt, now));
    let Some((from, to)) = spans.reduce(|(from, to), (begin, end)| (from.min(begin), to.max(end))) else {
        return Vec::new();
    };
    let agents = agents(detail);
    let name = agents.iter().map(|agent| width(&visible(agent))).max().unwrap_or(0).clamp(8, NAME);
    let columns = room.saturating_sub(3 + name + 2 + if room < 60 { 0 } else { WORDS }).max(LABEL);
    let seconds = to.saturating_sub(from) / 1000 + 1;
    let labels = i64::try_from(columns / LABEL).unwrap_or(1).max(1);
    let step = STEPS.into_iter().find(|step| step.saturating_mul(labels) >= seconds);
    let step = step.unwrap_or_else(|| seconds / labels + 1);
    let column = |at: i64| {
        let past = i128::from(at.saturating_sub(from).max(0)) * LABEL as i128 / (i128::from(step) * 1000);
        usize::try_from(past).unwrap_or(usize::MAX).min(columns.saturating_sub(1))
    };
    let mut axis = format!("   {} ", pad("attempts", name, false));
    for label in 0..labels {
        axis.push_str(&pad(&in_unit(label * step), LABEL, false));
    }
    let mut lines = vec![Line::styled(fit_with(&axis, room, mark).into_owned(), theme.dim())];
    for agent in agents {
        let mut bar = vec![' '; columns];
        let mut ends = Vec::new();
        let mut before: Option<usize> = None;
        for attempt in detail.attempts.iter().filter(|attempt| attempt.agent == agent) {
            let Some((begin, end)) = span(attempt, now) else { continue };
            let (begin, end) = (column(begin), column(end));
            let waits = theme.sign("·", ".").chars().next().unwrap_or('.');
            let works = theme.sign("█", "#").chars().next().unwrap_or('#');
            if let Some(before) = before {
                bar.iter_mut().take(begin).skip(before + 1).for_each(|cell| *cell = waits);
            }
            bar.iter_mut().take(end + 1).skip(begin).for_each(|cell| *cell = works);
            let (sign, words) = end_of(model, detail, attempt);
            if let (Some(sign), Some(cell)) = (sign.chars().next(), bar.get_mut(end)) {
                *cell = sign;
            }
            ends.extend(words);
            before = Some(end);
        }
        let words = match ends.split_last() {
            Some((last, earlier)) if !earlier.is_empty() => format!("{}, then {last}", earlier.join(", ")),
            Some((last, _)) if last != "ok" => last.clone(),
            _ => String::new(),
        };
        let agent = pad(&fit_with(&visible(agent), name, mark), name, false);
        let bar: String = bar.into_iter().collect();
        lines.push(Line::from(vec![
            Span::raw(format!("   {agent} ")),
            Span::styled(bar, theme.accent()),
            Span::styled(format!(" {}", fit_with(&visible(&words), WORDS, mark)), theme.dim()),
        ]));
    }
    lines
}

/// From when to when an attempt ran; until now where it runs.
fn span(attempt: &AttemptDetail, now: Option<i64>) -> Option<(i64, i64)> {
    let begin = attempt.spawned_at?;
    let running = now.filter(|_| attempt.completed_at.is_none());
    // Of one whose end is unknown only the beginning is drawn.
    let end = known_end(attempt).or(running).unwrap_or(begin);
    (end >= begin).then_some((begin, end))
}

/// When an attempt ended. Of one that was lost nobody knows: what is stored is when somebody found out.
pub(super) fn known_end(attempt: &AttemptDetail) -> Option<i64> {
    attempt.completed_at.filter(|_| attempt.details.outcome != Some(AttemptEnd::Lost))
}

/// Everybody with attempts: the roster in its order, then the others.
fn agents(detail: &RunDetail) -> Vec<&str> {
    let mut agents: Vec<&str> = Vec::new();
    let roster = detail.roster.iter().map(|entry| entry.agent.as_str());
    for agent in roster.chain(detail.attempts.iter().map(|attempt| attempt.agent.as_str())) {
        if !agents.contains(&agent) && detail.attempts.iter().any(|attempt| attempt.agent == agent) {
            agents.push(agent);
        }
    }
    agents
}

/// The sign at the end of a bar, and the end in a word or two.
fn end_of(model: &Model, detail: &RunDetail, attempt: &AttemptDetail) -> (&'static str, Option<String>) {
    let theme = model.setting.theme;
    let (good, bad) = (theme.sign("✓", "+"), "x");
    let reason = || attempt.details.reason.clone();
    match (attempt.details.outcome, attempt.state.as_str()) {
        // A word of its own has an answer that is no JSON, and the one that was to mend it.
        (Some(AttemptEnd::Answered), _) | (None, "completed") => {
            let why = answers::of_attempt(detail, &attempt.agent, attempt.attempt);
            let sign = if why.is_some() { answers::does_not_count(theme) } else { good };
            let word = why.map_or("ok", answers::word);
            (sign, Some(reason().unwrap_or_else(|| word.to_owned())))
        }
        (Some(AttemptEnd::Failed), _) => (bad, Some(reason().unwrap_or_else(|| "failed".to_owned()))),
        (Some(AttemptEnd::TimedOut), _) => (bad, Some("timed out".to_owned())),
        (Some(AttemptEnd::Cancelled), _) => (bad, Some("cancelled".to_owned())),
        (Some(AttemptEnd::Lost), _) => (bad, Some("lost".to_owned())),
        (None, "spawned") => ("", None),
        (None, other) => (bad, Some(other.to_owned())),
    }
}

/// `0s`, `20s`, `5m`, `2h`.
fn in_unit(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3_600),
    }
}
