//! Runs and what hangs on them, read from the side that the phase names.
//!
//! - Phases 1 and 2: which runs there are, their numbers, keys, times and everything that the legacy schema has no
//!   column for come from the new tables, which map them; agent, content, times and syntheses of their rows from
//!   the legacy tables. What the new side alone can hold is shown too.
//! - Phase 3: the new tables, and legacy rows without a counterpart ([`legacy`]).
//! - Phases 4 and 5: the new tables alone.
//!
//! The phase is read in the snapshot of the read. Text columns may hold bytes that are no UTF-8: they are read as
//! bytes and replaced for display, never refused.

mod attempts;
mod driven;
mod find;
pub(crate) mod legacy;
mod list;
mod marks;
mod outputs;
pub(crate) mod shadow;
mod syntheses;
mod verdicts;

use conclave_db::ReadConn;
use conclave_db::sql::{Error, Row, ValueRef};

pub(crate) use self::attempts::attempts;
pub(crate) use self::driven::driven;
pub(crate) use self::find::{Target, by_key, locate, unmapped_rows};
pub(crate) use self::list::{count, list};
pub(crate) use self::marks::marks;
pub(crate) use self::outputs::{output, outputs};
pub(crate) use self::syntheses::{latest_synthesis, synthesis};
pub(crate) use self::verdicts::{driven_case, verdict};
use super::control::{self, Phase};
use super::schema::LEGACY_TABLES;
use crate::error::Result;
use crate::runs::RunId;

type Column<T> = std::result::Result<T, Error>;

/// The side that a read believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    /// The legacy rows, by way of the new tables that map them.
    Legacy,
    New,
    /// The legacy rows without the new tables, which cannot be read.
    LegacyAlone,
}

/// How a read looks at the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) phase: Phase,
    pub(crate) lead: Lead,
    /// Whether legacy rows without a counterpart are shown.
    pub(crate) legacy: bool,
}

impl View {
    /// What the phase of this snapshot asks for.
    pub(crate) fn of(conn: &ReadConn<'_>) -> Result<Self> {
        let phase = control::phase(conn)?;
        // Somebody may have dropped them before their time; what is left is read.
        let legacy = phase.has_legacy_side() && control::legacy_tables(conn)?.len() == LEGACY_TABLES.len();
        let lead = if legacy && phase < Phase::ReadsFlipped { Lead::Legacy } else { Lead::New };
        Ok(Self { phase, lead, legacy })
    }

    /// The same with another side believed.
    pub(crate) const fn believing(self, lead: Lead) -> Self {
        Self { lead, ..self }
    }
}

/// Where the rows of a run are.
#[derive(Debug, Clone, Copy)]
struct Rows<'a> {
    /// Its number in the new tables, where these are read and know it.
    real: Option<RunId>,
    /// What makes it, where legacy rows have no counterpart.
    unmapped: Option<&'a legacy::Identity>,
}

/// A text column as text, whatever its bytes.
fn text(row: &Row<'_>, index: usize) -> Column<String> {
    Ok(optional_text(row, index)?.unwrap_or_default())
}

fn optional_text(row: &Row<'_>, index: usize) -> Column<Option<String>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => None,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
    })
}

fn bytes(row: &Row<'_>, index: usize) -> Column<Option<Vec<u8>>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
        _ => None,
    })
}

/// Where a row stands among those of its run: by time, those without one last, then by legacy id, then by number.
type Place = (bool, Option<i64>, bool, Option<i64>, i64);

fn place(at: Option<i64>, legacy: Option<i64>, id: i64) -> Place {
    (at.is_none(), at, legacy.is_none(), legacy, id)
}

/// Rows of several queries in the order of their places.
fn in_order<T>(mut rows: Vec<(Place, T)>) -> Vec<T> {
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}
