//! A project with tasks in a folder of its own, whose time stands still until a test moves it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use conclave_db::sql::FromSql;
use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_tasks::json;
use conclave_tasks::read::{self, AuditRow, ReadyQuery, TaskRow};
use conclave_tasks::work::{self, NewTask};
use conclave_testkit::ManualClock;

/// 2026-01-02T03:04:05.006Z
pub(crate) const NOW: i64 = 1_767_323_045_006;

/// A scratch project.
pub(crate) struct Project {
    _dir: tempfile::TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) db: Db,
}

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

/// The schema of this crate.
pub(crate) fn schema() -> Schema {
    Schema::assemble(&[OTHERS, conclave_tasks::MIGRATIONS], &[]).unwrap()
}

/// The store at this path, by the clock of the system.
pub(crate) fn open(path: &Path) -> Db {
    Db::open(DbOptions::new(path, schema())).unwrap()
}

impl Project {
    /// Without tasks, at [`NOW`].
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at_wall_ms(NOW);
        let options = DbOptions::new(dir.path().join("state.db"), schema()).clock(Arc::new(clock.clone()));
        Self { db: Db::open(options).unwrap(), clock, _dir: dir }
    }

    /// Makes a task of alice's with this id.
    pub(crate) fn task(&self, id: &str) -> TaskRow {
        self.make(NewTask { id: Some(id.to_owned()), ..titled(id) })
    }

    pub(crate) fn make(&self, new: NewTask) -> TaskRow {
        work::create(&self.db, "alice", new).unwrap()
    }

    pub(crate) fn row(&self, id: &str) -> TaskRow {
        read::show(&self.db, id).unwrap().row
    }

    /// The bytes of the record.
    pub(crate) fn record(&self, id: &str) -> String {
        String::from_utf8(self.row(id).record.bytes().to_vec()).unwrap()
    }

    /// The changes of a task, the oldest first.
    pub(crate) fn audit(&self, id: &str) -> Vec<AuditRow> {
        let mut rows = read::audit(&self.db, id, None).unwrap();
        rows.reverse();
        rows
    }

    /// What was done to a task, in its order.
    pub(crate) fn operations(&self, id: &str) -> Vec<String> {
        self.audit(id).into_iter().map(|row| row.operation).collect()
    }

    pub(crate) fn ready(&self) -> Vec<String> {
        ids(&read::ready(&self.db, &ReadyQuery::default()).unwrap())
    }

    /// Lets a task depend on an id that no task has, which only a file can say.
    pub(crate) fn dangle(&self, id: &str, target: &str) {
        let (id, target) = (id.to_owned(), target.to_owned());
        let sql =
            "INSERT INTO task_edges(task, target, kind) SELECT number, ?2, 'blocks' FROM tasks WHERE id = ?1";
        self.db.write("test", move |tx| tx.execute(sql, [&id, &target])).unwrap();
    }

    /// The members of a task by its audit log alone, read from its beginning.
    pub(crate) fn replayed(&self, id: &str) -> BTreeMap<String, String> {
        let mut members = BTreeMap::new();
        let mut status = None;
        for row in self.audit(id) {
            assert_eq!(row.old_status, status, "{row:?}");
            status = row.new_status;
            let changes = row.changes.unwrap();
            for (key, sides) in parts(changes.as_bytes()) {
                let mut sides = parts(sides.as_bytes());
                assert_eq!(sides.remove("old"), members.remove(&key), "{key} before {}", row.operation);
                if let Some(new) = sides.remove("new") {
                    members.insert(key, new);
                }
            }
        }
        members
    }

    /// One value of a query.
    pub(crate) fn value<T: FromSql>(&self, query: &str) -> T {
        self.db.read(|conn| conn.query_row(query, [], |row| row.get(0))).unwrap()
    }

    /// One column of a query.
    pub(crate) fn column<T: FromSql>(&self, query: &str) -> Vec<T> {
        self.db.read(|conn| conn.query_all(query, [], |row| row.get(0))).unwrap()
    }
}

/// The members of an object, each as it is spelled.
pub(crate) fn parts(object: &[u8]) -> BTreeMap<String, String> {
    let text = |span: std::ops::Range<usize>| String::from_utf8(object[span].to_vec()).unwrap();
    json::members(object).unwrap().into_iter().map(|member| (member.key, text(member.span))).collect()
}

pub(crate) fn titled(title: &str) -> NewTask {
    NewTask { title: title.to_owned(), ..NewTask::default() }
}

pub(crate) fn ids(rows: &[TaskRow]) -> Vec<String> {
    rows.iter().map(|row| row.id().to_owned()).collect()
}

/// Texts that own themselves.
pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
