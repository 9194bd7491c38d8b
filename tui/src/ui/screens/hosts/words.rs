//! Signs, words and short numbers of hosts and calls.

use conclave_llm::{CallView, HostView};
use ratatui::style::Style;
use ratatui::text::Span;

use crate::host_state::HostState;
use crate::text::visible;
use crate::times;
use crate::ui::theme::Theme;

/// How a host stands: sign, word, what is to be said behind it, style.
pub(super) struct Standing {
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
    /// Behind a comma where there is room.
    pub(super) more: String,
    pub(super) style: Style,
}

/// How a host stands at this time.
pub(super) fn standing(theme: Theme, host: &HostView, now_ms: i64) -> Standing {
    let (good, bad, half) = (theme.sign("✓", "+"), theme.sign("✗", "x"), theme.sign("◐", "~"));
    let of = |sign, word, more: String, style| Standing { sign, word, more, style };
    let closed = if host.breaker.state == "disabled" { "no breaker" } else { "closed" };
    match HostState::of(host, now_ms) {
        HostState::Open(Some(left)) => {
            of(bad, "open", format!("probe in {}", times::clock(left)), theme.bad())
        }
        HostState::Open(None) => of(bad, "open", "the next call probes".to_owned(), theme.bad()),
        HostState::ForcedOpen => of(bad, "opened by hand", String::new(), theme.bad()),
        HostState::HalfOpen => of(half, "half-open", "probing".to_owned(), theme.warning()),
        HostState::Paused(left) => {
            of(half, "paused", format!("{} left", times::clock(left)), theme.warning())
        }
        HostState::Failing(1) => of(half, closed, "1 failure".to_owned(), theme.warning()),
        HostState::Failing(many) => of(half, closed, format!("{many} failures"), theme.warning()),
        HostState::NotWell => of(half, closed, "not well".to_owned(), theme.warning()),
        HostState::Unknown => of("?", closed, "not asked yet".to_owned(), theme.dim()),
        HostState::Well => of(good, closed, String::new(), theme.good()),
    }
}

impl Standing {
    /// As long as there is room for it.
    pub(super) fn text(&self, room: usize) -> String {
        let short = format!("{} {}", self.sign, self.word);
        let long = format!("{short}, {}", self.more);
        if self.more.is_empty() || crate::text::width(&long) > room { short } else { long }
    }
}

/// How long a call took: `45ms`, `0.8s`, `12.3s`, `2:05`.
pub(super) fn brief(ms: u64) -> String {
    match ms {
        0..100 => format!("{ms}ms"),
        100..100_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        _ => times::clock(i64::try_from(ms).unwrap_or(i64::MAX)),
    }
}

/// The same, or the sign for nothing.
pub(super) fn brief_or(theme: Theme, ms: Option<u64>) -> String {
    ms.map_or_else(|| theme.nothing().to_owned(), brief)
}

/// The last calls, one sign each, the newest on the right: how long one took against the longest, `x` where it failed.
pub(super) fn sparkline(theme: Theme, calls: &[CallView], room: usize) -> Vec<Span<'static>> {
    let seen = &calls[calls.len().saturating_sub(room)..];
    let longest = calls.iter().filter(|call| call.class.is_none()).map(|call| call.total_ms).max();
    let longest = longest.unwrap_or(0).max(1);
    let levels = theme.sign("▁▂▃▄▅▆▇█", "_.-~=+*#");
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut last_failed = None;
    for call in seen {
        let failed = call.class.is_some();
        let sign = if failed {
            'x'
        } else {
            let level = u128::from(call.total_ms) * 7 / u128::from(longest);
            levels.chars().nth(usize::try_from(level).unwrap_or(7).min(7)).unwrap_or('#')
        };
        if let Some(span) = spans.last_mut().filter(|_| last_failed == Some(failed)) {
            span.content.to_mut().push(sign);
        } else {
            let style = if failed { theme.bad() } else { theme.accent() };
            spans.push(Span::styled(sign.to_string(), style));
        }
        last_failed = Some(failed);
    }
    spans
}

/// What a call came to: `timeout`, `fault 503`.
pub(super) fn outcome(call: &CallView) -> Option<String> {
    let class = call.class.as_deref()?;
    let status = call.status.map_or_else(String::new, |status| format!(" {status}"));
    Some(visible(&format!("{class}{status}")).into_owned())
}

/// The failures since the last answer, the oldest first, those that are alike counted: `timeout ×2, fault 503`.
pub(super) fn failures(theme: Theme, host: &HostView) -> String {
    let times = theme.sign("×", "x");
    let mut told: Vec<(String, u32)> = Vec::new();
    let calls: Vec<&CallView> = host.recent.iter().rev().take_while(|call| call.class.is_some()).collect();
    for outcome in calls.into_iter().rev().filter_map(outcome) {
        match told.iter_mut().find(|(other, _)| *other == outcome) {
            Some((_, count)) => *count += 1,
            None => told.push((outcome, 1)),
        }
    }
    if let (true, Some(class)) = (told.is_empty(), &host.last_class) {
        told.push((visible(class).into_owned(), 1));
    }
    let texts: Vec<String> = told
        .into_iter()
        .map(|(outcome, count)| if count > 1 { format!("{outcome} {times}{count}") } else { outcome })
        .collect();
    texts.join(", ")
}
