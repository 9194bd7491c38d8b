//! Going back, also where the new tables are lost, and pausing.

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::migrate::{self, BackfillOptions, backfill};

use crate::phases::{OLDER_WRITE, Timed};
use crate::project::Project;

/// Facts 9.25: one command, and everything that the legacy side has is there.
#[test]
fn scenario_25_new_tables_that_are_lost_do_not_keep_anyone_in_phase_3() {
    for lost in [
        &["agent_outputs"][..],
        &["run_syntheses"],
        &["consensus_runs"],
        &["consensus_runs", "agent_outputs", "run_syntheses", "run_attempts"],
    ] {
        let timed = Timed::in_phase(3);
        let legacy = timed.project.rows("SELECT * FROM consensus_artifacts ORDER BY id");
        let outputs =
            "SELECT legacy_id, agent_name, content, output_timestamp FROM agent_outputs ORDER BY legacy_id";
        let before = timed.project.rows(outputs);
        timed.project.write("INSERT INTO run_verdicts VALUES(1, 'ok', '{}', 1)");
        for table in lost {
            let drop = format!("DROP TABLE {table}");
            conclave_db::foreign::run(timed.project.db.path(), &drop).unwrap();
        }
        assert_eq!(timed.back(Some(2)).unwrap().phase, 2);
        // A verdict does not outlive the answers that it is of.
        let kept = i64::from(lost == ["run_syntheses"]);
        assert_eq!(timed.project.number("SELECT count(*) FROM run_verdicts"), kept, "{lost:?}");
        let recorded =
            "SELECT json_array_length(detail, '$.\"made anew\"') FROM migration_events WHERE kind = 'tables'";
        assert_eq!(usize::try_from(timed.project.number(recorded)), Ok(lost.len()));
        assert_eq!(timed.project.rows("SELECT * FROM consensus_artifacts ORDER BY id"), legacy);
        timed.project.write(OLDER_WRITE);
        timed.project.backfill();
        assert!(timed.project.verify().equal, "{lost:?}");
        let mut after = timed.project.rows(outputs);
        after.pop();
        assert_eq!(after, before, "{lost:?}");
        timed.project.assert_sound();
        let triggers = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'mirrored_%'";
        assert_eq!(timed.project.number(triggers), 3, "{lost:?}");
        let triggers =
            "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'verdict_outdated_%'";
        assert_eq!(timed.project.number(triggers), 3, "{lost:?}");
        assert_eq!(timed.force(3).phase, 3);
    }
}

/// The same with a table whose pages are no pages any more.
#[test]
fn scenario_25_a_damaged_new_table_does_not_keep_anyone_in_phase_3() {
    let timed = Timed::in_phase(3);
    let page = timed.project.number("SELECT rootpage FROM sqlite_schema WHERE name = 'agent_outputs'");
    let size = timed.project.number("SELECT page_size FROM pragma_page_size");
    let Timed { project, .. } = timed;
    let path = project.db.path().to_path_buf();
    let Project { dir, db } = project;
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    let begin = usize::try_from((page - 1) * size).unwrap();
    bytes[begin..begin + 64].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let project = Project::over(dir, &path);
    let legacy = project.number("SELECT count(*) FROM consensus_artifacts");
    migrate::rollback(
        &project.db,
        &migrate::RollbackOptions { to: Some(2), ..Default::default() },
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(project.number("SELECT phase FROM migration_state"), 2);
    assert_eq!((legacy, project.number("SELECT count(*) FROM consensus_artifacts")), (14, 14));
}

/// What only the new tables have does not go with a table that somebody has dropped.
#[test]
fn rows_that_only_the_new_tables_have_outlive_a_way_back_without_their_runs() {
    for (phase, lost) in [(4, "consensus_runs"), (4, "agent_outputs"), (3, "consensus_runs")] {
        let timed = Timed::in_phase(4);
        let more = timed.project.legacy("more.db", OLDER_WRITE);
        timed.project.import(&more);
        // Between the step back and the copy of its rows a step of the phase leaves them.
        timed.project.set_phase(phase);
        timed.project.old_program(&format!("PRAGMA foreign_keys = 0; DROP TABLE {lost}"));
        let left = |timed: &Timed| {
            let table = if lost == "consensus_runs" { "agent_outputs" } else { "consensus_runs" };
            timed.project.rows(&format!("SELECT * FROM {table} ORDER BY id"))
        };
        let before = left(&timed);
        let options =
            migrate::RollbackOptions { to: Some(2), dry_run: true, ..migrate::RollbackOptions::default() };
        let plan = migrate::rollback(&timed.project.db, &options, &mut |_| {}).unwrap();
        assert!(!plan.allowed && plan.missing[0].contains(lost), "{plan:?}");
        let options = migrate::RollbackOptions { dry_run: false, ..options };
        let error = migrate::rollback(&timed.project.db, &options, &mut |_| {}).unwrap_err();
        assert_eq!(error.kind(), ConsensusErrorKind::Refused);
        assert!(error.to_string().contains(lost), "{error}");
        assert_eq!(error.hint(), Some("`conclave db restore` brings back a backup that has them"));
        assert_eq!((timed.phase(), left(&timed)), (phase, before));
    }
}

#[test]
fn several_steps_back_at_once_and_forward_again() {
    let timed = Timed::in_phase(4);
    let before = (
        timed.project.rows("SELECT * FROM consensus_artifacts ORDER BY id"),
        timed.project.rows("SELECT * FROM agent_outputs ORDER BY id"),
    );
    assert_eq!(timed.back(Some(1)).unwrap().phase, 1);
    for phase in 2..=4 {
        timed.force(phase);
    }
    let after = (
        timed.project.rows("SELECT * FROM consensus_artifacts ORDER BY id"),
        timed.project.rows("SELECT * FROM agent_outputs ORDER BY id"),
    );
    assert_eq!(after, before);
    assert_eq!(timed.back(None).unwrap().phase, 3, "one step where none is named");
}

/// `pause` of another process takes effect at the next chunk, and the backfill goes on exactly.
#[test]
fn a_paused_backfill_says_who_and_when_and_goes_on_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    let project = Project::over(dir, &path);
    let options = BackfillOptions { chunk_rows: 1, ..BackfillOptions::default() };
    let error = backfill(&project.db, &options, &mut |at| {
        if at.done_rows == 5 {
            let (paused, first) = migrate::pause(&project.db, "bob").unwrap();
            assert_eq!((paused.by.as_str(), first), ("bob", true));
            assert_eq!(migrate::pause(&project.db, "eve").unwrap(), (paused, false), "the first one stays");
        }
    })
    .unwrap_err();
    assert_eq!(error.kind(), ConsensusErrorKind::Paused);
    assert!(error.to_string().starts_with("paused by bob at 20"), "{error}");
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 5);
    let again = backfill(&project.db, &options, &mut |_| {}).unwrap_err();
    assert_eq!(again.kind(), ConsensusErrorKind::Paused, "also before the first chunk");
    assert_eq!(migrate::status(&project.db).unwrap().paused.unwrap().by, "bob");
    assert!(migrate::resume(&project.db, "ana").unwrap());
    assert!(!migrate::resume(&project.db, "ana").unwrap());
    let report = backfill(&project.db, &options, &mut |_| {}).unwrap();
    assert_eq!((report.copied, report.complete), (9, true));
    let events = "SELECT count(*) FROM migration_events WHERE kind IN ('pause', 'resume')";
    assert_eq!(project.number(events), 2);
}

#[test]
fn who_compared_and_who_went_back_is_recorded_with_the_numbers() {
    let timed = Timed::in_phase(4);
    timed.project.verify();
    let verified = "SELECT json_extract(detail, '$.checked') FROM migration_events
      WHERE kind = 'verify' AND actor = 'ana'";
    assert_eq!(timed.project.number(verified), 14);
    timed.project.write(
        "INSERT INTO agent_outputs(run_id, agent_name, content, sequence, output_timestamp)
         SELECT id, 'own', '{}', 1, 5 FROM consensus_runs WHERE run_key = 'run_A' LIMIT 1",
    );
    let plan = migrate::RollbackOptions { dry_run: true, ..Default::default() };
    let plan = migrate::rollback(&timed.project.db, &plan, &mut |_| {}).unwrap();
    assert!(plan.rows == 1 && plan.disk_bytes > 0, "{plan:?}");
    timed.back(None).unwrap();
    let moved = |field: &str| {
        timed.project.number(&format!(
            "SELECT json_extract(detail, '$.{field}') FROM migration_events WHERE kind = 'phase' ORDER BY id DESC LIMIT 1"
        ))
    };
    assert_eq!((moved("from"), moved("to"), moved("copy_back.copied")), (4, 3, 1));
    timed.back(None).unwrap();
    assert_eq!((moved("from"), moved("to"), moved("differences")), (3, 2, 0));
}
