//! What both sides hold, read as a plain client reads it.

use std::collections::BTreeMap;

use conclave_db::foreign::Client;
use conclave_db::sql::Value;

use super::ledger::Key;
use super::row::{Kind, name_in};
use super::work::drive::KEY;
use crate::outcome::{Failure, Outcome};

/// A stored row: its id and its columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) id: Value,
    pub(crate) values: Vec<Value>,
}

pub(crate) type Side = BTreeMap<Key, Stored>;

/// Both sides; the legacy one is absent where its tables are.
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) new: Side,
    pub(crate) legacy: Option<Side>,
    /// An older program that is killed at its start leaves some of its three.
    pub(crate) legacy_tables: usize,
}

/// The id, what holds the name, and the columns as [`super::row::Row::on_new`] gives them.
const fn on_new(kind: Kind) -> &'static str {
    match kind {
        Kind::Output => {
            "SELECT o.id, CAST(o.content AS BLOB), r.run_key AS key, r.spec_id, r.stage, CAST(o.content AS BLOB),
               o.output_timestamp, o.agent_name, o.attempt, CAST(o.response_text AS BLOB), o.write_key
             FROM agent_outputs o LEFT JOIN consensus_runs r ON r.id = o.run_id"
        }
        Kind::Synthesis => {
            "SELECT o.id, CAST(o.output_markdown AS BLOB), r.run_key AS key, r.spec_id, r.stage,
               CAST(o.output_markdown AS BLOB), o.created_at, o.status, o.write_key
             FROM run_syntheses o LEFT JOIN consensus_runs r ON r.id = o.run_id"
        }
        // The attempts of an older program have no number of their own: they are counted.
        Kind::Execution => {
            "SELECT o.id, o.agent_id, r.run_key AS key, r.spec_id, r.stage, CAST(o.response_text AS BLOB), o.spawned_at,
               o.agent_name, CASE WHEN o.agent_id GLOB 'own*' THEN o.attempt ELSE 1 END, o.phase_type,
               o.completed_at, o.state
             FROM run_attempts o LEFT JOIN consensus_runs r ON r.id = o.run_id"
        }
    }
}

/// The same of the legacy side.
const fn on_legacy(kind: Kind) -> &'static str {
    match kind {
        Kind::Output => {
            "SELECT id, CAST(content_json AS BLOB), run_id AS key, spec_id, stage, CAST(content_json AS BLOB), created_at,
               agent_name, CAST(response_text AS BLOB) FROM consensus_artifacts"
        }
        Kind::Synthesis => {
            "SELECT id, CAST(output_markdown AS BLOB), run_id AS key, spec_id, stage, CAST(output_markdown AS BLOB),
               created_at, status FROM consensus_synthesis"
        }
        Kind::Execution => {
            "SELECT agent_id, agent_id, run_id AS key, spec_id, stage, CAST(response_text AS BLOB), spawned_at, agent_name,
               phase_type, completed_at FROM agent_executions"
        }
    }
}

impl Sides {
    pub(crate) fn read(client: &Client) -> Outcome<Self> {
        let mut there = Vec::new();
        for kind in Kind::ALL {
            let table = kind.legacy_table();
            let query =
                format!("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '{table}'");
            if number(client, &query)? > 0 {
                there.push(kind);
            }
        }
        let legacy = if there.is_empty() { None } else { Some(side(client, &there, on_legacy)?) };
        Ok(Self { new: side(client, &Kind::ALL, on_new)?, legacy, legacy_tables: there.len() })
    }
}

fn side(client: &Client, kinds: &[Kind], query: fn(Kind) -> &'static str) -> Outcome<Side> {
    let mut side = Side::new();
    for kind in kinds.iter().copied() {
        // Runs that are driven are checked by themselves.
        let own = format!("SELECT * FROM ({}) WHERE key IS NULL OR key NOT LIKE '{KEY}%'", query(kind));
        for row in client.rows(&own)? {
            let mut row = row.into_iter();
            let (Some(id), Some(named)) = (row.next(), row.next()) else { continue };
            let name = match &named {
                Value::Blob(bytes) => name_in(bytes),
                Value::Text(text) => Some(text.clone()),
                _ => None,
            };
            let name =
                name.ok_or_else(|| -> Failure { format!("{kind:?} {id:?} is none of ours").into() })?;
            let stored = Stored { id, values: row.collect() };
            if let Some(before) = side.insert((kind, name.clone()), stored) {
                return Err(format!("{kind:?} {name} is there twice, once as {:?}", before.id).into());
            }
        }
    }
    Ok(side)
}

/// The one number that a query gives.
pub(crate) fn number(client: &Client, query: &str) -> Outcome<i64> {
    match client.rows(query)?.into_iter().flatten().next() {
        Some(Value::Integer(number)) => Ok(number),
        other => Err(format!("{query}: {other:?}").into()),
    }
}
