//! Three opinions on who is blocked, which must be one: the column that is kept up to date, the recursive query, and
//! a model that does nothing but read the rules aloud.

use std::collections::{BTreeMap, BTreeSet};

use conclave_db::sql::params;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::{rebuild, refresh, wrong};
use crate::store::tasks::Touched;
use crate::testing::Store;

const IDS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "nowhere", "gone"];
const STATUSES: [&str; 10] = [
    "open",
    "open",
    "in_progress",
    "blocked",
    "deferred",
    "hooked",
    "closed",
    "closed",
    "tombstone",
    "strange",
];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    target: &'static str,
    kind: &'static str,
    spawner: Option<&'static str>,
    any_child: bool,
}

#[derive(Debug, Clone, Default)]
struct Task {
    status: Option<&'static str>,
    reason: Option<&'static str>,
    edges: Vec<Edge>,
}

#[derive(Debug, Clone)]
enum Step {
    Put(&'static str, Task),
    Status(&'static str, Option<&'static str>, Option<&'static str>),
    Remove(&'static str),
}

fn edges() -> impl Strategy<Value = Vec<Edge>> {
    let kinds = ["blocks", "parent-child", "parent-child", "conditional-blocks", "waits-for", "related"];
    let edge = (select(&IDS[..]), select(kinds.to_vec()), weighted(0.3, select(&IDS[..])), any::<bool>());
    vec(edge, 0..4).prop_map(|edges| {
        let mut seen = BTreeSet::new();
        let unique = edges.into_iter().filter(|(target, kind, ..)| seen.insert((*target, *kind)));
        unique
            .map(|(target, kind, spawner, any_child)| {
                let waits = kind == "waits-for";
                let spawner = waits.then(|| spawner.unwrap_or(target));
                Edge { target, kind, spawner, any_child: waits && any_child }
            })
            .collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    let id = || select(&IDS[..7]);
    let status = || weighted(0.95, select(&STATUSES[..]));
    let reason = || weighted(0.6, select(vec!["shipped", "Won't fix", "build FAILED twice", ""]));
    prop_oneof![
        4 => (id(), status(), reason(), edges())
            .prop_map(|(id, status, reason, edges)| Step::Put(id, Task { status, reason, edges })),
        4 => (id(), status(), reason()).prop_map(|(id, status, reason)| Step::Status(id, status, reason)),
        1 => id().prop_map(Step::Remove),
    ]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

type Model = BTreeMap<&'static str, Task>;

fn unfinished(status: Option<&str>) -> bool {
    matches!(status, Some("open" | "in_progress" | "blocked" | "deferred" | "hooked"))
}

fn is_failure(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    crate::words::FAILURES.iter().any(|word| reason.contains(word))
}

fn ended(status: Option<&str>) -> bool {
    matches!(status, Some("closed" | "tombstone"))
}

fn holds(model: &Model, edge: &Edge) -> bool {
    let Some(target) = model.get(edge.target) else { return false };
    match edge.kind {
        "blocks" => unfinished(target.status),
        "conditional-blocks" => {
            let succeeded = target.status == Some("closed") && !is_failure(target.reason.unwrap_or(""));
            unfinished(target.status) || succeeded
        }
        "waits-for" => {
            let spawner = edge.spawner.unwrap_or(edge.target);
            let is_child = |task: &&Task| {
                task.edges.iter().any(|edge| edge.kind == "parent-child" && edge.target == spawner)
            };
            let mut children = model.values().filter(is_child);
            model.contains_key(spawner)
                && if edge.any_child {
                    !children.any(|child| ended(child.status))
                } else {
                    children.any(|child| child.status.is_some() && !ended(child.status))
                }
        }
        _ => false,
    }
}

fn blocked(model: &Model) -> BTreeSet<&'static str> {
    let mut blocked: BTreeSet<_> = BTreeSet::new();
    loop {
        let more = model.iter().filter(|(_, task)| {
            task.edges.iter().any(|edge| {
                holds(model, edge) || (edge.kind == "parent-child" && blocked.contains(edge.target))
            })
        });
        let more: BTreeSet<_> = more.map(|(id, _)| *id).collect();
        if more == blocked {
            return blocked;
        }
        blocked = more;
    }
}

/// Does to the store what `store::tasks` does, with no record behind it. Gives what became free.
fn apply(store: &Store, model: &mut Model, step: &Step) -> Vec<String> {
    let parents = |task: Option<&Task>| {
        let edges = task.map(|task| task.edges.clone()).unwrap_or_default();
        edges.into_iter().filter(|edge| edge.kind == "parent-child").map(|edge| edge.target.to_owned())
    };
    let (id, after) = match step {
        Step::Put(id, task) => (*id, Some(task.clone())),
        Step::Status(id, status, reason) => {
            let Some(task) = model.get(id) else { return Vec::new() };
            (*id, Some(Task { status: *status, reason: *reason, ..task.clone() }))
        }
        Step::Remove(id) => (*id, None),
    };
    let before = model.get(id).cloned();
    let touched = Touched {
        ids: [id.to_owned()].into(),
        parents: parents(before.as_ref()).chain(parents(after.as_ref())).collect(),
        ..Touched::default()
    };
    match &after {
        Some(task) => model.insert(id, task.clone()),
        None => model.remove(id),
    };
    store.write(move |tx| {
        if let Some(task) = &after {
            let number: i64 = tx.query_row(
                "INSERT INTO tasks(id, record, place, status, close_reason) VALUES(?1, x'', 0, ?2, ?3)
                 ON CONFLICT(id) DO UPDATE SET status = ?2, close_reason = ?3 RETURNING number",
                params![id, task.status, task.reason],
                |row| row.get(0),
            )?;
            tx.execute("DELETE FROM task_edges WHERE task = ?1", [number])?;
            for edge in &task.edges {
                tx.execute(
                    "INSERT INTO task_edges(task, target, kind, spawner, any_child) VALUES(?1, ?2, ?3, ?4, ?5)",
                    params![number, edge.target, edge.kind, edge.spawner, edge.any_child],
                )?;
            }
        } else {
            tx.execute("DELETE FROM tasks WHERE id = ?1", [id])?;
        }
        refresh(tx, &touched)
    })
}

fn stored(store: &Store) -> BTreeSet<String> {
    let ids = store.db.read(|conn| {
        conn.query_all("SELECT id FROM tasks WHERE blocked = 1", (), |row| row.get::<_, String>(0))
    });
    ids.unwrap().into_iter().collect()
}

#[test]
fn the_column_the_recursive_query_and_the_rules_agree_after_every_change() {
    let store = Store::new();
    proptest!(config(150), |(steps in vec(step(), 1..40))| {
        store.execute("DELETE FROM tasks");
        let mut model = Model::new();
        for step in &steps {
            let before = stored(&store);
            let freed = apply(&store, &mut model, step);
            let expected: BTreeSet<String> = blocked(&model).into_iter().map(str::to_owned).collect();
            let now = stored(&store);
            prop_assert_eq!(&now, &expected, "after {:?}", step);
            let wrong = store.db.read(|conn| wrong(conn, 9)).unwrap();
            prop_assert_eq!(wrong, Vec::<String>::new());
            let gone: Vec<String> = before
                .difference(&now)
                .filter(|id| model.contains_key(id.as_str()))
                .cloned()
                .collect();
            prop_assert_eq!(freed, gone);
        }
    });
}

#[test]
fn rebuilding_mends_whatever_was_in_the_column() {
    let store = Store::new();
    proptest!(config(40), |(steps in vec(step(), 1..12), lies in vec(select(&IDS[..7]), 0..7))| {
        store.execute("DELETE FROM tasks");
        let mut model = Model::new();
        for step in &steps {
            apply(&store, &mut model, step);
        }
        let sound = stored(&store);
        let lies: BTreeSet<String> =
            lies.into_iter().filter(|id| model.contains_key(id)).map(str::to_owned).collect();
        let told = lies.clone();
        store.write(move |tx| {
            for id in &told {
                tx.execute("UPDATE tasks SET blocked = 1 - blocked WHERE id = ?1", [id])?;
            }
            Ok(())
        });
        let found: BTreeSet<String> = store.db.read(|conn| wrong(conn, 9)).unwrap().into_iter().collect();
        prop_assert_eq!(&found, &lies);
        let mended = store.write(rebuild);
        prop_assert_eq!(mended, lies.len() as u64);
        prop_assert_eq!(stored(&store), sound);
    });
}

/// A task without anything, and one that depends on another.
fn task(status: &'static str, edges: &[(&'static str, &'static str)]) -> Task {
    let edge = |&(target, kind)| Edge { target, kind, spawner: None, any_child: false };
    Task { status: Some(status), reason: None, edges: edges.iter().map(edge).collect() }
}

#[test]
fn a_cycle_of_children_is_free_once_its_only_reason_is_gone() {
    let store = Store::new();
    let mut model = Model::new();
    for (id, task) in [
        ("a", task("open", &[])),
        ("b", task("open", &[("a", "blocks"), ("d", "parent-child")])),
        ("c", task("open", &[("b", "parent-child")])),
        ("d", task("open", &[("c", "parent-child")])),
    ] {
        apply(&store, &mut model, &Step::Put(id, task));
    }
    assert_eq!(stored(&store), ["b", "c", "d"].map(str::to_owned).into());
    let freed = apply(&store, &mut model, &Step::Status("a", Some("closed"), None));
    assert_eq!(freed, ["b", "c", "d"]);
    assert_eq!(stored(&store), BTreeSet::new());
}

#[test]
fn a_great_many_changes_at_once_are_computed_by_one_statement_with_the_same_end() {
    let store = Store::new();
    store.execute(
        "INSERT INTO tasks(id, record, place, status)
           WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i < 999)
           SELECT printf('t%04d', i), x'', i, 'open' FROM n;
         INSERT INTO task_edges(task, target, kind)
           SELECT number, printf('t%04d', place - 1), iif(place = 1, 'blocks', 'parent-child')
           FROM tasks WHERE place > 0;",
    );
    let touched = |ids: std::ops::Range<u32>| Touched {
        ids: ids.map(|number| format!("t{number:04}")).collect(),
        parents: BTreeSet::new(),
        ..Touched::default()
    };
    let all = touched(0..1000);
    assert_eq!(store.write(move |tx| refresh(tx, &all)), Vec::<String>::new());
    assert_eq!(stored(&store).len(), 999);
    store.execute("UPDATE tasks SET status = 'closed' WHERE id = 't0000'");
    let one = touched(0..1);
    let freed = store.write(move |tx| refresh(tx, &one));
    assert_eq!(freed.len(), 999);
    assert_eq!((freed[0].as_str(), freed[998].as_str()), ("t0001", "t0999"));
    assert_eq!(stored(&store).len(), 0);
}
