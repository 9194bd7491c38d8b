use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{Clock, SystemClock};
use rusqlite::config::DbConfig;
use rusqlite::types::{Value, ValueRef};

use super::{QueryError, Viewer};
use crate::error::DbError;
use crate::foreign::Client;
use crate::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};

const TABLES: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "notes",
    up: Step::Sql(
        "CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT) STRICT;
         CREATE INDEX note_by_text ON note(text);
         CREATE VIRTUAL TABLE words USING fts5(text);
         INSERT INTO note(text) VALUES('b'), ('a'), ('c');
         INSERT INTO words(text) VALUES('one two'), ('two three');",
    ),
    down: None,
    rewrites: false,
}];

struct Scratch {
    _folder: tempfile::TempDir,
    options: DbOptions,
    _db: Db,
}

fn scratch() -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    let options = DbOptions::new(folder.path().join("state.db"), Schema::assemble(&[TABLES], &[]).unwrap());
    let db = Db::open(options.clone()).unwrap();
    Scratch { _folder: folder, options, _db: db }
}

fn ask(viewer: &Viewer, sql: &str) -> Result<Vec<Vec<(String, Value)>>, QueryError> {
    let mut rows = Vec::new();
    viewer.query(sql, None, |row| {
        rows.push(row.cells().map(|(name, value)| (name.to_owned(), value.try_into().unwrap())).collect());
        Ok::<_, QueryError>(())
    })?;
    Ok(rows)
}

// runtime-state 8.32, 8.35
#[test]
fn what_only_reads_is_answered() {
    let scratch = scratch();
    let viewer = Viewer::open(&scratch.options).unwrap();
    let check = |sql: &str, rows: usize| {
        let answer = ask(&viewer, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(answer.len(), rows, "{sql}");
    };
    check("SELECT 1 AS one", 1);
    check(" \n\tSELECT 1;", 1);
    check("SELECT 1;; -- c", 1);
    check("/* c */ -- d\n SELECT 1 /* open", 1);
    check("WITH t(n) AS (VALUES (1), (2)) SELECT n FROM t; -- c", 2);
    check("WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t", 9);
    check("VALUES (1), (2)", 2);
    check("EXPLAIN QUERY PLAN SELECT * FROM note WHERE text = 'a'", 1);
    check("SELECT * FROM pragma_table_info('note')", 2);
    check("PRAGMA table_info(note)", 2);
    check("SELECT * FROM pragma_database_list", 1);
    check("PRAGMA journal_mode", 1);
    check("SELECT * FROM pragma_journal_mode", 1);
    check("PRAGMA user_version", 1);
    check("PRAGMA integrity_check", 1);
    check("SELECT rowid FROM words WHERE words MATCH 'two' ORDER BY rank", 2);
    check("SELECT count(*), max(text) OVER () FROM note", 1);
    check("SELECT value FROM json_each('[1,2,3]')", 3);
    check("SELECT * FROM note WHERE 0", 0);
}

// runtime-state 8.33, 8.34, 8.36
#[test]
fn what_would_do_more_is_refused() {
    let scratch = scratch();
    let viewer = Viewer::open(&scratch.options).unwrap();
    let check = |sql: &str, says: &str| match ask(&viewer, sql) {
        Err(error @ (QueryError::Refused(_) | QueryError::Wrong(_))) => {
            let text = error.to_string();
            assert!(text.contains(says), "{sql}: {text}");
        }
        other => panic!("{sql}: {other:?}"),
    };
    check("DELETE FROM note", "DELETE FROM note");
    check("DELETE FROM note RETURNING id", "DELETE FROM note");
    check("WITH t AS (SELECT 1) DELETE FROM note", "DELETE FROM note");
    check("EXPLAIN DELETE FROM note", "DELETE FROM note");
    check("INSERT INTO note(text) VALUES('x') RETURNING id", "INSERT INTO note");
    check("REPLACE INTO note(id) VALUES(1)", "INSERT INTO note");
    check("UPDATE note SET text = 'x' RETURNING id", "UPDATE note");
    check("SELECT 1; DROP TABLE note", "is refused");
    check("SELECT 1; SELECT 2", "more than one statement");
    check("PRAGMA journal_mode=DELETE", "PRAGMA journal_mode=DELETE");
    check("PRAGMA query_only=0", "PRAGMA query_only=0");
    check("PRAGMA user_version=5", "PRAGMA user_version=5");
    check("PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint");
    check("PRAGMA optimize", "PRAGMA optimize");
    check("SELECT * FROM pragma_optimize(65538)", "optimize");
    check("ATTACH 'n.db' AS n", "ATTACH");
    check("VACUUM", "");
    check("VACUUM INTO 'v.db'", "");
    check("BEGIN IMMEDIATE", "transaction");
    check("COMMIT", "transaction");
    check("SAVEPOINT s", "transaction");
    check("REINDEX", "REINDEX");
    check("ANALYZE", "");
    check("CREATE TEMP TABLE t(a)", "schema");
    check("CREATE TABLE t AS SELECT 1", "schema");
    check("DROP TABLE note", "schema");
    check("SELECT load_extension('x')", "load_extension()");
    check("SELECT fts3_tokenizer('simple', x'00')", "fts3_tokenizer()");
    check("", "asks for nothing");
    check(" -- c", "asks for nothing");
    check("/* c */;", "asks for nothing");
    check("SELECT ?", "nothing gives them values");
    check("SELECT :a", "nothing gives them values");
    check("SELECT 1\0; DROP TABLE note", "NUL");
    check("SELECT * FROM nope", "no such table: nope");
    check("SELECT \"nope\"", "no such column");
    check("selectx", "syntax error");
    check("SELECT abs(-9223372036854775807 - 1)", "integer overflow");
}

/// With the authorizer gone each of the other guards must still hold: nothing depends on one of them.
#[test]
fn the_connection_itself_can_change_nothing() {
    let scratch = scratch();
    let viewer = Viewer::open(&scratch.options).unwrap();
    let new = scratch.options.path.with_file_name("n.db");
    for sql in [
        "DELETE FROM note".to_owned(),
        format!("ATTACH '{}' AS n", new.display()),
        format!("VACUUM INTO '{}'", new.display()),
        "PRAGMA query_only=0; DELETE FROM note".to_owned(),
        "PRAGMA user_version=5".to_owned(),
        "SELECT load_extension('x')".to_owned(),
    ] {
        assert!(viewer.conn.execute_batch(&sql).is_err(), "{sql}");
    }
    assert!(!new.exists());
    assert!(viewer.conn.db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE).unwrap());
}

#[test]
fn a_statement_without_end_ends_at_its_time() {
    let scratch = scratch();
    let viewer = Viewer::open(&scratch.options).unwrap();
    let endless = "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t";
    let nothing = |_: &super::Row<'_>| Ok::<_, QueryError>(());
    let ended = viewer.query(endless, Some(Duration::from_millis(20)), nothing);
    assert!(matches!(ended, Err(QueryError::TimedOut(_))), "{ended:?}");
    // The next one has its own time, and needs more of it than the look at the clock takes to come.
    let long = "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100000) SELECT max(n) FROM t";
    assert_eq!(ask(&viewer, long).unwrap().len(), 1);
}

#[test]
fn a_time_that_is_not_over_is_no_matter() {
    /// A clock that stands still.
    #[derive(Debug)]
    struct Still;
    impl Clock for Still {
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
        fn wall_ms(&self) -> i64 {
            SystemClock.wall_ms()
        }
    }
    let scratch = scratch();
    let viewer = Viewer::open(&scratch.options.clone().clock(Arc::new(Still))).unwrap();
    let long = "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100000) SELECT max(n) FROM t";
    let mut found = Vec::new();
    let answered = viewer.query(long, Some(Duration::from_nanos(1)), |row| {
        found.extend(row.cells().map(|(_, value)| Value::try_from(value).unwrap()));
        Ok::<_, QueryError>(())
    });
    answered.unwrap();
    assert_eq!(found, [Value::Integer(100_000)]);
}

/// The time is for the wait, too; the next statement waits as long as the file's readers do.
#[test]
fn a_statement_with_a_time_does_not_wait_longer_for_a_lock() {
    // Without the handle: it keeps the log.
    let Scratch { _folder, options, .. } = scratch();
    let minute = Duration::from_mins(1);
    let client = Client::open(&options.path).unwrap();
    client.run("PRAGMA journal_mode=DELETE").unwrap();
    let viewer = Viewer::open(&options.busy_timeout(minute)).unwrap();
    client.run("BEGIN EXCLUSIVE").unwrap();
    let began = SystemClock.monotonic();
    let nothing = |_: &super::Row<'_>| Ok::<_, QueryError>(());
    let ended = viewer.query("SELECT * FROM note", Some(Duration::from_millis(20)), nothing);
    assert!(matches!(ended, Err(QueryError::Storage(_))), "{ended:?}");
    assert!(SystemClock.monotonic().saturating_sub(began) < minute / 2);
    client.run("COMMIT").unwrap();
    let waits: u64 = viewer.conn.query_row("PRAGMA busy_timeout", [], |row| row.get(0)).unwrap();
    assert_eq!(waits, 60_000);
}

// runtime-state 8.5
#[test]
fn every_table_is_given_whatever_its_name() {
    let scratch = scratch();
    let client = Client::open(&scratch.options.path).unwrap();
    for name in ["weird name", "q\"t", "_hidden", "sqliteX", "[b]", "", "select", "note_data"] {
        client.run(&format!("CREATE TABLE \"{}\"(a); ", name.replace('"', "\"\""))).unwrap();
    }
    client
        .run(
            "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO counted DEFAULT VALUES;
              INSERT INTO \"q\"\"t\" VALUES (1), (2); ANALYZE;",
        )
        .unwrap();
    let viewer = Viewer::open(&scratch.options).unwrap();
    let mut found = Vec::new();
    viewer
        .each_table(&["_hidde"], |table| {
            let mut rows = 0;
            table.rows(|_| {
                rows += 1;
                Ok::<_, DbError>(())
            })?;
            assert_eq!(rows, table.count()?, "{}", table.name());
            found.push((table.name().to_owned(), rows));
            Ok::<_, DbError>(())
        })
        .unwrap();
    let expected = [
        ("", 0),
        ("[b]", 0),
        ("_hidden", 0),
        ("counted", 1),
        ("note", 3),
        ("note_data", 0),
        ("q\"t", 2),
        ("select", 0),
        ("sqliteX", 0),
        ("weird name", 0),
        ("words", 2),
    ];
    assert_eq!(found, expected.map(|(name, rows)| (name.to_owned(), rows)));
}

#[test]
fn all_tables_are_of_one_moment_and_in_their_own_order() {
    let scratch = scratch();
    let viewer = Viewer::open(&scratch.options).unwrap();
    let client = Client::open(&scratch.options.path).unwrap();
    client.run("CREATE TABLE a(x)").unwrap();
    let mut texts = Vec::new();
    viewer
        .each_table(&[], |table| {
            // Somebody writes while the first table is read.
            if table.name() == "a" {
                client.run("INSERT INTO note(text) VALUES('late')")?;
            }
            table.rows(|row| {
                for (name, value) in row.cells() {
                    if let ("text", ValueRef::Text(text)) = (name, value) {
                        texts.push(String::from_utf8_lossy(text).into_owned());
                    }
                }
                Ok::<_, DbError>(())
            })
        })
        .unwrap();
    // An index by text would give them in another order.
    assert_eq!(texts, ["b", "a", "c", "one two", "two three"]);
}

#[test]
fn an_older_schema_is_shown_and_a_newer_one_is_not() {
    let scratch = scratch();
    let client = Client::open(&scratch.options.path).unwrap();
    client.run("PRAGMA user_version=99").unwrap();
    assert_eq!(Viewer::open(&scratch.options).unwrap().version(), 99);
    client.run("PRAGMA user_version=101").unwrap();
    let error = Viewer::open(&scratch.options).unwrap_err();
    assert!(matches!(error, DbError::Newer { found: 101, supported: 100, .. }), "{error}");
}
