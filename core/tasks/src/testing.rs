//! A store of its own for a unit test.

use std::sync::Arc;

use conclave_db::{Db, DbOptions, Durability, FIRST_VERSION, Migration, Schema, Step, WriteTx};
use conclave_testkit::{ManualClock, TempProject};

/// What other crates put before this one's tables; of no concern here.
const BEFORE: &[Migration] = &[empty(FIRST_VERSION), empty(FIRST_VERSION + 1)];

const fn empty(version: i32) -> Migration {
    Migration { version, name: "of others", up: Step::Sql(""), down: None, rewrites: false }
}

/// A store that goes with its test, at a time that the test sets.
pub(crate) struct Store {
    pub(crate) db: Db,
    pub(crate) clock: Arc<ManualClock>,
    _project: TempProject,
}

impl Store {
    pub(crate) fn new() -> Self {
        let project = TempProject::with_state();
        let clock = Arc::new(ManualClock::new());
        let schema = Schema::assemble(&[BEFORE, crate::MIGRATIONS], &[]).unwrap();
        let options = DbOptions::new(project.state_db(), schema)
            .clock(Arc::clone(&clock) as Arc<dyn conclave_retry::Clock>);
        Self { db: Db::open(options).unwrap(), clock, _project: project }
    }

    /// One transaction that must succeed.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        write: impl FnMut(&WriteTx<'_>) -> crate::Result<T> + Send + 'static,
    ) -> T {
        self.db.writing("test").durability(Durability::Process).run(write).unwrap()
    }

    /// Some SQL, for what only a broken program would do.
    pub(crate) fn execute(&self, sql: &'static str) {
        self.write(move |tx| Ok(tx.execute_batch(sql)?));
    }
}
