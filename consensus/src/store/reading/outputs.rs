//! The outputs of a run.

use std::collections::HashMap;

use conclave_db::ReadConn;
use conclave_db::sql::{Row, params, params_from_iter};

use super::legacy::{self, Scope};
use super::{Column, Lead, Place, Rows, Target, View, bytes, in_order, optional_text, place, text};
use crate::error::Result;
use crate::runs::{OutputContent, OutputDetail};
use crate::store::canonical;
use crate::verdict::{self, CaseAnswer};

/// The columns of an output by the side that is believed, and what they are read from: where it is the legacy side,
/// mapped rows and our own are two queries.
fn sources(lead: Lead) -> Vec<(&'static str, String)> {
    let own = "o.agent_name, o.content, o.response_text, o.output_timestamp";
    match lead {
        Lead::LegacyAlone => Vec::new(),
        Lead::New => vec![("agent_outputs o WHERE o.run_id = ?1", own.to_owned())],
        Lead::Legacy => vec![
            (
                "agent_outputs o CROSS JOIN main.consensus_artifacts l ON l.id = o.legacy_id WHERE o.run_id = ?1",
                format!(
                    "CAST(l.agent_name AS TEXT), CAST(l.content_json AS TEXT), CAST(l.response_text AS TEXT), {}",
                    canonical::time_ms("l.created_at")
                ),
            ),
            ("agent_outputs o WHERE o.run_id = ?1 AND o.legacy_id IS NULL", own.to_owned()),
        ],
    }
}

/// The outputs of a run by time, then by arrival.
pub(crate) fn outputs(conn: &ReadConn<'_>, view: View, run: &Target) -> Result<Vec<OutputDetail>> {
    let mut rows = Vec::new();
    if let Some(id) = run.real {
        for (from, columns) in sources(view.lead) {
            let query = format!(
                "SELECT o.id, o.legacy_id, o.model_version, o.attempt, o.sequence, o.state, o.valid_json, {columns}
                 FROM {from}"
            );
            rows.extend(conn.query_all(&query, [id.0], |row| detail(row, &run.summary.stage))?);
        }
    }
    for row in unmapped(conn, view, run.rows())? {
        rows.push(row.detail(conn, &run.summary.stage)?);
    }
    Ok(in_order(rows))
}

fn detail(row: &Row<'_>, stage: &str) -> Column<(Place, OutputDetail)> {
    let id = row.get(0)?;
    let content = bytes(row, 8)?.unwrap_or_default();
    let output = OutputDetail {
        id,
        agent: text(row, 7)?,
        model_version: optional_text(row, 2)?,
        attempt: row.get(3)?,
        sequence: row.get(4)?,
        state: text(row, 5)?,
        bytes: content.len() as u64,
        valid_json: row.get(6)?,
        unusable: verdict::unusable(stage, &content),
        content: text(row, 8)?,
        response_text: optional_text(row, 9)?,
        completed_at: row.get(10)?,
    };
    Ok((place(output.completed_at, row.get(1)?, id), output))
}

/// An output without a counterpart.
#[derive(Debug)]
struct Unmapped {
    id: i64,
    agent: Vec<u8>,
    /// Behind those of the agent that the new tables have.
    sequence: i64,
}

/// The outputs of a run that have no counterpart, in the order in which they came.
fn unmapped(conn: &ReadConn<'_>, view: View, run: Rows<'_>) -> Result<Vec<Unmapped>> {
    let Some(identity) = run.unmapped else { return Ok(Vec::new()) };
    let scope = Scope::Run(identity.clone());
    let query = format!(
        "SELECT l.id, ifnull(CAST(l.agent_name AS BLOB), x'') FROM {} ORDER BY l.id",
        legacy::rows(view, &scope, 0)
    );
    let rows = conn.query_all(&query, params_from_iter(scope.values()), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let mut last: HashMap<Vec<u8>, i64> = HashMap::new();
    let mut found = Vec::with_capacity(rows.len());
    for (id, agent) in rows {
        if !last.contains_key(&agent) {
            let query = "SELECT ifnull(max(sequence), 0) FROM agent_outputs
              WHERE run_id = ?1 AND agent_name = CAST(?2 AS TEXT) AND attempt = 1";
            let greatest = match run.real {
                Some(real) => conn.query_row(query, params![real.0, agent], |row| row.get(0))?,
                None => 0,
            };
            last.insert(agent.clone(), greatest);
        }
        let sequence = last.entry(agent.clone()).or_default();
        *sequence += 1;
        found.push(Unmapped { id, agent, sequence: *sequence });
    }
    Ok(found)
}

impl Unmapped {
    /// The whole row. What no column of the legacy tables says is what the backfill would say.
    fn read<T>(&self, conn: &ReadConn<'_>, read: impl FnOnce(&Row<'_>, bool) -> Column<T>) -> Result<T> {
        let query = format!(
            "SELECT c, response, at, valid, {} FROM (SELECT c, response, at, json_valid(c) AS valid FROM (
               SELECT CAST(l.content_json AS TEXT) AS c, CAST(l.response_text AS TEXT) AS response, {} AS at
               FROM main.consensus_artifacts l WHERE l.id = ?1))",
            canonical::model_version("c", "valid"),
            canonical::time_ms("l.created_at")
        );
        Ok(conn.query_row(&query, [self.id], |row| {
            let valid = row.get::<_, Option<bool>>(3)?.unwrap_or(false) && legacy::is_utf8(row, 0)?;
            read(row, valid)
        })?)
    }

    fn detail(&self, conn: &ReadConn<'_>, stage: &str) -> Result<(Place, OutputDetail)> {
        self.read(conn, |row, valid_json| {
            let content = bytes(row, 0)?.unwrap_or_default();
            let output = OutputDetail {
                id: legacy::output_number(self.id),
                agent: String::from_utf8_lossy(&self.agent).into_owned(),
                model_version: optional_text(row, 4)?.filter(|_| valid_json),
                attempt: 1,
                sequence: self.sequence,
                state: "completed".into(),
                bytes: content.len() as u64,
                valid_json,
                unusable: verdict::unusable(stage, &content),
                content: text(row, 0)?,
                response_text: optional_text(row, 1)?,
                completed_at: row.get(2)?,
            };
            Ok((place(output.completed_at, Some(self.id), output.id), output))
        })
    }

    fn content(&self, conn: &ReadConn<'_>) -> Result<OutputContent> {
        self.read(conn, |row, valid_json| {
            Ok(OutputContent {
                id: legacy::output_number(self.id),
                agent: String::from_utf8_lossy(&self.agent).into_owned(),
                attempt: 1,
                sequence: self.sequence,
                valid_json,
                content: bytes(row, 0)?.unwrap_or_default(),
                response: bytes(row, 1)?,
            })
        })
    }
}

/// The latest answer of each agent, with its bytes: what a verdict is computed from. Names are compared as stored.
pub(super) fn latest(conn: &ReadConn<'_>, view: View, run: Rows<'_>) -> Result<Vec<CaseAnswer>> {
    /// Where the answer with these numbers stands.
    enum Found {
        Mapped { source: usize, id: i64 },
        Unmapped(Unmapped),
    }
    let sources = sources(view.lead);
    let mut latest: HashMap<Vec<u8>, (i64, i64, Found)> = HashMap::new();
    let mut see = |agent: Vec<u8>, attempt: i64, sequence: i64, found: Found| {
        if latest.get(&agent).is_none_or(|(first, second, _)| (*first, *second) < (attempt, sequence)) {
            latest.insert(agent, (attempt, sequence, found));
        }
    };
    for (source, (from, columns)) in sources.iter().enumerate() {
        let Some(id) = run.real else { break };
        let name = columns.split(", ").next().unwrap_or_default();
        let query = format!("SELECT o.id, o.attempt, o.sequence, CAST({name} AS BLOB) FROM {from}");
        let rows = conn.query_all(&query, [id.0], |row| {
            let agent = row.get::<_, Option<Vec<u8>>>(3)?.unwrap_or_default();
            Ok((agent, row.get(1)?, row.get(2)?, Found::Mapped { source, id: row.get(0)? }))
        })?;
        for (agent, attempt, sequence, found) in rows {
            see(agent, attempt, sequence, found);
        }
    }
    for row in unmapped(conn, view, run)? {
        see(row.agent.clone(), 1, row.sequence, Found::Unmapped(row));
    }
    let mut answers = Vec::with_capacity(latest.len());
    for (agent, (attempt, sequence, found)) in latest {
        let content = match (found, run.real) {
            (Found::Unmapped(row), _) => row.content(conn)?.content,
            (Found::Mapped { source, id }, Some(run)) => {
                let (from, columns) = &sources[source];
                let content = columns.split(", ").nth(1).unwrap_or_default();
                let query = format!("SELECT {content} FROM {from} AND o.id = ?2");
                conn.query_row(&query, [run.0, id], |row| bytes(row, 0))?.unwrap_or_default()
            }
            (Found::Mapped { .. }, None) => Vec::new(),
        };
        let agent = String::from_utf8_lossy(&agent).into_owned();
        answers.push(CaseAnswer { agent, attempt, sequence, content });
    }
    Ok(answers)
}

/// One output's bytes: of the attempt and sequence asked for, else the newest of the agent.
pub(crate) fn output(
    conn: &ReadConn<'_>,
    view: View,
    run: &Target,
    agent: &[u8],
    attempt: Option<i64>,
    sequence: Option<i64>,
) -> Result<Option<OutputContent>> {
    let mut found: Option<OutputContent> = None;
    for (from, columns) in sources(view.lead) {
        let Some(id) = run.real else { break };
        let name = columns.split(", ").next().unwrap_or_default();
        let query = format!(
            "SELECT o.id, o.attempt, o.sequence, o.valid_json, {columns} FROM {from}
               AND CAST({name} AS BLOB) = ?2 AND (?3 IS NULL OR o.attempt = ?3) AND (?4 IS NULL OR o.sequence = ?4)
             ORDER BY o.attempt DESC, o.sequence DESC LIMIT 1"
        );
        let one = conn.query_optional(&query, params![id.0, agent, attempt, sequence], |row| {
            Ok(OutputContent {
                id: row.get(0)?,
                agent: text(row, 4)?,
                attempt: row.get(1)?,
                sequence: row.get(2)?,
                valid_json: row.get(3)?,
                content: bytes(row, 5)?.unwrap_or_default(),
                response: bytes(row, 6)?,
            })
        })?;
        found = found.into_iter().chain(one).max_by_key(|one| (one.attempt, one.sequence));
    }
    if attempt.is_none_or(|attempt| attempt == 1) {
        let rows = unmapped(conn, view, run.rows())?;
        let last = rows
            .iter()
            .rfind(|row| row.agent == agent && sequence.is_none_or(|sequence| sequence == row.sequence));
        if let Some(row) = last
            .filter(|row| found.as_ref().is_none_or(|one| (one.attempt, one.sequence) < (1, row.sequence)))
        {
            found = Some(row.content(conn)?);
        }
    }
    Ok(found)
}
