//! Both sides of one row.

use std::sync::LazyLock;

use conclave_db::ReadConn;
use conclave_db::sql::{ToSql, ToSqlOutput, ValueRef};

use super::{Key, Pair, artifacts, executions, syntheses};
use crate::error::Result;
use crate::migrate::Finding;

impl ToSql for Key {
    fn to_sql(&self) -> std::result::Result<ToSqlOutput<'_>, conclave_db::sql::Error> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(bytes) => ValueRef::Text(bytes),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Pair {
    /// The pairs of a state file whose legacy tables are complete, as they are wherever both sides are written.
    pub(crate) fn complete() -> &'static [Self; 3] {
        static PAIRS: LazyLock<[Pair; 3]> = LazyLock::new(|| {
            let rows = |table: &str| format!("SELECT * FROM main.{table}");
            [
                artifacts(&rows("consensus_artifacts")),
                syntheses(&rows("consensus_synthesis")),
                // Nothing of ours says a branch.
                executions(&rows("agent_executions"), false),
            ]
        });
        &PAIRS
    }

    /// The keys of those rows of run ?1 that mirror a legacy row.
    pub(crate) fn keys_of_run(&self) -> String {
        let (table, key) = self.mirrored;
        let mirrored = if self.key == "id" { "legacy_id IS NOT NULL" } else { "mirrored = 1" };
        format!("SELECT {key} FROM {table} WHERE run_id = ?1 AND {mirrored}")
    }

    /// The fields in which the two sides of one row differ; nothing where they are equal. Where a side has no such
    /// row there are no fields to name.
    pub(crate) fn difference(
        &self,
        conn: &ReadConn<'_>,
        key: &Key,
    ) -> Result<Option<(Finding, Vec<&'static str>)>> {
        let differing: Vec<String> =
            self.fields.iter().map(|name| format!("l.{name} IS NOT n.{name}")).collect();
        let query = format!(
            "SELECT n.new_id, {} FROM ({}) AS l, ({}) AS n WHERE l.key = ?1 AND n.key = ?1",
            differing.join(", "),
            self.legacy,
            self.new
        );
        let both = conn.query_optional(&query, [key], |row| {
            let mut fields = Vec::new();
            for (index, name) in self.fields.iter().enumerate() {
                if row.get::<_, bool>(index + 1)? {
                    fields.push(*name);
                }
            }
            Ok((row.get::<_, i64>(0)?, fields))
        })?;
        if let Some((new_id, fields)) = both {
            let Some(first) = fields.first() else { return Ok(None) };
            let first = self.fields.iter().position(|name| name == first).unwrap_or(0);
            let first = i64::try_from(first).unwrap_or(0);
            return Ok(Some((self.finding(Some(key.clone()), Some(new_id), first), fields)));
        }
        let side = |select: &str, column: &str| {
            let query = format!("SELECT {column} FROM ({select}) WHERE key = ?1");
            conn.query_optional(&query, [&key], |row| row.get::<_, Option<i64>>(0))
        };
        let (legacy, new) = (side(&self.legacy, "NULL")?, side(&self.new, "new_id")?);
        Ok(match (legacy, new) {
            (Some(_), _) => Some((self.finding(Some(key.clone()), None, -1), Vec::new())),
            (None, Some(new_id)) => Some((self.finding(Some(key.clone()), new_id, -2), Vec::new())),
            (None, None) => None,
        })
    }
}
