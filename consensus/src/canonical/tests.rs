//! Both definitions of each form against one table of cases, and against each other on random values.

use conclave_db::sql::{Value, ValueRef, params};
use conclave_db::{Db, DbOptions, Schema};
use proptest::prelude::*;

use super::{run_key, stage, time_ms};
use crate::store::canonical as sql;

fn database() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let schema = Schema::assemble(&[], &[]).unwrap();
    let db = Db::open(DbOptions::new(dir.path().join("empty.db"), schema)).unwrap();
    (dir, db)
}

fn sql_time(db: &Db, value: &Value) -> Option<i64> {
    let query = format!("SELECT {} FROM (SELECT ?1 AS v)", sql::time_ms("v"));
    db.read(|conn| conn.query_row(&query, params![value], |row| row.get(0))).unwrap()
}

fn sql_key(db: &Db, run_id: &Value, time: &Value) -> Vec<u8> {
    let query = format!("SELECT CAST({} AS BLOB) FROM (SELECT ?1 AS r, ?2 AS t)", sql::run_key("r", "t"));
    db.read(|conn| conn.query_row(&query, params![run_id, time], |row| row.get(0))).unwrap()
}

fn sql_stage(db: &Db, written: &str) -> String {
    let query = format!("SELECT {} FROM (SELECT ?1 AS s)", sql::stage("s"));
    db.read(|conn| conn.query_row(&query, params![written], |row| row.get(0))).unwrap()
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text.clone().into_bytes()),
        Value::Blob(bytes) => Some(bytes.clone()),
        other => panic!("no run id: {other:?}"),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn stages_have_one_spelling() {
    let (_dir, db) = database();
    for (written, wanted) in [
        ("plan", "plan"),
        ("spec-plan", "plan"),
        ("spec-tasks", "tasks"),
        ("spec-implement", "implement"),
        ("spec-validate", "validate"),
        ("spec-audit", "audit"),
        ("spec-unlock", "unlock"),
        ("spec-clarify", "clarify"),
        ("spec-analyze", "analyze"),
        ("spec-checklist", "checklist"),
        ("review", "audit"),
        ("spec-review", "audit"),
        ("Spec-Plan", "Spec-Plan"),
        ("spec-", "spec-"),
        ("spec-other", "spec-other"),
        ("spec-spec-plan", "spec-spec-plan"),
        ("before-specify", "before-specify"),
        ("gpt5-validation", "gpt5-validation"),
        ("", ""),
        (" plan", " plan"),
    ] {
        assert_eq!(stage(written), wanted, "{written:?}");
        assert_eq!(sql_stage(&db, written), wanted, "{written:?} in SQL");
    }
}

#[test]
fn times_are_milliseconds_or_unknown() {
    let (_dir, db) = database();
    let cases: Vec<(Value, Option<i64>)> = vec![
        (text("2025-11-11 02:33:20"), Some(1_762_828_400_000)),
        (text("2025-11-11T02:33:20.123Z"), Some(1_762_828_400_123)),
        (text("2025-11-11T02:33:20.123z "), Some(1_762_828_400_123)),
        (text("2025-11-11 02:33:20+05:00"), Some(1_762_810_400_000)),
        (text("2025-11-11 02:33:20 -00:30"), Some(1_762_830_200_000)),
        (text("2025-11-11 02:33"), Some(1_762_828_380_000)),
        (text("2025-11-11"), Some(1_762_819_200_000)),
        (text("2025-11-11T"), Some(1_762_819_200_000)),
        (text("2025-11-11T  02:33"), Some(1_762_828_380_000)),
        (text("2025-11-11 24:00:00"), Some(1_762_905_600_000)),
        (text("2025-11-11 02:33:20.9999"), Some(1_762_828_400_999)),
        (text("2025-11-11 02:33:20.1239"), Some(1_762_828_400_124)),
        (text("2024-02-29 00:00:00"), Some(1_709_164_800_000)),
        (text("0000-01-01"), Some(-62_167_219_200_000)),
        (text("9999-12-31 23:59:59.999"), Some(253_402_300_799_999)),
        (text("9999-12-31 23:59:59-01:00"), None),
        (text("2025-02-30 00:00:00"), None),
        (text("2025-02-29"), None),
        (text("2025-13-01"), None),
        (text("2025-11-11 25:00:00"), None),
        (text("2025-11-11 02:60:00"), None),
        (text("2025-11-11 02:33:60"), None),
        (text("2025-11-11 02:33:20+15:00"), None),
        (text("2025-11-11 02:33:20."), None),
        (text("2025-11-11Z"), None),
        (text("2025-11-11 garbage"), None),
        (text("2025-11-11\0garbage"), Some(1_762_819_200_000)),
        (text(" 2025-11-11"), None),
        (text("-2025-11-11"), None),
        (text("2025-1-1"), None),
        (text("garbage"), None),
        (text("now"), None),
        (text("12:00"), None),
        (text("1762828295"), None),
        (text("2460000.5"), None),
        (text(""), None),
        (Value::Null, None),
        (Value::Blob(b"2025-11-11".to_vec()), None),
        (Value::Integer(0), Some(0)),
        (Value::Integer(1_762_828_295), Some(1_762_828_295_000)),
        (Value::Integer(1_762_828_295_123), Some(1_762_828_295_123)),
        (Value::Integer(99_999_999_999), Some(99_999_999_999_000)),
        (Value::Integer(100_000_000_000), Some(100_000_000_000)),
        (Value::Integer(-99_999_999_999), Some(-99_999_999_999_000)),
        (Value::Integer(-100_000_000_000), Some(-100_000_000_000)),
        (Value::Integer(i64::MIN), Some(i64::MIN)),
        (Value::Real(1_762_828_295.5), Some(1_762_828_295_500)),
        (Value::Real(1_762_828_295_123.4), Some(1_762_828_295_123)),
        (Value::Real(1e11), Some(100_000_000_000)),
        (Value::Real(-1e11), Some(-100_000_000_000)),
        (Value::Real(99_999_999_999.5), Some(99_999_999_999_500)),
        (Value::Real(1e300), Some(i64::MAX)),
        (Value::Real(f64::NEG_INFINITY), Some(i64::MIN)),
    ];
    for (value, wanted) in cases {
        assert_eq!(time_ms(ValueRef::from(&value)), wanted, "{value:?}");
        assert_eq!(sql_time(&db, &value), wanted, "{value:?} in SQL");
    }
}

#[test]
fn run_keys_tell_runs_apart() {
    let (_dir, db) = database();
    let time = text("2025-11-03 02:54:13");
    let cases: Vec<(Value, Value, &[u8])> = vec![
        (text("run_A"), time.clone(), b"run_A"),
        (text("@run"), time.clone(), b"@id:@run"),
        (text("@"), time.clone(), b"@id:@"),
        (Value::Null, time.clone(), b"@text:2025-11-03 02:54:13"),
        (text(""), time.clone(), b"@text:2025-11-03 02:54:13"),
        (Value::Blob(Vec::new()), time, b"@text:2025-11-03 02:54:13"),
        (text("\0x"), Value::Null, b"\0x"),
        (Value::Null, Value::Null, b"@null:"),
        (Value::Null, text(""), b"@text:"),
        (Value::Null, Value::Integer(1_762_828_295), b"@integer:1762828295"),
        (Value::Null, text("1762828295"), b"@text:1762828295"),
        (Value::Null, Value::Real(1_762_828_295.0), b"@real:1762828295.0"),
        (Value::Null, Value::Real(1_762_828_295.123), b"@real:1762828295.123"),
        (Value::Null, Value::Real(0.1 + 0.2), b"@real:0.3"),
        (Value::Null, Value::Real(-4_699_560_910_124.625), b"@real:-4699560910124.63"),
        (Value::Null, Value::Real(999_999_999_999_999.6), b"@real:1.0e+15"),
        (Value::Null, Value::Real(0.0001), b"@real:0.0001"),
        (Value::Null, Value::Real(0.00001), b"@real:1.0e-05"),
        (Value::Null, Value::Real(-2.5e20), b"@real:-2.5e+20"),
        (Value::Null, Value::Real(1e15), b"@real:1.0e+15"),
        (Value::Null, Value::Real(100_000.0), b"@real:100000.0"),
        (Value::Null, Value::Real(-0.0), b"@real:0.0"),
        (Value::Null, Value::Real(f64::INFINITY), b"@real:Inf"),
        (Value::Null, Value::Blob(b"\xff\0\xfe".to_vec()), b"@blob:\xff\0\xfe"),
    ];
    for (run_id, time, wanted) in cases {
        let own = run_key(bytes(&run_id).as_deref(), ValueRef::from(&time));
        assert_eq!(own.escape_ascii().to_string(), wanted.escape_ascii().to_string(), "{run_id:?} {time:?}");
        let found = sql_key(&db, &run_id, &time);
        assert_eq!(found.escape_ascii().to_string(), wanted.escape_ascii().to_string(), "{time:?} in SQL");
    }
}

/// Text that is often nearly a time.
fn times() -> impl Strategy<Value = Value> {
    let date = "[0-9]{4}-[01][0-9]-[0-3][0-9]";
    let time = "([ T]{0,2}[0-2][0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{0,7})?)?)?";
    let zone = "[ ]{0,1}(Z|z|[+-][01][0-9]:[0-6][0-9])?[ ]{0,1}";
    prop_oneof![
        proptest::string::string_regex(&format!("{date}{time}{zone}")).unwrap().prop_map(Value::Text),
        proptest::string::string_regex("[0-9T:. Z+-]{0,24}").unwrap().prop_map(Value::Text),
        any::<i64>().prop_map(Value::Integer),
        (-200_000_000_000_i64..200_000_000_000).prop_map(Value::Integer),
        (-1e13..1e13_f64).prop_map(Value::Real),
        (0.0..4e9_f64).prop_map(Value::Real),
        (-1e20..1e20_f64).prop_map(Value::Real),
        (-1e-3..1e-3_f64).prop_map(Value::Real),
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(Value::Blob),
        Just(Value::Null),
    ]
}

#[test]
fn both_definitions_agree_on_random_values() {
    let (_dir, db) = database();
    let run_ids = prop_oneof![
        Just(Value::Null),
        proptest::string::string_regex("[@a\u{0}é]{0,4}").unwrap().prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..4).prop_map(Value::Blob),
    ];
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&(times(), run_ids), |(time, run_id)| {
            prop_assert_eq!(sql_time(&db, &time), time_ms(ValueRef::from(&time)));
            let own = run_key(bytes(&run_id).as_deref(), ValueRef::from(&time));
            prop_assert_eq!(sql_key(&db, &run_id, &time), own);
            Ok(())
        })
        .unwrap();
    let stages = proptest::string::string_regex("(spec-)?(plan|tasks|review|audit|other|)[ s]?").unwrap();
    runner
        .run(&stages, |written| {
            prop_assert_eq!(sql_stage(&db, &written), stage(&written));
            Ok(())
        })
        .unwrap();
}

#[test]
fn claims_are_taken_by_name_only() {
    let (_dir, db) = database();
    let query = format!(
        "SELECT {}, {}, {} FROM (SELECT ?1 AS s, ?2 AS d)",
        sql::status("s"),
        sql::consensus_ok("s"),
        sql::degraded("d")
    );
    for (written, degraded, wanted) in [
        ("ok", Value::Integer(0), ("ok", Some(1), Some(0))),
        ("conflict", Value::Integer(1), ("conflict", Some(0), Some(1))),
        ("degraded", Value::Null, ("degraded", Some(0), None)),
        ("insufficient", Value::Integer(2), ("insufficient", Some(0), None)),
        ("no-consensus", text("1"), ("unknown", None, None)),
        ("running", Value::Real(1.0), ("unknown", None, None)),
        ("OK", Value::Blob(vec![1]), ("unknown", None, None)),
    ] {
        let found = db
            .read(|conn| {
                conn.query_row(&query, params![written, degraded], |row| {
                    Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?))
                })
            })
            .unwrap();
        assert_eq!(found, (wanted.0.to_owned(), wanted.1, wanted.2), "{written}");
    }
}

#[test]
fn the_model_is_read_from_json_only() {
    let (_dir, db) = database();
    let model = |content: &str| {
        let query = format!("SELECT {} FROM (SELECT ?1 AS c)", sql::model_version("c", "json_valid(c)"));
        db.read(|conn| conn.query_row(&query, params![content], |row| row.get::<_, Option<String>>(0)))
            .unwrap()
    };
    assert_eq!(model(r#"{"model":"gemini-2.5-pro"}"#).as_deref(), Some("gemini-2.5-pro"));
    assert_eq!(model(r#"{"model":{"name":"x"}}"#), None);
    assert_eq!(model(r#"{"model":5}"#), None);
    assert_eq!(model("[1]"), None);
    assert_eq!(model(r#"{ "model": string }"#), None);
    assert_eq!(model(""), None);
}
