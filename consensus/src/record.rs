//! Recording: a run, its attempts, its outputs, its syntheses, as they come about.
//!
//! Each function is one durable transaction. Whoever comes first makes the run's row and everyone else finds it;
//! ids come from the row that is there, never from the last insert of a connection.
//!
//! Where a record goes is up to the phase of the migration, read in the record's own transaction: in phase 1 to the
//! legacy table, which its trigger mirrors; in phases 2 and 3 to both sides, which are read back and compared; in
//! phases 4 and 5 to the new tables alone. Where both sides do not come out equal, nothing is stored, the
//! difference is kept among the findings, and the caller gets [`ConsensusError::SidesDiffer`].
//!
//! # Errors
//!
//! Of each function: [`ConsensusError::SidesDiffer`] as above, [`ConsensusError::NotFound`] for a run or an attempt
//! that is not there, [`ConsensusError::Invalid`] for values that make no sense, and failures of the storage.
//!
//! A caller that does not know whether a write was committed (an `Ambiguous` failure) may repeat it: runs, spawns
//! and completions are known by their names, outputs and syntheses by the `write_key` that the caller gave them.

use conclave_db::Db;

use crate::error::{ConsensusError, Result};
use crate::runs::{RunId, RunStatus};
use crate::store::{control, record};

/// A run as its caller knows it. What is absent stays as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRecord {
    /// The text that names the run across its stages; not empty.
    pub run_id: String,
    /// The spec.
    pub spec: String,
    /// The stage, in either spelling.
    pub stage: String,
    /// What is known of its outcome.
    pub status: Option<RunStatus>,
    /// Whether it is ok.
    pub consensus_ok: Option<bool>,
    /// Whether it is degraded.
    pub degraded: Option<bool>,
    /// Its synthesis, which must be JSON.
    pub synthesis_json: Option<String>,
    /// When, ms; now where absent.
    pub at: Option<i64>,
}

/// One answer of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRecord {
    /// The run.
    pub run: RunId,
    /// The agent's name, kept verbatim.
    pub agent: String,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// The answer, kept byte for byte.
    pub content: Vec<u8>,
    /// The raw text that it was taken from.
    pub response: Option<Vec<u8>>,
    /// When it came, ms; now where absent.
    pub at: Option<i64>,
    /// The caller's own name for this write, unique among outputs: repeated, it gives the row that is there. It
    /// is an error to give it to another output.
    pub write_key: Option<String>,
}

/// Where an answer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedOutput {
    /// Its number.
    pub id: i64,
    /// Which answer of the attempt it is, from 1: an agent that answers twice has two rows.
    pub sequence: i64,
    /// Whether the content is JSON.
    pub valid_json: bool,
}

/// A synthesis of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SynthesisRecord {
    /// The text for people.
    pub output_markdown: String,
    /// Where it was written.
    pub output_path: Option<String>,
    /// `ok`, `conflict`, `degraded`, `insufficient`, or other words that mean unknown.
    pub status: String,
    /// How many outputs it was made of.
    pub artifacts_count: Option<i64>,
    /// What the agents agree on.
    pub agreements: Option<String>,
    /// What they contradict each other on.
    pub conflicts: Option<String>,
    /// Whether something expected was missing.
    pub degraded: Option<bool>,
    /// When it was made, ms; now where absent.
    pub at: Option<i64>,
    /// The caller's own name for this write, unique among syntheses: repeated, it gives the row that is there.
    pub write_key: Option<String>,
}

/// An agent that is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpawnRecord {
    /// Its own id.
    pub agent_id: String,
    /// The run.
    pub run: RunId,
    /// The agent's name, kept verbatim.
    pub agent: String,
    /// Which attempt of this agent in the run, from 1.
    pub attempt: i64,
    /// `regular_stage` or `quality_gate`.
    pub phase_type: String,
    /// When, ms; now where absent.
    pub at: Option<i64>,
}

/// An agent that has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletionRecord {
    /// Its own id.
    pub agent_id: String,
    /// Its raw text.
    pub response: Option<Vec<u8>>,
    /// Why no answer could be taken from it; the attempt has failed then.
    pub extraction_error: Option<String>,
    /// How it exited.
    pub exit_code: Option<i64>,
    /// The signal that ended it.
    pub signal: Option<i64>,
    /// When, ms; now where absent.
    pub at: Option<i64>,
}

/// Makes the run's row or finds it; gives its number. What the record leaves out is not erased.
pub fn record_run(db: &Db, run: &RunRecord) -> Result<RunId> {
    if run.run_id.is_empty() || run.spec.is_empty() || run.stage.is_empty() {
        return Err(ConsensusError::Invalid("a run needs an id, a spec and a stage".into()));
    }
    let run = run.clone();
    db.write("record run", move |tx| record::run(tx, &run))
}

/// Stores one answer behind those that the agent gave before in this attempt.
pub fn record_output(db: &Db, output: &OutputRecord) -> Result<RecordedOutput> {
    let output = output.clone();
    told(db, db.write("record output", move |tx| record::output(tx, &output)))
}

/// Stores a synthesis and gives the run its claim; gives the synthesis' number. Older ones are kept.
pub fn record_synthesis(db: &Db, run: RunId, synthesis: &SynthesisRecord) -> Result<i64> {
    let synthesis = synthesis.clone();
    told(db, db.write("record synthesis", move |tx| record::synthesis(tx, run, &synthesis)))
}

/// Records that an agent is started. Again for the same id, it changes nothing once the agent has ended; from phase
/// 4 on, of one that a legacy row holds too, only which attempt it is.
pub fn record_spawn(db: &Db, spawn: &SpawnRecord) -> Result<()> {
    let spawn = spawn.clone();
    told(db, db.write("record spawn", move |tx| record::spawn(tx, &spawn)))
}

/// Records that an agent has ended; gives whether this call did, or an earlier one had. An id that was never
/// started is an error.
pub fn record_completion(db: &Db, completion: &CompletionRecord) -> Result<bool> {
    let completion = completion.clone();
    told(db, db.write("record completion", move |tx| record::completion(tx, &completion)))
}

/// Keeps the difference that took a write back, in a transaction of its own. That the caller's write failed counts
/// for more than that this may fail too.
pub(crate) fn told<T>(db: &Db, outcome: Result<T>) -> Result<T> {
    if let Err(ConsensusError::SidesDiffer(difference)) = &outcome {
        let finding = difference.finding.clone();
        let detail = serde_json::json!({
            "table": finding.table, "kind": finding.kind, "legacy_id": finding.legacy_id,
            "agent_id": finding.agent_id, "output_id": finding.output_id, "fields": difference.fields,
            "refused": difference.refused.as_ref().map(ToString::to_string),
        });
        tracing::error!(%detail, "the two sides of a write differ; it was taken back");
        let kept = db.write("keep a difference", move |tx| {
            control::findings::add(tx, std::slice::from_ref(&finding))?;
            control::record_event(tx, "dual-write", "difference", &detail)
        });
        if let Err(error) = kept {
            tracing::error!(%error, "failed to keep a difference");
        }
    }
    outcome
}
