//! The phase machine with writers of both ages, searched breadth first: from each state that was reached every
//! action is tried, and what must always hold is asked after each. The actions are the transactions themselves.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use conclave_consensus::migrate::{self, AdvanceOptions, RepairOptions, RollbackOptions};
use conclave_consensus::record::{self, OutputRecord, RunRecord};
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions, checkpoint};

use crate::project::{LEGACY_DDL, rows, schema};

/// How many actions deep the search goes from the beginning of each phase; `PHASE_MODEL_DEPTH` says otherwise.
const DEPTH: usize = 2;
/// How many rows there are at most.
const MOST_ROWS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    OldInsert,
    OldUpdate,
    OldReplace,
    OldDelete,
    OwnWrite,
    Backfill,
    Verify,
    Repair,
    Advance,
    RollBack,
}

const ACTIONS: [Action; 10] = [
    Action::OldInsert,
    Action::OldUpdate,
    Action::OldReplace,
    Action::OldDelete,
    Action::OwnWrite,
    Action::Backfill,
    Action::Verify,
    Action::Repair,
    Action::Advance,
    Action::RollBack,
];

/// A state: its file, the contents that were acknowledged and not taken back, and the way to it.
#[derive(Debug, Clone)]
struct State {
    file: PathBuf,
    wanted: BTreeSet<String>,
    way: Vec<Action>,
}

fn open(file: &Path) -> Db {
    Db::open(DbOptions::new(file, schema())).unwrap()
}

fn number(db: &Db, query: &str) -> i64 {
    let first = rows(db, query).into_iter().flatten().next();
    first.and_then(|value| if let Value::Integer(number) = value { Some(number) } else { None }).unwrap()
}

fn texts(db: &Db, query: &str) -> BTreeSet<String> {
    rows(db, query).into_iter().map(|row| format!("{:?}", row[0])).collect()
}

fn phase(db: &Db) -> u8 {
    u8::try_from(number(db, "SELECT phase FROM migration_state")).unwrap()
}

fn has_legacy(db: &Db) -> bool {
    number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'consensus_artifacts'") == 1
}

fn contents(db: &Db, table: &str, column: &str) -> BTreeSet<String> {
    texts(db, &format!("SELECT {column} FROM {table}"))
}

/// Runs an action as its writer would. `None` where it is none in this state.
fn act(db: &Db, action: Action, step: usize, wanted: &mut BTreeSet<String>) -> Option<()> {
    let before = phase(db);
    let content = format!("{{\"step\":{step}}}");
    let text = |content: &str| format!("{:?}", Value::Text(content.to_owned()));
    let old = |sql: &str| {
        // An older program makes its tables at its start.
        conclave_db::foreign::run(db.path(), &format!("{LEGACY_DDL}{sql}")).unwrap();
    };
    // Which row an older program's statement is about: the newest.
    let newest = |db: &Db| {
        if !has_legacy(db) {
            return None;
        }
        rows(db, "SELECT content_json FROM consensus_artifacts ORDER BY id DESC LIMIT 1")
            .first()
            .map(|row| format!("{:?}", row[0]))
    };
    match action {
        Action::OldInsert if wanted.len() < MOST_ROWS => {
            old(&format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
                 VALUES('S', 'spec-plan', 'a', '{content}', 'R')"
            ));
            wanted.insert(text(&content));
        }
        Action::OldUpdate | Action::OldReplace => {
            let changed = newest(db)?;
            old(&match action {
                Action::OldUpdate => format!(
                    "UPDATE consensus_artifacts SET content_json = '{content}', stage = 'spec-tasks'
                     WHERE id = (SELECT max(id) FROM consensus_artifacts)"
                ),
                _ => format!(
                    "INSERT OR REPLACE INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json)
                     SELECT max(id), 'S', 'spec-plan', 'b', '{content}' FROM consensus_artifacts"
                ),
            });
            wanted.remove(&changed);
            wanted.insert(text(&content));
        }
        Action::OldDelete => {
            let gone = newest(db)?;
            old("DELETE FROM consensus_artifacts WHERE id = (SELECT max(id) FROM consensus_artifacts)");
            wanted.remove(&gone);
        }
        Action::OwnWrite if wanted.len() < MOST_ROWS => {
            let run = RunRecord {
                run_id: "own".into(),
                spec: "S".into(),
                stage: "plan".into(),
                at: Some(1_795_000_000_000),
                ..Default::default()
            };
            let run = record::record_run(db, &run).unwrap();
            let output = OutputRecord {
                run,
                agent: "own".into(),
                attempt: 1,
                content: content.clone().into_bytes(),
                response: None,
                at: Some(1_795_000_000_000),
                write_key: None,
            };
            record::record_output(db, &output).unwrap();
            wanted.insert(text(&content));
        }
        Action::OldInsert | Action::OwnWrite => return None,
        Action::Backfill => {
            migrate::backfill(db, &migrate::BackfillOptions::default(), &mut |_| {}).unwrap();
        }
        Action::Verify => {
            migrate::verify(db, "ana", &mut |_| {}).unwrap();
        }
        Action::Repair => {
            migrate::repair(db, &RepairOptions::default(), &mut |_| {}).unwrap();
        }
        Action::Advance => {
            let options = AdvanceOptions { skip_soak: true, confirm: true, ..Default::default() };
            match migrate::advance(db, &options, &mut |_| {}) {
                Ok(report) => assert_eq!((report.from, report.phase), (before, before + 1)),
                Err(_) => return None,
            }
        }
        Action::RollBack => match migrate::rollback(db, &RollbackOptions::default(), &mut |_| {}) {
            Ok(report) => assert_eq!((report.from, report.phase), (before, before - 1)),
            Err(_) => return None,
        },
    }
    Some(())
}

/// What must hold in every state.
fn hold(db: &Db, wanted: &BTreeSet<String>, way: &[Action]) {
    let phase = phase(db);
    let legacy =
        if has_legacy(db) { contents(db, "consensus_artifacts", "content_json") } else { BTreeSet::new() };
    let new = contents(db, "agent_outputs", "content");
    let seen: BTreeSet<String> = match phase {
        1 | 2 => legacy.clone(),
        4 => new.clone(),
        // Legacy-only rows are never hidden in 3; in 5 nobody shows those of tables that came back before they
        // are taken over, and none is lost.
        _ => new.union(&legacy).cloned().collect(),
    };
    assert_eq!(&seen, wanted, "phase {phase}: what was acknowledged is seen, and nothing else: {way:?}");
    assert_eq!(number(db, "SELECT count(*) FROM capture_off"), 0, "{way:?}");
    assert_eq!(number(db, "SELECT count(*) FROM migration_pending"), 0, "{way:?}");
    assert!(rows(db, "PRAGMA foreign_key_check").is_empty(), "{way:?}");
    if phase > 1 && phase < 5 {
        let triggers = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'";
        assert!(number(db, triggers) > 0, "{way:?}");
    }
    if phase == 3 {
        assert_eq!(new, legacy, "both sides hold everything: {way:?}");
    }
    let lonely = "SELECT count(*) FROM consensus_runs r WHERE origin = 'legacy'
      AND NOT EXISTS (SELECT 1 FROM agent_outputs WHERE run_id = r.id)";
    assert_eq!(number(db, lonely), 0, "a legacy run goes with its last row: {way:?}");
}

/// What two states must share to be one. Contents are told apart by their order alone.
fn digest(db: &Db) -> Vec<String> {
    let mut parts = vec![format!("{}", phase(db))];
    let mut queries = vec![
        "SELECT r.run_key, r.stage, o.agent_name, o.sequence, o.legacy_id IS NULL, o.captured_phase,
           (SELECT count(*) FROM agent_outputs p WHERE p.content < o.content) FROM agent_outputs o
         JOIN consensus_runs r ON r.id = o.run_id ORDER BY o.id",
        "SELECT differences > 0 FROM migration_state",
        "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'",
    ];
    if has_legacy(db) {
        queries.push(
            "SELECT stage, agent_name, run_id, (SELECT count(*) FROM consensus_artifacts p
               WHERE p.content_json < a.content_json),
               EXISTS (SELECT 1 FROM agent_outputs o WHERE o.legacy_id = a.id) FROM consensus_artifacts a ORDER BY id",
        );
    }
    parts.extend(queries.into_iter().map(|query| format!("{:?}", rows(db, query))));
    parts
}

#[test]
fn writers_of_both_ages_and_every_order_of_steps_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("0.db");
    let begin = format!(
        "{LEGACY_DDL}INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
         VALUES('S', 'spec-plan', 'a', '{{\"step\":0}}', 'R')"
    );
    conclave_db::foreign::create(&first, &begin).unwrap();
    let (mut seen, mut phases, mut number_of_files) = (HashSet::new(), BTreeSet::new(), 0);
    let mut queue = VecDeque::new();
    // The search begins where each phase is first entered, so that its depth is spent on what follows.
    let mut file = first;
    for from in 1..=5_u8 {
        let db = open(&file);
        let mut wanted = BTreeSet::new();
        wanted.insert(format!("{:?}", Value::Text("{\"step\":0}".into())));
        if from == 2 {
            migrate::backfill(&db, &migrate::BackfillOptions::default(), &mut |_| {}).unwrap();
        }
        if from > 1 {
            act(&db, Action::Advance, 0, &mut wanted).unwrap();
        }
        checkpoint::checkpoint(&db, checkpoint::CheckpointMode::Truncate).unwrap();
        assert!(seen.insert(digest(&db)));
        drop(db);
        queue.push_back(State { file: file.clone(), wanted, way: Vec::new() });
        let next = folder.path().join(format!("phase-{from}.db"));
        std::fs::copy(&file, &next).unwrap();
        file = next;
    }
    let depth = std::env::var("PHASE_MODEL_DEPTH").map_or(DEPTH, |depth| depth.parse().unwrap());
    while let Some(state) = queue.pop_front() {
        for action in ACTIONS {
            number_of_files += 1;
            let file = folder.path().join(format!("s{number_of_files}.db"));
            std::fs::copy(&state.file, &file).unwrap();
            let db = open(&file);
            let mut wanted = state.wanted.clone();
            let way: Vec<Action> = state.way.iter().copied().chain([action]).collect();
            let done = act(&db, action, way.len(), &mut wanted);
            hold(&db, &wanted, &way);
            phases.insert(phase(&db));
            let is_new = done.is_some() && seen.insert(digest(&db));
            if is_new && way.len() < depth {
                checkpoint::checkpoint(&db, checkpoint::CheckpointMode::Truncate).unwrap();
                drop(db);
                queue.push_back(State { file, wanted, way });
            } else {
                drop(db);
                let _ = std::fs::remove_file(&file);
            }
        }
        let _ = std::fs::remove_file(&state.file);
    }
    assert_eq!(phases, (1..=5).collect());
    println!("{} states, {number_of_files} transitions", seen.len());
    assert!(seen.len() > 30, "{} states", seen.len());
}
