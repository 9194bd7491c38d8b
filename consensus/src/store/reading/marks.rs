//! Where the agents of runs stand, without reading what they wrote.

use std::collections::{BTreeMap, BTreeSet};

use conclave_db::ReadConn;

use super::text;
use crate::error::Result;
use crate::runs::{AgentMark, RunId, Stand};

/// The runs that are asked about, as the first parameter of each query.
const WANTED: &str = "IN (SELECT value FROM json_each(?1))";

type Marks = BTreeMap<RunId, Vec<AgentMark>>;

pub(crate) fn marks(conn: &ReadConn<'_>, runs: &[RunId]) -> Result<Marks> {
    let wanted: Vec<String> = runs.iter().filter(|run| run.0 > 0).map(RunId::to_string).collect();
    let wanted = format!("[{}]", wanted.join(","));
    let mut marks = Marks::new();
    let query =
        format!("SELECT run_id, agent_name FROM run_roster WHERE run_id {WANTED} ORDER BY run_id, position");
    for (run, agent) in conn.query_all(&query, [&wanted], |row| Ok((RunId(row.get(0)?), text(row, 1)?)))? {
        mark(&mut marks, run, agent);
    }
    // Of a run that is closed nobody is at it any more, whatever its attempts say.
    let query = format!("SELECT run_id FROM run_settings WHERE run_id {WANTED} AND ended_at IS NULL");
    let open: BTreeSet<RunId> =
        conn.query_all(&query, [&wanted], |row| row.get(0).map(RunId))?.into_iter().collect();
    let query = format!(
        "SELECT t.run_id, t.agent_name, t.state, d.retry_at IS NOT NULL FROM run_attempts t
         LEFT JOIN attempt_details d ON d.agent_id = t.agent_id
         WHERE t.run_id {WANTED} ORDER BY t.run_id, t.agent_name, t.attempt"
    );
    let attempts = conn.query_all(&query, [&wanted], |row| {
        Ok((RunId(row.get(0)?), text(row, 1)?, text(row, 2)?, row.get::<_, bool>(3)?))
    })?;
    for (run, agent, state, waits) in attempts {
        let is_open = open.contains(&run);
        let mark = mark(&mut marks, run, agent);
        mark.attempts += 1;
        mark.stand = match state.as_str() {
            "spawned" if is_open => Stand::Running,
            "spawned" | "completed" => Stand::Nothing,
            _ if is_open && waits => Stand::Retrying,
            _ => Stand::Failed,
        };
    }
    let query = format!(
        "SELECT run_id, agent_name, max(octet_length(content)) FROM agent_outputs WHERE run_id {WANTED}
         GROUP BY run_id, agent_name"
    );
    let outputs = conn
        .query_all(&query, [&wanted], |row| Ok((RunId(row.get(0)?), text(row, 1)?, row.get::<_, i64>(2)?)))?;
    for (run, agent, bytes) in outputs {
        let mark = mark(&mut marks, run, agent);
        if bytes > 0 {
            mark.stand = Stand::Answered;
        }
    }
    Ok(marks)
}

/// The mark of an agent; a new one at the end.
fn mark(marks: &mut Marks, run: RunId, agent: String) -> &mut AgentMark {
    let marks = marks.entry(run).or_default();
    let at = marks.iter().position(|mark| mark.agent == agent).unwrap_or(marks.len());
    if at == marks.len() {
        marks.push(AgentMark { agent, stand: Stand::Nothing, attempts: 0 });
    }
    &mut marks[at]
}
