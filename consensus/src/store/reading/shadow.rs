//! What differs between the sides of a run that a read found to be not the same on both.

use conclave_db::ReadConn;
use conclave_db::sql::{ValueRef, params_from_iter};

use super::legacy::{self, Scope};
use super::{View, locate};
use crate::error::Result;
use crate::migrate::Finding;
use crate::runs::RunId;
use crate::store::verify::{Key, Pair};

/// The rows of the run that differ, with both keys.
pub(crate) fn differences(conn: &ReadConn<'_>, view: View, run: RunId) -> Result<Vec<Finding>> {
    let Some(target) = locate(conn, view, run)? else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    for (table, pair) in Pair::complete().iter().enumerate() {
        let mut keys: Vec<Key> = Vec::new();
        let key = |row: &conclave_db::sql::Row<'_>| Ok(Key::of(row.get_ref(0).unwrap_or(ValueRef::Null)));
        if let Some(id) = target.real {
            keys.extend(conn.query_all(&pair.keys_of_run(), [id.0], key)?.into_iter().flatten());
        }
        let scope = Scope::Run(target.identity.clone());
        let own = if table == 2 { "l.agent_id" } else { "l.id" };
        let query = format!("SELECT {own} FROM {}", legacy::rows(view, &scope, table));
        keys.extend(conn.query_all(&query, params_from_iter(scope.values()), key)?.into_iter().flatten());
        for key in keys {
            findings.extend(pair.difference(conn, &key)?.map(|(finding, _)| finding));
        }
    }
    Ok(findings)
}
