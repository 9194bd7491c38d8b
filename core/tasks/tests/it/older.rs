//! A store that an earlier version of this program has left.

use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema};
use conclave_tasks::{read, work};

use crate::project::{self, titled};

/// The step that gives words their texts.
const WORDS: i32 = FIRST_VERSION + 5;

/// The schema before the words had their texts: what stands there was found, and is found after the step.
#[test]
fn words_of_an_older_store_are_found_and_every_sqlite_can_list_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let older: Vec<Migration> =
        project::schema().migrations().iter().filter(|step| step.version < WORDS).copied().collect();
    let db = Db::open(DbOptions::new(&path, Schema::assemble(&[&older], &[]).unwrap())).unwrap();
    work::create(&db, "alice", titled("the import hides its file")).unwrap();
    for number in 0..1500 {
        work::create(&db, "alice", titled(&format!("task n{number}x"))).unwrap();
    }
    db.write("a damaged record", |tx| {
        tx.execute("UPDATE tasks SET record = x'7b' WHERE title = 'task n7x'", [])
    })
    .unwrap();
    drop(db);

    let db = project::open(&path);
    let found = |words: &str| read::search(&db, words, None).unwrap().len();
    assert_eq!(found("hides import"), 1);
    assert_eq!(found("n1499x"), 1);
    assert_eq!(found("n7x"), 0, "a damaged record has no words, and keeps nobody out");
    let made_by: String = db
        .read(|conn| {
            conn.query_row("SELECT sql FROM sqlite_schema WHERE name = 'task_search'", [], |row| row.get(0))
        })
        .unwrap();
    assert!(!made_by.contains("contentless"), "{made_by}");
}
