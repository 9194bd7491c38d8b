//! Where everything stands, at a cost that does not grow with the file.

use conclave_db::Db;
use serde::Serialize;

use super::Counts;
use crate::error::Result;
use crate::store::control;
use crate::store::counting::{self, Rows};

/// Where everything stands. Small tables are counted; of large ones it says what costs nothing to know, and
/// names those numbers in `estimated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// 1 to 5.
    pub phase: u8,
    /// The phase in words.
    pub phase_name: &'static str,
    /// Rows of each table; at most that many where estimated.
    pub counts: Counts,
    /// Legacy rows that have no counterpart; at least that many where estimated.
    pub backfill_remaining: u64,
    /// Differences that the last comparison found and nobody has closed.
    pub mismatches: u64,
    /// The names of the numbers above that are no exact counts.
    pub estimated: Vec<&'static str>,
}

impl Overview {
    /// Whether the number of this name is no exact count.
    pub fn is_estimated(&self, name: &str) -> bool {
        self.estimated.contains(&name)
    }
}

/// Where everything stands, within milliseconds also in a file of a million rows. Reads only.
pub fn overview(db: &Db) -> Result<Overview> {
    db.read(|conn| {
        let state = control::state(conn)?;
        let legacy = counting::about_legacy(conn)?;
        let remaining = counting::about_missing(conn, &legacy)?;
        let mut estimated = Vec::new();
        let mut note = |name: &'static str, rows: Rows| {
            if !rows.exact {
                estimated.push(name);
            }
            rows.number
        };
        let old = |table: &str| {
            let found = legacy.iter().find(|(name, _)| *name == table);
            found.map_or(Rows { number: 0, exact: true }, |(_, rows)| *rows)
        };
        let counts = Counts {
            legacy_artifacts: note("legacy_artifacts", old("consensus_artifacts")),
            legacy_syntheses: note("legacy_syntheses", old("consensus_synthesis")),
            legacy_executions: note("legacy_executions", old("agent_executions")),
            runs: note("runs", counting::about(conn, "consensus_runs")?),
            outputs: note("outputs", counting::about(conn, "agent_outputs")?),
            syntheses: note("syntheses", counting::about(conn, "run_syntheses")?),
            attempts: note("attempts", counting::about(conn, "run_attempts")?),
        };
        let backfill_remaining = note("backfill_remaining", remaining);
        Ok(Overview {
            phase: state.phase.number(),
            phase_name: state.phase.name(),
            counts,
            backfill_remaining,
            mismatches: state.differences.max(control::pending(conn)?),
            estimated,
        })
    })
}
