//! The migration's own state: its phase, its cursors, its events and findings.

use conclave_db::sql::params;
use conclave_db::{DbError, ReadConn, WriteTx};

use super::schema::LEGACY_TABLES;
use super::shape;
use crate::error::{ConsensusError, Result};
use crate::migrate::ImportedSource;
use crate::migrate::soak::Moment;

pub(crate) mod cleanup;
pub(crate) mod findings;
pub(crate) mod older;
pub(crate) mod pause;
pub(crate) mod rows;
pub(crate) mod soak;

/// The phase of the dual-write migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    TablesCreated = 1,
    DualWrite = 2,
    ReadsFlipped = 3,
    NewOnly = 4,
    CleanedUp = 5,
}

impl Phase {
    const ALL: [Self; 5] =
        [Self::TablesCreated, Self::DualWrite, Self::ReadsFlipped, Self::NewOnly, Self::CleanedUp];

    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TablesCreated => "tables created",
            Self::DualWrite => "dual-write",
            Self::ReadsFlipped => "reads flipped",
            Self::NewOnly => "new only",
            Self::CleanedUp => "cleaned up",
        }
    }

    /// The phase of this number.
    pub(crate) fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.number() == number)
    }

    /// The phase that follows; none at the end.
    pub(crate) fn next(self) -> Option<Self> {
        Self::of(self.number() + 1)
    }

    /// The phase before; none at the beginning.
    pub(crate) fn previous(self) -> Option<Self> {
        Self::of(self.number() - 1)
    }

    /// Whether what is written goes to the legacy tables too.
    pub(crate) fn has_legacy_side(self) -> bool {
        self <= Self::ReadsFlipped
    }
}

/// The one row of the migration's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    pub(crate) phase_since: Option<i64>,
    pub(crate) verified_at: Option<i64>,
    pub(crate) differences: u64,
    /// Of those, legacy rows without their counterpart.
    pub(crate) missing_in_new: u64,
}

pub(crate) fn phase(conn: &ReadConn<'_>) -> Result<Phase> {
    Ok(state(conn)?.phase)
}

pub(crate) fn state(conn: &ReadConn<'_>) -> Result<State> {
    let query = "SELECT phase, verified_at, max(0, differences), max(0, missing_in_new), phase_since
      FROM migration_state WHERE id = 1";
    let found = conn.query_optional(query, [], |row| {
        let number: u8 = row.get(0)?;
        Ok((number, (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
    })?;
    let (number, state) = found.ok_or_else(|| {
        ConsensusError::refused(
            "the migration's control row is missing",
            Some("`conclave doctor --fix` makes it again"),
        )
    })?;
    let phase = Phase::of(number)
        .ok_or_else(|| DbError::Invalid(format!("phase {number} is none that this program knows")))?;
    let (verified_at, differences, missing_in_new, phase_since) = state;
    Ok(State { phase, phase_since, verified_at, differences, missing_in_new })
}

/// The phase changes now: its soak begins, and the way back from an earlier time in phase 4 is forgotten. `detail`
/// is kept with the event, which says from where to where.
pub(crate) fn set_phase(
    tx: &WriteTx<'_>,
    phase: Phase,
    actor: &str,
    now: &Moment,
    mut detail: serde_json::Value,
) -> Result<()> {
    let before = self::phase(tx)?;
    tx.execute(
        "UPDATE migration_state SET phase = ?1, phase_since = ?2, artifact_back = NULL, execution_back = NULL,
           synthesis_back = NULL WHERE id = 1",
        params![phase.number(), tx.now_ms()],
    )?;
    soak::begin(tx, now)?;
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("from".into(), before.number().into());
        detail.insert("to".into(), phase.number().into());
    }
    record_event(tx, actor, "phase", &detail)
}

pub(crate) fn record_event(
    tx: &WriteTx<'_>,
    actor: &str,
    kind: &str,
    detail: &serde_json::Value,
) -> Result<()> {
    tx.execute(
        "INSERT INTO migration_events(at, actor, kind, detail) VALUES(?1, ?2, ?3, ?4)",
        params![tx.now_ms(), actor, kind, detail.to_string()],
    )?;
    Ok(())
}

/// What the newest event of this kind says.
pub(crate) fn newest_event(conn: &ReadConn<'_>, kind: &str) -> Result<Option<serde_json::Value>> {
    let query = "SELECT detail FROM migration_events WHERE kind = ?1 ORDER BY id DESC LIMIT 1";
    let detail: Option<String> = conn.query_optional(query, [kind], |row| row.get(0))?;
    Ok(detail.and_then(|detail| serde_json::from_str(&detail).ok()))
}

/// Which of the legacy tables the state file has.
pub(crate) fn legacy_tables(conn: &ReadConn<'_>) -> Result<Vec<&'static str>> {
    let query = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1)";
    let mut found = Vec::new();
    for table in LEGACY_TABLES {
        if conn.query_row(query, [table], |row| row.get(0))? {
            found.push(*table);
        }
    }
    Ok(found)
}

/// Legacy rows that were noticed as ones that the new tables cannot hold, and not looked at since.
pub(crate) fn pending(conn: &ReadConn<'_>) -> Result<u64> {
    Ok(conn.query_row("SELECT count(*) FROM migration_pending", [], |row| row.get(0))?)
}

/// Legacy rows that the new tables cannot hold as they are now.
pub(crate) fn refused(conn: &ReadConn<'_>) -> Result<u64> {
    let mut refused = 0;
    for table in LEGACY_TABLES {
        if let Some(rows) = shape::incomplete_rows(conn, "main", table)? {
            refused +=
                conn.query_row(&format!("SELECT count(*) FROM ({rows})"), [], |row| row.get::<_, u64>(0))?;
        }
    }
    Ok(refused)
}

/// The statements that forget the notices of rows that are gone or complete by now. Made before the write, in
/// which no table may be asked for its columns.
pub(crate) fn forget_mended(conn: &ReadConn<'_>) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for table in LEGACY_TABLES {
        let mut statement = format!("DELETE FROM migration_pending WHERE legacy_table = '{table}'");
        if let Some(rows) = shape::incomplete_rows(conn, "main", table)? {
            statement = format!("{statement} AND legacy_rowid NOT IN (SELECT id FROM ({rows}))");
        }
        statements.push(statement);
    }
    Ok(statements)
}

pub(crate) fn sources(conn: &ReadConn<'_>) -> Result<Vec<ImportedSource>> {
    let query = "SELECT path, kind, started_at, finished_at FROM import_sources ORDER BY id";
    Ok(conn.query_all(query, [], |row| {
        Ok(ImportedSource {
            path: row.get(0)?,
            kind: row.get(1)?,
            started_at: row.get(2)?,
            finished_at: row.get(3)?,
        })
    })?)
}
