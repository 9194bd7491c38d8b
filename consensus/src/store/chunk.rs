//! How many rows one transaction takes: by their weight, so that it holds the write lock for about as long as wanted.

use conclave_db::ReadConn;
use conclave_db::sql::params;

use crate::error::Result;

/// What a row costs beside its bytes: its place in the indexes.
const ROW_WEIGHT: u64 = 1024;
/// Most rows of one chunk, so that its temporary table stays small.
const MOST_ROWS: u64 = 20_000;

/// A range of rows, up to `high`. A copy takes `low` with it, the way back begins behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) low: i64,
    pub(crate) high: i64,
    pub(crate) rows: u64,
    /// What writing it costs, in bytes, with a fixed part for each row.
    pub(crate) weight: u64,
}

/// The next chunk from `low` on that weighs about `budget` and has at most `rows` rows, but at least one. Nothing at
/// the end. `query` gives ids and bytes in order: those from ?1 on, at most ?2.
pub(crate) fn measure(
    conn: &ReadConn<'_>,
    query: &str,
    low: i64,
    budget: u64,
    rows: u64,
) -> Result<Option<Chunk>> {
    let most = (budget / ROW_WEIGHT).min(rows).clamp(1, MOST_ROWS);
    let found =
        conn.query_all(query, params![low, most], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u64>(1)?)))?;
    let mut chunk = Chunk { low, high: low, rows: 0, weight: 0 };
    for (id, bytes) in found {
        let weight = ROW_WEIGHT + bytes;
        if chunk.rows > 0 && chunk.weight + weight > budget {
            break;
        }
        chunk = Chunk { high: id, rows: chunk.rows + 1, weight: chunk.weight + weight, ..chunk };
    }
    Ok((chunk.rows > 0).then_some(chunk))
}
