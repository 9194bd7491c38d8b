//! What `doctor` asks of the spool.

use conclave_db::Db;
use conclave_db::doctor::Check;

use crate::spool::Spool;

/// The ledger, the quota, what waits in quarantine or to be recovered. Writes nothing.
pub fn checks(spool: &Spool, state: Option<&Db>) -> Vec<Check> {
    let _ = (spool, state);
    todo!("s3")
}
