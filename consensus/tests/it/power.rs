//! The power goes at any moment of a migration with writers of both ages: what was acknowledged is there, on the
//! sides that the phase asks for, and both sides agree.
//!
//! A short version runs always; `CONCLAVE_POWER_SEEDS=1000` says how many power cuts there are instead.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use conclave_consensus::migrate::{self, AdvanceOptions, BackfillOptions, RollbackOptions};
use conclave_consensus::record::{OutputRecord, RunRecord, record_output, record_run};
use conclave_db::foreign::Client;
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions};
use conclave_testkit::{FaultDisk, Recording};
use tempfile::tempdir;

use crate::project::{LEGACY_DDL, rows, schema};

/// How many of the cuts each run of the workload gives.
const CUTS_PER_RUN: u64 = 25;
const SHORT: u64 = 50;
/// The phases that are gone through, from phase 1.
const WAY: [u8; 11] = [2, 3, 4, 3, 4, 2, 1, 2, 3, 4, 5];

fn seeds() -> u64 {
    std::env::var("CONCLAVE_POWER_SEEDS").map_or(SHORT, |seeds| seeds.parse().unwrap())
}

fn open(folder: &std::path::Path) -> Db {
    Db::open(DbOptions::new(folder.join("state.db"), schema())).unwrap()
}

/// A writer of each age, which say what is done once it is.
struct Writers<'disk> {
    disk: &'disk FaultDisk,
    db: Db,
    older: Client,
    number: Cell<u32>,
}

impl Writers<'_> {
    fn next(&self) -> u32 {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    fn own(&self) {
        let name = format!("own-{}", self.next());
        let run = RunRecord {
            run_id: format!("R{}", self.number.get() % 3),
            spec: "S".into(),
            stage: "plan".into(),
            ..RunRecord::default()
        };
        let run = record_run(&self.db, &run).unwrap();
        let content = format!("{{\"name\":\"{name}\",\"text\":\"{}\"}}", "x".repeat(3000)).into_bytes();
        let (agent, attempt, response, at) = ("a".to_owned(), 1, None, None);
        let write_key = Some(name.clone());
        record_output(&self.db, &OutputRecord { run, agent, attempt, content, response, at, write_key })
            .unwrap();
        self.disk.mark(&format!("there {name}"));
    }

    /// Makes two rows, changes the first and deletes the second.
    fn older(&self) {
        let names = [(); 2].map(|()| format!("old-{}", self.next()));
        let named = |name: &str| format!("content_json LIKE '{{\"name\":\"{name}\"%'");
        for name in &names {
            let insert = format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
                 VALUES('S', 'spec-plan', 'b', '{{\"name\":\"{name}\"}}', 'R1')"
            );
            self.older.run(&insert).unwrap();
            self.disk.mark(&format!("there {name}"));
        }
        let [kept, gone] = &names;
        let update = format!(
            "UPDATE consensus_artifacts SET content_json = '{{\"name\":\"{kept}\",\"changed\":1}}', run_id = 'R2'
             WHERE {}",
            named(kept)
        );
        self.older.run(&update).unwrap();
        self.disk.mark(&format!("changed {kept}"));
        // From here until it is acknowledged it may be there or not.
        self.disk.mark(&format!("going {gone}"));
        self.older.run(&format!("DELETE FROM consensus_artifacts WHERE {}", named(gone))).unwrap();
        self.disk.mark(&format!("gone {gone}"));
    }

    fn both(&self) {
        self.own();
        self.older();
        self.own();
    }

    fn step(&self, to: u8) {
        let from = migrate::status(&self.db).unwrap().phase;
        // Rows that come for ever with each chunk would keep the way back from its end.
        let mut left = 3;
        let mut beside = |_| {
            if left > 0 {
                left -= 1;
                self.own();
            }
        };
        if to > from {
            let options =
                AdvanceOptions { to: Some(to), skip_soak: true, confirm: true, ..Default::default() };
            migrate::advance(&self.db, &options, &mut beside).unwrap();
        } else {
            let options = RollbackOptions { to: Some(to), ..Default::default() };
            migrate::rollback(&self.db, &options, &mut beside).unwrap();
        }
        self.disk.mark("step");
    }
}

/// A legacy file through all phases, and back in between.
fn live() -> Recording {
    let folder = tempdir().unwrap();
    let rows: String = (0..40)
        .map(|n| {
            format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
                 VALUES('S', 'spec-plan', 'c', '{{\"name\":\"first-{n}\"}}', 'R{}');",
                n % 4
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let path = folder.path().join("state.db");
    conclave_db::foreign::create(&path, &format!("{LEGACY_DDL}{rows}")).unwrap();
    drop(open(folder.path()));
    let disk = FaultDisk::watch(folder.path());
    for n in 0..40 {
        disk.mark(&format!("there first-{n}"));
    }
    let db = open(folder.path());
    let writers = Writers { disk: &disk, db, older: Client::open(&path).unwrap(), number: Cell::new(0) };
    writers.both();
    for to in WAY {
        if to == 3 {
            let options = BackfillOptions { chunk_rows: 9, ..BackfillOptions::default() };
            let mut left = 4;
            let mut beside = |_| {
                if left > 0 {
                    left -= 1;
                    writers.both();
                }
            };
            migrate::backfill(&writers.db, &options, &mut beside).unwrap();
        }
        if to == 5 {
            // What an older program writes after the backup keeps the tables from being dropped.
            writers.own();
        } else {
            writers.both();
        }
        writers.step(to);
    }
    writers.own();
    drop(writers);
    disk.recording()
}

/// The contents of one side by the name in them.
fn contents(db: &Db, query: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for row in rows(db, query) {
        let content = if let Value::Text(content) = &row[0] { Some(content) } else { None }.unwrap();
        let name = content.split('"').nth(3).unwrap().to_owned();
        assert!(found.insert(name, content.clone()).is_none(), "{content:.60} is there twice");
    }
    found
}

fn number(db: &Db, query: &str) -> u64 {
    let number = if let Value::Integer(number) = rows(db, query)[0][0] { Some(number) } else { None };
    u64::try_from(number.unwrap()).unwrap()
}

/// Cuts, opens what is left, and looks; gives how many operations the cut took.
fn cut(recording: &Recording, seed: u64) -> usize {
    let image = tempdir().unwrap();
    let cut = recording.cut(seed, image.path());
    let context = format!("seed {seed} cut at {} of {}", cut.at, recording.len());
    let _unsynced = FaultDisk::watch(image.path());
    let db = open(image.path());
    assert_eq!(rows(&db, "PRAGMA integrity_check"), [[Value::Text("ok".into())]], "{context}");
    assert!(rows(&db, "PRAGMA foreign_key_check").is_empty(), "{context}");
    for table in ["capture_off", "capture_runs", "migration_pending"] {
        assert_eq!(number(&db, &format!("SELECT count(*) FROM {table}")), 0, "{context}: {table}");
    }
    let status = migrate::status(&db).unwrap();
    let phase = status.phase;
    let moves = number(&db, "SELECT count(*) FROM migration_events WHERE kind = 'phase'");
    let steps = cut.marks.iter().filter(|mark| *mark == "step").count() as u64;
    assert!(moves == steps || moves == steps + 1, "{context}: {moves} moves, {steps} acknowledged");
    let led_to = usize::try_from(moves).unwrap().checked_sub(1).map_or(1, |last| WAY[last]);
    assert_eq!(phase, led_to, "{context}: the events and the phase");

    let unreached = if phase <= 2 { status.backfill.remaining } else { 0 };
    let report = migrate::verify(&db, "power", &mut |_| {}).unwrap();
    assert_eq!((report.differences, report.missing_in_new), (unreached, unreached), "{context}: {report:?}");

    let new = contents(&db, "SELECT content FROM agent_outputs");
    let legacy = (phase < 5).then(|| contents(&db, "SELECT content_json FROM consensus_artifacts"));
    let marked = |kind: &str| {
        let of_kind = cut.marks.iter().filter_map(|mark| mark.strip_prefix(kind)?.strip_prefix(' '));
        of_kind.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let (going, gone, changed) = (marked("going"), marked("gone"), marked("changed"));
    for name in marked("there") {
        let on_both = phase <= 3 || (phase == 4 && !name.starts_with("own"));
        let on_legacy = legacy.as_ref().and_then(|legacy| legacy.get(&name));
        if gone.contains(&name) {
            assert!(!new.contains_key(&name) && on_legacy.is_none(), "{context}: {name} is back");
            continue;
        }
        if going.contains(&name) && !new.contains_key(&name) && on_legacy.is_none() {
            continue;
        }
        assert!(new.contains_key(&name) || unreached > 0, "{context}: {name} is lost in phase {phase}");
        assert!(on_legacy.is_some() || !on_both, "{context}: {name} is on one side alone in phase {phase}");
        for content in [new.get(&name), on_legacy].into_iter().flatten() {
            let is_changed = content.contains("\"changed\"");
            assert!(is_changed || !changed.contains(&name), "{context}: {name} is as it was");
        }
    }
    cut.lost
}

#[test]
fn a_migration_survives_power_cuts() {
    let (mut recording, mut lost) = (None, 0);
    for seed in 0..seeds() {
        if seed % CUTS_PER_RUN == 0 {
            recording = Some(live());
        }
        lost += cut(recording.as_ref().unwrap(), seed);
    }
    println!("{} power cuts, {lost} operations lost, nothing acknowledged", seeds());
    assert!(lost > 0, "no cut has hit the middle of anything");
}
