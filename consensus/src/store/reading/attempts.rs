//! The agents that were started in a run.

use conclave_db::ReadConn;
use conclave_db::sql::{Row, params_from_iter};

use super::legacy::{self, Scope};
use super::{Column, Lead, Place, Target, View, in_order, optional_text, place, text};
use crate::error::Result;
use crate::runs::AttemptDetail;
use crate::store::{canonical, workflow};
use crate::workflow::AttemptDetails;

/// The columns that both schemas hold, and what they are read from: where the legacy side is believed, mirrored
/// rows and our own are two queries.
fn sources(lead: Lead) -> Vec<(&'static str, String)> {
    let own = "t.agent_name, t.phase_type, t.spawned_at, t.completed_at, t.extraction_error, t.response_text";
    match lead {
        Lead::LegacyAlone => Vec::new(),
        Lead::New => vec![("run_attempts t WHERE t.run_id = ?1", own.to_owned())],
        Lead::Legacy => vec![
            (
                "run_attempts t CROSS JOIN main.agent_executions l ON l.agent_id = t.agent_id
                 WHERE t.run_id = ?1 AND t.mirrored = 1",
                written(),
            ),
            ("run_attempts t WHERE t.run_id = ?1 AND t.mirrored = 0", own.to_owned()),
        ],
    }
}

/// The same columns of a legacy row.
fn written() -> String {
    format!(
        "CAST(l.agent_name AS TEXT), CAST(l.phase_type AS TEXT), {}, {}, CAST(l.extraction_error AS TEXT),
         CAST(l.response_text AS TEXT)",
        canonical::time_ms("l.spawned_at"),
        canonical::time_ms("l.completed_at")
    )
}

pub(crate) fn attempts(conn: &ReadConn<'_>, view: View, run: &Target) -> Result<Vec<AttemptDetail>> {
    let mut rows = Vec::new();
    if let Some(id) = run.real {
        for (from, columns) in sources(view.lead) {
            let query = format!(
                "SELECT t.id, t.agent_id, t.attempt, t.state, t.exit_code, t.signal, {columns} FROM {from}"
            );
            rows.extend(conn.query_all(&query, [id.0], detail)?);
        }
        let mut details = workflow::details(conn, id)?;
        for (_, attempt) in &mut rows {
            if let Some(known) = details.remove(&attempt.agent_id) {
                attempt.details = known;
            }
        }
    }
    if run.group.is_some() {
        let scope = Scope::Run(run.identity.clone());
        // Behind every number that the new tables give.
        let query = format!(
            "SELECT l.rowid, CAST(l.agent_id AS TEXT),
               row_number() OVER (PARTITION BY CAST(l.agent_name AS TEXT) ORDER BY l.rowid),
               CASE WHEN l.extraction_error IS NOT NULL THEN 'failed'
                 WHEN l.completed_at IS NOT NULL THEN 'completed' ELSE 'spawned' END,
               NULL, NULL, {} FROM {}",
            written(),
            legacy::rows(view, &scope, 2)
        );
        let known: Vec<(String, i64)> =
            rows.iter().map(|(_, one)| (one.agent.clone(), one.attempt)).collect();
        for (place, mut one) in conn.query_all(&query, params_from_iter(scope.values()), detail)? {
            let last =
                known.iter().filter(|(agent, _)| *agent == one.agent).map(|(_, attempt)| *attempt).max();
            one.attempt += last.unwrap_or(0);
            rows.push((place, one));
        }
    }
    Ok(in_order(rows))
}

fn detail(row: &Row<'_>) -> Column<(Place, AttemptDetail)> {
    let attempt = AttemptDetail {
        agent_id: text(row, 1)?,
        agent: text(row, 6)?,
        attempt: row.get(2)?,
        phase_type: optional_text(row, 7)?,
        state: text(row, 3)?,
        spawned_at: row.get(8)?,
        completed_at: row.get(9)?,
        exit_code: row.get(4)?,
        signal: row.get(5)?,
        extraction_error: optional_text(row, 10)?,
        response_text: optional_text(row, 11)?,
        details: AttemptDetails::default(),
    };
    Ok((place(attempt.spawned_at, None, row.get(0)?), attempt))
}
