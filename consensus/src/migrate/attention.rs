//! What of the migration needs a person.

use conclave_db::Db;
use serde::Serialize;

use super::OlderProgram;
use crate::error::{ConsensusError, Result};
use crate::store::capture::{self, Capture};
use crate::store::control::{self, Phase};

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// The kind in one word: `migration`.
    pub kind: &'static str,
    /// What it is about, such as `legacy-tables`.
    pub name: &'static str,
    /// Why it needs a person.
    pub why: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// What of the migration needs a person, at a cost that does not grow with the file. Reads only.
pub fn attention(db: &Db) -> Result<Vec<Attention>> {
    let now = db.clock().wall_ms();
    let (state, pending, back, older) = db.read(|conn| {
        let state = control::state(conn)?;
        let older = OlderProgram::of(control::older::writes(conn)?, now);
        // With triggers on them somebody has taken them over.
        let back = state.phase == Phase::CleanedUp && capture::state(conn)? == Capture::Broken;
        Ok::<_, ConsensusError>((state, control::pending(conn)?, back, older))
    })?;
    let mut found = Vec::new();
    let mut add = |name, why: String, hint| found.push(Attention { kind: "migration", name, why, hint });
    if back {
        let why = "an older program has made its tables again after they were dropped";
        add("legacy-tables", why.into(), "conclave migrate backfill");
    }
    if older.wal_reset_bug {
        let version = older.sqlite_version.as_deref().unwrap_or("unknown");
        let why =
            format!("an older program writes with SQLite {version}, which can damage a file in WAL mode");
        add("older-program", why, "give it SQLite 3.51.3 or later");
    } else if older.writing && state.phase >= Phase::NewOnly {
        let why = "an older program is still writing the legacy tables";
        add("older-program", why.into(), "conclave migrate status");
    }
    let differences = state.differences.max(pending);
    if differences > 0 {
        let why = match differences {
            1 => "1 open difference between both sides".to_owned(),
            many => format!("{many} open differences between both sides"),
        };
        add("differences", why, "conclave migrate repair");
    }
    Ok(found)
}
