//! Values as JSON: nothing is lost, and nothing is made up.

use crate::scratch::Scratch;

// runtime-state 8.35
#[test]
fn every_value_has_its_word() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let check = |sql: &str, expected: &str| {
        let found = scratch.ok(&["db", "query", sql]);
        assert_eq!(found, format!("[\n{expected}\n]\n"), "{sql}");
    };
    check("SELECT 9223372036854775807 AS m", r#"{"m":9223372036854775807}"#);
    check("SELECT -9223372036854775808 AS m", r#"{"m":-9223372036854775808}"#);
    check("SELECT 9007199254740993 AS m", r#"{"m":9007199254740993}"#);
    check("SELECT 1.0 AS r, 0.1 AS s", r#"{"r":1.0,"s":0.1}"#);
    check("SELECT 1e999 AS i, -1e999 AS j", r#"{"i":"Infinity","j":"-Infinity"}"#);
    check("SELECT 1e999 - 1e999 AS n, NULL AS o", r#"{"n":null,"o":null}"#);
    check("SELECT x'00ff' AS b, x'' AS e", r#"{"b":{"base64":"AP8="},"e":{"base64":""}}"#);
    check("SELECT CAST(x'41ff' AS TEXT) AS t", r#"{"t":{"base64":"Qf8=","type":"text"}}"#);
    check("SELECT '🦀 \"q\" \\' AS t", r#"{"t":"🦀 \"q\" \\"}"#);
    check("SELECT char(97, 0, 10, 98) AS t", r#"{"t":"a\u0000\nb"}"#);
    check("SELECT 1 AS a, 2 AS a, 3 AS a", r#"{"a":1,"a_2":2,"a_3":3}"#);
    check("SELECT 1 AS a, 2 AS a, 3 AS a_2", r#"{"a":1,"a_3":2,"a_2":3}"#);
    check("SELECT 1 AS z, 2 AS a", r#"{"z":1,"a":2}"#);
    check("SELECT 1 AS \"\", 2 AS \"q\"\"t\"", r#"{"":1,"q\"t":2}"#);
}

/// The binding panics where the name of a column is no text; such a file is refused with a word.
#[test]
fn a_name_that_is_no_text_is_no_panic() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let client = conclave_db::foreign::Client::open(&scratch.database()).unwrap();
    client.run("CREATE TABLE zz(marked)").unwrap();
    client
        .run("PRAGMA writable_schema=ON;
              UPDATE sqlite_schema SET sql = CAST(replace(CAST(sql AS BLOB), x'6d61726b6564', x'6dff726b6564') AS TEXT)
              WHERE name = 'zz'")
        .unwrap();
    drop(client);
    for words in [&["query", "SELECT * FROM zz"][..], &["dump"], &["stats"]] {
        let done = scratch.run(&[&["db"], words].concat());
        assert!(done.refused(3).contains("UTF-8"), "{words:?}: {}", done.stderr);
    }
}
