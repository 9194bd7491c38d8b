//! The first transaction of a run.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::agents::{Accept, AgentDefinition};
use crate::canonical;
use crate::error::{ConsensusError, Result};
use crate::record::RunRecord;
use crate::runs::RunId;
use crate::store::record;
use crate::workflow::stored_key;

/// Everything that a run has before anybody is asked.
#[derive(Debug, Clone)]
pub(crate) struct NewRun {
    pub(crate) record: RunRecord,
    pub(crate) prompt: Vec<u8>,
    pub(crate) quorum: usize,
    pub(crate) accept: Accept,
    pub(crate) timeout_ms: i64,
    pub(crate) sequential: bool,
    pub(crate) phase_type: &'static str,
    pub(crate) directory: String,
    pub(crate) actor: String,
    pub(crate) owner: ProcessIdentity,
    pub(crate) roster: Vec<AgentDefinition>,
}

/// The run of a key as it is stored, a spec, and a stage in its one spelling.
pub(crate) fn find(conn: &ReadConn<'_>, key: &str, spec: &str, stage: &str) -> Result<Option<RunId>> {
    let query = "SELECT id FROM consensus_runs WHERE run_key = ?1 AND spec_id = ?2 AND stage = ?3";
    Ok(conn.query_optional(query, params![key, spec, stage], |row| row.get(0).map(RunId))?)
}

/// Makes the run's row, its settings and its roster. A run of this key, spec and stage must not be there.
pub(crate) fn begin(tx: &WriteTx<'_>, new: &NewRun) -> Result<RunId> {
    let RunRecord { run_id, spec, stage, .. } = &new.record;
    if let Some(there) = find(tx, &stored_key(run_id), spec, canonical::stage(stage))? {
        let hint = "`conclave resume` goes on with one that is unfinished; another one needs another key";
        return Err(ConsensusError::refused(
            format!("there is a run of this key already: {there}"),
            Some(hint),
        ));
    }
    let run = record::run(tx, &new.record)?;
    tx.execute(
        "INSERT INTO run_settings(run_id, prompt, quorum, accept, timeout_ms, sequential, phase_type, directory,
           actor, owner, driven_at)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            run.0,
            new.prompt,
            new.quorum,
            new.accept.as_str(),
            new.timeout_ms,
            new.sequential,
            new.phase_type,
            new.directory,
            new.actor,
            serde_json::json!(new.owner).to_string(),
            tx.now_ms()
        ],
    )?;
    for (position, agent) in (1_i64..).zip(&new.roster) {
        tx.execute(
            "INSERT INTO run_roster(run_id, position, agent_name, family, definition) VALUES(?1, ?2, ?3, ?4, ?5)",
            params![run.0, position, agent.name, agent.family, serde_json::json!(agent).to_string()],
        )?;
    }
    Ok(run)
}
