//! About how long a step takes, and how much room.

use conclave_db::Db;

use crate::error::Result;
use crate::store::counting;
use crate::store::verify::Pair;

/// Rows of the sample.
const SAMPLE: u32 = 1000;
/// Rows that are copied, there or back, in a second, about: each is compared with what was there before.
const COPIED_IN_A_SECOND: u64 = 20_000;

/// How many rows a comparison reads, and about how many milliseconds it takes: the first rows are compared.
pub(super) fn comparison(db: &Db) -> Result<(u64, u64)> {
    let pairs = db.read(Pair::all)?;
    let (mut rows, mut millis) = (0, 0);
    for pair in &pairs {
        let all = db.read(|conn| pair.rows(conn))?;
        let begun = db.clock().monotonic();
        let sampled = db.read(|conn| {
            let Some(range) = pair.next(conn, None, SAMPLE)? else { return Ok(0) };
            Ok::<_, crate::ConsensusError>(pair.digests(conn, &range)?.0.rows)
        })?;
        let took = db.clock().monotonic().saturating_sub(begun);
        rows += all;
        millis += u64::try_from(took.as_millis()).unwrap_or(u64::MAX).saturating_mul(all) / sampled.max(1);
    }
    Ok((rows, millis))
}

/// About how many milliseconds copying this many rows, there or back, takes.
pub(super) const fn copying(rows: u64) -> u64 {
    rows.saturating_mul(1000) / COPIED_IN_A_SECOND
}

/// About how many bytes copying this many rows takes on the disk: as much as rows of this file take on an average,
/// once in the file and once in its write-ahead log.
pub(super) fn room(db: &Db, rows: u64) -> Result<u64> {
    let counts = db.read(counting::counts)?;
    let all = counts.legacy_artifacts
        + counts.legacy_syntheses
        + counts.legacy_executions
        + counts.outputs
        + counts.syntheses
        + counts.attempts;
    let bytes = u128::from(conclave_db::stats(db)?.total_bytes());
    let room = bytes * u128::from(rows) * 2 / u128::from(all.max(1));
    Ok(u64::try_from(room).unwrap_or(u64::MAX))
}
