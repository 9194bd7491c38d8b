//! Copies rows of one kind from the views of `shape` into the new tables, and where asked into the legacy
//! tables beside them, a chunk at a time.
//!
//! A chunk is worked out without the lock ([`Copier::prepare`]), written in one transaction, in a backfill with its
//! cursor ([`Copier::apply`]), and compared with its source afterwards, again without the lock ([`Copier::differing`]).

pub(crate) mod kinds;
mod mend;
mod statements;

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use self::kinds::Kind;
use self::statements::{CHANGED, CLEAR, EXTEND_RUNS, NEW, REFUSED, Statements, TEMPORARY, WANT_RUNS};
pub(crate) use super::chunk::Chunk;
use super::control::{self, findings};
use super::verify::refused::NULL;
use super::{chunk, runs};
use crate::error::{ConsensusError, Result};
use crate::migrate::FindingKind;

/// Where the rows come from and where they go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// The import that they belong to; a backfill has none.
    pub(crate) source: Option<i64>,
    /// Whether they go to the legacy tables of the state file too.
    pub(crate) to_legacy: bool,
    /// Whether they come from the later tables of the original.
    pub(crate) later: bool,
    /// Whether a row that is here with other content is made equal to its source.
    pub(crate) overwrite: bool,
}

/// What there is to do with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    /// Nothing of the chunk is known here: no row needs to be looked up.
    pub(crate) fresh: bool,
    pub(crate) to_write: u64,
}

/// What a chunk held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) new: u64,
    pub(crate) equal: u64,
    pub(crate) changed: u64,
    pub(crate) refused: u64,
    pub(crate) invalid_json: u64,
    pub(crate) unknown_times: u64,
    pub(crate) null_run_ids: u64,
    pub(crate) empty_run_ids: u64,
    pub(crate) bytes: u64,
    pub(crate) repeated: u64,
}

/// Which rows of a chunk are to be named.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Listing {
    InvalidJson,
    UnknownTime,
    Repeated,
    LoneSynthesis,
    Refused,
}

/// Copies one kind of row.
#[derive(Debug)]
pub(crate) struct Copier {
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
    sql: Statements,
}

/// Makes the temporary tables of a copy, empty.
pub(crate) fn begin(tx: &WriteTx<'_>) -> Result<()> {
    Ok(tx.execute_batch(TEMPORARY)?)
}

/// How many runs the rows so far belong to.
pub(crate) fn runs_touched(conn: &ReadConn<'_>) -> Result<u64> {
    let count = "SELECT (SELECT count(*) FROM temp.touched) + (SELECT count(*) FROM temp.planned)";
    Ok(conn.query_row(count, [], |row| row.get(0))?)
}

impl Copier {
    pub(crate) fn new(kind: Kind, scope: Scope) -> Self {
        let sql = Statements::new(&kind, &scope);
        Self { kind, scope, sql }
    }

    /// The next chunk from `low` on that weighs about `budget` and has at most `rows` rows, but at least one.
    /// Nothing at the end.
    pub(crate) fn measure(
        &self,
        conn: &ReadConn<'_>,
        low: i64,
        budget: u64,
        rows: u64,
    ) -> Result<Option<Chunk>> {
        chunk::measure(conn, &self.sql.measure, low, budget, rows)
    }

    /// Works out what is to be written for the chunk. Writes to temporary tables alone.
    pub(crate) fn prepare(&self, tx: &WriteTx<'_>, chunk: &Chunk) -> Result<Work> {
        self.derive(tx, chunk)?;
        let fresh = self.is_fresh(tx, chunk)?;
        if fresh {
            Self::want_runs(tx)?;
        } else {
            self.classify(tx)?;
        }
        let count = "SELECT count(*) FROM temp.chunk WHERE action IN (0, 2)";
        Ok(Work { fresh, to_write: tx.query_row(count, [], |row| row.get(0))? })
    }

    /// Writes the prepared chunk and its cursor. What others changed since is seen here.
    pub(crate) fn apply(&self, tx: &WriteTx<'_>, chunk: &Chunk, work: Work, restage: bool) -> Result<()> {
        // Where others may write the source, what was worked out may be of another moment than what is copied.
        let fresh = work.fresh && !restage && self.is_fresh(tx, chunk)?;
        if !fresh {
            if restage {
                self.derive(tx, chunk)?;
            }
            self.classify(tx)?;
            for step in &self.sql.free_ids {
                tx.execute(step, [])?;
            }
            self.refuse_overflow(tx)?;
            if self.kind.name == "synthesis" {
                self.part_by_source(tx)?;
            }
            Self::want_runs(tx)?;
        }
        if let Some(copy_legacy) = &self.sql.copy_legacy {
            tx.execute(copy_legacy, [])?;
        }
        let wanted: usize = tx.query_row("SELECT count(*) FROM temp.wanted", [], |row| row.get(0))?;
        if tx.execute(&self.sql.create_runs, [])? < wanted {
            tx.execute(EXTEND_RUNS, [])?;
        }
        let all_new = fresh && work.to_write == chunk.rows;
        tx.execute(if all_new { &self.sql.place_all } else { &self.sql.place_some }, [])?;
        tx.execute(&self.sql.copy, [])?;
        // A fresh chunk whose rows keep their ids on the legacy side needs no other record of where they went.
        if let Some(remember) = self.sql.remember.as_ref().filter(|_| !fresh || !self.scope.to_legacy) {
            tx.execute(remember, [])?;
        }
        if !fresh {
            self.change(tx)?;
        }
        if self.kind.name == "synthesis" && !self.scope.later {
            runs::take_claims(tx, self.claimed())?;
        }
        self.note_refused(tx)?;
        self.close_findings(tx)?;
        if let Some(source) = self.scope.source {
            // From its first new row on, a file that was imported before is one whose import is not finished.
            tx.execute(
                "UPDATE import_sources SET finished_at = NULL WHERE id = ?1 AND finished_at IS NOT NULL",
                [source],
            )?;
        }
        if let Some(cursor) = &self.sql.cursor {
            tx.execute(cursor, [chunk.high])?;
        }
        Ok(())
    }

    /// Where the last chunk of a backfill of this kind ended.
    pub(crate) fn cursor(&self, conn: &ReadConn<'_>) -> Result<Option<i64>> {
        let query = format!("SELECT {} FROM migration_state WHERE id = 1", self.kind.cursor);
        Ok(conn.query_optional(&query, [], |row| row.get(0))?.flatten())
    }

    /// How many rows that were written do not compare equal to their source now, byte for byte.
    pub(crate) fn differing(&self, conn: &ReadConn<'_>) -> Result<u64> {
        Ok(conn.query_row(&self.sql.differing, [], |row| row.get(0))?)
    }

    /// Counts the chunk, and remembers its runs.
    pub(crate) fn tally(&self, tx: &WriteTx<'_>, dry_run: bool) -> Result<Tally> {
        let mut repeated = None;
        if dry_run {
            tx.execute(
                "INSERT OR IGNORE INTO temp.planned SELECT run_key, spec, stage FROM temp.chunk
                 WHERE action <> 3",
                [],
            )?;
            if self.kind.name == "artifact" {
                let first = tx.execute(
                    "INSERT OR IGNORE INTO temp.answered SELECT run_key, spec, stage, agent
                     FROM temp.chunk WHERE action <> 3",
                    [],
                )?;
                let rows: u64 =
                    tx.query_row("SELECT count(*) FROM temp.chunk WHERE action <> 3", [], |row| row.get(0))?;
                repeated = Some(rows.saturating_sub(first as u64));
            }
        } else {
            tx.execute("INSERT OR IGNORE INTO temp.touched SELECT run FROM temp.placed", [])?;
        }
        let tally = tx.query_row(
            "SELECT count(*), ifnull(sum(action = 0), 0), ifnull(sum(action = 1), 0), ifnull(sum(action = 2), 0),
               ifnull(sum(action = 3), 0), ifnull(sum(action <> 3 AND valid = 0), 0),
               ifnull(sum(at IS NULL OR timeless), 0), ifnull(sum(keyless = 1), 0), ifnull(sum(keyless = 2), 0),
               ifnull(sum(bytes), 0), (SELECT count(*) FROM temp.placed WHERE sequence > 1)
             FROM temp.chunk",
            [],
            |row| {
                Ok(Tally {
                    rows: row.get(0)?,
                    new: row.get(1)?,
                    equal: row.get(2)?,
                    changed: row.get(3)?,
                    refused: row.get(4)?,
                    invalid_json: row.get(5)?,
                    unknown_times: row.get(6)?,
                    null_run_ids: row.get(7)?,
                    empty_run_ids: row.get(8)?,
                    bytes: row.get(9)?,
                    repeated: row.get(10)?,
                })
            },
        )?;
        Ok(Tally { repeated: repeated.unwrap_or(tally.repeated), ..tally })
    }

    /// At most `limit` rows of the chunk: their id in the source, and their run.
    pub(crate) fn list(
        conn: &ReadConn<'_>,
        listing: Listing,
        limit: usize,
    ) -> Result<Vec<(String, Option<String>)>> {
        let wanted = match listing {
            Listing::InvalidJson => "c.action <> 3 AND c.valid = 0",
            Listing::UnknownTime => "c.at IS NULL OR c.timeless",
            Listing::Repeated => "p.sequence > 1",
            Listing::LoneSynthesis => {
                "c.keyless > 0 AND p.run IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM agent_outputs o WHERE o.run_id = p.run)"
            }
            Listing::Refused => "c.action = 3",
        };
        let query = format!(
            "SELECT ifnull(CAST(c.name AS BLOB), CAST(c.id AS BLOB)),
               CAST(c.spec || ' ' || c.stage || ' ' || c.run_key AS BLOB)
             FROM temp.chunk c LEFT JOIN temp.placed p ON p.id = c.id WHERE {wanted} ORDER BY c.id LIMIT ?1"
        );
        let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(conn.query_all(&query, [limit], |row| {
            Ok((lossy(row.get(0)?), row.get::<_, Option<Vec<u8>>>(1)?.map(lossy)))
        })?)
    }

    fn is_fresh(&self, tx: &WriteTx<'_>, chunk: &Chunk) -> Result<bool> {
        let Some(known) = &self.sql.known else { return Ok(false) };
        Ok(!tx.query_row(known, params![chunk.low, chunk.high], |row| row.get::<_, bool>(0))?)
    }

    /// What the source rows say of themselves.
    fn derive(&self, tx: &WriteTx<'_>, chunk: &Chunk) -> Result<()> {
        for step in CLEAR {
            tx.execute(step, [])?;
        }
        tx.execute(&self.sql.derive, params![chunk.low, chunk.high])?;
        Ok(())
    }

    fn want_runs(tx: &WriteTx<'_>) -> Result<()> {
        for step in WANT_RUNS {
            tx.execute(step, [])?;
        }
        Ok(())
    }

    fn classify(&self, tx: &WriteTx<'_>) -> Result<()> {
        for step in &self.sql.classify {
            tx.execute(step, [])?;
        }
        Ok(())
    }

    /// Behind the greatest id there is no free one: the sum of integers has become a real.
    fn refuse_overflow(&self, tx: &WriteTx<'_>) -> Result<()> {
        let overflow = "SELECT EXISTS (SELECT 1 FROM temp.chunk WHERE typeof(legacy) = 'real')";
        if tx.query_row(overflow, [], |row| row.get(0))? {
            let table = self.kind.legacy;
            return Err(ConsensusError::Invalid(format!("{table} of the state has no free id left")));
        }
        Ok(())
    }

    /// Syntheses join runs across files by run id only, never by time: one without run id whose time is that of
    /// a run which has no row of this source becomes a run of its own.
    fn part_by_source(&self, tx: &WriteTx<'_>) -> Result<()> {
        let Some(source) = self.scope.source.filter(|_| !self.scope.later) else { return Ok(()) };
        let stage = super::canonical::stage("a.stage");
        tx.execute(
            &format!(
                "UPDATE temp.chunk SET run_key = run_key || '@source:' || {source}
                 WHERE action IN ({NEW}, {CHANGED}) AND keyless > 0 AND EXISTS (
                   SELECT 1 FROM consensus_runs r
                   WHERE r.run_key = chunk.run_key AND r.spec_id = chunk.spec AND r.stage = chunk.stage
                     AND r.source_id IS NOT {source}
                     AND NOT EXISTS (SELECT 1 FROM agent_outputs o
                       WHERE o.run_id = r.id AND o.source_id = {source}))
                 AND NOT EXISTS (
                   SELECT 1 FROM temp.src_syntheses s CROSS JOIN temp.src_artifacts a
                   WHERE s.id = chunk.id AND a.spec_id IS s.spec_id AND a.created_at IS s.created_at
                     AND ifnull(a.run_id, '') = '' AND {stage} = chunk.stage)"
            ),
            [],
        )?;
        Ok(())
    }

    /// Rows that were here with other content: each on its own, since a row may change its run.
    fn change(&self, tx: &WriteTx<'_>) -> Result<()> {
        let query = format!(
            "SELECT c.id, o.run_id, p.run FROM temp.chunk c CROSS JOIN temp.placed p ON p.id = c.id
             CROSS JOIN {} o ON o.id = c.target WHERE c.action = {CHANGED} ORDER BY c.id",
            self.kind.new
        );
        let changed = tx.query_all(&query, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })?;
        for (id, before, after) in changed {
            if let Some(change_legacy) = &self.sql.change_legacy {
                tx.execute(change_legacy, [id])?;
            }
            tx.execute(&self.sql.change, [id])?;
            for run in [before, after] {
                runs::recompute(tx, run, self.claimed())?;
            }
        }
        Ok(())
    }

    /// Legacy rows of the state file that this chunk copies are no differences any more.
    fn close_findings(&self, tx: &WriteTx<'_>) -> Result<()> {
        let open = control::state(tx)?;
        if self.scope.source.is_some() || open.differences == 0 {
            return Ok(());
        }
        let column = if self.kind.name == "execution" { "agent_id" } else { "legacy_id" };
        let key = if self.kind.name == "execution" { "name" } else { "id" };
        let delete = format!(
            "DELETE FROM migration_findings WHERE legacy_table = ?1 AND kind = ?2
               AND {column} IN (SELECT {key} FROM temp.chunk WHERE action = ?3)"
        );
        tx.execute(&delete, params![self.kind.legacy, FindingKind::MissingInNew.as_str(), NEW])?;
        let updated =
            tx.execute(&delete, params![self.kind.legacy, FindingKind::Different.as_str(), CHANGED])?;
        // Not every difference is kept one by one, but all are counted.
        let copied: u64 =
            tx.query_row("SELECT count(*) FROM temp.chunk WHERE action = ?1", [NEW], |row| row.get(0))?;
        let copied = copied.min(open.missing_in_new);
        findings::close(tx, copied + updated as u64, copied)
    }

    const fn claimed(&self) -> runs::Claimed {
        if self.scope.source.is_some() { runs::Claimed::MadeByLegacy } else { runs::Claimed::All }
    }

    /// Legacy rows of the state file that the new tables cannot hold are differences until someone mends them.
    fn note_refused(&self, tx: &WriteTx<'_>) -> Result<()> {
        if self.scope.source.is_none() {
            tx.execute(
                "INSERT INTO migration_pending(legacy_table, legacy_rowid, reason, noticed_at)
                 SELECT ?1, id, ?4, ?2 FROM temp.chunk WHERE action = ?3
                 ON CONFLICT(legacy_table, legacy_rowid) DO NOTHING",
                params![self.kind.legacy, tx.now_ms(), REFUSED, NULL],
            )?;
        }
        Ok(())
    }
}
