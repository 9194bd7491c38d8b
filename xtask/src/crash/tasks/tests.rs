use std::collections::BTreeSet;
use std::path::PathBuf;

use conclave_tasks::record::Record;

use super::check::{Audited, Stored, replays};
use super::{Own, Tasks};
use crate::crash::work::tasker::{Operation, Shared};
use crate::crash::work::{Role, Worker};

const PLACE: u64 = 7;
const LONG: u64 = 600;

fn worker() -> Worker {
    Worker { role: Role::Tasker, place: PLACE, seed: 3, folder: PathBuf::new() }
}

fn number_of(worker: &Worker, what: impl Fn(&Operation) -> bool) -> u64 {
    (0..LONG).find(|number| what(&Operation::of(worker, *number))).unwrap()
}

/// Everything before this operation was acknowledged; claims were all in vain.
fn acknowledged(end: u64) -> Tasks {
    let mut tasks = Tasks::default();
    for number in 0..end {
        let word = Operation::of(&worker(), number).word();
        let none = format!("{word}-none");
        let is_shared = matches!(Operation::of(&worker(), number), Operation::Shared(_));
        tasks.done(&worker(), number, &[if is_shared { &none } else { word }]).unwrap();
    }
    tasks
}

fn record(own: &Own, id: &str) -> Record {
    let notes = own.notes.as_ref().map(|notes| format!(",\"notes\":\"{notes}\"")).unwrap_or_default();
    let quoted = |text: &String| format!("\"{text}\"");
    let labels: Vec<String> = own.labels.iter().map(quoted).collect();
    let comments: Vec<String> = own.comments.iter().map(|text| format!("{{\"text\":\"{text}\"}}")).collect();
    let edge = |(on, kind): &(String, String)| format!("{{\"depends_on_id\":\"{on}\",\"type\":\"{kind}\"}}");
    let edges: Vec<String> = own.edges.iter().map(edge).collect();
    let line = format!(
        "{{\"id\":\"{id}\",\"status\":\"{}\"{notes},\"labels\":[{}],\"comments\":[{}],\"dependencies\":[{}]}}",
        own.status,
        labels.join(","),
        comments.join(","),
        edges.join(",")
    );
    Record::read(line.as_bytes()).unwrap()
}

/// A store in which everything is as it was acknowledged.
fn stored(tasks: &Tasks) -> Stored {
    let mut stored = Stored::default();
    let model = &tasks.sides[&PLACE].model;
    for (id, own) in &model.own {
        stored.tasks.insert(id.clone(), record(own, id));
    }
    for (id, line) in &model.exact {
        stored.tasks.insert(id.clone(), Record::read(line.as_bytes()).unwrap());
    }
    for id in &model.pool {
        let line = format!("{{\"id\":\"{id}\",\"status\":\"open\"}}");
        stored.tasks.insert(id.clone(), Record::read(line.as_bytes()).unwrap());
    }
    stored.others.clone_from(&model.others);
    stored
}

fn row(
    task: &str,
    who: &str,
    operation: &str,
    statuses: [Option<&str>; 2],
    assignee: Option<&str>,
) -> Audited {
    let [old, new] = statuses.map(|status| status.map(str::to_owned));
    let changes = match assignee {
        Some("") => serde_json::json!({"assignee": {"old": who}}),
        Some(assignee) => serde_json::json!({"assignee": {"new": assignee}}),
        None => serde_json::json!({}),
    };
    let (task, who, operation) = (task.to_owned(), who.to_owned(), operation.to_owned());
    Audited { task, who, operation, old, new, changes }
}

#[test]
fn a_worker_does_everything_and_the_same_again_for_the_same_seed() {
    let mut words = BTreeSet::new();
    let mut deleted = BTreeSet::new();
    for number in 0..LONG {
        let operation = Operation::of(&worker(), number);
        assert_eq!(operation, Operation::of(&worker(), number));
        words.insert(operation.word());
        let changed = match &operation {
            Operation::Note { id, .. } | Operation::Label { id, .. } | Operation::Comment { id, .. } => {
                Some(id)
            }
            Operation::Close { id, .. } | Operation::Reopen { id } => Some(id),
            Operation::Depend { id, on, .. } => {
                let of = |id: &str| id.split_once('-').unwrap().1.parse::<u64>().unwrap();
                assert!(of(on) < of(id), "{operation:?} could make a cycle");
                assert!(!deleted.contains(on), "{operation:?}");
                Some(id)
            }
            _ => None,
        };
        assert!(changed.is_none_or(|id| !deleted.contains(id)), "{operation:?} of a deleted one");
        if let Operation::Delete { id } = operation {
            deleted.insert(id);
        }
    }
    assert_eq!(words.len(), 16, "{words:?}");
    assert!(!deleted.is_empty());
}

#[test]
fn what_was_acknowledged_must_be_there_as_it_was_left() {
    let mut tasks = acknowledged(LONG);
    let whole = stored(&tasks);
    tasks.compare(&whole).unwrap();
    for id in whole.tasks.keys() {
        let mut lost = whole.clone();
        lost.tasks.remove(id);
        assert!(tasks.clone().compare(&lost).is_err(), "{id} is gone");
    }
    let mut lost = whole.clone();
    lost.others.pop_first();
    assert!(tasks.clone().compare(&lost).is_err());
    let mut more = whole.clone();
    more.tasks.insert("t7-9999".to_owned(), record(&Own { status: "open", ..Own::default() }, "t7-9999"));
    assert!(tasks.clone().compare(&more).is_err(), "nobody has made it");
    for (id, line) in &tasks.sides[&PLACE].model.exact {
        let mut changed = whole.clone();
        let line = line.replacen("\"id\":", "\"id\" :", 1);
        changed.tasks.insert(id.clone(), Record::read(line.as_bytes()).unwrap());
        assert!(tasks.clone().compare(&changed).is_err(), "{id} has another blank");
    }
    let own = tasks.sides[&PLACE].model.own.clone();
    for (id, own) in own {
        let other = Own { status: "hooked", ..own };
        let mut changed = whole.clone();
        changed.tasks.insert(id.clone(), record(&other, &id));
        assert!(tasks.clone().compare(&changed).is_err(), "{id} has another status");
    }
}

#[test]
fn what_was_cut_off_is_there_wholly_or_not_at_all() {
    let number = number_of(&worker(), |operation| matches!(operation, Operation::Import { .. }));
    let (mut before, mut after) = (acknowledged(number), acknowledged(number + 1));
    let (without, with) = (stored(&before), stored(&after));
    assert!(before.clone().compare(&with).is_err(), "it was not even begun");
    before.cut_off(&worker(), number);
    before.clone().compare(&without).unwrap();
    let mut half = with.clone();
    half.tasks.remove(&format!("i{PLACE}-{number}-0"));
    assert!(before.clone().compare(&half).is_err(), "half a file");
    before.compare(&with).unwrap();
    assert!(before.compare(&without).is_err(), "it was there, and is gone");
    after.compare(&with).unwrap();
}

#[test]
fn a_task_of_the_pool_has_one_owner_and_every_acknowledged_one() {
    let [us, them] = ["tasker-7", "tasker-8"];
    let id = "pool-7-0";
    let of = |worker: &Worker, shared| number_of(worker, |operation| *operation == Operation::Shared(shared));
    let open = Some("open");
    let working = Some("in_progress");
    let created = row(id, us, "created", [None, open], None);
    let claimed = |who: &str| row(id, who, "claimed", [open, working], Some(who));
    let owned = |who: &str| {
        let line = format!("{{\"id\":\"{id}\",\"status\":\"in_progress\",\"assignee\":\"{who}\"}}");
        let record = Record::read(line.as_bytes()).unwrap();
        Stored { tasks: [(id.to_owned(), record)].into(), others: BTreeSet::new() }
    };
    let mut tasks = Tasks::default();
    let other = Worker { place: 8, ..worker() };
    let claims = [&worker(), &other].map(|worker| of(worker, Shared::ClaimReady));
    tasks.done(&worker(), claims[0], &["task-claim", id]).unwrap();
    tasks.done(&other, claims[1], &["task-claim-none"]).unwrap();
    let log = [created.clone(), claimed(us)];
    tasks.owners(&owned(us), &log).unwrap();
    assert!(tasks.owners(&owned(them), &log).is_err(), "the record says another one");
    assert!(tasks.owners(&owned(us), &log[..1]).is_err(), "an acknowledged claim is gone");
    let mut twice = tasks.clone();
    twice.done(&worker(), claims[0], &["task-claim", id]).unwrap();
    let error = twice.owners(&owned(us), &log).unwrap_err().to_string();
    assert!(error.contains("audited"), "told twice, and there once: {error}");
    let closed = row(id, them, "closed", [working, Some("closed")], None);
    let error = tasks.owners(&owned(us), &[created.clone(), claimed(us), closed]).unwrap_err().to_string();
    assert!(error.contains("has closed it"), "{error}");
    let both = [created.clone(), claimed(us), claimed(them)];
    let error = tasks.owners(&owned(them), &both).unwrap_err().to_string();
    assert!(error.contains("has claimed it"), "{error}");
    let back = row(id, us, "updated", [working, open], Some(""));
    let given = [created.clone(), claimed(us), back, claimed(them)];
    assert!(tasks.owners(&owned(them), &given).is_err(), "neither was told, nor killed");
    tasks.cut_off(&worker(), of(&worker(), Shared::Release));
    assert!(tasks.owners(&owned(them), &given).is_err(), "the other one was not told");
    tasks.cut_off(&other, claims[1]);
    tasks.owners(&owned(them), &given).unwrap();
}

#[test]
fn the_audit_log_leads_to_the_stored_status() {
    let line = r#"{"id":"a","status":"closed"}"#;
    let stored = Stored {
        tasks: [("a".to_owned(), Record::read(line.as_bytes()).unwrap())].into(),
        others: BTreeSet::new(),
    };
    let [open, closed] = [Some("open"), Some("closed")];
    let created = row("a", "ana", "created", [None, open], None);
    let closing = row("a", "ana", "closed", [open, closed], None);
    let note = row("a", "ana", "conflict", [None, None], None);
    replays(&stored, &[created.clone(), note, closing.clone()]).unwrap();
    let log = [created, closing.clone(), closing];
    replays(&stored, &log[..2]).unwrap();
    assert!(replays(&stored, &log[..1]).is_err(), "a change without its row");
    assert!(replays(&stored, &log[1..2]).is_err(), "a row is missing");
    assert!(replays(&stored, &log).is_err(), "a row is there twice");
}
