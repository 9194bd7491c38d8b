//! One row on both sides, by its key: for rows that changed while the others were compared.

use conclave_db::ReadConn;

use super::{Key, Pair};
use crate::error::Result;
use crate::migrate::Finding;

impl Pair {
    /// How the row of this key differs; nothing where both sides hold the same, or neither has such a row.
    pub(crate) fn difference_of(&self, conn: &ReadConn<'_>, key: &Key) -> Result<Option<Finding>> {
        let first = self
            .fields
            .iter()
            .enumerate()
            .map(|(index, name)| format!("WHEN l.{name} IS NOT n.{name} THEN {index}"))
            .collect::<Vec<_>>()
            .join(" ");
        let own = key.parameter(1);
        let legacy = format!("(SELECT * FROM ({}) WHERE key = {own})", self.legacy);
        let new = format!("(SELECT * FROM ({}) WHERE key = {own})", self.new);
        let query = format!(
            "SELECT n.new_id, CASE WHEN n.new_id IS NULL THEN -1 {first} END AS field
             FROM {legacy} AS l LEFT JOIN {new} AS n ON n.key = l.key
             UNION ALL SELECT n.new_id, -2 FROM {new} AS n WHERE NOT EXISTS (SELECT 1 FROM {legacy} AS l)"
        );
        let found = conn.query_optional(&query, [key.value()], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
        Ok(found.and_then(|(new_id, field)| Some(self.finding(Some(key.clone()), new_id, field?))))
    }
}
