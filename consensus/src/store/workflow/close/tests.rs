//! A run is closed with what was judged, or not at all.

use std::path::PathBuf;
use std::time::Duration;

use conclave_db::{Db, DbOptions, Schema, process};

use super::{Closed, close, material, seen};
use crate::agents::{Accept, AgentDefinition};
use crate::record::OutputRecord;
use crate::runs::RunStatus;
use crate::store::record;
use crate::store::schema::{LEGACY_TABLES, MIGRATIONS};
use crate::workflow::{self, RunRequest};

#[test]
fn an_answer_that_comes_while_it_is_judged_is_judged_too() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(DbOptions::new(
        dir.path().join("state.db"),
        Schema::assemble(&[MIGRATIONS], LEGACY_TABLES).unwrap(),
    ))
    .unwrap();
    let agent = |name: &str| AgentDefinition {
        name: name.into(),
        preset: None,
        command: vec!["true".into()],
        model: None,
        route: None,
        family: None,
        role: None,
        timeout: Duration::from_mins(1),
        retries: 0,
        env_pass: Vec::new(),
        env: Vec::new(),
        stages: Vec::new(),
    };
    let request = RunRequest {
        spec: "S".into(),
        stage: "notes".into(),
        run_key: None,
        prompt: b"?".to_vec(),
        agents: vec![agent("a")],
        quorum: None,
        accept: Accept::Majority,
        timeout: Duration::from_mins(1),
        sequential: false,
        gate: false,
        directory: PathBuf::from("/"),
        actor: "ana".into(),
    };
    let run = workflow::begin(&db, &request).unwrap();
    let judged = || db.read(|conn| material(conn, run)).unwrap().judge(run).unwrap();
    let me = process::current().unwrap();
    let ending = judged();
    assert_eq!(ending.verdict.status, RunStatus::Insufficient);
    let output = OutputRecord {
        run,
        agent: "a".into(),
        attempt: 1,
        content: b"yes".to_vec(),
        response: None,
        at: None,
        write_key: None,
    };
    db.write("test", move |tx| record::output(tx, &output).map(drop)).unwrap();
    let own = me.clone();
    let closed = db.write("test", move |tx| close(tx, run, &own, &ending)).unwrap();
    assert_eq!(closed, Closed::Outdated);
    assert_eq!(workflow::unfinished(&db).unwrap().len(), 1, "nothing of it was written");
    assert_eq!(
        db.read(|conn| conn.query_row("SELECT count(*) FROM run_syntheses", [], |row| row.get::<_, i64>(0)))
            .unwrap(),
        0
    );

    let (ending, own) = (judged(), me);
    assert_eq!(ending.verdict.status, RunStatus::Ok);
    let closed = db.write("test", move |tx| close(tx, run, &own, &ending)).unwrap();
    assert_eq!(closed, Closed::Yes);
    // The same number of answers with other content is another thing too.
    let before = db.read(|conn| seen(conn, run)).unwrap();
    db.write("test", |tx| tx.execute("UPDATE agent_outputs SET content = 'no'", []).map(drop)).unwrap();
    assert_ne!(db.read(|conn| seen(conn, run)).unwrap(), before);
}
