//! What of the migration waits for a person.

use conclave_db::{Db, ReadConn};
use serde::Serialize;

use super::{FindingKind, OlderProgram, VerifyReport};
use crate::error::Result;
use crate::import::quoted;
use crate::store::capture::{self, Capture};
use crate::store::control::{self, Phase};
use crate::store::counting;

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// What kind of thing: `import`, `legacy-tables`, `older-program`, `differences`, `backfill`.
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

/// What of the migration waits for a person, the most urgent first: imports that were begun and did not end, what an
/// older program does that it should not, open differences, legacy rows without their counterpart. Within milliseconds also in a file of a million rows.
/// Reads only.
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
        older_program(conn, state.phase, now, &mut waiting)?;
        let differences = state.differences.max(control::pending(conn)?);
        if differences > 0 {
            waiting.push(Attention {
                kind: "differences",
                name: "migration".to_owned(),
                why: format!("{} between legacy and new rows", open_differences(differences)),
                advice: "`conclave migrate verify` lists them, `conclave migrate repair` mends them"
                    .to_owned(),
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

/// What an older program does that needs someone.
fn older_program(conn: &ReadConn<'_>, phase: Phase, now: i64, waiting: &mut Vec<Attention>) -> Result<()> {
    // With triggers on them somebody has taken them over.
    if phase == Phase::CleanedUp && capture::state(conn)? == Capture::Broken {
        waiting.push(Attention {
            kind: "legacy-tables",
            name: "migration".to_owned(),
            why: "an older program has made its tables again after they were dropped".to_owned(),
            advice: "run `conclave migrate backfill`".to_owned(),
            since: None,
        });
    }
    let older = OlderProgram::of(control::older::writes(conn)?, now);
    let (why, advice) = if older.wal_reset_bug {
        let version = older.sqlite_version.as_deref().unwrap_or("unknown");
        let why =
            format!("an older program writes with SQLite {version}, which can damage a file in WAL mode");
        (why, "give it SQLite 3.51.3 or later")
    } else if older.writing && phase >= Phase::NewOnly {
        let why = "an older program is still writing the legacy tables".to_owned();
        (why, "`conclave migrate status` tells when it wrote last")
    } else {
        return Ok(());
    };
    let (name, advice) = ("migration".to_owned(), advice.to_owned());
    waiting.push(Attention { kind: "older-program", name, why, advice, since: older.last_at });
    Ok(())
}

/// `1 open difference`, `2 open differences`.
pub(super) fn open_differences(number: u64) -> String {
    format!("{number} open {}", if number == 1 { "difference" } else { "differences" })
}

/// `1 legacy row without its counterpart`.
pub(super) fn without_counterpart(rows: u64) -> String {
    match rows {
        1 => "1 legacy row without its counterpart".to_owned(),
        many => format!("{many} legacy rows without their counterpart"),
    }
}

impl VerifyReport {
    /// What helps against the differences; empty where nothing differs.
    pub fn advice(&self) -> Vec<&'static str> {
        let found = |kind| self.findings.iter().any(|finding| finding.kind == kind);
        [
            (FindingKind::MissingInNew, "rows missing in new: `conclave migrate backfill` copies them"),
            (
                FindingKind::Different,
                "rows that differ: `conclave migrate repair` makes the following side equal to the leading one",
            ),
            (
                FindingKind::MissingInLegacy,
                "rows missing in legacy: `conclave migrate repair` brings them there where the new side leads, else \
                 takes them out of it and keeps what they held with its events",
            ),
        ]
        .into_iter()
        .filter_map(|(kind, advice)| found(kind).then_some(advice))
        .collect()
    }
}
