//! The run behind a key.

use conclave_db::Db;
use conclave_db::sql::ValueRef;

use crate::error::Result;
use crate::runs::RunId;
use crate::store::workflow as store;
use crate::{canonical, stages};

/// The run of this key, spec and stage, whoever recorded it, with one look into an index. The key is taken as it is
/// given to [`super::begin`], the stage in any spelling. `runs::show` tells what it was begun with.
pub fn find(db: &Db, key: &str, spec: &str, stage: &str) -> Result<Option<RunId>> {
    let (key, stage) = (stored_key(key), stages::name(stage));
    db.read(|conn| store::find(conn, &key, spec, stage))
}

/// A key as it is stored.
pub(crate) fn stored_key(key: &str) -> String {
    String::from_utf8_lossy(&canonical::run_key(Some(key.as_bytes()), ValueRef::Null)).into_owned()
}
