//! The three kinds of rows as data: where a row of each comes from, where it goes, when both are equal.

use conclave_db::ReadConn;

use crate::error::Result;
use crate::store::{canonical, runs, shape};

/// One kind of row.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its name in `imported_rows`, and its cursor's column.
    pub(crate) name: &'static str,
    pub(crate) cursor: &'static str,
    /// The view that it is read from, the legacy table, the new table.
    pub(crate) view: &'static str,
    pub(crate) legacy: &'static str,
    pub(crate) new: &'static str,
    /// The columns of the legacy table without its key.
    pub(crate) legacy_columns: &'static [&'static str],
    /// The key's column in the legacy table and in the chunk.
    pub(crate) legacy_key: &'static str,
    pub(crate) chunk_key: &'static str,
    /// What in the new row `o` says that it mirrors the legacy row of this key.
    pub(crate) mirrors: &'static str,
    /// The columns that hold bytes to count.
    pub(crate) bytes: &'static [&'static str],
    /// Columns that are NOT NULL in one schema or the other: a row without one is left where it is.
    pub(crate) needed: &'static [&'static str],
    /// The column that numbers the rows of an agent in a run, if any.
    pub(crate) numbered: Option<&'static str>,
    /// The columns of the chunk that only this kind has: name and expression over the source row `s`.
    pub(crate) derived: Vec<(&'static str, String)>,
    /// The columns of the new table and their expressions over the chunk's row `c` and the source row `s`.
    pub(crate) columns: Vec<(&'static str, String)>,
    /// Whether the source row `s` and the new row `o` of run `r` hold the same.
    pub(crate) equal: String,
    /// Whether the source row `s` and the legacy row `l` hold the same.
    pub(crate) legacy_equal: String,
}

/// All kinds, in the order in which they are copied: a synthesis finds the run of the outputs of its time.
pub(crate) fn all() -> [Kind; 3] {
    [artifacts(), executions(true), syntheses()]
}

/// The same for rows that come from anywhere and go to the state's own legacy tables too: with those columns that
/// these have.
pub(crate) fn into_state(conn: &ReadConn<'_>) -> Result<[Kind; 3]> {
    let mut kinds = all();
    if !shape::has_branches(conn)? {
        kinds[1].without_legacy_branch();
    }
    Ok(kinds)
}

/// The same for rows of the state's own legacy tables: what those have no column for is left as it is on the new
/// side.
pub(crate) fn of_state(conn: &ReadConn<'_>) -> Result<[Kind; 3]> {
    Ok([artifacts(), executions(shape::has_branches(conn)?), syntheses()])
}

/// Equal in value and in storage class.
fn same(left: &str, right: &str) -> String {
    format!("({left} IS {right} AND typeof({left}) = typeof({right}))")
}

/// Equal bytes, whatever the storage class.
fn same_text(text: &str, written: &str) -> String {
    format!("{text} IS CAST({written} AS TEXT)")
}

/// The legacy table's columns have affinities of their own, so storage classes may differ where values do not.
fn legacy_equal(columns: &[&str]) -> String {
    columns.iter().map(|name| format!("s.{name} IS l.{name}")).collect::<Vec<_>>().join(" AND ")
}

const ARTIFACT_COLUMNS: &[&str] =
    &["spec_id", "stage", "agent_name", "content_json", "response_text", "run_id", "created_at"];

pub(crate) fn artifacts() -> Kind {
    // What is no UTF-8 is kept, but it is no JSON either.
    let valid = "(json_valid(CAST(s.content_json AS TEXT)) AND is_utf8(s.content_json))";
    let time = canonical::time_ms("s.created_at");
    Kind {
        name: "artifact",
        cursor: "artifact_cursor",
        view: "src_artifacts",
        legacy: "consensus_artifacts",
        new: "agent_outputs",
        legacy_columns: ARTIFACT_COLUMNS,
        legacy_key: "id",
        chunk_key: "id",
        mirrors: "o.legacy_id = chunk.id",
        bytes: &["content_json", "response_text"],
        needed: &["spec_id", "stage", "agent_name", "content_json"],
        numbered: Some("sequence"),
        derived: vec![
            ("run_key", canonical::run_key("s.run_id", "s.created_at")),
            ("at", time.clone()),
            ("until", time),
            ("timeless", "0".into()),
            ("valid", format!("ifnull({valid}, 0)")),
            (
                "model",
                format!(
                    "ifnull(CAST(s.model AS TEXT), {})",
                    canonical::model_version("CAST(s.content_json AS TEXT)", valid)
                ),
            ),
        ],
        columns: vec![
            ("agent_name", "c.agent".into()),
            ("model_version", "c.model".into()),
            ("content", "CAST(s.content_json AS TEXT)".into()),
            ("output_timestamp", "c.at".into()),
            ("response_text", "CAST(s.response_text AS TEXT)".into()),
            ("valid_json", "c.valid".into()),
            ("legacy_stage", "s.stage".into()),
            ("legacy_run_id", "s.run_id".into()),
            ("legacy_created_at", "s.created_at".into()),
        ],
        equal: [
            same_text("r.spec_id", "s.spec_id"),
            same_text("o.agent_name", "s.agent_name"),
            same("o.legacy_stage", "s.stage"),
            same("o.legacy_run_id", "s.run_id"),
            same("o.legacy_created_at", "s.created_at"),
            same_text("o.response_text", "s.response_text"),
            same_text("o.content", "s.content_json"),
        ]
        .join(" AND "),
        legacy_equal: legacy_equal(ARTIFACT_COLUMNS),
    }
}

const SYNTHESIS_COLUMNS: &[&str] = &[
    "spec_id",
    "stage",
    "output_markdown",
    "output_path",
    "status",
    "artifacts_count",
    "agreements",
    "conflicts",
    "degraded",
    "run_id",
    "created_at",
];

pub(crate) fn syntheses() -> Kind {
    let time = canonical::time_ms("s.created_at");
    let text = ["output_markdown", "output_path", "status", "agreements", "conflicts"];
    let mut columns: Vec<(&'static str, String)> =
        text.iter().map(|name| (*name, format!("CAST(s.{name} AS TEXT)"))).collect();
    columns.extend([
        ("artifacts_count", "s.artifacts_count".to_owned()),
        ("degraded", "s.degraded".to_owned()),
        ("created_at", "c.at".to_owned()),
        ("legacy_stage", "s.stage".to_owned()),
        ("legacy_run_id", "s.run_id".to_owned()),
        ("legacy_created_at", "s.created_at".to_owned()),
    ]);
    let mut equal: Vec<String> =
        text.iter().map(|name| same_text(&format!("o.{name}"), &format!("s.{name}"))).collect();
    equal.extend([
        same_text("r.spec_id", "s.spec_id"),
        same("o.legacy_stage", "s.stage"),
        same("o.artifacts_count", "s.artifacts_count"),
        same("o.degraded", "s.degraded"),
        same("o.legacy_run_id", "s.run_id"),
        same("o.legacy_created_at", "s.created_at"),
    ]);
    Kind {
        name: "synthesis",
        cursor: "synthesis_cursor",
        view: "src_syntheses",
        legacy: "consensus_synthesis",
        new: "run_syntheses",
        legacy_columns: SYNTHESIS_COLUMNS,
        legacy_key: "id",
        chunk_key: "id",
        mirrors: "o.legacy_id = chunk.id",
        bytes: &["output_markdown"],
        needed: &["spec_id", "stage", "output_markdown", "status"],
        numbered: None,
        derived: vec![
            ("run_key", canonical::run_key("s.run_id", "s.created_at")),
            ("at", time.clone()),
            ("until", time),
            ("timeless", "0".into()),
        ],
        columns,
        equal: equal.join(" AND "),
        legacy_equal: legacy_equal(SYNTHESIS_COLUMNS),
    }
}

const EXECUTION_COLUMNS_BEFORE: &[&str] = EXECUTION_COLUMNS.split_at(EXECUTION_COLUMNS.len() - 1).0;
const EXECUTION_COLUMNS: &[&str] = &[
    "spec_id",
    "stage",
    "phase_type",
    "agent_name",
    "run_id",
    "spawned_at",
    "completed_at",
    "response_text",
    "extraction_error",
    "branch_id",
];

impl Kind {
    /// Only a later version of the original has the column, the last one.
    fn without_legacy_branch(&mut self) {
        self.legacy_columns = EXECUTION_COLUMNS_BEFORE;
        self.legacy_equal = legacy_equal(EXECUTION_COLUMNS_BEFORE);
    }
}

/// `branches` is whether the rows have the column of a later version of the original.
fn executions(branches: bool) -> Kind {
    let (spawned, completed) = (canonical::time_ms("s.spawned_at"), canonical::time_ms("s.completed_at"));
    let text = ["phase_type", "response_text", "extraction_error", "branch_id"];
    let text = if branches { &text[..] } else { &text[..3] };
    let mut columns: Vec<(&'static str, String)> =
        text.iter().map(|name| (*name, format!("CAST(s.{name} AS TEXT)"))).collect();
    columns.extend([
        ("agent_id", "c.name".to_owned()),
        ("agent_name", "c.agent".to_owned()),
        ("spawned_at", "c.at".to_owned()),
        ("completed_at", "c.ended".to_owned()),
        (
            "state",
            "CASE WHEN s.extraction_error IS NOT NULL THEN 'failed' \
             WHEN s.completed_at IS NOT NULL THEN 'completed' ELSE 'spawned' END"
                .to_owned(),
        ),
        ("legacy_stage", "s.stage".to_owned()),
        ("legacy_run_id", "s.run_id".to_owned()),
        ("legacy_spawned_at", "s.spawned_at".to_owned()),
        ("legacy_completed_at", "s.completed_at".to_owned()),
    ]);
    let mut equal: Vec<String> =
        text.iter().map(|name| same_text(&format!("o.{name}"), &format!("s.{name}"))).collect();
    equal.extend([
        same_text("r.spec_id", "s.spec_id"),
        same_text("o.agent_name", "s.agent_name"),
        same("o.legacy_stage", "s.stage"),
        same("o.legacy_run_id", "s.run_id"),
        same("o.legacy_spawned_at", "s.spawned_at"),
        same("o.legacy_completed_at", "s.completed_at"),
    ]);
    let mut kind = Kind {
        name: "execution",
        cursor: "execution_cursor",
        view: "src_executions",
        legacy: "agent_executions",
        new: "run_attempts",
        legacy_columns: EXECUTION_COLUMNS,
        legacy_key: "agent_id",
        chunk_key: "name",
        mirrors: "o.agent_id = chunk.name",
        bytes: &["response_text"],
        needed: &["agent_id", "spec_id", "stage", "phase_type", "agent_name", "spawned_at"],
        numbered: Some("attempt"),
        derived: vec![
            ("name", "CAST(s.agent_id AS TEXT)".into()),
            ("run_key", canonical::run_key("s.run_id", "s.spawned_at")),
            ("at", spawned.clone()),
            ("until", runs::until(&spawned, &completed)),
            ("timeless", format!("s.completed_at IS NOT NULL AND {completed} IS NULL")),
            ("ended", completed),
        ],
        columns,
        equal: equal.join(" AND "),
        legacy_equal: legacy_equal(EXECUTION_COLUMNS),
    };
    if !branches {
        kind.without_legacy_branch();
    }
    kind
}
