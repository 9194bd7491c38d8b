//! What of the migration waits for a person.

use conclave_db::Db;
use serde::Serialize;

use super::{FindingKind, VerifyReport};
use crate::error::Result;
use crate::import::quoted;
use crate::store::control;
use crate::store::counting;

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// What kind of thing: `import`, `differences`, `backfill`.
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

/// What of the migration waits for a person, the most urgent first: imports that were begun and did not end, open
/// differences, legacy rows without their counterpart. Within milliseconds also in a file of a million rows.
/// Reads only.
pub fn attention(db: &Db) -> Result<Vec<Attention>> {
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
        let differences = state.differences.max(control::pending(conn)?);
        if differences > 0 {
            waiting.push(Attention {
                kind: "differences",
                name: "migration".to_owned(),
                why: format!("{} between legacy and new rows", open_differences(differences)),
                advice: "`conclave migrate verify` lists them and says what helps".to_owned(),
                since: state.verified_at,
            });
        }
        let left = counting::about_missing(conn, &counting::about_legacy(conn)?)?;
        if left.number > 0 {
            let least = if left.exact { "" } else { "at least " };
            let rows = if left.number == 1 { "legacy row has" } else { "legacy rows have" };
            waiting.push(Attention {
                kind: "backfill",
                name: "migration".to_owned(),
                why: format!("{least}{} {rows} no new row", left.number),
                advice: "run `conclave migrate backfill`".to_owned(),
                since: None,
            });
        }
        Ok(waiting)
    })
}

/// `1 open difference`, `2 open differences`.
pub(super) fn open_differences(number: u64) -> String {
    format!("{number} open {}", if number == 1 { "difference" } else { "differences" })
}

impl VerifyReport {
    /// What helps against the differences; empty where nothing differs.
    pub fn advice(&self) -> Vec<&'static str> {
        let found = |kind| self.findings.iter().any(|finding| finding.kind == kind);
        [
            (FindingKind::MissingInNew, "rows missing in new: `conclave migrate backfill` copies them"),
            (
                FindingKind::Different,
                "rows that differ: `conclave migrate import FILE`, of the file that they came from, brings its \
                 content back to the new side",
            ),
            (
                FindingKind::MissingInLegacy,
                "rows missing in legacy: kept on the new side; somebody deleted them from the legacy tables",
            ),
        ]
        .into_iter()
        .filter_map(|(kind, advice)| found(kind).then_some(advice))
        .collect()
    }
}
