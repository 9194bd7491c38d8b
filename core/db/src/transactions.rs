//! Helpers on a plain connection, for those who have one: `Db::write` needs none of them.

use conclave_retry::{Classify, ErrorClass, RetryReason};
use rusqlite::{Connection, Params, Transaction, TransactionBehavior};

use crate::error::{DbError, ErrorKind, Result};

/// How often a transaction whose snapshot was too old is run again. Each time somebody else has committed,
/// so the whole makes progress; a closure that loses this often should begin IMMEDIATE.
const RESTARTS: usize = 100;

/// Runs a closure in a transaction with the chosen behaviour and commits it. `SQLITE_BUSY_SNAPSHOT` (517)
/// restarts the whole closure: repeating the statement could never succeed
/// (<https://sqlite.org/rescode.html#busy_snapshot>). Durable when this returns, at the connection's
/// `synchronous`; on an error nothing is stored, unless it is [`DbError::Ambiguous`].
pub fn execute_in_transaction<T, E: From<DbError> + Classify>(
    conn: &mut Connection,
    behavior: TransactionBehavior,
    mut closure: impl FnMut(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    const STALE: ErrorClass = ErrorClass::retryable(RetryReason::SnapshotStale);
    let mut restarts = 0;
    loop {
        let transaction = conn.transaction_with_behavior(behavior).map_err(DbError::from)?;
        match closure(&transaction) {
            Err(error) if error.classify() == STALE && restarts < RESTARTS => restarts += 1,
            Err(error) => return Err(error),
            Ok(value) => return Ok(commit(&transaction).map(|()| value)?),
        }
    }
}

/// COMMIT, with what its failure means. The caller's `Transaction` rolls back what is still open.
fn commit(transaction: &Transaction<'_>) -> Result<()> {
    let Err(error) = transaction.execute_batch("COMMIT").map_err(DbError::from) else { return Ok(()) };
    let refused = matches!(error.kind(), ErrorKind::Constraint | ErrorKind::Busy | ErrorKind::Full);
    if refused && !transaction.is_autocommit() {
        return Err(error);
    }
    Err(DbError::Ambiguous { label: "transaction", text: error.to_string() })
}

/// Inserts rows, all or none, in one IMMEDIATE transaction; gives how many rows were changed. The error of a
/// row that failed is [`DbError::Row`] and names its position, from 0.
pub fn batch_insert<T>(
    conn: &mut Connection,
    rows: &[T],
    mut insert: impl FnMut(&Transaction<'_>, &T) -> Result<usize>,
) -> Result<usize> {
    execute_in_transaction(conn, TransactionBehavior::Immediate, |transaction| {
        let mut changed = 0;
        for (row, item) in rows.iter().enumerate() {
            changed +=
                insert(transaction, item).map_err(|source| DbError::Row { row, source: Box::new(source) })?;
        }
        Ok(changed)
    })
}

/// Runs an `INSERT … ON CONFLICT … DO UPDATE … RETURNING id` and gives the id of the row that is there now.
/// `last_insert_rowid()` would name some older row after the branch that updates.
pub fn upsert(transaction: &Transaction<'_>, sql: &str, params: impl Params) -> Result<i64> {
    Ok(transaction.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
}
