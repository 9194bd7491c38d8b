//! The canonical forms as SQL expressions: the twins of `crate::canonical`.
//!
//! Built-in functions up to SQLite 3.38 alone, since triggers use them in the process of an older program.
//! Arguments are column names or expressions that cost nothing to repeat.

/// The canonical spelling of a stage; NULL for NULL.
pub(crate) fn stage(written: &str) -> String {
    format!(
        "CASE CAST({written} AS TEXT) \
         WHEN 'spec-plan' THEN 'plan' WHEN 'spec-tasks' THEN 'tasks' WHEN 'spec-implement' THEN 'implement' \
         WHEN 'spec-validate' THEN 'validate' WHEN 'spec-audit' THEN 'audit' WHEN 'spec-unlock' THEN 'unlock' \
         WHEN 'spec-clarify' THEN 'clarify' WHEN 'spec-analyze' THEN 'analyze' \
         WHEN 'spec-checklist' THEN 'checklist' WHEN 'review' THEN 'audit' WHEN 'spec-review' THEN 'audit' \
         ELSE CAST({written} AS TEXT) END"
    )
}

/// The key of the run that a row with this run id and time belongs to; never NULL.
pub(crate) fn run_key(run_id: &str, time: &str) -> String {
    // A real's own CAST writes 15 or 17 digits, by version; text may hold NUL, so its length is not asked.
    format!(
        "CASE WHEN {run_id} IS NULL OR CAST({run_id} AS TEXT) = '' \
         THEN '@' || typeof({time}) || ':' || CASE typeof({time}) WHEN 'null' THEN '' \
         WHEN 'real' THEN printf('%!.15g', {time}) ELSE CAST({time} AS TEXT) END \
         WHEN substr(CAST({run_id} AS TEXT), 1, 1) = '@' THEN '@id:' || CAST({run_id} AS TEXT) \
         ELSE CAST({run_id} AS TEXT) END"
    )
}

/// Milliseconds since 1970, NULL where the value is no time.
pub(crate) fn time_ms(value: &str) -> String {
    // julianday × 86,400,000, rounded, is exact to the millisecond; it takes 30 February, 'now' and '12:00',
    // so the date's form and existence are asked first. Only a modifier makes every version work the date out
    // anew: some give '2025-02-30' back as it is.
    format!(
        "CASE typeof({value}) \
         WHEN 'integer' THEN CASE WHEN {value} > -100000000000 AND {value} < 100000000000 \
         THEN {value} * 1000 ELSE {value} END \
         WHEN 'real' THEN CAST(round(CASE WHEN abs({value}) < 1e11 THEN {value} * 1000.0 ELSE {value} END) \
         AS INTEGER) \
         WHEN 'text' THEN CASE WHEN {value} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' \
         AND date(substr({value}, 1, 10), '+0 days') IS substr({value}, 1, 10) \
         THEN CAST(round((julianday({value}) - 2440587.5) * 86400000.0) AS INTEGER) END END"
    )
}

/// The recorded claim of a synthesis' status.
pub(crate) fn status(written: &str) -> String {
    format!(
        "CASE WHEN CAST({written} AS TEXT) IN ('ok', 'conflict', 'degraded', 'insufficient') \
         THEN CAST({written} AS TEXT) ELSE 'unknown' END"
    )
}

/// The recorded claim as a truth value: unknown is not true.
pub(crate) fn consensus_ok(written: &str) -> String {
    format!(
        "CASE CAST({written} AS TEXT) WHEN 'ok' THEN 1 WHEN 'conflict' THEN 0 WHEN 'degraded' THEN 0 \
         WHEN 'insufficient' THEN 0 END"
    )
}

/// 0 or 1, else NULL.
pub(crate) fn degraded(written: &str) -> String {
    format!("CASE WHEN typeof({written}) = 'integer' AND {written} IN (0, 1) THEN {written} END")
}

/// The model that a JSON content names; NULL where the content is no JSON or the name no text.
pub(crate) fn model_version(content: &str, valid: &str) -> String {
    format!(
        "CASE WHEN {valid} THEN CASE json_type({content}, '$.model') WHEN 'text' \
         THEN json_extract({content}, '$.model') END END"
    )
}
