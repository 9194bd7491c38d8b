//! Which rows make a run, what a synthesis claims, and that many rows are copied in small steps.

use std::time::Duration;

use conclave_consensus::migrate::{self, BackfillOptions, backfill};
use conclave_consensus::runs::{self, RunFilter, RunStatus};
use conclave_db::sql::Value;

use crate::project::{LEGACY_DDL, Project};

/// Facts 5.6: 62 rows of one spec and stage without run id, in 8 seconds.
#[test]
fn rows_without_run_id_group_by_their_second() {
    let project = Project::new();
    let sizes = [11, 11, 11, 6, 5, 6, 6, 6];
    let mut sql = String::new();
    for (second, size) in sizes.iter().enumerate() {
        for row in 0..*size {
            let insert = format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, created_at)
                 VALUES('S', 'spec-tasks', 'agent{}', '{{}}', '2025-11-03 02:54:1{second}');",
                row % 3
            );
            sql.push_str(&insert);
        }
    }
    let report = project.import(&project.legacy("62.db", &sql));
    assert_eq!((report.rows, report.runs, report.null_run_ids), (62, 8, 62));
    assert_eq!(report.duplicates, 62 - 8 * 3);
    let outputs: Vec<i64> = sizes.to_vec();
    let found = project.rows("SELECT count(*) FROM agent_outputs GROUP BY run_id ORDER BY run_id");
    assert_eq!(found, outputs.into_iter().map(|n| vec![Value::Integer(n)]).collect::<Vec<_>>());
    // Each agent's answers are numbered by arrival.
    let sequences = "SELECT group_concat(sequence) FROM (SELECT sequence FROM agent_outputs
      WHERE run_id = 1 AND agent_name = 'agent0' ORDER BY id)";
    assert_eq!(project.rows(sequences), [[Value::Text("1,2,3,4".into())]]);
}

#[test]
fn synthesis_gives_its_run_the_recorded_claim() {
    let project = Project::new();
    let golden = project.golden();
    conclave_db::foreign::run(
        &golden,
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, output_path, status, artifacts_count,
           agreements, conflicts, degraded, run_id, created_at) VALUES
         ('S1', 'spec-plan', '# old', NULL, 'ok', 3, NULL, NULL, 0, 'run_A', '2025-11-11 02:33:24'),
         ('S1', 'spec-plan', '# A', '/a.md', 'degraded', 4, '[1]', '[]', 1, 'run_A', '2025-11-11 02:33:25'),
         ('S1', 'plan', '# group', NULL, 'no-consensus', NULL, NULL, NULL, 7, NULL, '2025-11-03 02:54:13'),
         ('S1', 'spec-plan', '# nobody', NULL, 'conflict', 0, NULL, NULL, NULL, '', '2025-11-03 09:00:00'),
         ('S2', 'spec-plan', '# no time of its own', NULL, 'insufficient', 0, NULL, NULL, 0, 'run_C', 'never');",
    )
    .unwrap();
    let report = project.import(&golden);
    assert_eq!((report.syntheses, report.runs, report.outputs), (5, 11, 14));
    assert_eq!(report.lone_syntheses.len(), 1);
    assert_eq!(report.lone_syntheses[0].id, "4");
    assert_eq!(report.unknown_times, 3);
    let all = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
    let run = |key: &str| all.iter().find(|run| run.run_key == key && run.stage == "plan").unwrap();
    let claim = |key: &str| {
        let run = run(key);
        let row = format!("SELECT status, consensus_ok, degraded FROM consensus_runs WHERE id = {}", run.id);
        let stored = project.db.read(|conn| {
            conn.query_row(&row, [], |row| {
                let status: String = row.get(0)?;
                Ok((RunStatus::parse(&status).unwrap(), row.get(1)?, row.get(2)?))
            })
        });
        let (status, consensus_ok, degraded): (_, Option<bool>, Option<bool>) = stored.unwrap();
        (status, consensus_ok, degraded, run.recorded.as_deref())
    };
    assert_eq!(claim("run_A"), (RunStatus::Degraded, Some(false), Some(true), Some("degraded")));
    assert_eq!(claim("@text:2025-11-03 02:54:13"), (RunStatus::Unknown, None, None, Some("no-consensus")));
    assert_eq!(
        claim("@text:2025-11-03 09:00:00"),
        (RunStatus::Conflict, Some(false), None, Some("conflict"))
    );
    assert_eq!(run("@text:2025-11-03 09:00:00").output_count, 0);
    assert_eq!(claim("run_C"), (RunStatus::Insufficient, Some(false), Some(false), Some("insufficient")));
    // A run without one is unknown, not ok.
    assert_eq!(claim("run_B"), (RunStatus::Unknown, None, None, None));
    // Beside the claim stands what the answers make of it.
    let computed = |key: &str| (run(key).status, run(key).consensus_ok, run(key).degraded);
    assert_eq!(computed("run_A"), (RunStatus::Degraded, Some(false), Some(true)));
    assert_eq!(computed("run_C"), (RunStatus::Degraded, Some(false), Some(true)));
    assert_eq!(computed("@text:2025-11-03 09:00:00"), (RunStatus::Unknown, None, None));
    let detail = runs::show(&project.db, run("run_A").id).unwrap().unwrap();
    assert_eq!(
        detail.synthesis.unwrap(),
        serde_json::json!({"output_markdown": "# A", "output_path": "/a.md", "status": "degraded",
            "artifacts_count": "4", "agreements": "[1]", "conflicts": "[]"})
    );
    assert_eq!(project.number("SELECT count(*) FROM run_syntheses"), 5);
    assert!(project.verify().equal);
}

#[test]
fn one_run_id_in_two_stages_is_two_runs_and_one_second_may_hold_many() {
    let project = Project::new();
    let source = project.legacy(
        "two.db",
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at) VALUES
         ('S', 'spec-plan', 'a', '1', 'R', '2025-11-11 02:33:20'), ('S', 'spec-tasks', 'a', '2', 'R', '2025-11-11 02:33:20'),
         ('S', 'plan', 'b', '3', 'R', '2025-11-11 02:33:20'), ('S', 'spec-plan', 'a', '4', 'Q', '2025-11-11 02:33:20'),
         ('T', 'spec-plan', 'a', '5', 'R', '2025-11-11 02:33:20'), ('S', 'review', 'a', '6', 'R', '2025-11-11 02:33:20'),
         ('S', 'spec-audit', 'a', '7', 'R', '2025-11-11 02:33:20');",
    );
    let report = project.import(&source);
    assert_eq!((report.runs, report.duplicates), (5, 1));
    let found = project.rows(
        "SELECT r.spec_id || ' ' || r.stage || ' ' || r.run_key || ' ' || group_concat(o.content, '') FROM consensus_runs r
         JOIN agent_outputs o ON o.run_id = r.id GROUP BY r.id ORDER BY r.id",
    );
    let found: Vec<String> = found
        .into_iter()
        .map(|row| match row.into_iter().next().unwrap() {
            Value::Text(text) => text,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, ["S plan R 13", "S tasks R 2", "S plan Q 4", "T plan R 5", "S audit R 67"]);
}

/// Many rows: in many small transactions, with readers beside them that always see whole chunks.
#[test]
fn many_rows_are_copied_in_small_steps_while_others_read_and_write() {
    const ROWS: i64 = 6000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let sql = format!(
        "{} INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
         SELECT 'S' || (i % 10), 'spec-plan', 'agent' || (i % 3), '{{\"i\":' || i || '}}', 'run_' || (i / 6), 1762828295 + i FROM n;",
        crate::project::LEGACY_DDL
    );
    conclave_db::foreign::create(&path, &sql).unwrap();
    let project = Project::over(dir, &path);
    let mut seen = Vec::new();
    let mut longest = 0;
    let options =
        BackfillOptions { chunk_time: Duration::from_millis(5), chunk_rows: 500, ..Default::default() };
    let mut before = 0;
    let report = backfill(&project.db, &options, &mut |progress| {
        longest = longest.max(progress.done_rows - before);
        before = progress.done_rows;
        assert_eq!(progress.total_rows, ROWS.unsigned_abs());
        // Between two chunks nobody holds the lock, and readers see what is committed.
        let outputs = project.number("SELECT count(*) FROM agent_outputs");
        assert_eq!(outputs, i64::try_from(progress.done_rows).unwrap());
        project.write("UPDATE migration_state SET paused_by = NULL");
        seen.push(outputs);
    })
    .unwrap();
    assert_eq!((report.copied, report.complete), (ROWS.unsigned_abs(), true));
    assert!(longest <= 500, "{longest}");
    assert!(seen.len() >= 12, "{}", seen.len());
    let status = migrate::status(&project.db).unwrap();
    assert_eq!((status.phase, status.backfill.complete, status.backfill.remaining), (1, true, 0));
    assert_eq!(status.counts.legacy_artifacts, status.counts.outputs);
    let verified = project.verify();
    assert!(verified.equal);
    assert_eq!(verified.checked, ROWS.unsigned_abs());
}

#[test]
fn backfill_stops_at_its_limit_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    let project = Project::over(dir, &path);
    let limited = |limit| {
        let options = BackfillOptions { limit: Some(limit), ..Default::default() };
        backfill(&project.db, &options, &mut |_| {}).unwrap()
    };
    let status = migrate::status(&project.db).unwrap();
    assert_eq!((status.phase, status.phase_name, status.backfill.remaining), (1, "tables created", 14));
    let dry = BackfillOptions { dry_run: true, ..Default::default() };
    let dry = backfill(&project.db, &dry, &mut |_| {}).unwrap();
    assert_eq!((dry.copied, dry.remaining, dry.runs, dry.duplicates), (14, 14, 10, 1));
    assert!(dry.estimated_ms.is_some() && dry.disk_bytes.unwrap() > 0);
    assert_eq!(limited(0).copied, 0);
    assert_eq!((limited(5).copied, project.number("SELECT count(*) FROM agent_outputs")), (5, 5));
    let cursor = migrate::status(&project.db).unwrap().backfill.cursor;
    assert_eq!((cursor.artifacts, cursor.syntheses), (Some(5), None));
    let rest = limited(100);
    assert_eq!((rest.copied, rest.remaining, rest.complete), (9, 0, true));
    let status = migrate::status(&project.db).unwrap();
    assert_eq!((status.backfill.copied, status.next.phase, status.next.allowed), (14, Some(2), true));
}

/// Rows that come behind the cursor, or whose counterpart is gone, are found as well; a mapped row that differs
/// is made equal.
#[test]
fn backfill_finds_what_the_cursor_has_passed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    let project = Project::over(dir, &path);
    project.backfill();
    project.tamper(
        "DELETE FROM agent_outputs WHERE legacy_id = 2;
         INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json, run_id, created_at)
           VALUES(-5, 'S1', 'spec-plan', 'late', '{}', 'run_A', '2025-11-11 02:33:19');
         UPDATE consensus_artifacts SET content_json = '{\"changed\":1}', run_id = 'run_B' WHERE id = 1;",
    );
    assert_eq!(project.verify().differences, 3);
    let report = project.backfill();
    assert_eq!((report.copied, report.updated, report.complete), (2, 1, true));
    assert!(project.verify().equal);
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 15);
    // The row that changed its run has the next free number there and kept its own row.
    let moved =
        "SELECT o.id, r.run_key, o.sequence FROM agent_outputs o JOIN consensus_runs r ON r.id = o.run_id
      WHERE o.legacy_id = 1";
    assert_eq!(project.rows(moved), [[Value::Integer(1), Value::Text("run_B".into()), Value::Integer(2)]]);
    // A run is a function of its rows: the earliest is the late one's now.
    let time = "SELECT run_timestamp FROM consensus_runs WHERE run_key = 'run_A' AND stage = 'plan'";
    assert_eq!(project.number(time), 1_762_828_399_000);
}

/// What the new tables cannot hold is left, counted and a difference.
#[test]
fn an_execution_without_id_is_left_and_counts_as_a_difference() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let sql = format!(
        "{} INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at) VALUES
         (NULL, 'S', 'spec-plan', 'p', 'a', '2025-11-11 02:33:20'), ('x', 'S', 'spec-plan', 'p', 'a', 'soon');",
        crate::project::LEGACY_DDL
    );
    conclave_db::foreign::create(&path, &sql).unwrap();
    let project = Project::over(dir, &path);
    let report = project.backfill();
    assert_eq!((report.copied, report.remaining, report.refused, report.complete), (1, 1, 1, false));
    assert_eq!(project.backfill().copied, 0, "nothing more can be done");
    let verified = project.verify();
    assert_eq!((verified.equal, verified.differences), (false, 1));
    assert_eq!(migrate::status(&project.db).unwrap().mismatches, 1);
    // Imported, it stays in its source and is named.
    let other = Project::new();
    let source = other.path("source.db");
    conclave_db::foreign::create(&source, &sql).unwrap();
    let report = other.import(&source);
    assert_eq!((report.rows, report.executions, report.refused, report.unknown_times), (2, 1, 1, 1));
    assert!(other.verify().equal);
}

/// Between the moment in which a chunk is worked out and the one in which it is written, its rows are an older
/// program's to change.
#[test]
fn rows_that_an_older_program_changes_before_their_chunk_are_copied_as_they_are_then() {
    let artifacts = (1..=4)
        .map(|n| {
            format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
                 VALUES('S', 'spec-plan', 'a', '{{\"n\":{n}}}', 'R{n}', '2025-11-11 02:33:2{n}');"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let executions = (1..=4)
        .map(|n| {
            format!(
                "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
                 VALUES('x-{n}', 'S', 'spec-plan', 'p', 'a', 'R{n}', '2025-11-11 02:33:2{n}');"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    for (rows, change, runs) in [
        (&artifacts, "DELETE FROM consensus_artifacts WHERE id = 2", 3),
        (&artifacts, "UPDATE consensus_artifacts SET run_id = 'other', content_json = '{}' WHERE id = 2", 4),
        (&artifacts, "UPDATE consensus_artifacts SET id = 9 WHERE id = 2", 4),
        (
            &artifacts,
            "INSERT OR REPLACE INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json, run_id)
             VALUES(2, 'S', 'spec-plan', 'b', 'x', 'R1')",
            3,
        ),
        (&executions, "DELETE FROM agent_executions WHERE agent_id = 'x-2'", 3),
        (&executions, "UPDATE agent_executions SET agent_id = 'y', run_id = 'R1' WHERE agent_id = 'x-2'", 3),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        conclave_db::foreign::create(&path, &format!("{LEGACY_DDL}{rows}")).unwrap();
        let project = Project::over(dir, &path);
        let mut chunks = 0;
        // When the first chunk is told of, the second is worked out.
        let report = backfill(
            &project.db,
            &BackfillOptions { chunk_rows: 1, ..BackfillOptions::default() },
            &mut |_| {
                chunks += 1;
                if chunks == 1 {
                    project.old_program(change);
                }
            },
        )
        .unwrap();
        assert!(report.complete, "{change}");
        assert!(project.verify().equal, "{change}");
        assert_eq!(project.number("SELECT count(*) FROM consensus_runs"), runs, "{change}");
        let attempts = "SELECT count(*) FROM run_attempts WHERE agent_id = 'x-2'";
        assert_eq!(project.number(attempts), 0, "{change}");
        project.assert_sound();
    }
}

/// Outputs are read by time, then by legacy id, whatever came first.
#[test]
fn rows_that_came_later_are_read_in_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    let project = Project::over(dir, &path);
    project.backfill();
    project.tamper(
        "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json, run_id, created_at) VALUES
           (-5, 'S1', 'spec-plan', 'same time, smaller id', '{}', 'run_A', '2025-11-11 02:33:20'),
           (100, 'S1', 'spec-plan', 'no time', '{}', 'run_A', 'garbage'),
           (101, 'S1', 'spec-plan', 'earlier', '{}', 'run_A', '2025-11-11 02:33:10');",
    );
    assert_eq!(project.backfill().copied, 3);
    let filter = RunFilter { spec: Some("S1".into()), stage: Some("plan".into()), ..RunFilter::default() };
    let listed = runs::list(&project.db, &filter, None, None).unwrap();
    let run = listed.iter().find(|run| run.run_key == "run_A").unwrap();
    let detail = runs::show(&project.db, run.id).unwrap().unwrap();
    let agents: Vec<&str> = detail.outputs.iter().map(|output| output.agent.as_str()).collect();
    assert_eq!(
        agents,
        ["earlier", "same time, smaller id", "gemini", "claude", "gpt_pro", "gemini", "no time"]
    );
    // The run began with its earliest row, though that came in a later chunk.
    let times = "SELECT run_timestamp, started_at, updated_at FROM consensus_runs
      WHERE run_key = 'run_A' AND stage = 'plan'";
    assert_eq!(
        project.rows(times),
        [[1_762_828_390_000, 1_762_828_390_000, 1_762_828_402_000].map(Value::Integer)]
    );
}
