//! Random statements of an older program, writes of ours that its triggers do not see, and every step that makes
//! both sides equal again: at any time they hold the same, or the comparison says exactly that they do not.

use conclave_consensus::migrate::{self, BackfillOptions, RepairOptions, backfill};
use conclave_db::foreign;
use proptest::prelude::*;

use crate::project::{LEGACY_DDL, Project};

/// One step of the story.
#[derive(Debug, Clone)]
enum Step {
    /// An older program's statement.
    Older(String),
    /// A statement that no trigger sees: damage.
    Unseen(String),
    Backfill {
        limit: Option<u64>,
    },
    /// Compares, with an older program's statement after the first chunk.
    Verify(String),
    Repair,
}

fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "'plan'",
        "'spec-plan'",
        "'review'",
        "''",
        "NULL",
        "'run_1'",
        "'@odd'",
        "1762828295",
        "'garbage'",
        "2.5",
        "x'00ff'",
        "'2025-11-11 02:33:20'",
        "'{\"model\":\"m\"}'",
        "CAST(x'ff' AS TEXT)",
    ])
}

/// Text for a column that must not be NULL.
fn text() -> impl Strategy<Value = &'static str> {
    value().prop_map(|value| if value == "NULL" { "'null'" } else { value })
}

fn statement() -> impl Strategy<Value = String> {
    let id = 1..12;
    let verb = prop::sample::select(vec!["INSERT OR REPLACE", "INSERT OR IGNORE"]);
    let tables = prop::sample::select(vec!["consensus_artifacts", "consensus_synthesis"]);
    prop_oneof![
        4 => (verb.clone(), id.clone(), text(), text(), value(), value()).prop_map(|(verb, id, stage, content, run, at)| format!(
            "{verb} INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json, run_id, created_at)
             VALUES({id}, 'S', {stage}, 'a', {content}, {run}, {at})")),
        2 => (verb.clone(), id.clone(), text(), text(), value(), value()).prop_map(|(verb, id, stage, status, run, at)| format!(
            "{verb} INTO consensus_synthesis(id, spec_id, stage, output_markdown, status, run_id, created_at)
             VALUES({id}, 'S', {stage}, '#', {status}, {run}, {at})")),
        3 => (verb, value(), text(), value(), text(), value()).prop_map(|(verb, id, stage, run, at, end)| format!(
            "{verb} INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at, completed_at)
             VALUES({id}, 'S', {stage}, 'p', 'a', {run}, {at}, {end})")),
        3 => (tables.clone(), id.clone(), prop::sample::select(vec!["run_id", "created_at"]), value())
            .prop_map(|(table, id, column, value)| format!("UPDATE {table} SET {column} = {value} WHERE id = {id}")),
        2 => (id.clone(), id.clone()).prop_map(|(id, other)| format!(
            "UPDATE OR REPLACE consensus_artifacts SET id = {other} WHERE id = {id}")),
        1 => (value(), value()).prop_map(|(id, other)| format!(
            "UPDATE OR IGNORE agent_executions SET agent_id = {other}, completed_at = 'x' WHERE agent_id IS {id}")),
        2 => (tables, id).prop_map(|(table, id)| format!("DELETE FROM {table} WHERE id = {id}")),
        1 => value().prop_map(|id| format!("DELETE FROM agent_executions WHERE agent_id IS {id}")),
    ]
}

fn damage() -> impl Strategy<Value = String> {
    prop_oneof![
        statement(),
        (1..12).prop_map(|id| format!(
            "UPDATE agent_outputs SET content = content || '+' WHERE legacy_id = {id}"
        )),
        (1..12)
            .prop_map(|id| format!("UPDATE agent_outputs SET output_timestamp = 77 WHERE legacy_id = {id}")),
        (1..12).prop_map(|id| format!("DELETE FROM agent_outputs WHERE legacy_id = {id}")),
        (1..12).prop_map(|id| format!("DELETE FROM run_syntheses WHERE legacy_id = {id}")),
        Just("UPDATE run_attempts SET response_text = 'tampered'".to_owned()),
        Just("DELETE FROM run_attempts".to_owned()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => statement().prop_map(Step::Older),
        3 => damage().prop_map(Step::Unseen),
        2 => prop::option::of(1_u64..4).prop_map(|limit| Step::Backfill { limit }),
        2 => statement().prop_map(Step::Verify),
        2 => Just(Step::Repair),
    ]
}

/// The differences, found by another way than the comparison: all rows of both sides, in Rust's own canonical
/// forms, as far as these show.
fn really_differ(project: &Project) -> i64 {
    // Rows without their counterpart, either way, and contents that are not the same.
    project.number(
        "SELECT (SELECT count(*) FROM consensus_artifacts l WHERE NOT EXISTS (SELECT 1 FROM agent_outputs o
             WHERE o.legacy_id = l.id AND o.content IS CAST(l.content_json AS TEXT)
               AND o.agent_name IS CAST(l.agent_name AS TEXT) AND o.legacy_created_at IS l.created_at
               AND o.output_timestamp IS NOT 77))
           + (SELECT count(*) FROM agent_outputs o WHERE o.legacy_id IS NOT NULL
               AND o.legacy_id NOT IN (SELECT id FROM consensus_artifacts))
           + (SELECT count(*) FROM consensus_synthesis l WHERE NOT EXISTS (SELECT 1 FROM run_syntheses o
               WHERE o.legacy_id = l.id AND o.status IS CAST(l.status AS TEXT)
                 AND o.legacy_created_at IS l.created_at))
           + (SELECT count(*) FROM run_syntheses o WHERE o.legacy_id IS NOT NULL
               AND o.legacy_id NOT IN (SELECT id FROM consensus_synthesis))
           + (SELECT count(*) FROM agent_executions l WHERE NOT EXISTS (SELECT 1 FROM run_attempts o
               WHERE o.agent_id = l.agent_id AND o.mirrored = 1
                 AND o.response_text IS CAST(l.response_text AS TEXT)
                 AND o.legacy_spawned_at IS l.spawned_at AND o.legacy_completed_at IS l.completed_at))
           + (SELECT count(*) FROM run_attempts o WHERE o.mirrored = 1
               AND o.agent_id NOT IN (SELECT agent_id FROM agent_executions WHERE agent_id IS NOT NULL))",
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_are_equal_or_the_difference_is_reported(
        before in prop::collection::vec(statement(), 0..10),
        steps in prop::collection::vec(step(), 1..30),
        phase in 1..=2_u8,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        foreign::create(&path, &format!("{LEGACY_DDL}{}", before.join(";"))).unwrap();
        let project = Project::over(dir, &path);
        if phase == 2 {
            project.write("UPDATE migration_state SET phase = 2");
        }
        for step in steps {
            match &step {
                Step::Older(sql) => foreign::run(&path, sql).unwrap(),
                Step::Unseen(sql) => {
                    // Damage that a constraint keeps out did not happen.
                    let sql = format!("INSERT INTO capture_off VALUES(1, 1); {sql}; DELETE FROM capture_off");
                    let _ = project.db.write("damage", move |tx| tx.execute_batch(&sql));
                }
                Step::Backfill { limit } => {
                    let options = BackfillOptions { limit: *limit, chunk_rows: 2, ..Default::default() };
                    backfill(&project.db, &options, &mut |_| {}).unwrap();
                }
                Step::Verify(sql) => {
                    let mut chunks = 0;
                    let report = migrate::verify(&project.db, "ana", &mut |_| {
                        chunks += 1;
                        if chunks == 1 {
                            foreign::run(&path, sql).unwrap();
                        }
                    })
                    .unwrap();
                    prop_assert_eq!(&report.findings, &project.verify().findings, "a quiet one says the same");
                }
                Step::Repair => {
                    let options = RepairOptions { dry_run: false, actor: "ana".into() };
                    let report = migrate::repair(&project.db, &options, &mut |_| {}).unwrap();
                    let refused = project.number(
                        "SELECT count(*) FROM agent_executions WHERE agent_id IS NULL OR typeof(agent_id) = 'blob'");
                    prop_assert_eq!(report.left, u64::try_from(refused).unwrap());
                }
            }
            let report = project.verify();
            prop_assert!(really_differ(&project) == 0 || !report.equal, "{:?}: unseen", step);
        }
        project.assert_sound();
        let options = RepairOptions { dry_run: false, actor: "ana".into() };
        let report = migrate::repair(&project.db, &options, &mut |_| {}).unwrap();
        let refused = "SELECT count(*) FROM agent_executions WHERE agent_id IS NULL OR typeof(agent_id) = 'blob'";
        prop_assert_eq!(report.left, u64::try_from(project.number(refused)).unwrap());
        prop_assert_eq!(really_differ(&project), project.number(refused));
        // The backfill has nothing left to do, and says so.
        let report = project.backfill();
        prop_assert_eq!((report.copied, report.updated), (0, 0));
    }
}
