//! Where the agents of runs stand. What they wrote is read only where no verdict is stored.

use std::collections::{BTreeMap, BTreeSet};

use conclave_db::ReadConn;

use super::{bytes, optional_text, text};
use crate::error::Result;
use crate::runs::{AgentMark, RunId, Stand};
use crate::verdict;
use crate::workflow::{AgentState, AttemptEnd, LastAttempt, SeenAgent};

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
    let query = format!("SELECT run_id FROM run_settings WHERE run_id {WANTED} AND ended_at IS NULL");
    let open: BTreeSet<RunId> =
        conn.query_all(&query, [&wanted], |row| row.get(0).map(RunId))?.into_iter().collect();
    let query = format!(
        "SELECT run_id, agent_name, max(octet_length(content)) > 0 FROM agent_outputs WHERE run_id {WANTED}
         GROUP BY run_id, agent_name"
    );
    let outputs = conn.query_all(&query, [&wanted], |row| {
        Ok((RunId(row.get(0)?), text(row, 1)?, row.get::<_, bool>(2)?))
    })?;
    let query = format!(
        "SELECT t.run_id, t.agent_name, t.state, d.outcome, d.retry_at IS NOT NULL FROM run_attempts t
         LEFT JOIN attempt_details d ON d.agent_id = t.agent_id
         WHERE t.run_id {WANTED} ORDER BY t.run_id, t.agent_name, t.attempt, t.id"
    );
    let attempts = conn.query_all(&query, [&wanted], |row| {
        let outcome = optional_text(row, 3)?.as_deref().and_then(AttemptEnd::parse);
        let last = LastAttempt::of(outcome, &text(row, 2)?);
        Ok((RunId(row.get(0)?), text(row, 1)?, last, row.get::<_, bool>(4)?))
    })?;
    for (run, agent, last, waits) in attempts {
        let seen = SeenAgent { open: open.contains(&run), answered: false, last, waits };
        let mark = mark(&mut marks, run, agent);
        mark.attempts += 1;
        mark.stand = AgentState::of(seen).into();
    }
    let unusable = unusable(conn, &wanted)?;
    for (run, agent, answered) in outputs {
        let mark = mark(&mut marks, run, agent);
        if unusable.contains(&(run, mark.agent.clone())) {
            mark.stand = Stand::Unusable;
        } else if answered {
            let seen = SeenAgent { open: false, answered, last: LastAttempt::None, waits: false };
            mark.stand = AgentState::of(seen).into();
        }
    }
    Ok(marks)
}

/// The agents whose latest answer does not count: as the stored verdict says, else by the answer itself.
fn unusable(conn: &ReadConn<'_>, wanted: &str) -> Result<BTreeSet<(RunId, String)>> {
    let query = format!(
        "SELECT v.run_id, ifnull(json_extract(a.value, '$.answered_as'), json_extract(a.value, '$.agent'))
         FROM run_verdicts v, json_each(v.verdict, '$.agents') a
         WHERE v.run_id {WANTED} AND NOT json_extract(a.value, '$.usable')"
    );
    let judged = conn.query_all(&query, [wanted], |row| Ok((RunId(row.get(0)?), text(row, 1)?)))?;
    let query = format!(
        "SELECT asked.run_id, asked.agent_name, r.stage, o.content
         FROM (SELECT DISTINCT run_id, agent_name FROM agent_outputs WHERE run_id {WANTED}
           AND NOT EXISTS (SELECT 1 FROM run_verdicts v WHERE v.run_id = agent_outputs.run_id)) asked
         JOIN consensus_runs r ON r.id = asked.run_id
         JOIN agent_outputs o ON o.id = (SELECT n.id FROM agent_outputs n
           WHERE n.run_id = asked.run_id AND n.agent_name = asked.agent_name
           ORDER BY n.attempt DESC, n.sequence DESC LIMIT 1)"
    );
    let read = conn.query_all(&query, [wanted], |row| {
        let why = verdict::unusable(&text(row, 2)?, &bytes(row, 3)?.unwrap_or_default());
        Ok(if why.is_some() { Some((RunId(row.get(0)?), text(row, 1)?)) } else { None })
    })?;
    Ok(judged.into_iter().chain(read.into_iter().flatten()).collect())
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
