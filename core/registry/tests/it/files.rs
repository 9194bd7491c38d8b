//! A project and the two files of the registry, whose time stands still until a test moves it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_db::sql::FromSql;
use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_testkit::{ManualClock, TempProject};

/// 2026-07-01T00:00:00.000Z
pub(crate) const NOW: i64 = 1_782_864_000_000;

const fn empty(version: i32) -> Migration {
    Migration { version, name: "of others", up: Step::Sql(""), down: None, rewrites: false }
}

/// What other crates put before this one's tables; of no concern here.
const BEFORE: &[Migration] = &[empty(FIRST_VERSION), empty(FIRST_VERSION + 1), empty(FIRST_VERSION + 2)];

/// The schema of a project's state, as far as this crate has it.
pub(crate) fn state_schema() -> Schema {
    Schema::assemble(&[BEFORE, conclave_registry::STATE_MIGRATIONS], &[]).unwrap()
}

/// The schema of the machine-wide file, as far as this crate has it.
pub(crate) fn global_schema() -> Schema {
    Schema::assemble(&[conclave_registry::GLOBAL_MIGRATIONS], &[]).unwrap()
}

/// Opens them by the clock of the system.
pub(crate) fn open_state(folder: &Path) -> Db {
    Db::open(DbOptions::new(folder.join("state.db"), state_schema())).unwrap()
}

pub(crate) fn open_global(folder: &Path) -> Db {
    Db::open(DbOptions::new(folder.join("global.db"), global_schema())).unwrap()
}

/// A folder with both files.
pub(crate) struct Files {
    pub(crate) folder: TempProject,
    pub(crate) clock: ManualClock,
    pub(crate) state: Db,
    pub(crate) global: Db,
}

impl Files {
    /// Empty, at [`NOW`].
    pub(crate) fn new() -> Self {
        let folder = TempProject::new();
        let clock = ManualClock::at_wall_ms(NOW);
        let with =
            |name: &str, schema| DbOptions::new(folder.path(name), schema).clock(Arc::new(clock.clone()));
        let state = Db::open(with("state.db", state_schema())).unwrap();
        let global = Db::open(with("global.db", global_schema())).unwrap();
        Self { folder, clock, state, global }
    }

    /// A project's folder.
    pub(crate) fn project(&self, name: &str) -> PathBuf {
        self.folder.folder(name)
    }
}

/// One column of a query.
pub(crate) fn column<T: FromSql>(db: &Db, query: &str) -> Vec<T> {
    db.read(|conn| conn.query_all(query, [], |row| row.get(0))).unwrap()
}

/// Runs statements.
pub(crate) fn sql(db: &Db, text: &str) {
    let text = text.to_owned();
    db.write("test", move |tx| tx.execute_batch(&text)).unwrap();
}

/// What a test was told by its parent.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}
