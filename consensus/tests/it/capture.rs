//! The capture triggers under random statements of an older program: it never fails where it would not have
//! failed without them, its own rows are what they would have been, and the new side is a function of them.

mod model;
mod python;
mod statements;

use conclave_db::foreign::{self, Client};
use conclave_db::{Db, DbError};
use conclave_testkit::{Random, skipped};

use self::python::Python;
use crate::project::{LEGACY_DDL, Project};

const LEGACY_ROWS: [&str; 3] = [
    "SELECT id, CAST(spec_id AS BLOB), CAST(stage AS BLOB), CAST(agent_name AS BLOB), CAST(content_json AS BLOB),
       CAST(response_text AS BLOB), CAST(run_id AS BLOB), typeof(created_at), CAST(created_at AS BLOB)
     FROM consensus_artifacts ORDER BY id",
    "SELECT id, CAST(spec_id AS BLOB), CAST(status AS BLOB), CAST(output_markdown AS BLOB),
       CAST(artifacts_count AS BLOB), CAST(degraded AS BLOB), CAST(run_id AS BLOB), CAST(created_at AS BLOB)
     FROM consensus_synthesis ORDER BY id",
    "SELECT rowid, CAST(agent_id AS BLOB), CAST(spec_id AS BLOB), CAST(run_id AS BLOB), CAST(spawned_at AS BLOB),
       CAST(completed_at AS BLOB), CAST(response_text AS BLOB) FROM agent_executions ORDER BY rowid",
];

/// A state in phase 1 with capture triggers, and a legacy file without them.
fn pair() -> (Project, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state.db");
    foreign::create(&state, LEGACY_DDL).unwrap();
    let twin = dir.path().join("twin.db");
    foreign::create(&twin, &format!("PRAGMA synchronous = OFF; {LEGACY_DDL}")).unwrap();
    (Project::over(dir, &state), twin)
}

fn compare(db: &Db, last: &str) {
    db.read(|conn| {
        let (wanted, found) = (model::wanted(conn).with_claims_as_stored(), model::found(conn));
        found.assert_is(&wanted, last);
        model::assert_no_traces(conn)?;
        Ok::<_, DbError>(())
    })
    .unwrap();
}

fn statements_wanted(default: usize) -> usize {
    std::env::var("CONCLAVE_STATEMENTS").ok().map_or(default, |text| text.parse().unwrap())
}

/// Runs a statement; gives its error's text and whether a transaction is open now.
type Run<'program> = Box<dyn FnMut(&str) -> (Option<String>, bool) + 'program>;

/// Gives both files the same random statements and compares after each.
fn compare_under(project: &Project, twin: &Client, seed: u64, statements: usize, mut runs: [Run<'_>; 2]) {
    let own = Client::open(project.db.path()).unwrap();
    let mut random = Random::from_env(seed);
    let mut in_transaction = false;
    for number in 0..statements {
        let statement = statements::next(&mut random, in_transaction);
        let [watched, alone] = [runs[0](&statement), runs[1](&statement)];
        assert_eq!(watched, alone, "statement {number}: {statement}");
        in_transaction = watched.1;
        if !in_transaction {
            for query in LEGACY_ROWS {
                assert_eq!(own.rows(query).unwrap(), twin.rows(query).unwrap(), "{statement}");
            }
            compare(&project.db, &statement);
        }
    }
    if in_transaction {
        runs[0]("ROLLBACK");
    }
    project.assert_sound();
}

#[test]
fn random_statements_of_an_older_program_are_mirrored() {
    let (project, twin) = pair();
    let twin = Client::open(&twin).unwrap();
    let old = Client::open(project.db.path()).unwrap();
    let run = |client: &Client, statement: &str| {
        let error = client.run(statement).err().map(|error| error.to_string());
        (error, client.in_transaction())
    };
    let runs: [Run<'_>; 2] =
        [Box::new(|statement| run(&old, statement)), Box::new(|statement| run(&twin, statement))];
    for client in [&old, &twin] {
        client.run("PRAGMA synchronous = OFF").unwrap();
    }
    compare_under(&project, &twin, 4, statements_wanted(2500), runs);
}

/// The same on the system's SQLite, which is older than ours where this runs.
#[test]
fn random_statements_of_the_systems_sqlite_are_mirrored() {
    let (project, twin) = pair();
    let programs = [project.db.path(), twin.as_path()].map(Python::open);
    let [Some(mut old), Some(mut alone)] = programs else {
        return skipped("python3 is not installed");
    };
    println!("SQLite {}", old.version);
    let runs: [Run<'_>; 2] =
        [Box::new(|statement| old.run(statement)), Box::new(|statement| alone.run(statement))];
    let mut runs = runs;
    for run in &mut runs {
        run("PRAGMA synchronous = OFF");
    }
    compare_under(&project, &Client::open(&twin).unwrap(), 7, statements_wanted(1500), runs);
}

/// What an older program changes is changed in place: what only the new side knows of the row stays.
#[test]
fn what_only_the_new_side_knows_outlives_an_older_update() {
    let project = Project::in_phase(3);
    project.old_program(
        "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json)
           VALUES(900, 'S', 'plan', 'a', '{}');
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
           VALUES('e-1', 'S', 'plan', 'p', 'a', '2025-11-11 02:33:00')",
    );
    let output = project.number("SELECT id FROM agent_outputs WHERE legacy_id = 900");
    project.write("UPDATE run_attempts SET state = 'lost', exit_code = 9 WHERE agent_id = 'e-1'");
    project.old_program(
        "UPDATE consensus_artifacts SET id = 901 WHERE id = 900;
         UPDATE agent_executions SET agent_id = 'e-2', phase_type = 'q'",
    );
    assert_eq!(project.number("SELECT id FROM agent_outputs WHERE legacy_id = 901"), output);
    let known = "SELECT count(*) FROM run_attempts
      WHERE (agent_id, phase_type, state, exit_code) = ('e-2', 'q', 'lost', 9)";
    assert_eq!(project.number(known), 1);
    assert_eq!(project.number("SELECT late_writes FROM capture_seen"), 0, "it may still write in phase 3");
}
