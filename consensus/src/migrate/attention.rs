//! What of the migration waits for a person.

use conclave_db::Db;
use serde::Serialize;

use super::cause::Cause;
use super::{FindingKind, OlderProgram, VerifyReport};
use crate::error::Result;
use crate::import::quoted;
use crate::store::capture::{self, Capture};
use crate::store::control::{self, Phase};
use crate::store::counting;

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// What kind of thing: `import`, `legacy-tables`, `capture-triggers`, `older-program`, `differences`,
    /// `backfill`.
    pub kind: &'static str,
    /// Which one: the file of an import, else the part of the state.
    pub name: String,
    /// Why it waits.
    pub why: String,
    /// What to do.
    pub advice: String,
    /// Since when, ms; absent where that is not known.
    #[serde(serialize_with = "crate::time::serialize")]
    pub since: Option<i64>,
}

/// What of the migration waits for a person, the most urgent first: imports that were begun and did not end, capture
/// triggers that are gone, what an older program does that it should not, open differences, legacy rows without
/// their counterpart. Within milliseconds also in a file of a million rows. Reads only.
pub fn attention(db: &Db) -> Result<Vec<Attention>> {
    let now = db.clock().wall_ms();
    db.read(|conn| {
        let mut waiting = Vec::new();
        for source in control::sources(conn)?.into_iter().filter(|source| source.finished_at.is_none()) {
            let began = source.started_at.and_then(crate::time::rfc3339);
            let began = began.map_or(String::new(), |at| format!(" began at {at} and"));
            let advice = format!("run `conclave migrate import {}` again", quoted(&source.path));
            waiting.push(Attention {
                kind: "import",
                why: format!("the import of {}{began} is not finished", source.path),
                name: source.path,
                advice,
                since: source.started_at,
            });
        }
        let state = control::state(conn)?;
        let mut wait = |kind, cause: &Cause, why: String, since| {
            let (name, advice) = ("migration".to_owned(), cause.advice().to_owned());
            waiting.push(Attention { kind, name, why, advice, since });
        };
        // In phase 5, with triggers on them somebody has taken them over.
        if capture::state(conn)? == Capture::Broken {
            let (kind, cause) = match state.phase {
                Phase::CleanedUp => ("legacy-tables", Cause::TablesBack),
                _ => ("capture-triggers", Cause::Triggers),
            };
            wait(kind, &cause, cause.words(), None);
        }
        let older = OlderProgram::of(control::older::writes(conn)?, now);
        for cause in older.causes(state.phase) {
            wait("older-program", &cause, cause.words(), older.last_at);
        }
        let refused = control::pending(conn)?;
        for cause in Cause::open(state.differences, refused) {
            let (between, since) = match cause {
                Cause::Differences(_) => (" between legacy and new rows", state.verified_at),
                _ => ("", None),
            };
            wait("differences", &cause, format!("{}{between}", cause.words()), since);
        }
        let left = counting::about_missing(conn, &counting::about_legacy(conn)?)?;
        let rows = left.number.saturating_sub(refused);
        if rows > 0 {
            let cause = Cause::NotCopied(rows);
            let least = if left.exact { "" } else { "at least " };
            wait("backfill", &cause, format!("{least}{}", cause.words()), None);
        }
        Ok(waiting)
    })
}

impl VerifyReport {
    /// What helps against the differences; empty where nothing differs.
    pub fn advice(&self) -> Vec<&'static str> {
        let found = |kind| self.findings.iter().any(|finding| finding.kind == kind);
        let copied = self.missing_in_new > self.refused;
        [
            (copied, "rows missing in new: `conclave migrate backfill` copies them"),
            (
                self.refused > 0,
                "rows that the new tables cannot hold: mend or delete them with the older program",
            ),
            (
                found(FindingKind::Different),
                "rows that differ: `conclave migrate repair` makes the following side equal to the leading one",
            ),
            (
                found(FindingKind::MissingInLegacy),
                "rows missing in legacy: `conclave migrate repair` brings them there where the new side leads, else \
                 takes them out of it and keeps what they held with its events",
            ),
        ]
        .into_iter()
        .filter_map(|(holds, advice)| holds.then_some(advice))
        .collect()
    }
}
