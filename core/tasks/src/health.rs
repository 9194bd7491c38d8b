//! What the doctor says of tasks, and mends.

use conclave_db::Db;
use conclave_db::doctor::Check;

use crate::error::Result;

/// The checks: the projection equals the records, `blocked` is what the recursive rule says, records that break rules
/// (counted by reason), dependency types without effect, edges to tasks that do not exist, cycles.
pub fn checks(db: &Db) -> Result<Vec<Check>> {
    let _ = db;
    todo!("B3")
}

/// Mends what can be mended without losing anything: the projection and `blocked` are computed again. Gives what was
/// done, in words.
pub fn fix(db: &Db, who: &str) -> Result<Vec<String>> {
    let _ = (db, who);
    todo!("B3")
}
