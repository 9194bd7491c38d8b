//! What a file holds, and its rows in one shape: temporary views that hide which columns an old file has, in
//! which order, and whether its rows lie in the old or in the later tables of the original.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::schema::LEGACY_TABLES;
use crate::error::{ConsensusError, Result};

/// The columns of the legacy tables, those first that a file must have.
const ARTIFACT: (&[&str], &[&str]) =
    (&["id", "spec_id", "stage", "agent_name", "content_json"], &["response_text", "run_id", "created_at"]);
const SYNTHESIS: (&[&str], &[&str]) = (
    &["id", "spec_id", "stage", "output_markdown", "status"],
    &["output_path", "artifacts_count", "agreements", "conflicts", "degraded", "run_id", "created_at"],
);
const EXECUTION: (&[&str], &[&str]) = (
    &["agent_id", "spec_id", "stage", "phase_type", "agent_name", "spawned_at"],
    &["run_id", "completed_at", "response_text", "extraction_error", "branch_id"],
);

/// How many rows a file has to give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Whether a table of the old schema is there.
    pub(crate) legacy: bool,
    /// Whether the tables of the later schema are there.
    pub(crate) later: bool,
    pub(crate) artifacts: u64,
    pub(crate) syntheses: u64,
    pub(crate) executions: u64,
    /// Runs and outputs of the later schema.
    pub(crate) later_runs: u64,
    pub(crate) later_outputs: u64,
    /// Those runs of the later schema that bring a synthesis.
    pub(crate) later_syntheses: u64,
}

impl Contents {
    pub(crate) fn rows(&self) -> u64 {
        self.artifacts + self.syntheses + self.executions + self.later_runs + self.later_outputs
    }

    /// How many rows the copying of a whole file looks at.
    pub(crate) fn rows_to_copy(&self) -> u64 {
        self.artifacts + self.syntheses + self.executions + self.later_syntheses + self.later_outputs
    }
}

/// Looks at the tables of `schema`. What it cannot use is said in words.
pub(crate) fn contents(conn: &ReadConn<'_>, schema: &str) -> Result<Result<Contents, String>> {
    let mut found = Contents::default();
    for (table, (required, _)) in LEGACY_TABLES.iter().zip([ARTIFACT, SYNTHESIS, EXECUTION]) {
        let columns = columns(conn, schema, table)?;
        if columns.is_empty() {
            continue;
        }
        if let Some(missing) = required.iter().find(|name| !has(&columns, name)) {
            return Ok(Err(format!("its table {table} has no column {missing}")));
        }
        if let Some(what) = unfit(conn, schema, table, &columns)? {
            return Ok(Err(what));
        }
        found.legacy = true;
        let rows = count(conn, schema, table)?;
        match *table {
            "consensus_artifacts" => found.artifacts = rows,
            "consensus_synthesis" => found.syntheses = rows,
            _ => found.executions = rows,
        }
    }
    let runs = columns(conn, schema, "consensus_runs")?;
    let outputs = columns(conn, schema, "agent_outputs")?;
    let is_later = ["id", "spec_id", "stage", "run_timestamp", "consensus_ok", "degraded", "synthesis_json"]
        .iter()
        .all(|name| has(&runs, name))
        && ["id", "run_id", "agent_name", "model_version", "content", "output_timestamp"]
            .iter()
            .all(|name| has(&outputs, name));
    if has(&runs, "run_key") {
        return Ok(Err("is a state file of this program, not a legacy one".into()));
    }
    if is_later {
        for (table, columns) in [("consensus_runs", &runs), ("agent_outputs", &outputs)] {
            if let Some(what) = unfit(conn, schema, table, columns)? {
                return Ok(Err(what));
            }
        }
        let with_synthesis =
            format!("SELECT count(*) FROM {schema}.consensus_runs WHERE synthesis_json IS NOT NULL");
        found.later_syntheses = conn.query_row(&with_synthesis, [], |row| row.get(0))?;
        found.later = true;
        found.later_runs = count(conn, schema, "consensus_runs")?;
        found.later_outputs = count(conn, schema, "agent_outputs")?;
    }
    if !found.legacy && !found.later {
        return Ok(Err("holds none of the legacy tables".into()));
    }
    Ok(Ok(found))
}

/// The rows of a legacy table of `schema` with all columns of its shape; those that the file lacks are NULL.
/// Nothing where the table is missing.
pub(crate) fn legacy_select(conn: &ReadConn<'_>, schema: &str, table: &str) -> Result<Option<String>> {
    select(conn, schema, table, |name, _| name.to_owned())
}

/// What [`legacy_select`] gives of a table that holds nothing, where it is missing and should not be.
pub(crate) fn nothing_of(table: &str) -> String {
    let (required, optional) = shape_of(table);
    let list: Vec<String> = required.iter().chain(optional).map(|name| format!("NULL AS {name}")).collect();
    let key = if table == "agent_executions" { ", NULL AS id" } else { "" };
    format!("SELECT {}{key} WHERE 0", list.join(", "))
}

/// The same, with values as the state's own legacy table would hold them: that is what the copy is compared with.
fn converted_select(conn: &ReadConn<'_>, schema: &str, table: &str) -> Result<Option<String>> {
    select(conn, schema, table, |name, declared| match converted(name, declared, name) {
        value if value == name => value,
        value => format!("{value} AS {name}"),
    })
}

fn select(
    conn: &ReadConn<'_>,
    schema: &str,
    table: &str,
    value: impl Fn(&str, &str) -> String,
) -> Result<Option<String>> {
    let (required, optional) = shape_of(table);
    let found = declared(conn, schema, table)?;
    if found.is_empty() {
        return Ok(None);
    }
    let list: Vec<String> = required
        .iter()
        .chain(optional)
        .map(|name| match found.iter().find(|(column, _)| column == name) {
            Some((_, declared)) => value(name, declared),
            None => format!("NULL AS {name}"),
        })
        .collect();
    let key = if table == "agent_executions" { ", rowid AS id" } else { "" };
    Ok(Some(format!("SELECT {}{key} FROM {schema}.{table}", list.join(", "))))
}

/// The columns of a legacy table of the state, with NULL under the names of those that it lacks. Nothing where the
/// table is missing.
pub(crate) fn values_of(conn: &ReadConn<'_>, table: &str) -> Result<Option<String>> {
    let (required, optional) = shape_of(table);
    let found = columns(conn, "main", table)?;
    if found.is_empty() {
        return Ok(None);
    }
    let list: Vec<String> = required
        .iter()
        .chain(optional)
        .map(|name| if has(&found, name) { (*name).to_owned() } else { format!("NULL AS {name}") })
        .collect();
    Ok(Some(list.join(", ")))
}

/// Those rows of a legacy table that lack what the new tables need, or have a blob for a name. Nothing where the
/// table is missing.
pub(crate) fn incomplete_rows(conn: &ReadConn<'_>, schema: &str, table: &str) -> Result<Option<String>> {
    let (required, _) = shape_of(table);
    let mut lacks: Vec<String> =
        required.iter().filter(|name| **name != "id").map(|name| format!("{name} IS NULL")).collect();
    if table == "agent_executions" {
        // Cast to text, two ids could be one.
        lacks.push("typeof(agent_id) = 'blob'".into());
    }
    let select = legacy_select(conn, schema, table)?;
    Ok(select.map(|select| format!("SELECT id FROM ({select}) WHERE {}", lacks.join(" OR "))))
}

fn shape_of(table: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match table {
        "consensus_artifacts" => ARTIFACT,
        "consensus_synthesis" => SYNTHESIS,
        _ => EXECUTION,
    }
}

/// Makes the views `src_artifacts`, `src_syntheses` and `src_executions` over the old tables of `schema`.
pub(crate) fn legacy_views(tx: &WriteTx<'_>, schema: &str) -> Result<()> {
    for (view, table, (required, optional), more) in [
        ("src_artifacts", "consensus_artifacts", ARTIFACT, ", NULL AS model"),
        ("src_syntheses", "consensus_synthesis", SYNTHESIS, ""),
        ("src_executions", "agent_executions", EXECUTION, ""),
    ] {
        // Rows of the state itself stay in the columns in which they are.
        let select = if schema == "main" { legacy_select } else { converted_select };
        let body = if let Some(select) = select(tx, schema, table)? {
            select.replacen(" FROM ", &format!("{more} FROM "), 1)
        } else {
            let list: Vec<String> =
                required.iter().chain(optional).map(|name| format!("NULL AS {name}")).collect();
            let id = if required.contains(&"id") { "" } else { ", NULL AS id" };
            format!("SELECT {}{id}{more} WHERE 0", list.join(", "))
        };
        tx.execute_batch(&format!("DROP VIEW IF EXISTS temp.{view}; CREATE TEMP VIEW {view} AS {body};"))?;
    }
    Ok(())
}

/// The same views over the later tables of `schema`: each run and output as it is, under a run id of its own.
pub(crate) fn later_views(tx: &WriteTx<'_>, schema: &str) -> Result<()> {
    let run_id = "'later_' || r.id || '_' || ifnull(r.run_timestamp, '')";
    let (runs, outputs) = (declared(tx, schema, "consensus_runs")?, declared(tx, schema, "agent_outputs")?);
    let value = |columns: &[(String, String)], name: &str, column: &str, written: &str| {
        let declared = columns.iter().find(|(found, _)| found == column).map_or("", |(_, declared)| declared);
        converted(name, declared, written)
    };
    let part = |key: &str, other: &str| {
        format!(
            "CASE WHEN json_valid(r.synthesis_json) THEN CASE json_type(r.synthesis_json) WHEN 'object' THEN \
             ifnull(json_extract(r.synthesis_json, '$.{key}'), {other}) ELSE {other} END ELSE {other} END AS {key}"
        )
    };
    // What JSON holds has no declared type.
    let count = format!(
        "(SELECT {} FROM (SELECT {})) AS artifacts_count",
        converted("artifacts_count", "", "artifacts_count"),
        part("artifacts_count", "NULL")
    );
    tx.execute_batch(&format!(
        "DROP VIEW IF EXISTS temp.src_artifacts; DROP VIEW IF EXISTS temp.src_syntheses;
         DROP VIEW IF EXISTS temp.src_executions; DROP VIEW IF EXISTS temp.src_runs;
         CREATE TEMP VIEW src_artifacts AS
         SELECT o.id AS id, r.spec_id AS spec_id, {stage} AS stage, o.agent_name AS agent_name,
           o.content AS content_json, NULL AS response_text, {run_id} AS run_id,
           {output_time} AS created_at, o.model_version AS model
         FROM {schema}.agent_outputs o LEFT JOIN {schema}.consensus_runs r ON r.id = o.run_id;
         CREATE TEMP VIEW src_syntheses AS
         SELECT r.id AS id, r.spec_id AS spec_id, {stage} AS stage, {markdown}, {path}, {status}, {count},
           {agreements}, {conflicts}, {degraded} AS degraded, {run_id} AS run_id, {run_time} AS created_at
         FROM {schema}.consensus_runs r WHERE r.synthesis_json IS NOT NULL;
         CREATE TEMP VIEW src_executions AS SELECT {executions}, NULL AS id WHERE 0;
         CREATE TEMP VIEW src_runs AS SELECT r.*, {run_id} AS run_key FROM {schema}.consensus_runs r;",
        stage = value(&runs, "stage", "stage", "r.stage"),
        output_time = value(&outputs, "created_at", "output_timestamp", "o.output_timestamp"),
        degraded = value(&runs, "degraded", "degraded", "r.degraded"),
        run_time = value(&runs, "created_at", "run_timestamp", "r.run_timestamp"),
        markdown = part("output_markdown", "r.synthesis_json"),
        path = part("output_path", "NULL"),
        status = part("status", "'unknown'"),
        agreements = part("agreements", "NULL"),
        conflicts = part("conflicts", "NULL"),
        executions = EXECUTION
            .0
            .iter()
            .chain(EXECUTION.1)
            .map(|name| format!("NULL AS {name}"))
            .collect::<Vec<_>>()
            .join(", "),
    ))?;
    Ok(())
}

/// Creates the legacy tables of the state file where they are missing, and the columns that an older program
/// has not added yet, as the original itself does.
pub(crate) fn ensure_legacy_tables(tx: &WriteTx<'_>) -> Result<()> {
    refuse_unfit_tables(tx)?;
    const ADDED: [(&str, &str, &str); 8] = [
        ("consensus_artifacts", "response_text", "TEXT"),
        ("consensus_artifacts", "run_id", "TEXT"),
        ("consensus_synthesis", "output_path", "TEXT"),
        ("consensus_synthesis", "run_id", "TEXT"),
        ("agent_executions", "run_id", "TEXT"),
        ("agent_executions", "completed_at", "TEXT"),
        ("agent_executions", "response_text", "TEXT"),
        ("agent_executions", "extraction_error", "TEXT"),
    ];
    for (table, column, kind) in ADDED {
        let found = columns(tx, "main", table)?;
        if !found.is_empty() && !has(&found, column) {
            tx.execute_batch(&format!("ALTER TABLE main.{table} ADD COLUMN {column} {kind}"))?;
        }
    }
    // IF NOT EXISTS is no part of what sqlite_schema keeps: the tables read as the original's.
    tx.execute_batch(include_str!("legacy.sql"))?;
    Ok(())
}

/// Whether the state's executions have the column that a later version of the original added.
pub(crate) fn has_branches(conn: &ReadConn<'_>) -> Result<bool> {
    Ok(has(&columns(conn, "main", "agent_executions")?, "branch_id"))
}

fn columns(conn: &ReadConn<'_>, schema: &str, table: &str) -> Result<Vec<String>> {
    Ok(declared(conn, schema, table)?.into_iter().map(|(name, _)| name).collect())
}

/// The columns of a table with the types that they were declared with.
fn declared(conn: &ReadConn<'_>, schema: &str, table: &str) -> Result<Vec<(String, String)>> {
    // Generated columns too, which the shorter list leaves out.
    let list = "SELECT lower(name), upper(type) FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> 1";
    Ok(conn.query_all(list, params![table, schema], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The value of a source's column `written` as the column `name` of the original's schema would store it, for
/// those columns whose storage class is kept and compared. Untouched where both have one affinity
/// (<https://sqlite.org/datatype3.html#determination_of_column_affinity>), as in every file of the original.
fn converted(name: &str, declared: &str, written: &str) -> String {
    let contains = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    let is_integer = contains(&["INT"]);
    let is_text = !is_integer && contains(&["CHAR", "CLOB", "TEXT"]);
    let is_number = is_integer
        || !(is_text || declared.is_empty() || contains(&["BLOB"]) || contains(&["REAL", "FLOA", "DOUB"]));
    match name {
        "stage" | "run_id" | "spawned_at" | "completed_at" if !is_text => format!(
            "CASE WHEN typeof({written}) IN ('integer', 'real') THEN CAST({written} AS TEXT) ELSE {written} END"
        ),
        // Comparing with a number makes a number of text that is one, and of no other.
        "created_at" | "artifacts_count" | "degraded" if !is_number => format!(
            "CASE typeof({written}) WHEN 'text' THEN
               CASE WHEN {written} = CAST({written} AS NUMERIC) THEN CAST({written} AS NUMERIC) ELSE {written} END
             WHEN 'real' THEN
               CASE WHEN {written} = CAST({written} AS INTEGER) AND abs({written}) < 9.2e18
               THEN CAST({written} AS INTEGER) ELSE {written} END
             ELSE {written} END"
        ),
        _ => written.to_owned(),
    }
}

/// Refuses legacy tables of the state whose rows no trigger could mirror: it would make each write of an older
/// program fail.
pub(crate) fn refuse_unfit_tables(conn: &ReadConn<'_>) -> Result<()> {
    for (table, (required, _)) in LEGACY_TABLES.iter().zip([ARTIFACT, SYNTHESIS, EXECUTION]) {
        let columns = columns(conn, "main", table)?;
        if columns.is_empty() {
            continue;
        }
        let why = match required.iter().find(|name| !has(&columns, name)) {
            Some(missing) => Some(format!("its table {table} has no column {missing}")),
            None => unfit(conn, "main", table, &columns)?,
        };
        if let Some(why) = why {
            return Err(ConsensusError::refused(
                format!("cannot be migrated in place: {why}"),
                Some("give that table its own shape again, or import the file into a new state"),
            ));
        }
    }
    Ok(())
}

/// Why the rows of a table cannot be told apart by their key, if so: a copy made by `CREATE TABLE … AS SELECT`
/// has lost its keys, and rows without id or with one id between them would be dropped or mixed up.
fn unfit(conn: &ReadConn<'_>, schema: &str, table: &str, columns: &[String]) -> Result<Option<String>> {
    let what_it_is = "SELECT type, wr FROM pragma_table_list(?1) WHERE schema = ?2";
    let (kind, without_rowid) = conn.query_row(what_it_is, params![table, schema], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
    })?;
    if kind != "table" {
        return Ok(Some(format!("its {table} is no table but a {kind}")));
    }
    if table == "agent_executions" {
        // Without a row id of its own there is no order to copy in.
        if without_rowid || has(columns, "rowid") {
            return Ok(Some(format!("its table {table} is WITHOUT ROWID or hides its rowid")));
        }
        let is_key = "SELECT EXISTS (
            SELECT 1 FROM pragma_index_list(?1, ?2) l WHERE l.\"unique\" AND NOT l.partial
              AND (SELECT group_concat(lower(i.name)) FROM pragma_index_info(l.name, ?2) i) = 'agent_id')";
        let is_key: bool = conn.query_row(is_key, params![table, schema], |row| row.get(0))?;
        return Ok((!is_key).then(|| format!("the agent_id of its table {table} is not unique")));
    }
    // A primary key that is the rowid itself has no index: https://sqlite.org/lang_createtable.html#rowid
    let is_rowid =
        "SELECT (SELECT group_concat(lower(name)) FROM pragma_table_info(?1, ?2) WHERE pk > 0) IS 'id'
        AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1, ?2) WHERE origin = 'pk')";
    let is_rowid: bool = conn.query_row(is_rowid, params![table, schema], |row| row.get(0))?;
    Ok((!is_rowid).then(|| format!("the id of its table {table} is no INTEGER PRIMARY KEY")))
}

fn has(columns: &[String], name: &str) -> bool {
    columns.iter().any(|column| column == name)
}

fn count(conn: &ReadConn<'_>, schema: &str, table: &str) -> Result<u64> {
    Ok(conn.query_row(&format!("SELECT count(*) FROM {schema}.{table}"), [], |row| row.get(0))?)
}
