//! What a plain client may do to the tables that govern the migration, and how `doctor --fix` gets out of it.

use conclave_consensus::migrate::{self, RepairOptions, status};
use conclave_db::doctor::CheckState;

use crate::phases::{OLDER_WRITE, Timed};
use crate::project::{LEGACY_DDL, Project};

const OLD: &str =
    "SELECT count(*) FROM agent_outputs o JOIN consensus_runs r ON r.id = o.run_id WHERE r.spec_id = 'OLD'";
/// A client without foreign keys, which may commit it.
const MARKER: &str = "PRAGMA foreign_keys = OFF; INSERT INTO capture_off VALUES(1, 7);";

#[test]
fn a_marker_that_was_left_behind_does_not_silence_the_triggers_for_good() {
    for how in ["doctor", "backfill", "repair", "advance", "import"] {
        let timed = Timed::in_phase(2);
        let project = &timed.project;
        project.old_program(&format!("{MARKER}{OLDER_WRITE}"));
        assert_eq!(project.number(OLD), 0, "the triggers are silent");
        assert!(timed.status().capture_broken, "and it is said");
        let checks = migrate::checks(&project.db);
        assert!(
            checks.iter().any(|check| check.name == "capture-triggers" && check.state == CheckState::Fail)
        );
        match how {
            "doctor" => assert_eq!(migrate::mend(&project.db, "ana").unwrap().len(), 1),
            "backfill" => assert_eq!(project.backfill().copied, 1),
            "repair" => {
                let options = RepairOptions { dry_run: false, actor: "ana".into() };
                assert_eq!(migrate::repair(&project.db, &options, &mut |_| {}).unwrap().repaired, 1);
            }
            "import" => drop(project.import(&project.legacy("more.db", OLDER_WRITE))),
            _ => drop(timed.back(Some(1)).unwrap()),
        }
        assert_eq!(project.number("SELECT count(*) FROM capture_off"), 0, "{how}");
        let copied = ["backfill", "import"].contains(&how);
        assert_eq!(project.number("SELECT mapped FROM migration_state") == 1, copied, "{how}");
        project.backfill();
        project.old_program(OLDER_WRITE);
        assert!(project.verify().equal, "{how}");
        project.assert_sound();
    }
}

/// A write of ours while the marker is there goes well, and takes it away.
#[test]
fn a_write_of_both_sides_takes_a_marker_away() {
    let timed = Timed::in_phase(2);
    timed.project.old_program(&format!("{MARKER}{OLDER_WRITE}"));
    let run = conclave_consensus::record::RunRecord {
        run_id: "N".into(),
        spec: "S".into(),
        stage: "plan".into(),
        at: Some(1_762_828_500_000),
        ..Default::default()
    };
    let run = conclave_consensus::record::record_run(&timed.project.db, &run).unwrap();
    let output = conclave_consensus::record::OutputRecord {
        run,
        agent: "a".into(),
        attempt: 1,
        content: b"{}".to_vec(),
        response: None,
        at: Some(1_762_828_500_000),
        write_key: None,
    };
    conclave_consensus::record::record_output(&timed.project.db, &output).unwrap();
    assert_eq!(
        timed.project.number("SELECT (SELECT count(*) FROM capture_off) + mapped FROM migration_state"),
        0
    );
}

#[test]
fn damaged_counts_do_not_stop_anything() {
    for damage in ["DELETE FROM capture_seen", "UPDATE capture_seen SET writes = -1, late_writes = -5"] {
        let timed = Timed::in_phase(2);
        let project = &timed.project;
        project.old_program(damage);
        project.old_program(OLDER_WRITE);
        status(&project.db).unwrap();
        timed.force(3);
        timed.force(4);
        timed.back(Some(3)).unwrap();
        let done = migrate::mend(&project.db, "ana").unwrap();
        assert_eq!(done.len(), usize::from(damage.starts_with("DELETE")), "{done:?}");
        assert_eq!(project.number("SELECT count(*) FROM capture_seen"), 1);
    }
}

#[test]
fn a_missing_control_row_is_made_again_in_the_phase_of_the_last_step() {
    for phase in 1..=5 {
        let timed = Timed::in_phase(phase);
        let project = &timed.project;
        project.old_program("DELETE FROM migration_state");
        let late = phase < 5;
        if late {
            project.old_program(OLDER_WRITE);
        }
        let error = status(&project.db).unwrap_err();
        assert_eq!(error.hint(), Some("`conclave doctor --fix` makes it again"), "{error}");
        let checks = migrate::checks(&project.db);
        assert_eq!(checks.len(), 1);
        let done = migrate::mend(&project.db, "ana").unwrap();
        assert_eq!(done, [format!("made the migration's control row again, in phase {phase}")]);
        assert_eq!(timed.phase(), phase);
        project.backfill();
        assert_eq!(project.number(OLD), i64::from(late));
        let verified = project.verify();
        assert!(verified.equal, "{:?}", verified.findings);
    }
    // Without any step.
    for (tables, phase) in [(LEGACY_DDL, 1), ("", 5)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        conclave_db::foreign::create(&path, tables).unwrap();
        let project = Project::over(dir, &path);
        project.old_program("DELETE FROM migration_state");
        migrate::mend(&project.db, "ana").unwrap();
        assert_eq!(project.number("SELECT phase FROM migration_state"), phase);
    }
}
