//! Legacy rows that the new tables have no counterpart of, and the runs that only they know.
//!
//! Such a run has no number of its own. It gets a negative one, made of its first row: -(4 × id + table), where the
//! table is 0 for artifacts, 1 for syntheses and 2 for executions (by rowid), and rows of the first table that has
//! any count. The number leads to the run for as long as the row is there; once the run is copied, to its row in
//! the new tables. An output without a counterpart has its negated legacy id as its number.

use std::collections::HashMap;

use conclave_db::ReadConn;
use conclave_db::sql::{Row, Value, ValueRef, params, params_from_iter};

use super::{Column, Lead, View, optional_text, text};
use crate::canonical as forms;
use crate::error::Result;
use crate::runs::{RunFilter, RunId, RunStatus, RunSummary};
use crate::store::{canonical, capture, control, runs};

/// What makes a run: bytes, since each may be no UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) spec: Vec<u8>,
    pub(crate) stage: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// Which legacy rows are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// None: each has its counterpart.
    Nothing,
    All,
    /// The rows with these rowids, by table.
    Rows([Vec<i64>; 3]),
    /// Those of a run.
    Run(Identity),
    /// Those of a spec and stage, both canonical.
    Stage {
        spec: Vec<u8>,
        stage: Vec<u8>,
    },
}

/// The legacy tables in the order of their numbers.
pub(super) const TABLES: [&str; 3] = ["consensus_artifacts", "consensus_synthesis", "agent_executions"];

impl Scope {
    /// The rows that may be without a counterpart, where looking every row up would cost too much: all of them
    /// as long as nobody knows better, else those that are open differences.
    pub(crate) fn unlisted(conn: &ReadConn<'_>, view: View) -> Result<Self> {
        if !view.legacy {
            return Ok(Self::Nothing);
        }
        if view.lead == Lead::LegacyAlone || !capture::all_mapped(conn)? {
            return Ok(Self::All);
        }
        let kept =
            "SELECT (SELECT count(*) FROM migration_findings), (SELECT count(*) FROM migration_pending)";
        let (findings, pending) =
            conn.query_row(kept, [], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?)))?;
        let differences = control::state(conn)?.differences;
        if differences == 0 && pending == 0 {
            return Ok(Self::Nothing);
        }
        if differences > findings {
            return Ok(Self::All);
        }
        let query = "SELECT legacy_rowid FROM migration_pending WHERE legacy_table = ?1
          UNION SELECT f.legacy_id FROM migration_findings f
            WHERE f.legacy_table = ?1 AND f.kind = 'missing_in_new' AND f.legacy_id IS NOT NULL
          UNION SELECT e.rowid FROM migration_findings f CROSS JOIN main.agent_executions e
            ON e.agent_id = f.agent_id
            WHERE ?1 = 'agent_executions' AND f.legacy_table = ?1 AND f.kind = 'missing_in_new'";
        let mut rows = [const { Vec::new() }; 3];
        for (rows, table) in rows.iter_mut().zip(TABLES) {
            *rows = conn.query_all(query, [table], |row| row.get(0))?;
        }
        Ok(Self::Rows(rows))
    }

    /// The condition on a row `l` of a table, whose parameters are [`Self::values`].
    fn holds(&self, table: usize) -> String {
        let time = if table == 2 { "l.spawned_at" } else { "l.created_at" };
        match self {
            Self::Nothing => "0".to_owned(),
            Self::All => "1".to_owned(),
            Self::Rows(rows) => {
                let list: Vec<String> = rows[table].iter().map(ToString::to_string).collect();
                format!("l.rowid IN ({})", list.join(", "))
            }
            // A column that is empty, or NULL where it must not be, has more than one spelling.
            Self::Run(run) if run.spec.is_empty() || run.stage.is_empty() => format!(
                "ifnull(CAST(l.spec_id AS BLOB), x'') = ?1 AND ifnull(CAST({} AS BLOB), x'') = ?2
                 AND (?3, ?4, ?5) IS (?3, ?4, ?5) AND {} = CAST(?6 AS TEXT)",
                canonical::stage("l.stage"),
                canonical::run_key("l.run_id", time)
            ),
            Self::Run(_) => {
                format!("{SPELLED} AND {} = CAST(?6 AS TEXT)", canonical::run_key("l.run_id", time))
            }
            Self::Stage { .. } => SPELLED.to_owned(),
        }
    }

    pub(super) fn values(&self) -> Vec<Value> {
        let (spec, stage, key) = match self {
            Self::Run(run) => (&run.spec, &run.stage, Some(&run.key)),
            Self::Stage { spec, stage } => (spec, stage, None),
            _ => return Vec::new(),
        };
        let mut spellings = forms::stage_spellings(stage);
        spellings.resize(4, stage.clone());
        std::iter::once(spec.clone()).chain(spellings).chain(key.cloned()).map(Value::Blob).collect()
    }
}

/// In all ways in which a column may hold the spec and the stage, so that the index is used.
const SPELLED: &str = "l.spec_id IN (CAST(?1 AS TEXT), ?1) AND l.stage IN (CAST(?2 AS TEXT), ?2,
  CAST(?3 AS TEXT), ?3, CAST(?4 AS TEXT), ?4, CAST(?5 AS TEXT), ?5)";

/// The condition that a row `l` of a table has no counterpart.
fn unmapped(view: View, table: usize) -> &'static str {
    match (view.lead, table) {
        (Lead::LegacyAlone, _) => "1",
        (_, 0) => "NOT EXISTS (SELECT 1 FROM agent_outputs o WHERE o.legacy_id = l.id)",
        (_, 1) => "NOT EXISTS (SELECT 1 FROM run_syntheses o WHERE o.legacy_id = l.id)",
        _ => "NOT EXISTS (SELECT 1 FROM run_attempts o WHERE o.agent_id = l.agent_id AND o.mirrored = 1)",
    }
}

/// The rows `l` of a table in the scope that have no counterpart: what follows FROM, with the parameters
/// [`Scope::values`].
pub(super) fn rows(view: View, scope: &Scope, table: usize) -> String {
    format!("main.{} l WHERE {} AND {}", TABLES[table], scope.holds(table), unmapped(view, table))
}

/// The rows of one run that have no counterpart, and their run where it has none either.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) identity: Identity,
    /// The number of its row in the new tables.
    pub(crate) real: Option<RunId>,
    /// The run as these rows alone make it; its agents are not asked for.
    pub(crate) summary: RunSummary,
    /// The newest synthesis among the rows: its legacy id and what it claims as JSON.
    pub(crate) synthesis: Option<(i64, String)>,
}

impl Group {
    fn matches(&self, filter: &RunFilter) -> bool {
        let spec = filter.spec.as_ref().is_none_or(|spec| spec.as_bytes() == self.identity.spec);
        let stage = filter.stage.as_ref();
        spec && stage.is_none_or(|stage| forms::stage(stage).as_bytes() == self.identity.stage)
    }
}

/// The rows of the scope that have no counterpart, by run.
pub(crate) fn groups(conn: &ReadConn<'_>, view: View, scope: &Scope) -> Result<Vec<Group>> {
    if *scope == Scope::Nothing {
        return Ok(Vec::new());
    }
    let part = |table: usize, time: &str, until: &str, ids: &str| {
        format!(
            "SELECT ifnull(CAST(l.spec_id AS BLOB), x'') AS spec, ifnull(CAST({} AS BLOB), x'') AS stage,
               CAST({} AS BLOB) AS run_key, {} AS at, {until} AS until, {ids} FROM {}",
            canonical::stage("l.stage"),
            canonical::run_key("l.run_id", time),
            canonical::time_ms(time),
            rows(view, scope, table)
        )
    };
    let created = canonical::time_ms("l.created_at");
    let ended = runs::until(&canonical::time_ms("l.spawned_at"), &canonical::time_ms("l.completed_at"));
    let claims = runs::claims("y").map(|(_, value)| value).join(", ");
    let query = format!(
        "SELECT g.spec, g.stage, g.run_key, g.at, g.until, g.outputs, g.artifact, g.synthesis, g.execution,
           y.id, CAST(y.status AS TEXT), {claims}
         FROM (SELECT spec, stage, run_key, min(at) AS at, max(until) AS until, count(artifact) AS outputs,
             min(artifact) AS artifact, min(synthesis) AS synthesis, min(execution) AS execution,
             max(synthesis) AS newest
           FROM ({} UNION ALL {} UNION ALL {}) GROUP BY spec, stage, run_key) AS g
         LEFT JOIN main.consensus_synthesis y ON y.id = g.newest",
        part(0, "l.created_at", &created, "l.id AS artifact, NULL AS synthesis, NULL AS execution"),
        part(1, "l.created_at", &created, "NULL, l.id, NULL"),
        part(2, "l.spawned_at", &ended, "NULL, NULL, l.rowid"),
    );
    let mut groups = conn.query_all(&query, params_from_iter(scope.values()), group)?;
    if view.lead == Lead::LegacyAlone && !table_is_there(conn, "consensus_runs")? {
        return Ok(groups);
    }
    for group in &mut groups {
        group.real = match real(conn, &group.identity) {
            Ok(found) => found,
            Err(_) if view.lead == Lead::LegacyAlone => None,
            Err(error) => return Err(error),
        };
        if let Some(id) = group.real {
            group.summary.id = id;
        }
    }
    Ok(groups)
}

fn table_is_there(conn: &ReadConn<'_>, table: &str) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1)";
    Ok(conn.query_row(query, [table], |row| row.get(0))?)
}

fn group(row: &Row<'_>) -> Column<Group> {
    let identity = Identity { spec: row.get(0)?, stage: row.get(1)?, key: row.get(2)? };
    let mut first = None;
    for (table, index) in [(0, 6), (1, 7), (2, 8)] {
        if let (None, Some(id)) = (first, row.get::<_, Option<i64>>(index)?) {
            first = Some(number(table, id));
        }
    }
    let synthesis: Option<i64> = row.get(9)?;
    let claimed = synthesis.is_some();
    let summary = RunSummary {
        id: RunId(first.unwrap_or(-1)),
        run_key: String::from_utf8_lossy(&identity.key).into_owned(),
        spec: String::from_utf8_lossy(&identity.spec).into_owned(),
        stage: String::from_utf8_lossy(&identity.stage).into_owned(),
        status: RunStatus::parse(&text(row, 11)?).filter(|_| claimed).unwrap_or(RunStatus::Unknown),
        interrupted: false,
        consensus_ok: row.get(12)?,
        degraded: row.get(13)?,
        recorded: optional_text(row, 10)?,
        output_count: row.get(5)?,
        agents: Vec::new(),
        started_at: row.get(3)?,
        updated_at: row.get(4)?,
        source: None,
    };
    let synthesis = match synthesis {
        Some(id) => Some((id, text(row, 14)?)),
        None => None,
    };
    Ok(Group { identity, real: None, summary, synthesis })
}

/// The number of a run in the new tables.
pub(super) fn real(conn: &ReadConn<'_>, run: &Identity) -> Result<Option<RunId>> {
    let query = "SELECT id FROM consensus_runs
      WHERE run_key = CAST(?1 AS TEXT) AND spec_id = CAST(?2 AS TEXT) AND stage = CAST(?3 AS TEXT)";
    Ok(conn.query_optional(query, params![run.key, run.spec, run.stage], |row| Ok(RunId(row.get(0)?)))?)
}

/// Ids that the number of a run can hold beside the table.
const IDS: i64 = 1 << 60;

/// The number of a run that has none, by its first row.
fn number(table: i64, id: i64) -> i64 {
    // Ids of legacy tables count from 1; others are folded into what is left of the range.
    let folded = if (1..IDS).contains(&id) { id } else { IDS + (id & (IDS - 1)) };
    -(folded * 4 + table)
}

/// The run behind such a number, if its row is there.
pub(super) fn by_number(conn: &ReadConn<'_>, number: i64) -> Result<Option<Identity>> {
    let Some(number) = number.checked_neg().filter(|number| *number >= 4) else { return Ok(None) };
    let (id, table) = (number / 4, number % 4);
    let Some(name) = usize::try_from(table).ok().and_then(|table| TABLES.get(table)) else { return Ok(None) };
    let time = if table == 2 { "l.spawned_at" } else { "l.created_at" };
    let condition = if id < IDS {
        "l.rowid = ?1".to_owned()
    } else {
        format!("l.rowid & {} = ?1 - {IDS} AND l.rowid NOT BETWEEN 1 AND {}", IDS - 1, IDS - 1)
    };
    let query = format!(
        "SELECT ifnull(CAST(l.spec_id AS BLOB), x''), ifnull(CAST({} AS BLOB), x''), CAST({} AS BLOB)
         FROM main.{name} l WHERE {condition} ORDER BY l.rowid LIMIT 1",
        canonical::stage("l.stage"),
        canonical::run_key("l.run_id", time)
    );
    Ok(conn.query_optional(&query, [id], |row| {
        Ok(Identity { spec: row.get(0)?, stage: row.get(1)?, key: row.get(2)? })
    })?)
}

/// Who answered or was started, of the rows of a run that have no counterpart.
pub(super) fn agents(conn: &ReadConn<'_>, view: View, run: &Identity) -> Result<Vec<String>> {
    let scope = Scope::Run(run.clone());
    let query = format!(
        "SELECT CAST(l.agent_name AS TEXT) FROM {} UNION SELECT CAST(l.agent_name AS TEXT) FROM {} ORDER BY 1",
        rows(view, &scope, 0),
        rows(view, &scope, 2)
    );
    Ok(conn.query_all(&query, params_from_iter(scope.values()), |row| text(row, 0))?)
}

/// What the rows without a counterpart add to a list.
#[derive(Debug, Default)]
pub(crate) struct Additions {
    /// Runs that only they know and that match the filter, newest first.
    pub(crate) runs: Vec<Group>,
    /// What they add to runs that the new tables know.
    pub(crate) more: HashMap<RunId, Group>,
}

impl Additions {
    /// The rows without a counterpart, by the number that their run is listed with.
    pub(super) fn by_number(&self) -> HashMap<RunId, &Group> {
        self.more.values().chain(&self.runs).map(|group| (group.summary.id, group)).collect()
    }
}

/// What is to be added to lists under this filter, whatever the status.
pub(crate) fn additions(conn: &ReadConn<'_>, view: View, filter: &RunFilter) -> Result<Additions> {
    let mut additions = Additions::default();
    let mut scope = Scope::unlisted(conn, view)?;
    if let (Scope::All, Some(spec), Some(stage)) = (&scope, &filter.spec, &filter.stage)
        && !spec.is_empty()
        && !stage.is_empty()
    {
        // The index gives these alone.
        scope = Scope::Stage { spec: spec.as_bytes().into(), stage: forms::stage(stage).as_bytes().into() };
    }
    for group in groups(conn, view, &scope)? {
        match group.real.filter(|_| view.lead != Lead::LegacyAlone) {
            Some(id) => {
                additions.more.insert(id, group);
            }
            None if group.matches(filter) => additions.runs.push(group),
            None => {}
        }
    }
    additions.runs.sort_by_key(|group| std::cmp::Reverse((group.summary.started_at, group.summary.id)));
    Ok(additions)
}

/// Adds to a run of the new tables what its rows without a counterpart say.
pub(super) fn add(conn: &ReadConn<'_>, view: View, run: &mut RunSummary, group: &Group) -> Result<()> {
    run.output_count += group.summary.output_count;
    if takes_claim(conn, run.id, group)? {
        run.status = group.summary.status;
        run.consensus_ok = group.summary.consensus_ok;
        run.degraded = group.summary.degraded;
        run.recorded.clone_from(&group.summary.recorded);
    }
    run.agents.extend(agents(conn, view, &group.identity)?);
    run.agents.sort_unstable();
    run.agents.dedup();
    Ok(())
}

/// Whether the newest synthesis of the group is newer than all that its run has.
pub(super) fn takes_claim(conn: &ReadConn<'_>, run: RunId, group: &Group) -> Result<bool> {
    let Some((id, _)) = &group.synthesis else { return Ok(false) };
    // One that the legacy side has no row of is our own, and newer than what somebody left unmapped.
    let query = "SELECT NOT EXISTS (SELECT 1 FROM run_syntheses
      WHERE run_id = ?1 AND (legacy_id IS NULL OR legacy_id > ?2))";
    Ok(conn.query_row(query, params![run.0, id], |row| row.get(0))?)
}

/// The number of an output that has none: no output of the new tables has a negative one.
pub(super) const fn output_number(legacy_id: i64) -> i64 {
    if legacy_id > 0 { -legacy_id } else { i64::MIN.saturating_add(legacy_id.saturating_neg()) }
}

/// Whether a column holds UTF-8. What does not is no JSON.
pub(super) fn is_utf8(row: &Row<'_>, index: usize) -> Column<bool> {
    Ok(match row.get_ref(index)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => std::str::from_utf8(bytes).is_ok(),
        _ => true,
    })
}
