//! The tables of this crate, and the legacy tables as the original creates them.

use conclave_db::{DbError, ErrorKind, FIRST_VERSION, Migration, ReadConn, Step, WriteTx};

use super::{capture, control};
use crate::error::{ConsensusError, Result};

/// The tables of the original's old schema. An unmarked file that holds only these is taken over.
pub const LEGACY_TABLES: &[&str] = &["consensus_artifacts", "consensus_synthesis", "agent_executions"];

const SQL: &str = include_str!("schema.sql");

/// The new tables, and of them the one that the others hang on first.
const NEW_TABLES: [&str; 4] = ["consensus_runs", "agent_outputs", "run_syntheses", "run_attempts"];

/// The steps of this crate's schema.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: FIRST_VERSION,
        name: "consensus runs",
        up: Step::SqlThen {
            sql: SQL,
            // The triggers' text is no part of the step: a program that knows a better one makes them anew.
            revision: "capture of legacy tables that are there",
            run: watch_legacy_tables,
        },
        down: None,
        rewrites: false,
    },
    Migration {
        version: FIRST_VERSION + 1,
        name: "workflow",
        up: Step::Sql(super::workflow::SQL),
        down: None,
        rewrites: false,
    },
];

/// From the moment in which the new tables are there, nothing that an older program writes escapes them.
fn watch_legacy_tables(tx: &WriteTx<'_>) -> Result<(), DbError> {
    let install = || {
        if control::legacy_tables(tx)?.is_empty() {
            return Ok(());
        }
        capture::install(tx)
    };
    install().map_err(|error: ConsensusError| match error {
        ConsensusError::Storage(error) => error,
        // The whole step is undone.
        other => {
            let file = "SELECT file FROM pragma_database_list WHERE name = 'main'";
            let path = tx.query_row(file, [], |row| row.get::<_, String>(0)).unwrap_or_default();
            DbError::File { kind: ErrorKind::Foreign, path: path.into(), what: other.to_string() }
        }
    })
}

/// Which of the new tables somebody has dropped.
pub(crate) fn missing_tables(conn: &ReadConn<'_>) -> Result<Vec<&'static str>> {
    let query = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1)";
    let mut missing = Vec::new();
    for table in NEW_TABLES {
        if !conn.query_row(query, [table], |row| row.get::<_, bool>(0))? {
            missing.push(table);
        }
    }
    Ok(missing)
}

/// How many rows of the new tables that are left would go where these are made anew, and no legacy row has them:
/// without the runs nothing says what they belong to.
pub(crate) fn lost_with(conn: &ReadConn<'_>, missing: &[&'static str]) -> Result<u64> {
    let mut lost = 0;
    if !missing.contains(&"consensus_runs") {
        return Ok(lost);
    }
    for (table, unmirrored) in [
        ("agent_outputs", "legacy_id IS NULL"),
        ("run_syntheses", "legacy_id IS NULL"),
        ("run_attempts", "mirrored = 0"),
        ("run_settings", "1"),
        ("run_roster", "1"),
        ("gate_issues", "1"),
    ] {
        if !missing.contains(&table) {
            let query = format!("SELECT count(*) FROM {table} WHERE {unmirrored}");
            lost += conn.query_row(&query, [], |row| row.get::<_, u64>(0))?;
        }
    }
    Ok(lost)
}

/// Makes new tables that are gone again, empty, and lets the backfill begin anew. Without the runs nothing says
/// what the rows of the others belong to: those go too, and the legacy side has what is mirrored of them.
pub(crate) fn make_anew(tx: &WriteTx<'_>, missing: &[&'static str]) -> Result<()> {
    for table in NEW_TABLES {
        if missing.contains(&table) {
            tx.execute_batch(&statements_for(table))?;
        } else if missing.contains(&"consensus_runs") {
            tx.execute_batch(&format!("DELETE FROM {table}"))?;
        }
    }
    if missing.contains(&"consensus_runs") {
        // Numbers of runs begin anew: what hangs on the old ones would hang on others.
        for table in ["run_settings", "run_roster", "attempt_details", "gate_issues"] {
            tx.execute_batch(&format!("DELETE FROM {table}"))?;
        }
    }
    if missing.iter().any(|table| matches!(*table, "consensus_runs" | "agent_outputs")) {
        // A verdict on outputs that are gone is none.
        tx.execute_batch("DELETE FROM run_verdicts")?;
    }
    tx.execute_batch(
        "UPDATE migration_state SET artifact_cursor = NULL, execution_cursor = NULL, synthesis_cursor = NULL",
    )?;
    Ok(())
}

/// The statements of all steps that make this table, its indexes and its triggers. Each begins on a line of its own.
fn statements_for(table: &str) -> String {
    let begins = [
        format!("CREATE TABLE {table}("),
        String::from("CREATE INDEX "),
        String::from("CREATE UNIQUE INDEX "),
    ];
    let (on, of) = (format!(" ON {table}("), format!(" ON {table}\n"));
    [SQL, super::workflow::SQL]
        .into_iter()
        .flat_map(|step| step.split_inclusive(";\n"))
        .filter_map(|statement| {
            let begin = statement.find("CREATE ").filter(|at| {
                statement[..*at].lines().all(|line| line.is_empty() || line.starts_with("--"))
            })?;
            let statement = &statement[begin..];
            let ours = statement.starts_with(&begins[0])
                || (begins[1..].iter().any(|begin| statement.starts_with(begin)) && statement.contains(&on))
                || (statement.starts_with("CREATE TRIGGER ") && statement.contains(&of));
            ours.then_some(statement)
        })
        .collect()
}
