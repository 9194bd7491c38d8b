//! The lines of spool and cache.

use conclave_cache::Stats;
use conclave_spool::QuotaState;
use conclave_spool::ledger::{Entry, Ledger};
use conclave_spool::quota::{Gauge, Limits, Why};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::model::SpoolNumbers;
use super::view::{LABEL, labelled};
use crate::text::{count, counted, size, visible, width};
use crate::ui::model::{CheckState, Model};
use crate::ui::problem::Problem;
use crate::ui::render::wrapped;

/// Cells of the gauge.
const GAUGE: u64 = 20;

/// Gauge, ledger and cache, or what is not known of them.
pub(super) fn lines(model: &Model) -> Vec<Line<'static>> {
    let Some(stores) = &model.storage.stores else {
        let reading =
            |label| labelled(model, label, vec![Span::styled("reading", model.setting.theme.dim())]);
        return [reading("Spool"), reading("Cache")].concat();
    };
    let mut lines = match &stores.spool {
        Ok(spool) => spool_lines(model, spool),
        Err(problem) => failed(model, "Spool", problem),
    };
    lines.extend(match &stores.cache {
        Ok(Some(cache)) => labelled(model, "Cache", cache_parts(model, cache)),
        Ok(None) => labelled(
            model,
            "Cache",
            vec![Span::raw("no cache yet: `conclave cache symbols FILE` begins one")],
        ),
        Err(problem) => failed(model, "Cache", problem),
    });
    lines
}

/// What could not be read, and what helps.
fn failed(model: &Model, label: &str, problem: &Problem) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let mut parts = vec![Span::styled(visible(&problem.text).into_owned(), theme.bad())];
    parts.extend(problem.hint.as_ref().map(|hint| Span::styled(visible(hint).into_owned(), theme.dim())));
    labelled(model, label, parts)
}

fn spool_lines(model: &Model, spool: &SpoolNumbers) -> Vec<Line<'static>> {
    let mut lines = match &spool.gauge {
        Ok(gauge) => labelled(model, "Spool", gauge_parts(model, gauge, spool.limits)),
        Err(problem) => failed(model, "Spool", problem),
    };
    lines.extend(match &spool.ledger {
        Ok(ledger) => ledger_lines(model, ledger),
        Err(problem) => failed(model, "", problem),
    });
    lines
}

/// How much of the quota is used, and what that means.
fn gauge_parts(model: &Model, gauge: &Gauge, limits: Limits) -> Vec<Span<'static>> {
    let theme = model.setting.theme;
    let quota = limits.quota();
    let percent = u128::from(gauge.usage.used) * 100 / u128::from(quota.max(1));
    let halves = theme.sign("▌", "");
    let bar = bar(theme.sign("█", "#"), halves, theme.sign("░", "."), gauge.usage.used, quota);
    let (state, says) = match gauge.state {
        QuotaState::Normal => (CheckState::Ok, "normal"),
        QuotaState::Soft => (CheckState::Warn, "soft: what is written is put off"),
        QuotaState::Hard => (CheckState::Fail, "hard: nothing is written, events wait in memory"),
    };
    let (sign, _, style) = theme.check(state);
    let mut parts = vec![
        Span::raw(format!("{bar} {percent} % of {} MiB", count(limits.quota_mb()))),
        Span::styled(format!("{sign} {says}"), style),
    ];
    match gauge.why {
        Some(Why::KeepFree) => parts.push(Span::styled("the disk is to keep some room free", style)),
        Some(Why::Quota) if gauge.state == QuotaState::Normal => {
            parts.push(Span::styled("the quota is used up", theme.warning()));
        }
        Some(Why::Quota) | None => {}
    }
    if gauge.usage.reserved > 0 {
        parts.push(Span::raw(format!("{} being written", size(gauge.usage.reserved))));
    }
    if gauge.untrimmable {
        parts.push(Span::styled("nothing may be trimmed", theme.warning()));
    }
    parts
}

/// A gauge in half cells, where there are signs for them; full only when everything is used.
fn bar(full: &str, half: &str, empty: &str, used: u64, quota: u64) -> String {
    let halves = u128::from(used.min(quota)) * u128::from(GAUGE * 2) / u128::from(quota.max(1));
    let halves = usize::try_from(halves).unwrap_or(0);
    let (whole, odd) = (halves / 2, halves % 2 == 1 && !half.is_empty());
    let rest = usize::try_from(GAUGE).unwrap_or(0).saturating_sub(whole + usize::from(odd));
    format!("{}{}{}", full.repeat(whole), if odd { half } else { "" }, empty.repeat(rest))
}

/// The equation, whether it holds, and of whom it does not.
fn ledger_lines(model: &Model, ledger: &Ledger) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = usize::from(model.size.0).saturating_sub(LABEL + 1);
    let mut texts = equation(&ledger.total, room);
    let off: Vec<String> = ledger
        .monitors
        .iter()
        .filter(|(_, entry)| !entry.balances())
        .map(|(monitor, entry)| format!("{}: {}", visible(monitor), difference(entry)))
        .collect();
    let (sign, style, says) = if ledger.total.balances() && off.is_empty() {
        (theme.sign("✓", "+"), theme.good(), "balances")
    } else {
        (theme.sign("✗", "x"), theme.bad(), "does not balance")
    };
    let verdict = format!("{sign} {says}");
    // On the right of the last line, or of one of its own.
    let last = texts.pop().unwrap_or_default();
    let mut lines: Vec<Line<'static>> = texts.into_iter().map(|text| line(text, Style::new())).collect();
    let gap = room.saturating_sub(width(&last) + width(&verdict) + 1);
    if gap >= 2 {
        let mut joined = line(last + &" ".repeat(gap), Style::new());
        joined.push_span(Span::styled(verdict, style));
        lines.push(joined);
    } else {
        lines.push(line(last, Style::new()));
        lines.push(line(verdict, style));
    }
    if !off.is_empty() {
        let advice = format!("{}; `conclave spool verify` reads every file", off.join(", "));
        lines.extend(wrapped(&advice, room).into_iter().map(|text| line(text, style)));
    }
    lines
}

fn line(text: String, style: Style) -> Line<'static> {
    Line::from(vec![Span::raw(" ".repeat(LABEL + 1)), Span::styled(text, style)])
}

/// The sum on as many lines as it needs, a term never parted where that can be helped.
fn equation(total: &Entry, room: usize) -> Vec<String> {
    let dropped: u64 = total.dropped.values().sum();
    let reasons: Vec<String> = total
        .dropped
        .iter()
        .filter(|(_, events)| **events > 0)
        .map(|(reason, events)| format!("{} {}", visible(reason), count(*events)))
        .collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let terms = [
        format!("written {} =", count(total.written)),
        format!("pending {} +", count(total.pending)),
        format!("imported {} +", count(total.imported)),
        format!("quarantined {} +", count(total.quarantined)),
        format!("dropped {}{reasons}", count(dropped)),
    ];
    let mut lines: Vec<String> = Vec::new();
    for term in terms {
        match lines.last_mut() {
            Some(last) if width(last) + 1 + width(&term) <= room => {
                last.push(' ');
                last.push_str(&term);
            }
            _ if width(&term) <= room => lines.push(term),
            _ => lines.extend(wrapped(&term, room)),
        }
    }
    lines
}

/// By how much a ledger is off.
fn difference(entry: &Entry) -> String {
    let rest = entry.pending + entry.imported + entry.quarantined + entry.dropped.values().sum::<u64>();
    if rest < entry.written {
        format!("{} missing", counted(entry.written - rest, "line is", "lines are"))
    } else {
        format!("{} too many", counted(rest - entry.written, "line", "lines"))
    }
}

fn cache_parts(model: &Model, cache: &Stats) -> Vec<Span<'static>> {
    let theme = model.setting.theme;
    let looked = cache.hits.saturating_add(cache.misses).saturating_add(cache.stale);
    let hits = if looked == 0 {
        "not asked yet".to_owned()
    } else {
        // Tenths, rounded down: only when every one hit is it all of them.
        let tenths = u128::from(cache.hits) * 1000 / u128::from(looked);
        format!("{}.{} % hits", tenths / 10, tenths % 10)
    };
    let mut parts = vec![
        Span::raw(format!("{} of {}", count(cache.entries), count(cache.max_entries))),
        Span::raw(hits),
        Span::raw(format!("{} of {}", size(cache.bytes), size(cache.max_bytes))),
    ];
    if cache.errors > 0 {
        parts.push(Span::styled(counted(cache.errors, "damaged entry", "damaged entries"), theme.warning()));
    }
    parts
}

#[cfg(test)]
mod tests;
