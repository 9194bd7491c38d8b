//! Lists of runs, by keyset. Order, times and what a filter asks for are those of the run's row in every phase:
//! its index makes a page of a long list cheap.

use conclave_db::ReadConn;
use conclave_db::sql::{Row, ToSql, params_from_iter};

use super::legacy::{self, Additions};
use super::{Column, Lead, View, optional_text, syntheses, text, verdicts};
use crate::canonical;
use crate::error::Result;
use crate::runs::{RunCursor, RunFilter, RunId, RunStatus, RunSummary};

/// The columns of a summary over a run `r`. Its start is the time that lists are ordered by and pages go on from.
pub(super) fn columns(lead: Lead) -> String {
    let (claim, recorded, counted) = match lead {
        Lead::Legacy => (
            ["status", "consensus_ok", "degraded"].map(syntheses::believed),
            syntheses::RECORDED.to_owned(),
            "o.run_id = r.id AND (o.legacy_id IS NULL
               OR EXISTS (SELECT 1 FROM main.consensus_artifacts a WHERE a.id = o.legacy_id))",
        ),
        _ => (
            ["r.status", "r.consensus_ok", "r.degraded"].map(str::to_owned),
            "(SELECT y.status FROM run_syntheses y WHERE y.run_id = r.id ORDER BY y.id DESC LIMIT 1)"
                .to_owned(),
            "o.run_id = r.id",
        ),
    };
    format!(
        "r.id, r.run_key, r.spec_id, r.stage, {}, ifnull({recorded}, {CLAIM}), r.run_timestamp, r.updated_at,
         (SELECT i.path FROM import_sources i WHERE i.id = r.source_id),
         (SELECT count(*) FROM agent_outputs o WHERE {counted})",
        claim.join(", ")
    )
}

/// What a run without any synthesis claims: the original's later schema has its claims on the run.
const CLAIM: &str = "CASE WHEN EXISTS (SELECT 1 FROM run_syntheses n WHERE n.run_id = r.id) THEN NULL
  WHEN r.status NOT IN ('unknown', 'running') THEN r.status
  WHEN r.status = 'unknown' AND r.consensus_ok = 1 THEN 'ok'
  WHEN r.status = 'unknown' AND r.degraded = 1 THEN 'degraded' END";

/// The runs `r`, with what their syntheses are read from.
pub(super) fn from(lead: Lead) -> String {
    match lead {
        Lead::Legacy => format!("consensus_runs r {}", syntheses::JOINED),
        _ => "consensus_runs r".to_owned(),
    }
}

pub(super) fn summary(row: &Row<'_>) -> Column<RunSummary> {
    Ok(RunSummary {
        id: RunId(row.get(0)?),
        run_key: text(row, 1)?,
        spec: text(row, 2)?,
        stage: text(row, 3)?,
        status: RunStatus::parse(&text(row, 4)?).unwrap_or(RunStatus::Unknown),
        interrupted: false,
        consensus_ok: row.get(5)?,
        degraded: row.get(6)?,
        recorded: optional_text(row, 7)?,
        started_at: row.get(8)?,
        updated_at: row.get(9)?,
        source: optional_text(row, 10)?,
        output_count: row.get(11)?,
        agents: Vec::new(),
    })
}

/// The conditions of a filter, and their values.
fn conditions(filter: &RunFilter) -> (Vec<&'static str>, Vec<Box<dyn ToSql>>) {
    let mut conditions = Vec::new();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    if let Some(spec) = &filter.spec {
        conditions.push("r.spec_id = ?");
        values.push(Box::new(spec.clone()));
    }
    if let Some(stage) = &filter.stage {
        conditions.push("r.stage = ?");
        values.push(Box::new(canonical::stage(stage).to_owned()));
    }
    // Whether a run is under way stands in its row. Every other status is computed.
    match filter.status {
        None => {}
        Some(RunStatus::Running) => conditions.push("r.status = 'running'"),
        Some(_) => conditions.push("r.status <> 'running'"),
    }
    (conditions, values)
}

/// Runs that are read at once where their status is to be computed before it is known which are wanted.
const STEP: usize = 200;

/// A page of runs, newest first; those without a known time come last.
pub(crate) fn list(
    conn: &ReadConn<'_>,
    view: View,
    filter: &RunFilter,
    cursor: Option<&RunCursor>,
    limit: Option<usize>,
) -> Result<Vec<RunSummary>> {
    let limit = limit.unwrap_or(usize::MAX);
    let additions = legacy::additions(conn, view, filter)?;
    let Some(wanted) = filter.status else {
        return settled(conn, view, filter, &additions, cursor, limit);
    };
    let mut runs = Vec::new();
    for_each_step(conn, view, filter, &additions, cursor, |page| {
        runs.extend(page.into_iter().filter(|run| run.status == wanted));
        runs.len() < limit
    })?;
    runs.truncate(limit);
    Ok(runs)
}

/// Gives all runs after the cursor in pages, until `more` says that it has enough.
fn for_each_step(
    conn: &ReadConn<'_>,
    view: View,
    filter: &RunFilter,
    additions: &Additions,
    cursor: Option<&RunCursor>,
    mut more: impl FnMut(Vec<RunSummary>) -> bool,
) -> Result<()> {
    let mut after = cursor.copied();
    loop {
        let page = settled(conn, view, filter, additions, after.as_ref(), STEP)?;
        let is_last = page.len() < STEP;
        after = page.last().map(RunCursor::from);
        if !more(page) || is_last {
            return Ok(());
        }
    }
}

/// A page of runs with what is computed of them, of any status that is computed.
fn settled(
    conn: &ReadConn<'_>,
    view: View,
    filter: &RunFilter,
    additions: &Additions,
    cursor: Option<&RunCursor>,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let mut runs = Vec::new();
    if view.lead != Lead::LegacyAlone {
        runs = page(conn, view.lead, filter, cursor, limit)?;
        for run in &mut runs {
            run.agents = agents(conn, view.lead, run.id)?;
            if let Some(more) = additions.more.get(&run.id) {
                legacy::add(conn, view, run, more)?;
            }
        }
    }
    let mut runs = merge(conn, view, runs, additions, cursor, limit)?;
    verdicts::settle(conn, view, &mut runs, additions)?;
    Ok(runs)
}

fn page(
    conn: &ReadConn<'_>,
    lead: Lead,
    filter: &RunFilter,
    cursor: Option<&RunCursor>,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let mut runs = Vec::new();
    if cursor.is_none_or(|cursor| cursor.started_at.is_some()) {
        let at = cursor.and_then(|cursor| cursor.started_at.map(|at| (at, cursor.id.0)));
        runs = part(conn, lead, filter, "r.run_timestamp IS NOT NULL", at, limit)?;
    }
    if runs.len() < limit {
        let after = cursor.filter(|cursor| cursor.started_at.is_none()).map(|cursor| (0, cursor.id.0));
        runs.extend(part(conn, lead, filter, "r.run_timestamp IS NULL", after, limit - runs.len())?);
    }
    Ok(runs)
}

/// Puts the runs that only legacy rows know between the others.
fn merge(
    conn: &ReadConn<'_>,
    view: View,
    mut runs: Vec<RunSummary>,
    additions: &Additions,
    cursor: Option<&RunCursor>,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let place = |run: &RunSummary| (run.started_at, run.id);
    let after = cursor.map(|cursor| (cursor.started_at, cursor.id));
    let mut added = Vec::new();
    // Both are newest first, so no more of them can be on the page than it holds.
    for group in &additions.runs {
        if added.len() < limit && after.is_none_or(|after| place(&group.summary) < after) {
            added.push(group);
        }
    }
    for group in added {
        let mut run = group.summary.clone();
        run.agents = legacy::agents(conn, view, &group.identity)?;
        runs.push(run);
    }
    runs.sort_by_key(|run| std::cmp::Reverse(place(run)));
    runs.truncate(limit);
    Ok(runs)
}

/// The part of a list whose times are known, or the one whose are not: each is a range of the time's index.
fn part(
    conn: &ReadConn<'_>,
    lead: Lead,
    filter: &RunFilter,
    which: &'static str,
    after: Option<(i64, i64)>,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let (mut conditions, mut values) = conditions(filter);
    conditions.push(which);
    if let Some((at, id)) = after {
        if which.ends_with("NOT NULL") {
            conditions.push("(r.run_timestamp, r.id) < (?, ?)");
            values.push(Box::new(at));
        } else {
            conditions.push("r.id < ?");
        }
        values.push(Box::new(id));
    }
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let query = format!(
        "SELECT {} FROM {} WHERE {} ORDER BY r.run_timestamp DESC, r.id DESC LIMIT ?",
        columns(lead),
        from(lead),
        conditions.join(" AND ")
    );
    Ok(conn.query_all(&query, params_from_iter(values), summary)?)
}

/// How many runs there are. A status that is computed is computed of every run.
pub(crate) fn count(conn: &ReadConn<'_>, view: View, filter: &RunFilter) -> Result<u64> {
    let additions = legacy::additions(conn, view, filter)?;
    if let Some(wanted) = filter.status.filter(|status| *status != RunStatus::Running) {
        let mut count = 0;
        for_each_step(conn, view, filter, &additions, None, |page| {
            count += page.iter().filter(|run| run.status == wanted).count() as u64;
            true
        })?;
        return Ok(count);
    }
    let added = if filter.status.is_none() { additions.runs.len() as u64 } else { 0 };
    if view.lead == Lead::LegacyAlone {
        return Ok(added);
    }
    let (conditions, values) = conditions(filter);
    let mut query = "SELECT count(*) FROM consensus_runs r".to_owned();
    if !conditions.is_empty() {
        query = format!("{query} WHERE {}", conditions.join(" AND "));
    }
    Ok(added + conn.query_row(&query, params_from_iter(values), |row| row.get::<_, u64>(0))?)
}

/// Everyone who answered or was started.
pub(super) fn agents(conn: &ReadConn<'_>, lead: Lead, id: RunId) -> Result<Vec<String>> {
    let query = match lead {
        Lead::Legacy => {
            "SELECT CAST(a.agent_name AS TEXT) FROM agent_outputs o
               CROSS JOIN main.consensus_artifacts a ON a.id = o.legacy_id WHERE o.run_id = ?1
             UNION SELECT agent_name FROM agent_outputs WHERE run_id = ?1 AND legacy_id IS NULL
             UNION SELECT CAST(e.agent_name AS TEXT) FROM run_attempts t
               CROSS JOIN main.agent_executions e ON e.agent_id = t.agent_id
               WHERE t.run_id = ?1 AND t.mirrored = 1
             UNION SELECT agent_name FROM run_attempts WHERE run_id = ?1 AND mirrored = 0 ORDER BY 1"
        }
        _ => {
            "SELECT agent_name FROM agent_outputs WHERE run_id = ?1
             UNION SELECT agent_name FROM run_attempts WHERE run_id = ?1 ORDER BY 1"
        }
    };
    Ok(conn.query_all(query, [id.0], |row| text(row, 0))?)
}
