//! A stage always ends: on time, by a person, or with this process.

use std::sync::Arc;
use std::time::Duration;

use conclave_consensus::agents::AgentDefinition;
use conclave_consensus::runs::{self, RunStatus};
use conclave_consensus::workflow::{self, AgentState, AttemptEnd, Cancel, Event, Owner, RunRequest, Session};
use conclave_db::process::{self, Liveness};

use super::{agent, drive, good, request, run, runtime, session};
use crate::project::Project;

/// One that never ends and hears no SIGTERM, with a child of its own that does not either. Says who that is.
fn stubborn(name: &str) -> AgentDefinition {
    agent(
        name,
        &format!(
            "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $! > child-{name}; echo up; wait; wait"
        ),
    )
}

fn has_ended(project: &Project, name: &str) -> bool {
    let pid = std::fs::read_to_string(project.path(&format!("child-{name}"))).unwrap();
    let pid = pid.trim().parse().unwrap();
    process::of(pid).unwrap().is_none_or(|it| process::liveness(&it) != Liveness::Alive)
}

fn outcome(project: &Project, id: runs::RunId, agent: &str) -> (String, Option<AttemptEnd>) {
    let shown = runs::show(&project.db, id).unwrap().unwrap();
    let attempt = shown.attempts.iter().rfind(|attempt| attempt.agent == agent).unwrap();
    (attempt.state.clone(), attempt.details.outcome)
}

/// A session that asks for the end as soon as this agent says that it is up.
fn stopping(name: &'static str, stop: impl Fn() + Send + Sync + 'static) -> Session {
    let observer = move |event: Event| {
        if matches!(&event, Event::Line { agent, .. } if agent == name) {
            stop();
        }
    };
    Session { observer: Arc::new(observer), ..session() }
}

#[test]
fn one_fails_and_one_never_ends() {
    let project = Project::new();
    let agents = vec![good("a"), agent("b", "exit 3"), stubborn("c")];
    let asked = RunRequest { timeout: Duration::from_secs(2), ..request(&project, agents) };
    let driven = run(&project, &asked);
    let verdict = driven.verdict.unwrap();
    assert_eq!((verdict.status, verdict.usable, verdict.expected), (RunStatus::Insufficient, 1, 3));
    assert_eq!(outcome(&project, driven.run, "c"), ("timed_out".into(), Some(AttemptEnd::TimedOut)));
    assert_eq!(outcome(&project, driven.run, "b"), ("failed".into(), Some(AttemptEnd::Failed)));
    assert!(has_ended(&project, "c"));
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 1);

    let project = Project::new();
    let agents = vec![good("a"), good("b"), stubborn("c")];
    let asked = RunRequest { timeout: Duration::from_secs(2), ..request(&project, agents) };
    let verdict = run(&project, &asked).verdict.unwrap();
    assert_eq!((verdict.status, verdict.usable), (RunStatus::Degraded, 2));
}

#[test]
fn the_time_of_an_attempt_is_its_own_and_it_is_repeated() {
    let project = Project::new();
    let mut slow =
        agent("a", "echo x >> asked; [ $(wc -l < asked) = 2 ] && echo '{\"x\":1}' && exit; sleep 60");
    slow.timeout = Duration::from_millis(300);
    slow.retries = 1;
    let asked = RunRequest { stage: "free".into(), ..request(&project, vec![slow]) };
    let driven = run(&project, &asked);
    assert_eq!(driven.verdict.unwrap().status, RunStatus::Ok);
    let shown = runs::show(&project.db, driven.run).unwrap().unwrap();
    let ends: Vec<_> = shown.attempts.iter().map(|attempt| attempt.details.outcome.unwrap()).collect();
    assert_eq!(ends, [AttemptEnd::TimedOut, AttemptEnd::Answered]);
}

#[test]
fn the_second_of_three_fails_and_the_first_is_kept() {
    let project = Project::new();
    let agents = vec![good("a"), agent("b", "exit 3"), good("c")];
    let asked = RunRequest { sequential: true, ..request(&project, agents) };
    let driven = run(&project, &asked);
    assert_eq!(driven.verdict.unwrap().status, RunStatus::Degraded);
    let stored = project.rows("SELECT agent_name FROM agent_outputs ORDER BY id");
    assert_eq!(stored.len(), 2, "{stored:?}");

    // One that uses up the time of all costs the others theirs, and no more.
    let project = Project::new();
    let agents = vec![good("a"), stubborn("b"), good("c")];
    let asked = RunRequest { sequential: true, timeout: Duration::from_secs(2), ..request(&project, agents) };
    let verdict = run(&project, &asked).verdict.unwrap();
    assert_eq!(
        (verdict.status, verdict.missing),
        (RunStatus::Insufficient, vec!["b".to_owned(), "c".to_owned()])
    );
}

#[test]
fn what_is_interrupted_goes_on() {
    let project = Project::new();
    let script = "echo x >> asked; [ $(wc -l < asked) = 2 ] && echo done && exit; trap '' TERM; echo up; sleep 60 & wait; wait";
    let agents = vec![good("a"), agent("b", script)];
    let asked = RunRequest { stage: "free".into(), ..request(&project, agents) };
    let id = workflow::begin(&project.db, &asked).unwrap();
    let stop = conclave_consensus::child::Stop::new();
    let asked_twice = stop.clone();
    let session = Session { stop, ..stopping("b", move || asked_twice.kill()) };
    let driven = drive(&project.db, id, &session);
    assert_eq!(driven.verdict, None);
    assert_eq!(outcome(&project, id, "b"), ("cancelled".into(), Some(AttemptEnd::Cancelled)));
    let shown = runs::show(&project.db, id).unwrap().unwrap();
    assert_eq!(shown.summary.status, RunStatus::Running);
    assert_eq!(shown.roster[1].state, AgentState::Left);
    let waiting = workflow::unfinished(&project.db).unwrap();
    assert_eq!((waiting.len(), waiting[0].owner, waiting[0].run), (1, Owner::Nobody, id));

    let driven = drive(&project.db, id, &super::session());
    assert_eq!(driven.verdict.unwrap().status, RunStatus::Ok);
    let rows =
        project.rows("SELECT agent_id, attempt, state FROM run_attempts WHERE agent_name = 'b' ORDER BY id");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][1], rows[1][1], "the attempt that was ended is made again");
    let answered = "SELECT count(*) FROM run_attempts WHERE agent_name = 'a' AND state = 'completed'";
    assert_eq!(project.number(answered), 1);
}

#[test]
fn a_run_is_cancelled_while_it_is_driven() {
    let project = Project::new();
    let agents = vec![good("a"), agent("b", "trap 'exit 5' TERM; echo up; sleep 60 & wait")];
    let id = workflow::begin(&project.db, &request(&project, agents)).unwrap();
    let db = project.db.clone();
    let (said, heard) = std::sync::mpsc::channel();
    let session = stopping("b", move || said.send(()).unwrap());
    let canceller = std::thread::spawn(move || {
        heard.recv().unwrap();
        runtime().block_on(workflow::cancel(&db, id, "ana")).unwrap()
    });
    let driven = drive(&project.db, id, &session);
    assert_eq!(canceller.join().unwrap(), Cancel::Asked { pid: std::process::id() });
    let verdict = driven.verdict.unwrap();
    assert_eq!((verdict.status, verdict.usable), (RunStatus::Insufficient, 1));
    assert_eq!(outcome(&project, id, "b"), ("cancelled".into(), Some(AttemptEnd::Cancelled)));
    let again = runtime().block_on(workflow::cancel(&project.db, id, "ana")).unwrap();
    assert_eq!(again, Cancel::AlreadyClosed);
    assert_eq!(workflow::unfinished(&project.db).unwrap(), []);
}

#[test]
fn a_run_that_nobody_drives_is_closed_by_who_cancels_it() {
    let project = Project::new();
    let id = workflow::begin(&project.db, &request(&project, vec![good("a")])).unwrap();
    let closed = runtime().block_on(workflow::cancel(&project.db, id, "ana")).unwrap();
    let Cancel::Closed(verdict) = closed else { panic!("{closed:?}") };
    assert_eq!((verdict.status, verdict.usable), (RunStatus::Insufficient, 0));
    assert_eq!(project.number("SELECT count(*) FROM run_attempts"), 0, "nobody was asked");
}

#[test]
fn a_drive_that_is_dropped_is_taken_up() {
    let project = Project::new();
    let agents = vec![stubborn("a"), good("b")];
    let id = workflow::begin(&project.db, &request(&project, agents)).unwrap();
    let (said, heard) = tokio::sync::oneshot::channel();
    let said = std::sync::Mutex::new(Some(said));
    let session = stopping("a", move || {
        if let Some(said) = said.lock().unwrap().take() {
            said.send(()).unwrap();
        }
    });
    runtime().block_on(async {
        tokio::select! {
            driven = workflow::drive(&project.db, id, &session) => panic!("{driven:?}"),
            up = heard => up.unwrap(),
        }
    });
    assert_eq!(workflow::unfinished(&project.db).unwrap()[0].owner, Owner::Here);
    let closed = runtime().block_on(workflow::cancel(&project.db, id, "ana")).unwrap();
    assert!(matches!(closed, Cancel::Closed(_)), "{closed:?}");
    assert_eq!(outcome(&project, id, "a"), ("lost".into(), Some(AttemptEnd::Lost)));
    assert!(has_ended(&project, "a"));
}

/// Who ends the leftovers may be killed too: until they are gone the attempt is not lost, so that the next one looks
/// for them again.
#[test]
fn leftovers_are_gone_before_their_attempt_is_lost() {
    let project = Project::new();
    // It leaves the group, and only says that it was asked to end.
    let stray = "trap \"echo > told\" TERM; echo $$ > child-a; while :; do sleep 1; done";
    let script = format!(
        "[ -s child-a ] && echo done && exit; setsid sh -c '{stray}' >/dev/null 2>&1 & while [ ! -s child-a ]; do sleep 0.02; done; echo up; sleep 60"
    );
    let asked = RunRequest { stage: "free".into(), ..request(&project, vec![agent("a", &script)]) };
    let id = workflow::begin(&project.db, &asked).unwrap();
    let dropped = |session: Session, until: &dyn Fn() -> bool| {
        runtime().block_on(async {
            let reached = async {
                while !until() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                driven = workflow::drive(&project.db, id, &session) => panic!("{driven:?}"),
                () = reached => {}
            }
        });
    };
    let (said, up) =
        (Arc::new(std::sync::atomic::AtomicBool::new(false)), std::sync::atomic::Ordering::SeqCst);
    let heard = Arc::clone(&said);
    dropped(stopping("a", move || said.store(true, up)), &|| heard.load(up));
    assert!(!has_ended(&project, "a"), "a stray outlives a driver that is dropped");
    dropped(session(), &|| project.path("told").exists());
    assert_eq!(project.number("SELECT count(*) FROM run_attempts WHERE completed_at IS NULL"), 1);

    assert_eq!(drive(&project.db, id, &session()).verdict.unwrap().status, RunStatus::Ok);
    assert!(has_ended(&project, "a"));
    assert_eq!(outcome(&project, id, "a"), ("completed".into(), Some(AttemptEnd::Answered)));
    assert_eq!(project.number("SELECT count(*) FROM run_attempts WHERE state = 'lost'"), 1);
}
