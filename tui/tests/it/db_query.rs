//! `conclave db query`: what is answered, what is refused, and that nothing that is given to it changes anything.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::db_files::{both, bytes_below};
use crate::patience::ended;
use crate::scratch::Scratch;

// runtime-state 8.32
#[test]
fn what_reads_is_answered() {
    let (scratch, targets) = both();
    let check = |sql: &str, expected: Value| {
        for target in &targets {
            let done = scratch.run(&target.words(&["query", sql]));
            assert_eq!(done.code, Some(0), "{sql:?}: {}", done.stderr);
            assert_eq!(serde_json::from_str::<Value>(done.text()).unwrap(), expected, "{sql:?}");
        }
    };
    check("SELECT 1 AS one", json!([{ "one": 1 }]));
    check(" \n\t sElEcT 1 AS one;", json!([{ "one": 1 }]));
    check("/* c */ SELECT 1 AS one;; -- d", json!([{ "one": 1 }]));
    check("-- c\nSELECT 1 AS one", json!([{ "one": 1 }]));
    check(" WITH t(n) AS (VALUES (1), (2)) SELECT n FROM t; -- c", json!([{ "n": 1 }, { "n": 2 }]));
    check("VALUES (1), (2)", json!([{ "column1": 1 }, { "column1": 2 }]));
    check("SELECT 1 AS one WHERE 0", json!([]));
    check("SELECT name FROM pragma_database_list", json!([{ "name": "main" }]));
    check("--x\nSELECT 1 AS one", json!([{ "one": 1 }]));
    let plan = scratch.json(&["db", "query", "EXPLAIN QUERY PLAN SELECT * FROM builders"]);
    assert!(plan[0]["detail"].as_str().unwrap().contains("builders"), "{plan}");
    let columns = scratch.json(&["db", "query", "SELECT * FROM pragma_table_info('builders')"]);
    assert_eq!(columns[0]["name"], "id");
    // 8.36: the option before and after the statement.
    for words in [["--global", "query", "SELECT 1 AS a"], ["query", "--global", "SELECT 1 AS a"]] {
        assert_eq!(scratch.json(&[&["db"], &words[..]].concat()), json!([{ "a": 1 }]));
    }
}

// runtime-state 8.33, 8.34, 8.36
#[test]
fn what_would_do_more_is_refused_and_does_nothing() {
    let (scratch, targets) = both();
    let new = scratch.path("new.db");
    let new = new.display();
    for target in &targets {
        let table = target.table;
        let client = target.client();
        client.run("CREATE TABLE own(id INTEGER PRIMARY KEY, a)").unwrap();
        client.run("INSERT INTO own(a) VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9)").unwrap();
        let refused = [
            format!("DELETE FROM {table}"),
            "DELETE FROM own RETURNING id".to_owned(),
            "WITH t AS (SELECT 1) DELETE FROM own".to_owned(),
            "INSERT INTO own(a) VALUES (1) RETURNING a".to_owned(),
            "REPLACE INTO own(id) VALUES (1)".to_owned(),
            "UPDATE own SET a = 2 RETURNING a".to_owned(),
            format!("SELECT 1; DROP TABLE {table}"),
            "SELECT 1; SELECT 2".to_owned(),
            "PRAGMA journal_mode=DELETE".to_owned(),
            "PRAGMA query_only=0".to_owned(),
            "PRAGMA user_version=5".to_owned(),
            "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
            "PRAGMA incremental_vacuum".to_owned(),
            "SELECT * FROM pragma_optimize(65538)".to_owned(),
            format!("ATTACH '{new}' AS n"),
            format!("VACUUM INTO '{new}'"),
            "VACUUM".to_owned(),
            "BEGIN IMMEDIATE".to_owned(),
            "REINDEX".to_owned(),
            "ANALYZE".to_owned(),
            "CREATE TEMP TABLE t(a)".to_owned(),
            "SELECT load_extension('x')".to_owned(),
            "EXPLAIN DELETE FROM own".to_owned(),
            String::new(),
            "-- c".to_owned(),
            "/* c".to_owned(),
            ";".to_owned(),
            "SELECT ?".to_owned(),
            "SELECT :a".to_owned(),
            "SELECT * FROM nope".to_owned(),
            "SELECT \"nope\"".to_owned(),
            "selectx".to_owned(),
            "--help me".to_owned(),
        ];
        let before = bytes_below(&scratch.path("."));
        for sql in &refused {
            let done = scratch.run(&target.words(&["query", sql]));
            done.refused(2);
            assert!(done.stdout.is_empty(), "{sql:?}: {}", done.text());
            let done = scratch.run(&[&target.words(&["query", sql])[..], &["--json"]].concat());
            let document: Value = serde_json::from_str(done.text()).unwrap();
            assert!(document["error"]["kind"].is_string(), "{sql:?}: {document}");
        }
        assert!(bytes_below(&scratch.path(".")) == before, "something changed");
        drop(client);
    }
    let done = scratch.run(&["db", "query", "SELECT * FROM nope"]);
    assert_eq!(done.refused(2), "error: query: no such table: nope");
    let done = scratch.run(&["db", "query", "DELETE FROM builders"]);
    assert_eq!(done.refused(2), "error: query: it may only read: DELETE FROM builders is refused");
}

#[test]
fn a_statement_without_end_ends_at_its_time() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let endless =
        "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t) SELECT n FROM t WHERE n < 0";
    let done = scratch.run(&["db", "query", endless, "--timeout", "50ms"]);
    assert_eq!(done.refused(4), "error: query: no answer within 50ms");
    assert!(done.stdout.is_empty() && done.stderr.contains("hint: "), "{}", done.stderr);
}

// runtime-state 8.39
#[test]
fn a_reader_that_leaves_ends_an_answer_without_end() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let endless = "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t) SELECT n FROM t";
    let mut child = scratch
        .command()
        .args(["db", "query", endless])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 2];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    assert_eq!(&first, b"[\n");
    drop(child.stdout.take());
    assert_eq!(ended(&mut child).code(), Some(0));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn one_value_takes_neither_all_memory_nor_all_time() {
    let scratch = Scratch::with_runs();
    let done = scratch.run(&["db", "query", "SELECT printf('%.*c', 999999990, 'x')"]);
    assert!(done.refused(2).contains("too big"), "{}", done.stderr);
}
