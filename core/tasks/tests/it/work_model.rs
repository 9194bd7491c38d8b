//! Random sequences of everything that agents do, beside a model that has nothing of the store: the same answers, the
//! same states, the same ready list; and the audit log, read forward, ends in the records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_tasks::read::{self, ListQuery, ReadyQuery};
use conclave_tasks::work::{self, Change, Closing, NewTask, Set};
use conclave_tasks::{TaskError, TaskErrorKind};
use proptest::prelude::*;

use crate::project::{Project, ids, parts, titled};
use model::{Model, Refusal};

mod model;

/// Something that an agent does. Tasks are meant by their number, modulo how many there are.
#[derive(Debug, Clone)]
enum Step {
    Create {
        parent: Option<usize>,
        on: Option<(usize, &'static str)>,
        priority: u8,
        epic: bool,
    },
    Claim {
        who: &'static str,
        task: usize,
        ttl: Option<u64>,
    },
    ClaimReady {
        who: &'static str,
        limit: u64,
        ttl: Option<u64>,
    },
    Status {
        task: usize,
        status: &'static str,
    },
    Assign {
        task: usize,
        to: Option<&'static str>,
    },
    Close {
        tasks: Vec<usize>,
        reason: Option<&'static str>,
        force: bool,
    },
    Reopen {
        task: usize,
    },
    Delete {
        task: usize,
    },
    Depend {
        task: usize,
        on: usize,
        kind: &'static str,
    },
    Undepend {
        task: usize,
        on: usize,
    },
    Label {
        task: usize,
        add: &'static str,
        remove: &'static str,
    },
    Comment {
        task: usize,
    },
    /// Time passes.
    Pass {
        ms: u64,
    },
}

const KINDS: [&str; 5] = ["blocks", "parent-child", "waits-for", "conditional-blocks", "related"];

fn step() -> impl Strategy<Value = Step> {
    let task = || 0..12_usize;
    let who = || proptest::sample::select(vec!["ann", "bob", "cyd"]);
    let kind = || proptest::sample::select(KINDS.to_vec());
    let ttl = || proptest::option::of(1..5_000_u64);
    let label = || proptest::sample::select(vec!["a", "b", "c"]);
    let status =
        proptest::sample::select(vec!["open", "in_progress", "closed", "deferred", "pinned", "blocked"]);
    let reason = proptest::option::of(proptest::sample::select(vec!["done", "It FAILED", "wontfix"]));
    prop_oneof![
        6 => (proptest::option::weighted(0.3, task()), proptest::option::weighted(0.4, (task(), kind())), 0..5_u8, any::<bool>())
            .prop_map(|(parent, on, priority, epic)| Step::Create { parent, on, priority, epic }),
        4 => (who(), task(), ttl()).prop_map(|(who, task, ttl)| Step::Claim { who, task, ttl }),
        3 => (who(), 1..4_u64, ttl()).prop_map(|(who, limit, ttl)| Step::ClaimReady { who, limit, ttl }),
        3 => (task(), status).prop_map(|(task, status)| Step::Status { task, status }),
        1 => (task(), proptest::option::of(who())).prop_map(|(task, to)| Step::Assign { task, to }),
        4 => (proptest::collection::vec(task(), 1..4), reason, any::<bool>())
            .prop_map(|(tasks, reason, force)| Step::Close { tasks, reason, force }),
        2 => task().prop_map(|task| Step::Reopen { task }),
        1 => task().prop_map(|task| Step::Delete { task }),
        4 => (task(), task(), kind()).prop_map(|(task, on, kind)| Step::Depend { task, on, kind }),
        1 => (task(), task()).prop_map(|(task, on)| Step::Undepend { task, on }),
        1 => (task(), label(), label()).prop_map(|(task, add, remove)| Step::Label { task, add, remove }),
        1 => task().prop_map(|task| Step::Comment { task }),
        3 => (0..3_000_u64).prop_map(|ms| Step::Pass { ms }),
    ]
}

/// What a call came to: the ids that it answers with, or what kind of no.
type Answer = Result<Vec<String>, Refusal>;

fn refusal(error: &TaskError) -> Refusal {
    match error.kind() {
        TaskErrorKind::Refused => Refusal::Refused,
        TaskErrorKind::NotClaimable => Refusal::NotClaimable,
        kind => unreachable!("{kind:?}: {error}"),
    }
}

fn name(task: usize) -> String {
    format!("t-{task:02}")
}

/// Takes the same step in the store and in the model.
fn take(project: &Project, model: &mut Model, step: &Step) -> (Answer, Answer) {
    let db = &project.db;
    let count = model.tasks.len();
    let id = |task: usize| name(task % count.max(1));
    let ttl = |ttl: Option<u64>| ttl.map(Duration::from_millis);
    let done = |outcome: conclave_tasks::Result<Vec<String>>| outcome.map_err(|error| refusal(&error));
    if count == 0 && !matches!(step, Step::Create { .. } | Step::ClaimReady { .. } | Step::Pass { .. }) {
        return (Ok(vec![]), Ok(vec![]));
    }
    match step {
        Step::Create { parent, on, priority, epic } => {
            let own = name(count);
            let parent = parent.filter(|_| count > 0).map(id);
            let on = on.filter(|_| count > 0).map(|(on, kind)| (id(on), kind.to_owned()));
            let new = NewTask {
                id: Some(own.clone()),
                parent: parent.clone(),
                priority: Some(*priority),
                issue_type: epic.then(|| "epic".to_owned()),
                dependencies: on.iter().cloned().collect(),
                ..titled(&own)
            };
            let parent = parent.map(|parent| (parent, "parent-child".to_owned()));
            let edges: BTreeSet<_> = parent.into_iter().chain(on).collect();
            let stored = work::create(db, "ann", new).map(|row| vec![row.id().to_owned()]);
            (done(stored), model.create(&own, edges, *priority, *epic))
        }
        Step::Claim { who, task, ttl: time } => {
            let stored =
                work::claim(db, who, &id(*task), ttl(*time)).map(|won| vec![won.row.id().to_owned()]);
            (done(stored), model.claim(who, &id(*task), *time))
        }
        Step::ClaimReady { who, limit, ttl: time } => {
            let query = ReadyQuery { limit: Some(*limit), ..ReadyQuery::default() };
            let stored = work::claim_ready(db, who, &query, ttl(*time)).map(|rows| ids(&rows));
            (done(stored), Ok(model.claim_ready(who, *limit, *time)))
        }
        Step::Status { task, status } => {
            let change = Change { status: Some((*status).to_owned()), ..Change::default() };
            let stored = work::update(db, "ann", &[id(*task)], change).map(|rows| ids(&rows));
            (done(stored), model.set_status("ann", &id(*task), status))
        }
        Step::Assign { task, to } => {
            let assignee = to.map_or(Set::Clear, |to| Set::To(to.to_owned()));
            let change = Change { assignee, ..Change::default() };
            let stored = work::update(db, "ann", &[id(*task)], change).map(|rows| ids(&rows));
            (done(stored), model.assign(&id(*task), *to))
        }
        Step::Close { tasks, reason, force } => {
            let mut named: Vec<String> = Vec::new();
            for task in tasks {
                if !named.contains(&id(*task)) {
                    named.push(id(*task));
                }
            }
            let how = Closing { reason: reason.map(str::to_owned), force: *force, ..Closing::default() };
            let stored = work::close(db, "ann", &named, &how).map(|closed| closed.ready);
            (done(stored), model.close(&named, *reason, *force))
        }
        Step::Reopen { task } => {
            let stored = work::reopen(db, "ann", &[id(*task)], None).map(|rows| ids(&rows));
            (done(stored), model.reopen(&id(*task)))
        }
        Step::Delete { task } => {
            let stored = work::delete(db, "ann", &[id(*task)], None).map(|rows| ids(&rows));
            (done(stored), Ok(model.delete(&id(*task))))
        }
        Step::Depend { task, on, kind } => {
            let stored =
                work::depend(db, "ann", &id(*task), &id(*on), kind).map(|done| vec![done.depends_on]);
            (done(stored), model.depend(&id(*task), &id(*on), kind))
        }
        Step::Undepend { task, on } => {
            let stored =
                work::undepend(db, "ann", &id(*task), &id(*on), None).map(|done| vec![done.depends_on]);
            (done(stored), model.undepend(&id(*task), &id(*on)))
        }
        Step::Label { task, add, remove } => {
            let (add, remove) = ((*add).to_owned(), (*remove).to_owned());
            let stored =
                work::label(db, "ann", &id(*task), std::slice::from_ref(&add), std::slice::from_ref(&remove));
            (done(stored.map(|_| vec![])), model.label(&id(*task), &add, &remove))
        }
        Step::Comment { task } => {
            let stored = work::comment(db, "ann", &id(*task), "a remark").map(|_| vec![]);
            (done(stored), model.comment(&id(*task)))
        }
        Step::Pass { ms } => {
            project.clock.advance(Duration::from_millis(*ms));
            model.now += i64::try_from(*ms).unwrap();
            (Ok(vec![]), Ok(vec![]))
        }
    }
}

/// All of the store in the words of the model.
fn stored(project: &Project) -> BTreeMap<String, model::Seen> {
    let rows = read::list(&project.db, &ListQuery { all: true, ..ListQuery::default() }).unwrap();
    let seen = rows.into_iter().map(|row| {
        let projection = row.record.projection();
        let seen = model::Seen {
            status: row.status.clone().unwrap(),
            assignee: row.assignee.clone(),
            is_closed: projection.closed_at.is_some(),
            has_ttl: projection.claim_expires_at.is_some(),
            blocked: row.blocked,
            labels: projection.labels.iter().cloned().collect(),
            edges: projection
                .dependencies
                .iter()
                .map(|edge| (edge.target.clone(), edge.kind.clone()))
                .collect(),
            comments: projection.comments.len(),
            oddities: projection.oddities.len(),
        };
        (row.id().to_owned(), seen)
    });
    seen.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn store_and_model_agree(steps in proptest::collection::vec(step(), 1..60)) {
        let project = Project::new();
        let mut model = Model::default();
        for step in steps {
            let (stored_answer, wanted) = take(&project, &mut model, &step);
            prop_assert_eq!(stored_answer, wanted, "{:?}", &step);
            let seen = stored(&project);
            let is_nobodys = |task: &model::Seen| task.status == "in_progress" && task.assignee.is_none();
            prop_assert!(!seen.values().any(is_nobodys), "in progress, and nobody's, after {:?}", &step);
            prop_assert_eq!(seen, model.seen(), "after {:?}", &step);
            prop_assert_eq!(project.ready(), model.ready(), "after {:?}", &step);
        }
        for id in model.tasks.keys() {
            let record = project.row(id).record;
            prop_assert_eq!(project.replayed(id), parts(record.bytes()));
        }
    }
}
