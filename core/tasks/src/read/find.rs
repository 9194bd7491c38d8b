//! From what a person types to an id.

use conclave_db::Db;

use crate::error::Result;

/// The id that is meant: an exact one wins; else the only one that begins with it, or whose part after the prefix does
/// (`a3f8` of `bd-a3f8`). Several: `Ambiguous`; none: `NotFound`.
pub fn find(db: &Db, text: &str) -> Result<String> {
    let _ = (db, text);
    todo!("B3")
}
