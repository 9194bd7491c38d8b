//! A legacy table that somebody drops before phase 5: it is noticed, no step builds on it, and it comes back with
//! its rows.

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::migrate::{self, AdvanceOptions, RepairOptions, RollbackOptions, advance, repair};
use conclave_consensus::record::{SynthesisRecord, record_run, record_spawn, record_synthesis};
use conclave_db::doctor::CheckState;

use crate::dual::{answer, run, spawn};
use crate::phases::{OLDER_WRITE, Timed};

/// What somebody does to the migration.
type Act = fn(&Timed);

const TABLES: [&str; 3] = ["consensus_artifacts", "consensus_synthesis", "agent_executions"];

/// In the phase, with rows in all tables.
fn filled(phase: u8) -> Timed {
    let timed = Timed::in_phase(2);
    let db = &timed.project.db;
    let id = record_run(db, &run("R")).unwrap();
    conclave_consensus::record::record_output(db, &answer(id, "a", b"{}")).unwrap();
    let synthesis =
        SynthesisRecord { output_markdown: "# S".into(), status: "ok".into(), ..SynthesisRecord::default() };
    record_synthesis(db, id, &synthesis).unwrap();
    record_spawn(db, &spawn(id, "a9")).unwrap();
    match phase {
        1 => drop(timed.back(Some(1)).unwrap()),
        _ => (3..=phase).for_each(|to| drop(timed.force(to))),
    }
    timed
}

fn lose(timed: &Timed, table: &str) {
    timed.project.old_program(&format!("DROP TABLE {table}"));
}

fn rows(timed: &Timed, table: &str) -> Vec<Vec<conclave_db::sql::Value>> {
    timed.project.rows(&format!("SELECT * FROM {table} ORDER BY rowid"))
}

#[test]
fn a_dropped_legacy_table_is_a_difference_of_each_row_that_it_held() {
    for phase in 1..=4 {
        for table in TABLES {
            let timed = filled(phase);
            let held = u64::try_from(rows(&timed, table).len()).unwrap();
            lose(&timed, table);
            let status = timed.status();
            assert!(status.capture_broken && !status.capture_triggers, "{table} in phase {phase}");
            let report = timed.project.verify();
            assert_eq!((report.differences, report.missing_in_new), (held, 0), "{table} in phase {phase}");
            let checks = migrate::checks(&timed.project.db);
            let check = checks.iter().find(|check| check.name == "capture-triggers").unwrap();
            assert_eq!(check.state, CheckState::Fail);
            let dry = RepairOptions { dry_run: true, ..RepairOptions::default() };
            let planned = repair(&timed.project.db, &dry, &mut |_| {}).unwrap();
            assert!(planned.rows.iter().all(|row| row.done == "copied to the legacy tables"));
        }
    }
}

#[test]
fn whoever_writes_the_migration_makes_a_dropped_table_again_with_its_rows() {
    let with: [(&str, Act); 5] = [
        ("doctor --fix", |timed| drop(migrate::mend(&timed.project.db, "ana").unwrap())),
        ("backfill", |timed| drop(timed.project.backfill())),
        ("repair", |timed| {
            let done = repair(&timed.project.db, &RepairOptions::default(), &mut |_| {}).unwrap();
            assert_eq!(done.left, 0);
        }),
        ("advance", |timed| {
            let options = AdvanceOptions { skip_soak: true, confirm: true, ..timed.options() };
            // The last step drops them all for good.
            if timed.phase() < 4 {
                advance(&timed.project.db, &options, &mut |_| {}).unwrap();
            } else {
                migrate::mend(&timed.project.db, "ana").unwrap();
            }
        }),
        ("rollback", |timed| {
            if timed.phase() > 1 {
                timed.back(None).unwrap();
            } else {
                migrate::mend(&timed.project.db, "ana").unwrap();
            }
        }),
    ];
    for (name, act) in with {
        for (phase, table) in (1..=4).flat_map(|phase| TABLES.map(|table| (phase, table))) {
            let timed = filled(phase);
            let (before, outputs) = (rows(&timed, table), rows(&timed, "agent_outputs"));
            lose(&timed, table);
            act(&timed);
            assert_eq!(rows(&timed, table), before, "{name}: {table} in phase {phase}");
            assert_eq!(rows(&timed, "agent_outputs"), outputs, "{name}: {table} in phase {phase}");
            assert!(timed.project.verify().equal && timed.status().capture_triggers, "{name}");
            // No id comes twice.
            timed.project.write(OLDER_WRITE);
            assert!(timed.project.verify().equal);
            assert_eq!(rows(&timed, "agent_outputs").len(), outputs.len() + 1);
            timed.project.assert_sound();
        }
    }
}

/// What an older program adds before the rows are back takes no id of theirs.
#[test]
fn a_table_that_is_made_again_counts_on() {
    let timed = filled(2);
    let before = rows(&timed, "agent_outputs");
    lose(&timed, "consensus_artifacts");
    let more = timed.project.legacy("more.db", OLDER_WRITE);
    let refused = || timed.project.try_import(&more).unwrap_err().to_string();
    assert!(refused().contains("consensus_artifacts is gone"), "{}", refused());
    // Paused, the table is there without its rows.
    migrate::pause(&timed.project.db, "bob").unwrap();
    assert_eq!(migrate::mend(&timed.project.db, "ana").unwrap_err().kind(), ConsensusErrorKind::Paused);
    assert!(refused().contains("waits for its rows"), "{}", refused());
    timed.project.write(OLDER_WRITE);
    migrate::resume(&timed.project.db, "ana").unwrap();
    migrate::mend(&timed.project.db, "ana").unwrap();
    assert_eq!(rows(&timed, "agent_outputs")[..before.len()], before);
    assert!(timed.project.verify().equal);
    assert_eq!(rows(&timed, "consensus_artifacts").len(), before.len() + 1);
    timed.project.import(&more);
    assert!(timed.project.verify().equal);
}

#[test]
fn an_own_write_says_what_makes_the_table_again() {
    for phase in 1..=3 {
        let timed = filled(phase);
        let id = record_run(&timed.project.db, &run("R")).unwrap();
        lose(&timed, "agent_executions");
        let error = record_spawn(&timed.project.db, &spawn(id, "b1")).unwrap_err();
        assert_eq!(error.kind(), ConsensusErrorKind::Refused, "{error}");
        assert_eq!(error.hint(), Some("`conclave doctor --fix` makes it again, with its rows"));
        migrate::mend(&timed.project.db, "ana").unwrap();
        record_spawn(&timed.project.db, &spawn(id, "b1")).unwrap();
        assert!(timed.project.verify().equal);
    }
}

#[test]
fn a_dry_run_names_the_dropped_table() {
    let timed = filled(3);
    lose(&timed, "consensus_synthesis");
    let dry = AdvanceOptions { dry_run: true, ..timed.options() };
    let steps = advance(&timed.project.db, &dry, &mut |_| {}).unwrap().steps;
    assert_eq!(steps[0], "make consensus_synthesis again, with its rows");
    let dry = RollbackOptions { dry_run: true, ..RollbackOptions::default() };
    let steps = migrate::rollback(&timed.project.db, &dry, &mut |_| {}).unwrap().steps;
    assert_eq!(steps[0], "make consensus_synthesis again, with its rows");
}
