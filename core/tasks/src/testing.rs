//! A store of its own for a unit test.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_db::{Db, DbOptions, Durability, FIRST_VERSION, Migration, Schema, Step, WriteTx};
use conclave_testkit::{ManualClock, TempProject};

use crate::record::{Line, Record, parse};
use crate::store::blocked;
use crate::store::tasks::{self, Touched};

/// What other crates put beside these tables; of no concern here.
const OTHERS: &[Migration] = &[
    empty(FIRST_VERSION),
    empty(FIRST_VERSION + 1),
    empty(FIRST_VERSION + 3),
    empty(FIRST_VERSION + 4),
    empty(FIRST_VERSION + 6),
];

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
        let schema = Schema::assemble(&[OTHERS, crate::MIGRATIONS], &[]).unwrap();
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

impl Store {
    /// A store with these lines.
    pub(crate) fn with(lines: &str) -> Self {
        let store = Self::new();
        store.load(lines.as_bytes());
        store
    }

    /// Puts the tasks among these lines in, as an import does: of an id that repeats the newest, then the last one.
    pub(crate) fn load(&self, file: &[u8]) {
        let mut order = Vec::new();
        let mut records: BTreeMap<String, Record> = BTreeMap::new();
        for line in file.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let Line::Task(record) = parse(line.trim_ascii()).unwrap() else { continue };
            let updated = |record: &Record| record.projection().updated_at;
            match records.get(record.id()) {
                Some(older) if updated(older) > updated(&record) => continue,
                Some(_) => {}
                None => order.push(record.id().to_owned()),
            }
            records.insert(record.id().to_owned(), record);
        }
        self.write(move |tx| {
            let mut touched = Touched::default();
            let place = tasks::next_place(tx)?;
            for (place, id) in (place..).zip(&order) {
                tasks::insert(tx, &records[id], place, &mut touched)?;
            }
            blocked::rebuild(tx)?;
            Ok(())
        });
    }
}

/// A line with what every task here has, and these members.
pub(crate) fn line(id: &str, members: &str) -> String {
    let mut line = format!("{{\"id\":\"{id}\"");
    let title = format!("\"{id}\"");
    for (key, value) in [
        ("title", title.as_str()),
        ("status", "\"open\""),
        ("priority", "2"),
        ("issue_type", "\"task\""),
        ("created_at", "\"2026-01-01T00:00:00Z\""),
        ("updated_at", "\"2026-01-01T00:00:00Z\""),
    ] {
        let key = format!("\"{key}\":");
        if !members.contains(&key) {
            line.extend([",", &key, value]);
        }
    }
    if !members.is_empty() {
        line.push(',');
    }
    line + members + "}\n"
}

/// One dependency.
pub(crate) fn on(kind: &str, target: &str) -> String {
    format!("\"dependencies\":[{{\"depends_on_id\":\"{target}\",\"type\":\"{kind}\"}}]")
}
