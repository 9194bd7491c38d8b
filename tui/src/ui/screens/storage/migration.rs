//! The lines of the migration.

use conclave_consensus::migrate::{MigrationStatus, phase_name};
use ratatui::text::{Line, Span};

use super::view::{LABEL, labelled};
use crate::text::{count, counted, visible};
use crate::times;
use crate::ui::model::Model;
use crate::ui::render::wrapped;

/// Cells of the bar.
const BAR: u64 = 20;

/// Phase, progress and differences; the next step and what is missing for it; what stands in the way.
pub(super) fn lines(model: &Model, migration: &MigrationStatus) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let mut parts = vec![Span::raw(format!("phase {} {}", migration.phase, migration.phase_name))];
    let copied = migration.backfill.copied;
    let all = copied + migration.backfill.remaining;
    if migration.backfill.complete && all > 0 {
        parts.push(Span::raw(format!("{} copied", counted(copied, "row", "rows"))));
    } else if all > 0 {
        parts.push(Span::raw(bar(theme.sign("█", "#"), theme.sign("░", "."), copied, all)));
        parts.push(Span::raw(format!("{} of {}", count(copied), count(all))));
    }
    let differences = counted(migration.mismatches, "difference", "differences");
    let style = if migration.mismatches == 0 { theme.good() } else { theme.bad() };
    parts.push(Span::styled(differences, style));
    let mut lines = labelled(model, "Migration", parts);
    let room = usize::from(model.size.0).saturating_sub(LABEL + 1);
    let mut add = |text: String, style| {
        for part in wrapped(&visible(&text), room) {
            lines.extend(labelled(model, "", vec![Span::styled(part, style)]));
        }
    };
    add(next(migration), theme.dim());
    if let Some(paused) = &migration.paused {
        let ago = times::ago(model.now_ms, paused.at);
        add(format!("paused by {} {ago} ago: `P` lets it go on", paused.by), theme.warning());
    }
    if migration.legacy_tables_returned && !(migration.capture_triggers && migration.backfill.complete) {
        let text = "an older program has made its tables again: `B` takes their rows over";
        add(text.to_owned(), theme.warning());
    } else if migration.capture_broken {
        add("triggers on the legacy tables are missing: `conclave doctor --fix`".to_owned(), theme.bad());
    }
    let older = &migration.older_program;
    if older.writing && (migration.phase >= 4 || older.wal_reset_bug) {
        let mut text = "an older program is still writing".to_owned();
        if let Some(version) = older.sqlite_version.as_ref().filter(|_| older.wal_reset_bug) {
            text = format!("{text}, with SQLite {version}, which can damage the file (WAL-reset bug)");
        }
        add(text, theme.warning());
    }
    for need in model.needs().filter(|need| need.kind == "import") {
        add(format!("{}: {}", need.why, need.advice), theme.warning());
    }
    lines
}

fn next(migration: &MigrationStatus) -> String {
    let Some(number) = migration.next.phase else { return "the end is reached".to_owned() };
    let name = phase_name(number).unwrap_or_default();
    match migration.next.missing.as_slice() {
        [] => format!("next: {number} {name}, allowed: `>`"),
        missing => format!("next: {number} {name}, missing: {}", missing.join(", ")),
    }
}

/// A bar that is full only when everything is done.
fn bar(full: &str, empty: &str, done: u64, all: u64) -> String {
    let cells = usize::try_from(done.min(all) * BAR / all.max(1)).unwrap_or(0);
    let rest = usize::try_from(BAR).unwrap_or(0) - cells;
    let percent = u128::from(done.min(all)) * 100 / u128::from(all.max(1));
    format!("{}{} {percent} %", full.repeat(cells), empty.repeat(rest))
}
