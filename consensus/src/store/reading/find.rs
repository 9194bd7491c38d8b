//! The run behind a number or a key.

use conclave_db::ReadConn;
use conclave_db::sql::{params, params_from_iter};

use super::legacy::{self, Group, Identity, Scope};
use super::{Lead, Rows, View, list, verdicts};
use crate::canonical;
use crate::error::Result;
use crate::runs::{RunFilter, RunId, RunSummary};

/// A run whose rows are to be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// Its number in the new tables, where these are read and know it.
    pub(super) real: Option<RunId>,
    pub(super) identity: Identity,
    /// The rows that have no counterpart.
    pub(super) group: Option<Group>,
    pub(crate) summary: RunSummary,
}

impl Target {
    pub(super) fn rows(&self) -> Rows<'_> {
        Rows { real: self.real, unmapped: self.group.as_ref().map(|_| &self.identity) }
    }
}

/// The run with this number.
pub(crate) fn locate(conn: &ReadConn<'_>, view: View, id: RunId) -> Result<Option<Target>> {
    let identity = if id.0 < 0 {
        if !view.legacy {
            return Ok(None);
        }
        legacy::by_number(conn, id.0)?
    } else {
        match identity(conn, id) {
            // Without the new tables a number of theirs leads nowhere.
            Err(_) if view.lead == Lead::LegacyAlone => None,
            found => found?,
        }
    };
    let Some(identity) = identity else { return Ok(None) };
    let group =
        if view.legacy { legacy::groups(conn, view, &Scope::Run(identity.clone()))?.pop() } else { None };
    if view.lead == Lead::LegacyAlone {
        let Some(group) = group else { return Ok(None) };
        let mut summary = group.summary.clone();
        summary.agents = legacy::agents(conn, view, &identity)?;
        return Ok(Some(Target { real: None, identity, group: Some(group), summary }));
    }
    let real = if id.0 < 0 { legacy::real(conn, &identity)? } else { Some(id) };
    let mut summary = match (real, &group) {
        (Some(real), _) => {
            let query =
                format!("SELECT {} FROM {} WHERE r.id = ?1", list::columns(view.lead), list::from(view.lead));
            let Some(mut run) = conn.query_optional(&query, [real.0], list::summary)? else {
                return Ok(None);
            };
            run.agents = list::agents(conn, view.lead, real)?;
            run
        }
        (None, Some(group)) => {
            let mut run = group.summary.clone();
            run.agents = legacy::agents(conn, view, &identity)?;
            run
        }
        (None, None) => return Ok(None),
    };
    if let (Some(_), Some(group)) = (real, &group) {
        legacy::add(conn, view, &mut summary, group)?;
    }
    Ok(Some(Target { real, identity, group, summary }))
}

/// The legacy rows of the run that have no counterpart: their table and rowids.
pub(crate) fn unmapped_rows(
    conn: &ReadConn<'_>,
    view: View,
    run: &Target,
) -> Result<Vec<(&'static str, Vec<i64>)>> {
    if run.group.is_none() {
        return Ok(Vec::new());
    }
    let scope = Scope::Run(run.identity.clone());
    (0..legacy::TABLES.len())
        .map(|table| {
            let query = format!("SELECT l.rowid FROM {}", legacy::rows(view, &scope, table));
            let rowids = conn.query_all(&query, params_from_iter(scope.values()), |row| row.get(0))?;
            Ok((legacy::TABLES[table], rowids))
        })
        .collect()
}

fn identity(conn: &ReadConn<'_>, id: RunId) -> Result<Option<Identity>> {
    let query = "SELECT CAST(spec_id AS BLOB), CAST(stage AS BLOB), CAST(run_key AS BLOB)
      FROM consensus_runs WHERE id = ?1";
    Ok(conn.query_optional(query, [id.0], |row| {
        Ok(Identity { spec: row.get(0)?, stage: row.get(1)?, key: row.get(2)? })
    })?)
}

/// Runs whose key is, or begins with, these characters; of one stage where one is given. Newest first.
pub(crate) fn by_key(
    conn: &ReadConn<'_>,
    view: View,
    key: &str,
    exact: bool,
    stage: Option<&str>,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let stage = stage.map(canonical::stage);
    let mut runs = Vec::new();
    if view.lead != Lead::LegacyAlone {
        // The range uses the index of the key; its end is the key followed by the greatest character.
        let condition = if exact {
            "r.run_key = ?1"
        } else {
            "r.run_key >= ?1 AND r.run_key < ?1 || char(1114111) AND substr(r.run_key, 1, length(?1)) = ?1"
        };
        let query = format!(
            "SELECT {} FROM {} WHERE {condition} AND (?2 IS NULL OR r.stage = ?2)
             ORDER BY r.run_timestamp DESC, r.id DESC LIMIT ?3",
            list::columns(view.lead),
            list::from(view.lead)
        );
        runs = conn.query_all(&query, params![key, stage, limit], list::summary)?;
    }
    for run in &mut runs {
        run.agents = list::agents(conn, view.lead, run.id)?;
    }
    let filter = RunFilter { stage: stage.map(str::to_owned), ..RunFilter::default() };
    let additions = legacy::additions(conn, view, &filter)?;
    for run in &mut runs {
        if let Some(more) = additions.more.get(&run.id) {
            legacy::add(conn, view, run, more)?;
        }
    }
    for group in &additions.runs {
        let found = &group.identity.key;
        if if exact { found == key.as_bytes() } else { found.starts_with(key.as_bytes()) } {
            let agents = legacy::agents(conn, view, &group.identity)?;
            runs.push(RunSummary { agents, ..group.summary.clone() });
        }
    }
    runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.id)));
    runs.truncate(limit);
    // Of one alone nobody asks more than its number.
    if runs.len() > 1 {
        verdicts::settle(conn, view, &mut runs, &additions)?;
    }
    Ok(runs)
}
