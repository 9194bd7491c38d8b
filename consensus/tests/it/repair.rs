//! Repair makes the following side equal to the leading one, row by row, and nothing of what it takes away is lost.

use conclave_consensus::migrate::{self, RepairOptions, RepairReport};

use crate::phases::Timed;
use crate::project::Project;

/// With a synthesis and an execution beside the golden artifacts.
fn in_phase(phase: u8) -> Timed {
    let timed = Timed::in_phase(2);
    conclave_db::foreign::run(
        timed.project.db.path(),
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, run_id, created_at)
           VALUES('S1', 'spec-plan', '# A', 'ok', 0, 'run_A', '2025-11-11 02:33:25');
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at, response_text)
           VALUES('x-1', 'S1', 'spec-plan', 'regular_stage', 'gemini', 'run_A', '2025-11-11 02:33:00', 'raw')",
    )
    .unwrap();
    if phase == 1 {
        timed.back(Some(1)).unwrap();
    }
    for to in 3..=phase {
        timed.force(to);
    }
    assert!(timed.project.verify().equal);
    timed
}

fn repair(project: &Project, dry_run: bool) -> RepairReport {
    let options = RepairOptions { dry_run, actor: "ana".into() };
    migrate::repair(&project.db, &options, &mut |_| {}).unwrap()
}

/// Ways in which one row of one side goes wrong, and what of it is kept in the entry when legacy leads and when
/// the new side leads.
const DAMAGES: [(&str, Option<&str>, Option<&str>); 13] = [
    (
        "UPDATE agent_outputs SET content = 'tampered' WHERE legacy_id = 4",
        Some("tampered"),
        Some("\"v\\\":2"),
    ),
    ("UPDATE agent_outputs SET output_timestamp = 7 WHERE legacy_id = 4", Some("7"), Some("run_B")),
    (
        "UPDATE agent_outputs SET run_id = (SELECT id FROM consensus_runs WHERE stage = 'tasks') WHERE legacy_id = 4",
        Some("gemini"),
        Some("run_B"),
    ),
    ("DELETE FROM agent_outputs WHERE legacy_id = 4", None, None),
    (
        "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json) VALUES(99, 'S', 'plan', 'a', '')",
        None,
        None,
    ),
    ("UPDATE consensus_artifacts SET content_json = x'00ff' WHERE id = 5", Some("{}"), Some("00ff")),
    (
        "UPDATE consensus_artifacts SET stage = 'x', run_id = 'moved', created_at = 5 WHERE id = 5",
        Some("{}"),
        Some("moved"),
    ),
    ("DELETE FROM consensus_artifacts WHERE id = 13", Some("{}"), None),
    ("UPDATE run_syntheses SET output_markdown = 'tampered'", Some("tampered"), Some("# A")),
    ("DELETE FROM consensus_synthesis", Some("# A"), None),
    (
        "UPDATE run_attempts SET response_text = NULL, phase_type = 'y' WHERE agent_id = 'x-1'",
        Some("\"y\""),
        Some("raw"),
    ),
    ("DELETE FROM run_attempts WHERE agent_id = 'x-1'", None, None),
    ("DELETE FROM agent_executions WHERE agent_id = 'x-1'", Some("raw"), None),
];

#[test]
fn the_leading_side_is_what_both_hold_afterwards() {
    const LEGACY: [&str; 3] = [
        "SELECT * FROM consensus_artifacts ORDER BY id",
        "SELECT * FROM consensus_synthesis ORDER BY id",
        "SELECT * FROM agent_executions ORDER BY agent_id",
    ];
    const NEW: [&str; 3] = [
        "SELECT legacy_id, agent_name, content, response_text, output_timestamp, run_id FROM agent_outputs ORDER BY id",
        "SELECT legacy_id, output_markdown, run_id FROM run_syntheses ORDER BY id",
        "SELECT agent_id, phase_type, response_text FROM run_attempts ORDER BY id",
    ];
    const ORPHANS: &str = "SELECT count(*) FROM consensus_runs r WHERE origin = 'legacy' AND (
      NOT EXISTS (SELECT 1 FROM agent_outputs WHERE run_id = r.id
        UNION ALL SELECT 1 FROM run_syntheses WHERE run_id = r.id
        UNION ALL SELECT 1 FROM run_attempts WHERE run_id = r.id)
      OR (status <> 'unknown' AND NOT EXISTS (SELECT 1 FROM run_syntheses WHERE run_id = r.id)))";
    for phase in 1..=4 {
        let legacy_leads = phase <= 2;
        for (damage, legacy_kept, new_kept) in DAMAGES {
            let timed = in_phase(phase);
            let project = &timed.project;
            project.tamper(damage);
            let verified = project.verify();
            assert_eq!(verified.differences, 1, "phase {phase}: {damage}");
            let leading = if legacy_leads { LEGACY } else { NEW };
            let before: Vec<_> = leading.iter().map(|query| project.rows(query)).collect();

            let entries = "SELECT count(*) FROM migration_events WHERE kind = 'repair'";
            let planned = repair(project, true);
            assert_eq!((planned.dry_run, planned.found, planned.repaired, planned.left), (true, 1, 1, 0));
            assert_eq!(project.number(entries), 0);
            assert_eq!(project.verify().differences, 1, "a dry run writes nothing");

            timed.clock.advance(std::time::Duration::from_mins(1));
            let done = repair(project, false);
            assert_eq!((done.found, done.repaired, done.left), (1, 1, 0), "phase {phase}: {damage}");
            assert_eq!(done.rows, planned.rows);
            assert!(project.verify().equal);
            let after: Vec<_> = leading.iter().map(|query| project.rows(query)).collect();
            let adopted = !legacy_leads
                && (verified.missing_in_new == 1 || damage.contains("UPDATE agent_outputs SET run_id"));
            if !adopted {
                assert_eq!(after, before, "phase {phase}: {damage}: the leading side stays");
            }
            // One entry, with both keys and what is gone.
            assert_eq!(project.number(entries), 1);
            let kept = if legacy_leads { legacy_kept } else { new_kept };
            let entry = "SELECT ifnull(json_extract(detail, '$.before'), '') FROM migration_events WHERE kind = 'repair'";
            let entry = format!("{:?}", project.rows(entry));
            match kept {
                Some(kept) => assert!(
                    entry.replace("\\\\", "").replace('\\', "").contains(&kept.replace('\\', "")),
                    "phase {phase}: {damage}: {entry}"
                ),
                None => assert!(entry.contains("Text(\"\")"), "{entry}"),
            }
            let keys = "SELECT count(*) FROM migration_events WHERE kind = 'repair' AND (
              json_extract(detail, '$.legacy_id') IS NOT NULL OR json_extract(detail, '$.agent_id') IS NOT NULL)";
            assert_eq!(project.number(keys), 1);
            assert_eq!(timed.status().mismatches, 0);
            let soak = "SELECT soak_since = 1795000060000 FROM migration_state";
            assert_eq!(project.number(soak), 1, "the soak begins anew");
            if legacy_leads {
                assert_eq!(project.number(ORPHANS), 0, "{damage}: a run follows the rows that it has left");
            }
            project.assert_sound();
            assert_eq!(repair(project, false).found, 0, "there is nothing left to do");
            assert_eq!(project.number(entries), 1);
        }
    }
}

/// Executions that an older program has stored under these ids, as SQL writes them.
fn older_executions(project: &Project, ids: &[&str]) {
    for id in ids {
        project.old_program(&format!(
            "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
               VALUES({id}, 'S1', 'spec-plan', 'regular_stage', 'gemini', '2025-11-11 02:33:00')"
        ));
    }
}

#[test]
fn what_the_new_tables_cannot_hold_is_left_and_said() {
    let timed = in_phase(2);
    let project = &timed.project;
    older_executions(project, &["NULL", "x'782d31'"]);
    let report = repair(project, false);
    assert_eq!((report.found, report.repaired, report.left), (2, 0, 2));
    assert_eq!(project.number("SELECT count(*) FROM migration_pending"), 2);
    assert_eq!(project.number("SELECT count(*) FROM run_attempts"), 1);
    // Once an older program has given them a name, they are there, and nothing of them is open.
    conclave_db::foreign::run(
        project.db.path(),
        "UPDATE agent_executions SET agent_id = 'named-' || rowid WHERE typeof(agent_id) <> 'text'",
    )
    .unwrap();
    assert_eq!(repair(project, false).found, 0);
    assert_eq!(project.number("SELECT count(*) FROM migration_pending"), 0);
    assert!(project.verify().equal);
}

#[test]
fn a_pause_stops_a_repair() {
    let timed = in_phase(2);
    timed.project.tamper("UPDATE agent_outputs SET content = ''");
    timed.project.write("UPDATE migration_state SET paused_at = 1, paused_by = 'ben'");
    let options = RepairOptions { dry_run: false, actor: "ana".into() };
    let refused = migrate::repair(&timed.project.db, &options, &mut |_| {}).unwrap_err();
    assert!(refused.to_string().contains("ben"), "{refused}");
    assert_eq!(timed.project.number("SELECT count(*) FROM agent_outputs WHERE content <> ''"), 0);
    // One that comes in between two rows stops it there, and it goes on later.
    timed.project.write("UPDATE migration_state SET paused_at = NULL");
    let stopped = migrate::repair(&timed.project.db, &options, &mut |progress| {
        if progress.phase == "repair" && progress.done_rows == 3 {
            timed.project.write("UPDATE migration_state SET paused_at = 1, paused_by = 'ben'");
        }
    });
    stopped.unwrap_err();
    assert_eq!(timed.project.number("SELECT count(*) FROM migration_events WHERE kind = 'repair'"), 3);
    timed.project.write("UPDATE migration_state SET paused_at = NULL");
    assert!(repair(&timed.project, false).left == 0 && timed.project.verify().equal);
}

#[test]
fn a_row_that_the_new_tables_cannot_hold_is_named_with_its_reason_and_what_to_do() {
    let timed = in_phase(2);
    let project = &timed.project;
    older_executions(project, &["NULL"]);
    let found = project.verify();
    assert_eq!((found.differences, found.missing_in_new, found.refused), (1, 1, 1));
    assert_eq!(found.findings[0].rowid, Some(2));
    assert_eq!(found.findings[0].reason, Some("a column that must not be NULL is"));
    assert_eq!(found.advice().len(), 1, "{:?}", found.advice());
    assert!(found.advice()[0].contains("older program"));

    let planned = repair(project, true);
    assert_eq!((planned.repaired, planned.left, planned.refused), (0, 1, 1));
    let done = repair(project, false);
    assert_eq!((done.repaired, done.left, done.refused), (0, 1, 1));
    assert!(done.advice().unwrap().contains("older program"));
    assert!(project.backfill().advice().unwrap().contains("older program"));

    let status = timed.status();
    assert_eq!(status.next.missing[0], "1 legacy row that the new tables cannot hold");
    assert!(!status.next.missing.iter().any(|missing| missing.contains("difference")));
    assert_eq!((status.mismatches, status.refused), (1, 1));
    let doctor = migrate::checks(&project.db);
    assert!(
        doctor[0].detail.contains("cannot hold")
            && doctor[0].advice.as_ref().unwrap().contains("older program")
    );
    let options = migrate::AdvanceOptions { skip_soak: true, ..timed.options() };
    let refused = migrate::advance(&project.db, &options, &mut |_| {}).unwrap_err();
    assert!(refused.hint().unwrap().contains("older program"), "{refused}");
    let kinds = || {
        let waiting = migrate::attention(&project.db).unwrap();
        waiting.into_iter().map(|one| (one.kind, one.why)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(), [("differences", "1 legacy row that the new tables cannot hold".to_owned())]);

    conclave_db::foreign::run(project.db.path(), "DELETE FROM agent_executions WHERE agent_id IS NULL")
        .unwrap();
    assert!(project.verify().equal);
    project.backfill();
    assert!(kinds().is_empty());
    assert_eq!(timed.force(3).phase, 3);
}

#[test]
fn broken_triggers_and_all_that_an_older_program_does_wait_for_someone() {
    let timed = Timed::in_phase(4);
    let project = &timed.project;
    let kinds = || {
        let waiting = migrate::attention(&project.db).unwrap();
        waiting.into_iter().map(|one| one.kind).collect::<Vec<_>>()
    };
    assert!(kinds().is_empty());
    project.write("DROP TRIGGER capture_consensus_artifacts_update");
    assert_eq!(kinds(), ["capture-triggers"]);
    migrate::mend(&project.db, "ana").unwrap();
    // The trigger has the wall clock of the machine: the test's stands there too.
    timed.clock.set_wall_ms(conclave_retry::Clock::wall_ms(&conclave_retry::SystemClock));
    project.write(crate::phases::OLDER_WRITE);
    project.write("UPDATE capture_seen SET sqlite_version = '3.40.1'");
    assert_eq!(kinds(), ["older-program", "older-program"], "its SQLite, and that it writes at all");
    let named: Vec<_> =
        migrate::checks(&project.db).into_iter().filter(|c| c.name == "older-program").collect();
    assert_eq!(named.len(), 2);
}

/// A synthesis of an older program in a run that was made here: mirrored by the trigger or by whoever mends what
/// the trigger missed, the run is the same.
#[test]
fn a_run_has_the_same_claim_by_trigger_by_backfill_and_by_repair() {
    const INSERT: &str =
        "INSERT INTO consensus_synthesis(id, spec_id, stage, output_markdown, status, run_id, created_at)
      VALUES(50, 'S', 'spec-plan', '# B', 'conflict', 'R', '2025-11-11 02:33:25')";
    const UPDATE: &str = "UPDATE consensus_synthesis SET status = 'degraded' WHERE id = 50";
    const DELETE: &str = "DELETE FROM consensus_synthesis WHERE id = 50";
    let claims = |statements: &[&str], mend: Option<fn(&Project)>| {
        let timed = Timed::in_phase(2);
        let db = &timed.project.db;
        conclave_consensus::record::record_run(db, &crate::dual::run("R")).unwrap();
        for statement in statements {
            match mend {
                None => timed.project.old_program(statement),
                Some(mend) => {
                    timed.project.tamper(statement);
                    mend(&timed.project);
                }
            }
        }
        assert!(timed.project.verify().equal);
        timed.project.rows(
            "SELECT status, consensus_ok, degraded, synthesis_json FROM consensus_runs WHERE run_key = 'R'",
        )
    };
    let repaired: fn(&Project) = |project| assert_eq!(repair(project, false).left, 0);
    for statements in [&[INSERT][..], &[INSERT, UPDATE], &[INSERT, UPDATE, DELETE]] {
        let wanted = claims(statements, None);
        assert_eq!(claims(statements, Some(repaired)), wanted, "{statements:?}");
        // A backfill copies what is missing.
        if statements.len() == 1 {
            let copied: fn(&Project) = |project| drop(project.backfill());
            assert_eq!(claims(statements, Some(copied)), wanted, "{statements:?}");
        }
    }
}
