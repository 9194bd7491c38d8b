//! One legacy row of the state file, into the new tables, whatever its counterpart holds.

use conclave_db::WriteTx;
use conclave_db::sql::params;

use super::statements::{CHANGED, EQUAL, EXTEND_RUNS, REFUSED};
use super::{Chunk, Copier, runs};
use crate::error::Result;

impl Copier {
    /// Makes the new side hold what the legacy row with this id (an execution's row id) holds; whether the new
    /// tables can. The triggers must be silent. No cursor moves.
    pub(crate) fn mend(&self, tx: &WriteTx<'_>, id: i64) -> Result<bool> {
        self.derive(tx, &Chunk { low: id, high: id, rows: 1, weight: 0 })?;
        self.classify(tx)?;
        // A column that only the comparison looks at may differ where those that are copied are equal.
        tx.execute("UPDATE temp.chunk SET action = ?1 WHERE action = ?2", params![CHANGED, EQUAL])?;
        tx.execute("DELETE FROM temp.placed", [])?;
        Self::want_runs(tx)?;
        let wanted: usize = tx.query_row("SELECT count(*) FROM temp.wanted", [], |row| row.get(0))?;
        if tx.execute(&self.sql.create_runs, [])? < wanted {
            tx.execute(EXTEND_RUNS, [])?;
        }
        tx.execute(&self.sql.place_some, [])?;
        tx.execute(&self.sql.copy, [])?;
        self.change(tx)?;
        if self.kind.name == "synthesis" {
            runs::take_claims(tx, self.claimed())?;
        }
        self.note_refused(tx)?;
        let held = "SELECT count(*) > 0 FROM temp.chunk WHERE action <> ?1";
        Ok(tx.query_row(held, [REFUSED], |row| row.get(0))?)
    }
}
