//! Search by words.

use conclave_db::Db;

use super::list::TaskRow;
use crate::error::Result;

/// Tasks that have all these words (the last may be a beginning), the best first. No input is an error; without a word
/// nothing is found. Tombstones are left out.
pub fn search(db: &Db, words: &str, limit: Option<u64>) -> Result<Vec<TaskRow>> {
    let _ = (db, words, limit);
    todo!("B3")
}
