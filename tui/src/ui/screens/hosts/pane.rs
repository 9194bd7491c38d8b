//! The host under the cursor, below or beside the list.

use conclave_llm::{CallView, HostView};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::words::{brief, failures};
use crate::text::{count, counted, visible};
use crate::times;
use crate::ui::model::Model;
use crate::ui::render::{draw_line, joined, wrapped};
use crate::ui::theme::Theme;

/// Columns of the names of the facts.
const LABEL: usize = 9;

/// Draws the pane.
pub(super) fn draw(model: &Model, host: &HostView, frame: &mut Frame<'_>, area: Rect) {
    for (y, line) in (area.y..area.bottom()).zip(lines(model, host, usize::from(area.width))) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}

fn lines(model: &Model, host: &HostView, columns: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = columns.saturating_sub(LABEL + 2);
    let headline = format!("{}: {}", host.name, headline(model, host));
    let mut lines: Vec<Line<'static>> = wrapped(&visible(&headline), columns.saturating_sub(2))
        .into_iter()
        .map(|text| Line::styled(format!(" {text}"), Theme::strong()))
        .collect();
    let mut add = |label: &str, facts: Vec<String>| {
        for (at, text) in joined(&facts, theme.dot(), room).into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!(" {label:<LABEL$}"), theme.dim()),
                Span::raw(text),
            ]));
        }
    };
    if let Some(until) = host.blocked_until.filter(|until| *until > model.now_ms) {
        let why = host.blocked_why.as_deref().unwrap_or("it asked for a pause");
        let left = times::clock(until.saturating_sub(model.now_ms));
        add("paused", vec![format!("{left} more: {}", visible(why))]);
    }
    if let Some(error) = &host.last_error {
        add("error", vec![visible(error).into_owned()]);
    }
    add("where", vec![visible(&host.url).into_owned(), host.dialect.as_str().to_owned()]);
    let models: Vec<String> = host.models.iter().map(|model| visible(model).into_owned()).collect();
    add(
        "models",
        if models.is_empty() { vec!["whatever it says it has".to_owned()] } else { vec![models.join(", ")] },
    );
    add("load", load(model, host));
    if let (Some(p50), Some(p95)) = (host.p50_ms, host.p95_ms) {
        let mut facts = vec![format!("half within {}, 95 % within {}", brief(p50), brief(p95))];
        if let (Some(p50), Some(p95)) = (host.first_p50_ms, host.first_p95_ms) {
            facts.push(format!("first token {}, {}", brief(p50), brief(p95)));
        }
        add("answers", facts);
    }
    lines
}

/// What runs, who waits, what was used.
fn load(model: &Model, host: &HostView) -> Vec<String> {
    let mut facts = vec![format!("{} of {} slots", count(host.in_flight), host.slots)];
    if host.waiting > 0 {
        facts.push(format!("{} waiting", count(host.waiting)));
    }
    let budget = &model.hosts.found.budget;
    let of = |limit: Option<u64>| {
        let limit = limit.filter(|_| host.fallback);
        limit.map_or_else(String::new, |limit| format!(" of {}", count(limit)))
    };
    let calls = of(budget.calls_per_hour.map(u64::from));
    facts.push(if calls.is_empty() {
        format!("{} in the last hour", counted(host.calls_last_hour, "call", "calls"))
    } else {
        format!("{}{calls} calls in the last hour", count(host.calls_last_hour))
    });
    let tokens = of(budget.tokens_per_day);
    if host.tokens_last_day > 0 || !tokens.is_empty() {
        facts.push(format!("{}{tokens} tokens in the last day", count(host.tokens_last_day)));
    }
    facts
}

/// How it stands, and how it came to that.
fn headline(model: &Model, host: &HostView) -> String {
    let theme = model.setting.theme;
    let failures = failures(theme, host);
    let because = if failures.is_empty() { String::new() } else { format!(": {failures}") };
    let ago = |then: i64| times::clock(model.now_ms.saturating_sub(then));
    match host.breaker.state.as_str() {
        "open" => {
            let when =
                host.opened_at.map_or_else(|| "open".to_owned(), |at| format!("opened {} ago", ago(at)));
            match host.breaker.failures {
                0 => format!("{when}{because}"),
                many => {
                    let many = counted(u64::try_from(many).unwrap_or(0), "failure", "failures");
                    format!("{when} after {many}{because}")
                }
            }
        }
        "forced_open" => "opened by hand; no process asks it until k closes it".to_owned(),
        "half_open" => format!("one call tries it out; it was open{because}"),
        _ if host.breaker.failures > 0 => {
            let many = counted(u64::try_from(host.breaker.failures).unwrap_or(0), "failure", "failures");
            format!("{many} in a row{because}")
        }
        _ => recently(&host.recent),
    }
}

/// How the last calls went.
fn recently(recent: &[CallView]) -> String {
    let answered = recent.iter().filter(|call| call.class.is_none()).count() as u64;
    match recent.len() as u64 {
        0 => "nobody has asked it yet".to_owned(),
        all if all == answered => format!("answered {}", counted(all, "call", "calls in a row")),
        all => format!("answered {} of the last {} calls", count(answered), count(all)),
    }
}
