//! The rows of tasks: a record and its projection, always written together.

use std::collections::BTreeSet;

use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;
use crate::record::Record;

/// A task as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) number: i64,
    pub(crate) place: i64,
    pub(crate) record: Record,
    pub(crate) blocked: bool,
}

/// What a transaction has changed, for [`super::blocked::refresh`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    /// Tasks that came, went, or have another status, close reason or other edges.
    pub(crate) ids: BTreeSet<String>,
    /// Parents of such tasks, before and after: somebody may wait for their children.
    pub(crate) parents: BTreeSet<String>,
}

/// The task with this id.
pub(crate) fn find(conn: &ReadConn<'_>, id: &str) -> Result<Option<Stored>> {
    let _ = (conn, id);
    todo!("B2")
}

/// Where a new one is put in the order of the file.
pub(crate) fn next_place(conn: &ReadConn<'_>) -> Result<i64> {
    let _ = conn;
    todo!("B2")
}

/// Adds a task: its row, labels, edges, comments and words. Gives its number.
pub(crate) fn insert(tx: &WriteTx<'_>, record: &Record, place: i64, touched: &mut Touched) -> Result<i64> {
    let _ = (tx, record, place, touched);
    todo!("B2")
}

/// Puts another record in the place of one: only what differs in the projection is written.
pub(crate) fn replace(
    tx: &WriteTx<'_>,
    before: &Stored,
    record: &Record,
    touched: &mut Touched,
) -> Result<()> {
    let _ = (tx, before, record, touched);
    todo!("B2")
}

/// Takes a task away as a whole (only a sync does); its id is reserved for ever.
pub(crate) fn remove(tx: &WriteTx<'_>, before: &Stored, touched: &mut Touched) -> Result<()> {
    let _ = (tx, before, touched);
    todo!("B2")
}

/// Whether an id was ever given: to a task, a tombstone, another line, or one that is reserved.
pub(crate) fn is_taken(conn: &ReadConn<'_>, id: &str) -> Result<bool> {
    let _ = (conn, id);
    todo!("B2")
}

/// Reserves an id for ever.
pub(crate) fn reserve(tx: &WriteTx<'_>, id: &str) -> Result<()> {
    let _ = (tx, id);
    todo!("B2")
}
