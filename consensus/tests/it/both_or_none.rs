//! Own writes killed anywhere, and the phase moving under many writers, old ones among them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_consensus::record::{
    CompletionRecord, SpawnRecord, SynthesisRecord, record_completion, record_output, record_run,
    record_spawn, record_synthesis,
};
use conclave_db::{Db, DbOptions, ErrorKind, WriteTx};
use conclave_testkit::{KillDriver, Parent, Rerun};

use crate::dual::{answer, run};
use crate::project::{Project, schema};

fn state() -> PathBuf {
    std::env::var_os("STATE").unwrap().into()
}

fn open() -> Db {
    Db::open(DbOptions::new(state(), schema())).unwrap()
}

/// Takes seconds, which nobody sees the end of.
const SLOW: &str = "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
  WHERE i < 2000000000) SELECT i FROM n)";

/// F 22: killed after the legacy insert and before the end of the new one, with the marker in place.
#[test]
fn killed_between_the_two_inserts_neither_is_there() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let db = open();
        let id = record_run(&db, &run("R")).unwrap();
        parent.say("begins");
        let _ = record_output(&db, &answer(id, "a", b"{}"));
        return;
    }
    for phase in 1..=3 {
        let project = Project::in_phase(phase);
        record_run(&project.db, &run("R")).unwrap();
        project.old_program(&format!("CREATE TRIGGER slow BEFORE INSERT ON agent_outputs BEGIN {SLOW}; END"));
        let mut child = Rerun::of("both_or_none::killed_between_the_two_inserts_neither_is_there")
            .variable("STATE", project.db.path().display().to_string())
            .start();
        child.release();
        assert_eq!(child.line().as_deref(), Some("begins"));
        // Nobody else gets the lock while the child is between the two: this is how it is known to be there.
        let busy = || {
            project
                .db
                .writing("probe")
                .deadline(Duration::from_millis(50))
                .run(|tx| tx.execute("UPDATE migration_state SET paused_by = NULL", []))
        };
        while busy().is_ok() {}
        child.kill();
        project.write("DROP TRIGGER slow");
        assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 0, "phase {phase}");
        assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 0);
        assert_eq!(project.number("SELECT count(*) FROM capture_off"), 0, "no marker is left");
        project.old_program(
            "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
               VALUES('S', 'spec-plan', 'old', '{}', 'R')",
        );
        let report = project.verify();
        assert!(report.equal && report.checked == 1, "the triggers are awake: {:?}", report.findings);
        project.assert_sound();
    }
}

/// Records everything there is, one after the other, and says each.
fn record_all(parent: &mut Parent) {
    parent.wait_for_release();
    let db = open();
    for n in 0.. {
        let id = record_run(&db, &run(&format!("R{}", n / 5))).unwrap();
        let agent_id = format!("{}-{n}", std::process::id());
        let spawn = SpawnRecord {
            agent_id: agent_id.clone(),
            run: id,
            agent: "a".into(),
            attempt: 1,
            phase_type: "regular_stage".into(),
            at: None,
        };
        record_spawn(&db, &spawn).unwrap();
        let output = record_output(&db, &answer(id, "a", format!("{{\"n\":{n}}}").as_bytes())).unwrap();
        parent.say(&output.id.to_string());
        let done = CompletionRecord { agent_id, exit_code: Some(0), ..CompletionRecord::default() };
        record_completion(&db, &done).unwrap();
        let synthesis = SynthesisRecord { status: "ok".into(), ..SynthesisRecord::default() };
        record_synthesis(&db, id, &synthesis).unwrap();
    }
}

#[test]
fn killed_anywhere_both_sides_are_equal() {
    if let Some(mut parent) = Parent::of_this_process() {
        return record_all(&mut parent);
    }
    let mut driver = KillDriver::new(22);
    for phase in 1..=3 {
        let project = Project::in_phase(phase);
        let mut acknowledged = Vec::new();
        for _ in 0..6 {
            let child = Rerun::of("both_or_none::killed_anywhere_both_sides_are_equal")
                .variable("STATE", project.db.path().display().to_string())
                .start();
            acknowledged.extend(driver.run_and_kill(child, 8, Duration::from_millis(6)).lines);
            let report = project.verify();
            assert!(report.equal, "phase {phase}: {:?}", report.findings);
            assert_eq!(project.number("SELECT count(*) FROM capture_off"), 0);
        }
        for id in acknowledged {
            let both = format!(
                "SELECT count(*) FROM agent_outputs o JOIN consensus_artifacts l ON l.id = o.legacy_id WHERE o.id = {id}"
            );
            assert_eq!(project.number(&both), 1, "output {id} was acknowledged in phase {phase}");
        }
        let alone = "SELECT (SELECT count(*) FROM agent_outputs WHERE legacy_id IS NULL)
          + (SELECT count(*) FROM run_syntheses WHERE legacy_id IS NULL)
          + (SELECT count(*) FROM run_attempts WHERE mirrored = 0)";
        assert_eq!(project.number(alone), 0);
        project.assert_sound();
    }
}

/// What a child of the fleet does until it is told to end: 20 threads in one process record, others beside them.
fn record_until_told(parent: &mut Parent) {
    parent.wait_for_release();
    let db = open();
    let ended = AtomicBool::new(false);
    let (number, threads) = (parent.number(), if parent.number() == 0 { 20 } else { 2 });
    let ids = std::thread::scope(|scope| {
        let (db, ended) = (&db, &ended);
        let writers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut ids = Vec::new();
                    for n in 0.. {
                        let id = record_run(db, &run(&format!("R{}", n % 7))).unwrap();
                        let agent = format!("p{number}t{thread}");
                        let content = format!("{{\"{agent}\":{n}}}");
                        ids.push((
                            record_output(db, &answer(id, &agent, content.as_bytes())).unwrap().id,
                            content,
                        ));
                        if ended.load(Ordering::Relaxed) {
                            return ids;
                        }
                    }
                    ids
                })
            })
            .collect();
        parent.hear();
        ended.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    for (id, content) in ids {
        parent.say(&format!("{id} {content}"));
    }
}

#[test]
fn the_phase_moves_under_many_writers() {
    if let Some(mut parent) = Parent::of_this_process() {
        return record_until_told(&mut parent);
    }
    let project = Project::in_phase(2);
    project.write("CREATE TABLE test_moves(phase INTEGER, after INTEGER)");
    let mut fleet = Rerun::of("both_or_none::the_phase_moves_under_many_writers")
        .variable("STATE", project.db.path().display().to_string())
        .start_fleet(4);
    fleet.release();
    let mut old = 0;
    for phase in [3, 4] {
        let until = project.number("SELECT ifnull(max(id), 0) FROM agent_outputs") + 150;
        while project.number("SELECT ifnull(max(id), 0) FROM agent_outputs") < until {
            old += 1;
            let insert = format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
                   VALUES('S', 'spec-plan', 'old', '{{\"old\":{old}}}', 'R{}')",
                old % 7
            );
            // It takes no turn, so SQLite's own waiting may be in vain where so many others write.
            while let Err(error) = conclave_db::foreign::run(project.db.path(), &insert) {
                assert_eq!(error.kind(), ErrorKind::Busy);
            }
        }
        let step = move |tx: &WriteTx<'_>| {
            tx.execute("INSERT INTO test_moves SELECT ?1, max(id) FROM agent_outputs", [phase])?;
            tx.execute("UPDATE migration_state SET phase = ?1", [phase])
        };
        project.db.write("step", step).unwrap();
    }
    let until = project.number("SELECT max(id) FROM agent_outputs") + 100;
    while project.number("SELECT max(id) FROM agent_outputs") < until {}
    for child in &mut fleet.children {
        child.send("end");
    }
    let acknowledged: Vec<String> = fleet.finish().into_iter().flatten().collect();
    // The step to phase 4 is a line through all ids: own rows up to it are on both sides, behind it on one.
    let line = project.number("SELECT after FROM test_moves WHERE phase = 4");
    for (query, what) in [
        ("id <= :line AND legacy_id IS NULL", "written in phases 2 and 3 to the new side alone"),
        ("id > :line AND legacy_id IS NOT NULL AND agent_name <> 'old'", "written in phase 4 to both sides"),
    ] {
        let query =
            format!("SELECT count(*) FROM agent_outputs WHERE {}", query.replace(":line", &line.to_string()));
        assert_eq!(project.number(&query), 0, "{what}");
    }
    let stored: std::collections::HashSet<String> = project
        .rows("SELECT id || ' ' || content FROM agent_outputs WHERE agent_name <> 'old'")
        .into_iter()
        .map(|row| match &row[0] {
            conclave_db::sql::Value::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(acknowledged.len() > 300);
    assert!(acknowledged.iter().all(|line| stored.contains(line)), "what was acknowledged is there");
    assert_eq!(acknowledged.len(), stored.len(), "and nothing twice");
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE agent_name = 'old'"), old);
    let report = project.verify();
    assert!(report.equal, "{:?}", report.findings);
    project.assert_sound();
}
