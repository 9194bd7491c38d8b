//! Writes on both sides: where a write goes, how the legacy row of a run is spelled, how both are compared.
//!
//! The phase is read in the transaction of the write, so a step of the phase waits for nobody and no write is
//! ever of two phases.

use std::borrow::Cow;

use conclave_db::sql::{ToSql, ToSqlOutput, Value, ValueRef, params};
use conclave_db::{DbError, ErrorKind, ReadConn, WriteTx};

use super::control::{self, Phase};
use super::verify::{Key, Pair};
use super::{capture, remade};
use crate::canonical;
use crate::error::{ConsensusError, Difference, Result};
use crate::migrate::{Finding, FindingKind};
use crate::runs::RunId;
use crate::time;

/// Where a write goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sides {
    /// To the legacy table, from which the trigger mirrors it.
    Legacy,
    /// To both, each in a statement of its own, and compared.
    Both,
    /// To the new table alone.
    New,
}

/// Where the phase of this moment sends writes. A legacy side that somebody has dropped is an error.
pub(crate) fn sides(conn: &ReadConn<'_>) -> Result<Sides> {
    let sides = match control::phase(conn)? {
        Phase::TablesCreated => Sides::Legacy,
        Phase::DualWrite | Phase::ReadsFlipped => Sides::Both,
        Phase::NewOnly | Phase::CleanedUp => return Ok(Sides::New),
    };
    remade::refuse_while_missing(conn)?;
    Ok(sides)
}

/// Text that may be no UTF-8, as a parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'bytes>(pub(crate) &'bytes [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> std::result::Result<ToSqlOutput<'_>, conclave_db::sql::Error> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

/// What ties a row without run id to its run: the time as stored.
#[derive(Debug, Clone, PartialEq)]
enum Time {
    /// Text that may be no UTF-8.
    Text(Vec<u8>),
    Other(Value),
}

impl Time {
    fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Text(bytes) => ValueRef::Text(bytes),
            Self::Other(value) => value.into(),
        }
    }
}

/// How legacy rows name a run.
#[derive(Debug, Clone, PartialEq)]
enum Named {
    RunId(Vec<u8>),
    Time(Time),
}

/// A run as its legacy rows spell it. All text may be no UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spelling {
    pub(crate) spec: Vec<u8>,
    pub(crate) stage: Vec<u8>,
    named: Named,
}

impl Spelling {
    pub(crate) fn of(conn: &ReadConn<'_>, run: RunId) -> Result<Self> {
        let query = "SELECT CAST(spec_id AS BLOB), CAST(stage AS BLOB), CAST(run_key AS BLOB)
          FROM consensus_runs WHERE id = ?1";
        let found = conn.query_optional(query, [run.0], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        let Some((spec, stage, key)) = found else {
            return Err(ConsensusError::NotFound { what: "run", name: run.to_string() });
        };
        let stage = match std::str::from_utf8(&stage).map(canonical::legacy_stage) {
            Ok(Cow::Owned(spelled)) => spelled.into_bytes(),
            _ => stage,
        };
        Ok(Self { spec, stage, named: named(&key) })
    }

    /// The run id of its rows; they have none where the run is known by their time.
    pub(crate) fn run_id(&self) -> Option<Text<'_>> {
        match &self.named {
            Named::RunId(id) => Some(Text(id)),
            Named::Time(_) => None,
        }
    }

    /// The time of a row that came about at this moment: its text, or that which all rows of the run have.
    pub(crate) fn time(&self, at: i64) -> Result<RowTime> {
        let time = match &self.named {
            Named::RunId(_) => Time::Text(time_text(at)?.into_bytes()),
            Named::Time(time) => time.clone(),
        };
        Ok(RowTime { ms: canonical::time_ms(time.as_ref()), written: time })
    }

    /// Whether an execution of the run can be told to be one: its time is kept as text.
    pub(crate) fn holds_executions(&self) -> bool {
        !matches!(self.named, Named::Time(Time::Other(_)))
    }
}

/// The time of a legacy row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RowTime {
    /// What it means.
    pub(crate) ms: Option<i64>,
    written: Time,
}

impl ToSql for RowTime {
    fn to_sql(&self) -> std::result::Result<ToSqlOutput<'_>, conclave_db::sql::Error> {
        Ok(ToSqlOutput::Borrowed(self.written.as_ref()))
    }
}

/// How rows say that they are of the run with this key: the way back from `canonical::run_key`.
fn named(key: &[u8]) -> Named {
    if let Some(id) = key.strip_prefix(b"@id:") {
        return Named::RunId(id.to_vec());
    }
    let number = |text: &[u8]| std::str::from_utf8(text).ok().map(str::to_owned);
    let time = if let Some(text) = key.strip_prefix(b"@text:") {
        Some(Time::Text(text.to_vec()))
    } else if let Some(bytes) = key.strip_prefix(b"@blob:") {
        Some(Time::Other(Value::Blob(bytes.to_vec())))
    } else if let Some(text) = key.strip_prefix(b"@integer:") {
        number(text).and_then(|text| text.parse().ok()).map(|number| Time::Other(Value::Integer(number)))
    } else if let Some(text) = key.strip_prefix(b"@real:") {
        number(text).and_then(|text| text.parse().ok()).map(|number| Time::Other(Value::Real(number)))
    } else {
        (key == b"@null:").then_some(Time::Other(Value::Null))
    };
    time.map_or_else(|| Named::RunId(key.to_vec()), Named::Time)
}

/// A moment as the original writes it, to the millisecond.
pub(crate) fn time_text(at: i64) -> Result<String> {
    time::legacy(at)
        .ok_or_else(|| ConsensusError::Invalid(format!("{at} ms is no time between the years 0 and 9999")))
}

/// Runs the writes of both sides with the triggers silent, and compares the rows of this legacy table that they
/// give the key of. A difference is an error, which takes the whole transaction back.
pub(crate) fn write_both<T>(
    tx: &WriteTx<'_>,
    table: &'static str,
    write: impl FnOnce() -> Result<(Key, T)>,
) -> Result<T> {
    capture::suspend(tx)?;
    let (key, written) = write()?;
    let pair = Pair::complete().iter().find(|pair| pair.table == table);
    if let Some((finding, fields)) = pair.map(|pair| pair.difference(tx, &key)).transpose()?.flatten() {
        return Err(ConsensusError::SidesDiffer(Box::new(Difference { finding, fields, refused: None })));
    }
    capture::resume(tx)?;
    capture::note_changed(tx, table, &key)?;
    Ok(written)
}

/// The failure of one side's statement, where it is that side which says no and not the storage: the other side
/// would be alone.
pub(crate) fn refused(
    kind: FindingKind,
    table: &'static str,
    key: Option<&Key>,
) -> impl FnOnce(DbError) -> ConsensusError {
    let (legacy_id, agent_id) = key.cloned().map_or((None, None), Key::into_finding);
    move |error| match error.kind() {
        ErrorKind::Constraint | ErrorKind::Statement => ConsensusError::SidesDiffer(Box::new(Difference {
            finding: Finding {
                kind,
                table,
                legacy_id,
                agent_id,
                output_id: None,
                field: None,
                rowid: None,
                reason: None,
            },
            fields: Vec::new(),
            refused: Some(error),
        })),
        _ => error.into(),
    }
}

/// What was counted of older programs' writes, so that our own in phase 1, which the triggers mirror like theirs,
/// are not counted with them.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    writes: i64,
    last_at: Option<i64>,
    sqlite_version: Option<String>,
}

impl Counted {
    pub(crate) fn so_far(conn: &ReadConn<'_>) -> Result<Self> {
        let query = "SELECT writes, last_at, sqlite_version FROM capture_seen WHERE id = 1";
        let found = conn.query_optional(query, [], |row| {
            Ok(Self { writes: row.get(0)?, last_at: row.get(1)?, sqlite_version: row.get(2)? })
        })?;
        Ok(found.unwrap_or_default())
    }

    pub(crate) fn restore(&self, tx: &WriteTx<'_>) -> Result<()> {
        tx.execute(
            "UPDATE capture_seen SET writes = ?1, last_at = ?2, sqlite_version = ?3 WHERE id = 1",
            params![self.writes, self.last_at, self.sqlite_version],
        )?;
        Ok(())
    }
}
