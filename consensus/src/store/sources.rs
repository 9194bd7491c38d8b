//! The files that were imported, and what an import does to the phase.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::control::{self, Phase};
use super::shape::Contents;
use super::{canonical, capture, remade};
use crate::error::Result;
use crate::migrate::soak::Moment;

/// A file as the state knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) finished: bool,
}

/// What is to be kept of a file.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) path: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) actor: String,
}

pub(crate) fn find(conn: &ReadConn<'_>, path: &str) -> Result<Option<Known>> {
    let query = "SELECT id, finished_at IS NOT NULL FROM import_sources WHERE path = ?1";
    Ok(conn.query_optional(query, [path], |row| Ok(Known { id: row.get(0)?, finished: row.get(1)? }))?)
}

/// Records that the import of a file begins, and begins phase 1 where these are the project's first rows.
pub(crate) fn begin(tx: &WriteTx<'_>, file: &Description, contents: &Contents) -> Result<i64> {
    let now = tx.now_ms();
    let kind = match (contents.legacy, contents.later) {
        (true, true) => "both",
        (false, true) => "later",
        _ => "legacy",
    };
    let id = tx.query_row(
        "INSERT INTO import_sources(path, kind, sha256, bytes, actor, started_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT(path) DO UPDATE SET kind = excluded.kind, sha256 = excluded.sha256, bytes = excluded.bytes,
           actor = excluded.actor, started_at = excluded.started_at, finished_at = NULL
         RETURNING id",
        params![file.path, kind, file.sha256, file.bytes, file.actor, now],
        |row| row.get(0),
    )?;
    let phase = control::phase(tx)?;
    if phase.has_legacy_side() {
        remade::refuse_while_unfilled(tx)?;
    }
    let legacy_rows =
        contents.artifacts + contents.syntheses > 0 || (contents.executions > 0 && !contents.later);
    if phase == Phase::CleanedUp && legacy_rows && !any_run(tx)? {
        let detail = serde_json::json!({"reason": "legacy rows come in"});
        let now = Moment::of_system(tx.now_ms());
        control::set_phase(tx, Phase::TablesCreated, &file.actor, &now, detail)?;
    }
    if control::phase(tx)?.has_legacy_side() {
        capture::install(tx)?;
    }
    Ok(id)
}

/// Records that everything of the file is here.
pub(crate) fn finish(tx: &WriteTx<'_>, id: i64, file: &Description, new: u64, updated: u64) -> Result<()> {
    tx.execute(
        "UPDATE import_sources SET finished_at = ?1, sha256 = ?3, bytes = ?4 WHERE id = ?2",
        params![tx.now_ms(), id, file.sha256, file.bytes],
    )?;
    control::record_event(
        tx,
        &file.actor,
        "import",
        &serde_json::json!({"source": file.path, "new": new, "updated": updated}),
    )
}

fn any_run(conn: &ReadConn<'_>) -> Result<bool> {
    Ok(conn.query_row("SELECT EXISTS (SELECT 1 FROM consensus_runs)", [], |row| row.get(0))?)
}

/// The runs of the later schema as they are; their outputs and syntheses are copied before.
#[derive(Debug)]
pub(crate) struct LaterRuns {
    select: String,
    source: i64,
}

impl LaterRuns {
    pub(crate) fn new(source: i64) -> Self {
        let status = "CASE WHEN json_valid(s.synthesis_json) THEN CASE json_type(s.synthesis_json) \
                      WHEN 'object' THEN json_extract(s.synthesis_json, '$.status') END END";
        let flag = |name: &str| format!("CASE WHEN s.{name} IN (0, 1) THEN CAST(s.{name} AS INTEGER) END");
        let select = format!(
            "SELECT s.run_key AS run_key, CAST(s.spec_id AS TEXT) AS spec, {} AS stage, {} AS at, {} AS ok,
               {} AS degraded, CASE WHEN json_valid(s.synthesis_json) THEN CAST(s.synthesis_json AS TEXT) END AS synthesis,
               {} AS status
             FROM temp.src_runs s WHERE s.spec_id IS NOT NULL AND s.stage IS NOT NULL AND s.id >= ?1 AND s.id <= ?2",
            canonical::stage("s.stage"),
            canonical::time_ms("s.run_timestamp"),
            flag("consensus_ok"),
            flag("degraded"),
            canonical::status(status),
        );
        Self { select, source }
    }

    /// The id that ends the next `rows` runs from `low` on.
    pub(crate) fn end(conn: &ReadConn<'_>, low: i64, rows: u32) -> Result<Option<i64>> {
        let query = "SELECT max(id) FROM (SELECT id FROM temp.src_runs WHERE id >= ?1 ORDER BY id LIMIT ?2)";
        Ok(conn.query_row(query, params![low, rows], |row| row.get(0))?)
    }

    /// Whether a run of the range is missing or other than in the source. Remembers the runs.
    pub(crate) fn differ(&self, tx: &WriteTx<'_>, low: i64, high: i64) -> Result<bool> {
        let joined = format!(
            "FROM ({}) AS n LEFT JOIN consensus_runs r
             ON r.run_key = n.run_key AND r.spec_id = n.spec AND r.stage = n.stage",
            self.select
        );
        let differ = tx.query_row(
            &format!(
                "SELECT EXISTS (SELECT 1 {joined} WHERE r.id IS NULL OR
                 (r.consensus_ok, r.degraded, r.synthesis_json, r.status) IS NOT (n.ok, n.degraded, n.synthesis, n.status))"
            ),
            params![low, high],
            |row| row.get(0),
        )?;
        Ok(differ)
    }

    pub(crate) fn touch(&self, tx: &WriteTx<'_>, low: i64, high: i64) -> Result<()> {
        tx.execute(
            &format!(
                "INSERT OR IGNORE INTO temp.touched SELECT r.id FROM ({}) AS n JOIN consensus_runs r
                 ON r.run_key = n.run_key AND r.spec_id = n.spec AND r.stage = n.stage",
                self.select
            ),
            params![low, high],
        )?;
        Ok(())
    }

    pub(crate) fn plan(&self, tx: &WriteTx<'_>, low: i64, high: i64) -> Result<()> {
        tx.execute(
            &format!("INSERT OR IGNORE INTO temp.planned SELECT run_key, spec, stage FROM ({})", self.select),
            params![low, high],
        )?;
        Ok(())
    }

    pub(crate) fn write(&self, tx: &WriteTx<'_>, low: i64, high: i64) -> Result<()> {
        tx.execute(
            &format!(
                "INSERT INTO consensus_runs(run_key, spec_id, stage, run_timestamp, started_at, updated_at,
                   consensus_ok, degraded, synthesis_json, status, origin, source_id)
                 SELECT run_key, spec, stage, at, at, at, ok, degraded, synthesis, status, 'legacy', {}
                 FROM ({}) WHERE true
                 ON CONFLICT(run_key, spec_id, stage) DO UPDATE SET
                   run_timestamp = excluded.run_timestamp, started_at = excluded.started_at,
                   consensus_ok = excluded.consensus_ok, degraded = excluded.degraded,
                   synthesis_json = excluded.synthesis_json, status = excluded.status",
                self.source, self.select
            ),
            params![low, high],
        )?;
        Ok(())
    }
}
