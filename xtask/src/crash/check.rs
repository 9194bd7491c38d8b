//! What must hold whenever nobody writes, whoever was killed before.

use std::collections::BTreeMap;
use std::path::Path;

use conclave_consensus::migrate::{self, BackfillOptions};
use conclave_db::foreign::Client;
use conclave_db::sql::Value;

use super::ledger::{Key, Ledger, World};
use super::look::{Side, Sides, Stored, number};
use super::row::{Author, Kind};
use super::work::{self, Worker, drive, steps};
use crate::outcome::{Failure, Outcome};

/// What earlier checks have seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// Who had which id, by table.
    owners: BTreeMap<(&'static str, i64), String>,
    /// The last event of a phase, and where it led.
    last_event: i64,
    phase: u8,
    /// How many writes of older programs were counted.
    counted: u64,
    /// How many backups were acknowledged.
    backups: u64,
}

/// What a check has found out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checked {
    pub(crate) phase: u8,
    pub(crate) rows: usize,
    pub(crate) tasks: usize,
    pub(crate) agents: usize,
    pub(crate) events: usize,
    pub(crate) cached: usize,
}

impl Memory {
    /// Of a project in which nobody works yet.
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        let client = Client::open(&work::state_file(folder))?;
        let last_event = number(&client, "SELECT ifnull(max(id), 0) FROM migration_events")?;
        let phase = u8::try_from(number(&client, "SELECT phase FROM migration_state")?)?;
        Ok(Self { last_event, phase, ..Self::default() })
    }

    /// Checks the file against the ledger, and settles what the file has told.
    pub(crate) fn check(&mut self, worker: &Worker, ledger: &mut Ledger) -> Outcome<Checked> {
        let db = work::open(&worker.folder)?;
        let path = work::state_file(&worker.folder);
        let client = Client::open(&path)?;
        sound(&client)?;
        drive::check(&client, &ledger.driven)?;
        let phase = self.phase_follows_events(&client, ledger)?;
        self.counters(&client, ledger, phase)?;
        let (sides, remaining) = (Sides::read(&client)?, migrate::status(&db)?.backfill.remaining);
        if phase < 5 && sides.legacy_tables != Kind::ALL.len() {
            return Err(format!("phase {phase}, and {} of three legacy tables", sides.legacy_tables).into());
        }
        self.ids(&sides, &client)?;
        let (world, found) = decide(ledger, &sides, phase, remaining)?;
        let runs = world.runs.iter().cloned().collect::<Vec<_>>();
        let rows = world.rows.len();
        ledger.settle(world, &found);
        for run in runs {
            let there = format!(
                "SELECT count(*) FROM consensus_runs WHERE (run_key, spec_id, stage) = ('{}', '{}', '{}')",
                run.key(0),
                run.spec,
                run.canonical_stage()
            );
            if number(&client, &there)? != 1 {
                return Err(format!("an acknowledged run is gone: {run:?}").into());
            }
        }
        if phase == 5 && sides.legacy.is_some() {
            // What an older program has brought back is taken over; then nothing is on one side alone.
            migrate::backfill(&db, &BackfillOptions::default(), &mut |_| {}).or_else(paused)?;
            if migrate::status(&db)?.paused.is_none() {
                decide(ledger, &Sides::read(&client)?, phase, 0)?;
            }
        }
        let status = migrate::status(&db)?;
        let report = migrate::verify(&db, "crash", &mut |_| {})?;
        let unreached = if matches!(phase, 1 | 2 | 5) { status.backfill.remaining } else { 0 };
        if report.differences != unreached || report.missing_in_new != unreached {
            return Err(format!("phase {phase}, {unreached} rows to copy: {report:?}").into());
        }
        if sides.legacy.is_some() && phase < 5 && !status.capture_triggers {
            return Err(format!("the capture triggers do not stand in phase {phase}").into());
        }
        let backups = ledger.acknowledged.get("backup").copied().unwrap_or_default();
        if backups > self.backups && conclave_db::backup::list(&worker.folder.join("kept"), &path)?.is_empty()
        {
            return Err("an acknowledged backup is gone".into());
        }
        self.backups = backups;
        let tasks = ledger.tasks.check(worker, &db, &client)?;
        ledger.grants.check(worker, &db, &client)?;
        let agents = ledger.agents.check(&db, &client)?;
        let events = ledger.spooled.check(worker, &db, &client)?;
        let cached = ledger.cached.check(&worker.folder)?;
        machine_wide(&worker.folder)?;
        Ok(Checked { phase, rows, tasks, agents, events, cached })
    }

    /// The phase is where the last event led, each event begins where the one before ended, and those that
    /// were acknowledged are among them, in order.
    fn phase_follows_events(&mut self, client: &Client, ledger: &Ledger) -> Outcome<u8> {
        let query = format!(
            "SELECT id, actor, json_extract(detail, '$.from'), json_extract(detail, '$.to') FROM migration_events
             WHERE kind = 'phase' AND id > {} ORDER BY id",
            self.last_event
        );
        let mut acknowledged = ledger.moves.iter().peekable();
        let mut others = 0;
        for row in client.rows(&query)? {
            let [Value::Integer(id), Value::Text(actor), Value::Integer(from), Value::Integer(to)] = &row[..]
            else {
                return Err(format!("an event of a phase: {row:?}").into());
            };
            let (from, to) = (u8::try_from(*from)?, u8::try_from(*to)?);
            if from != self.phase || actor != steps::ACTOR {
                return Err(format!("in phase {}: the event {row:?}", self.phase).into());
            }
            (self.last_event, self.phase) = (*id, to);
            if acknowledged.next_if(|expected| **expected == (from, to)).is_none() {
                others += 1;
            }
        }
        if let Some((from, to)) = acknowledged.next() {
            return Err(format!("the acknowledged move from {from} to {to} has no event").into());
        }
        if others > ledger.perhaps_moves {
            return Err(format!("{others} moves that nobody has acknowledged").into());
        }
        let phase = u8::try_from(number(client, "SELECT phase FROM migration_state")?)?;
        if phase != self.phase {
            return Err(format!("phase {phase}, and the last event led to {}", self.phase).into());
        }
        Ok(phase)
    }

    /// Writes of older programs are counted, each once, and no others.
    fn counters(&mut self, client: &Client, ledger: &Ledger, phase: u8) -> Outcome {
        let counted = u64::try_from(number(client, "SELECT writes FROM capture_seen")?)?;
        let (least, most) = ledger.old_changes;
        let grown = counted.checked_sub(self.counted).ok_or("the count of older writes went back")?;
        // Without the legacy tables there are no triggers that count.
        if phase < 5 && !(least..=most).contains(&grown) {
            return Err(
                format!("{grown} writes of an older program counted: {least} to {most} were made").into()
            );
        }
        self.counted = counted;
        Ok(())
    }

    /// An id never belongs to another row later.
    fn ids(&mut self, sides: &Sides, client: &Client) -> Outcome {
        let mut owned: Vec<(&'static str, i64, String)> = Vec::new();
        let side = |side: &Side, table: fn(Kind) -> &'static str| {
            let owned = side.iter().filter_map(|((kind, name), stored)| match stored.id {
                Value::Integer(id) => Some((table(*kind), id, name.clone())),
                _ => None,
            });
            owned.collect::<Vec<_>>()
        };
        owned.extend(side(&sides.new, Kind::new_table));
        owned.extend(sides.legacy.iter().flat_map(|legacy| side(legacy, Kind::legacy_table)));
        for row in client.rows("SELECT id, run_key || ' ' || spec_id || ' ' || stage FROM consensus_runs")? {
            if let [Value::Integer(id), Value::Text(name)] = &row[..] {
                owned.push(("consensus_runs", *id, name.clone()));
            }
        }
        for (table, id, name) in owned {
            // An import keeps the ids of its file where no row has them; one that was deleted may have had it.
            if name.starts_with("import") && Kind::ALL.map(Kind::legacy_table).contains(&table) {
                self.owners.insert((table, id), name);
                continue;
            }
            let owner = self.owners.entry((table, id)).or_insert_with(|| name.clone());
            if *owner != name {
                return Err(format!("{table} {id} is {name}, and was {owner}").into());
            }
        }
        Ok(())
    }
}

/// Somebody may have paused the migration before everybody was killed.
fn paused(error: conclave_consensus::ConsensusError) -> Outcome<migrate::BackfillReport> {
    match error.kind() {
        conclave_consensus::ConsensusErrorKind::Paused => Ok(migrate::BackfillReport::default()),
        _ => Err(error.into()),
    }
}

/// What holds without knowing who wrote what.
/// The file of all projects, where anybody has made it.
fn machine_wide(folder: &Path) -> Outcome {
    let file = folder.join("global.db");
    if !file.exists() {
        return Ok(());
    }
    let client = Client::open(&file)?;
    whole(&client)?;
    // One project, one block: nobody was killed between the two.
    match number(&client, "SELECT count(*) FROM port_allocations")? {
        0 | 1 => Ok(()),
        blocks => Err(format!("one project has {blocks} blocks of ports").into()),
    }
}

pub(super) fn whole(client: &Client) -> Outcome {
    let integrity = client.rows("PRAGMA integrity_check")?;
    if integrity != [[Value::Text("ok".into())]] {
        return Err(format!("integrity_check: {integrity:?}").into());
    }
    let dangling = client.rows("PRAGMA foreign_key_check")?;
    if !dangling.is_empty() {
        return Err(format!("foreign_key_check: {dangling:?}").into());
    }
    Ok(())
}

fn sound(client: &Client) -> Outcome {
    whole(client)?;
    for (query, what) in [
        ("SELECT count(*) FROM capture_off", "the marker of a dual-write was left behind"),
        ("SELECT count(*) FROM capture_runs", "a trigger's scratch was left behind"),
        ("SELECT count(*) FROM migration_pending", "rows that cannot be mirrored, and nobody wrote such"),
        (
            "SELECT count(*) FROM consensus_runs r WHERE origin = 'legacy'
               AND NOT EXISTS (SELECT 1 FROM agent_outputs WHERE run_id = r.id)
               AND NOT EXISTS (SELECT 1 FROM run_syntheses WHERE run_id = r.id)
               AND NOT EXISTS (SELECT 1 FROM run_attempts WHERE run_id = r.id)",
            "a run of legacy rows without a row",
        ),
        (
            "SELECT count(*) FROM migration_events WHERE kind = 'difference'",
            "a dual-write has found a difference",
        ),
    ] {
        let rows = number(client, query)?;
        if rows != 0 {
            return Err(format!("{what}: {rows}").into());
        }
    }
    Ok(())
}

/// Which of the worlds it is; with it the rows of cut-off imports that have arrived.
fn decide(ledger: &Ledger, sides: &Sides, phase: u8, remaining: u64) -> Outcome<(World, Vec<Key>)> {
    let mut why = Vec::new();
    for world in &ledger.worlds {
        match compare(world, ledger, sides, phase, remaining) {
            Ok(found) => return Ok((world.clone(), found)),
            Err(error) => why.push(error.to_string()),
        }
    }
    // The first is the one in which nothing unacknowledged has happened.
    let (worlds, why) = (why.len(), why.join("; or: "));
    Err(format!("phase {phase}, {worlds} possible: {why}").into())
}

fn compare(world: &World, ledger: &Ledger, sides: &Sides, phase: u8, remaining: u64) -> Outcome<Vec<Key>> {
    let legacy = sides.legacy.as_ref();
    let mut found = Vec::new();
    let known = world.rows.iter().map(|(key, row)| (key, row, true));
    let perhaps = ledger.perhaps.iter().filter(|(key, _)| !world.rows.contains_key(*key));
    for (key, row, certain) in known.chain(perhaps.map(|(key, row)| (key, row, false))) {
        let new = sides.new.get(key);
        let old = legacy.and_then(|legacy| legacy.get(key));
        if new.is_none() && old.is_none() {
            if certain {
                return Err(format!("{key:?} was acknowledged and is gone").into());
            }
            continue;
        }
        if !certain {
            found.push(key.clone());
        }
        match new {
            Some(stored) => same(key, "new", stored, &row.on_new())?,
            // The backfill has not reached it, or an older program has brought it back.
            None if matches!(phase, 1 | 2 | 5) && remaining > 0 => {}
            None => return Err(format!("{key:?} is on the legacy side alone").into()),
        }
        match old {
            // Our own have their end on the new side alone from phase 4 on; the way back brings it here.
            Some(_) if phase >= 4 && row.author == Author::Conclave && row.kind == Kind::Execution => {}
            Some(stored) => same(key, "legacy", stored, &row.on_legacy())?,
            None if phase <= 3 => return Err(format!("{key:?} is on the new side alone").into()),
            None if phase == 4 && row.author == Author::Older => {
                return Err(format!("{key:?} is gone from the legacy side").into());
            }
            None => {}
        }
    }
    let unknown = |side: &Side| {
        side.keys().find(|key| !world.rows.contains_key(*key) && !ledger.perhaps.contains_key(*key)).cloned()
    };
    if let Some(key) = unknown(&sides.new).or_else(|| legacy.and_then(unknown)) {
        return Err(format!("{key:?} is there, and was deleted or never written").into());
    }
    Ok(found)
}

fn same(key: &Key, side: &str, stored: &Stored, expected: &[Value]) -> Outcome {
    let differing = stored.values.iter().zip(expected).position(|(one, other)| one != other);
    match differing {
        None if stored.values.len() == expected.len() => Ok(()),
        None => Err(format!("{key:?}: {} columns on the {side} side", stored.values.len()).into()),
        Some(column) => {
            let short = |value: &Value| {
                let mut text = match value {
                    Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    other => format!("{other:?}"),
                };
                text = text.chars().take(100).collect();
                text
            };
            let (one, other) = (short(&stored.values[column]), short(&expected[column]));
            let why: Failure =
                format!("{key:?} differs on the {side} side in column {column}: {one:?} for {other:?}")
                    .into();
            Err(why)
        }
    }
}
