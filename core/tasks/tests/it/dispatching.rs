//! The dispatcher's side of tasks: what is taken is recorded, what ends is stored with what becomes of the task.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_db::process::{self, ProcessIdentity};
use conclave_tasks::read::{self, AttemptOutcome as Outcome, AttemptRow};
use conclave_tasks::work::dispatch::{self, Came, End, FAILED_LABEL, Rounds, Taken, Wanted};
use conclave_tasks::work::{self, Change, Closing, NewTask, Set};
use conclave_testkit::{KillDriver, Parent, Rerun};

use crate::project::{NOW, Project, open, texts, titled};

const TTL: Duration = Duration::from_mins(1);
const ROUNDS: Rounds = Rounds { most: 3, wait: Duration::from_secs(30), longest: Duration::from_hours(1) };

fn wanted(agents: &[&str]) -> Wanted {
    Wanted {
        labels: Vec::new(),
        issue_type: None,
        retry: false,
        tried: BTreeSet::new(),
        agents: texts(agents),
        ttl: TTL,
        owner: process::current().unwrap(),
    }
}

fn take(project: &Project) -> Option<Taken> {
    dispatch::take(&project.db, "bob", &wanted(&["a"])).unwrap()
}

fn failed(error: &str) -> End {
    End::Failed { error: error.to_owned(), output: Some("words".to_owned()), rounds: ROUNDS }
}

fn answered(text: &str) -> End {
    End::Answered { text: text.to_owned() }
}

fn finish(project: &Project, taken: &Taken, end: &End) -> Came {
    dispatch::finish(&project.db, taken.attempt.id, end).unwrap()
}

fn attempts(project: &Project, id: &str) -> Vec<AttemptRow> {
    read::attempts(&project.db, id).unwrap()
}

fn outcomes(project: &Project, id: &str) -> Vec<Option<Outcome>> {
    attempts(project, id).into_iter().map(|row| row.outcome).collect()
}

#[test]
fn what_is_taken_is_recorded_before_anything_is_started_and_closed_with_the_answer() {
    let project = Project::new();
    project.task("t-1");
    let taken = take(&project).unwrap();
    assert_eq!((taken.row.id(), taken.row.status.as_deref()), ("t-1", Some("in_progress")));
    assert!(taken.lost.is_empty());
    let [row] = attempts(&project, "t-1").try_into().unwrap();
    assert_eq!(
        (row.attempt, row.who.as_str(), row.agent.as_deref(), row.started_at, row.ended_at, row.outcome),
        (1, "bob", Some("a"), Some(NOW), None, None)
    );
    assert_eq!(row.owner, Some(process::current().unwrap()));
    assert_eq!(dispatch::open(&project.db).unwrap(), std::slice::from_ref(&taken.attempt));
    assert!(take(&project).is_none(), "there was one");

    let child = ProcessIdentity { pid: 7, ..process::current().unwrap() };
    dispatch::started(&project.db, taken.attempt.id, &child).unwrap();
    assert_eq!(dispatch::open(&project.db).unwrap()[0].child, Some(child));
    project.clock.advance(Duration::from_secs(5));
    let text = "done: \"it\" \u{1F600}\nand more";
    assert_eq!(finish(&project, &taken, &answered(text)), Came::Closed { ready: Vec::new() });
    let row = project.row("t-1");
    assert_eq!((row.status.as_deref(), row.record.text("result").as_deref()), (Some("closed"), Some(text)));
    assert_eq!(row.record.projection().attempt_count, 1);
    let [row] = attempts(&project, "t-1").try_into().unwrap();
    assert_eq!((row.outcome, row.ended_at), (Some(Outcome::Answered), Some(NOW + 5000)));
    assert_eq!((row.result.as_deref(), row.status.as_deref()), (Some(text), Some("closed")));
    assert_eq!(project.operations("t-1"), ["created", "claimed", "closed"]);
    // Nobody knows whether a commit came through: it may be repeated.
    assert_eq!(finish(&project, &taken, &answered(text)), Came::Closed { ready: Vec::new() });
    assert_eq!(project.operations("t-1").len(), 3);
}

#[test]
fn what_fails_waits_twice_as_long_each_time_and_is_left_alone_in_the_end() {
    let project = Project::new();
    project.task("t-1");
    for (round, wait) in [(1, 30), (2, 60)] {
        let taken = take(&project).unwrap();
        let until =
            project.value::<i64>("SELECT started_at FROM task_attempts ORDER BY number DESC") + wait * 1000;
        assert_eq!(finish(&project, &taken, &failed("no luck")), Came::Waits { until });
        let row = project.row("t-1");
        assert_eq!((row.status.as_deref(), row.assignee), (Some("open"), None));
        assert_eq!(row.record.text("last_error").as_deref(), Some("no luck"));
        assert_eq!(row.record.projection().attempt_count, round);
        assert!(take(&project).is_none(), "it waits");
        project.clock.advance(Duration::from_secs(wait.unsigned_abs()));
    }
    let taken = take(&project).unwrap();
    assert_eq!(taken.row.record.projection().defer_until, None, "the wait is over");
    assert_eq!(finish(&project, &taken, &failed("no luck")), Came::GivenUp);
    let row = project.row("t-1");
    assert_eq!(row.record.projection().labels, [FAILED_LABEL]);
    assert_eq!((row.status.as_deref(), row.record.projection().attempt_count), (Some("open"), 3));
    assert!(take(&project).is_none(), "nobody takes it by itself");
    assert_eq!(outcomes(&project, "t-1"), [Some(Outcome::Failed); 3]);
    assert_eq!(attempts(&project, "t-1")[0].output.as_deref(), Some("words"));

    // Who says so has it tried once more.
    let again = Wanted { retry: true, ..wanted(&["a"]) };
    let taken = dispatch::take(&project.db, "bob", &again).unwrap().unwrap();
    assert!(taken.row.record.projection().labels.is_empty());
    assert_eq!(finish(&project, &taken, &failed("no luck")), Came::GivenUp);
    let taken = dispatch::take(&project.db, "bob", &again).unwrap().unwrap();
    assert_eq!(finish(&project, &taken, &answered("at last")), Came::Closed { ready: Vec::new() });
    let row = project.row("t-1");
    assert_eq!(row.record.text("last_error"), None, "a success takes the last error away");
    // An answer lets the count begin anew.
    work::reopen(&project.db, "alice", &texts(&["t-1"]), None).unwrap();
    let taken = take(&project).unwrap();
    assert!(matches!(finish(&project, &taken, &failed("no luck")), Came::Waits { .. }));
}

#[test]
fn what_nobody_could_take_is_put_off_and_not_counted() {
    let project = Project::new();
    project.task("t-1");
    let put_off = |until| End::PutOff { error: "nobody is there".to_owned(), output: None, until };
    for round in 0..5 {
        let taken = take(&project).unwrap();
        assert_eq!(taken.attempt.attempt, 1, "none counts");
        let until = project.db.clock().wall_ms() + 30_000;
        let came = Came::PutOff { until: Some(until) };
        assert_eq!(finish(&project, &taken, &put_off(Some(until))), came);
        assert_eq!(finish(&project, &taken, &put_off(Some(until))), came, "it may be repeated");
        let row = project.row("t-1");
        assert_eq!((row.status.as_deref(), row.assignee), (Some("open"), None));
        assert_eq!(row.record.text("last_error").as_deref(), Some("nobody is there"));
        assert_eq!(row.record.projection().attempt_count, 0);
        assert!(take(&project).is_none(), "it waits, {round}");
        project.clock.advance(Duration::from_secs(30));
    }
    let taken = take(&project).unwrap();
    assert_eq!(taken.row.record.projection().defer_until, None, "the wait is over");
    // At once it goes to another one, where there is one.
    assert_eq!(finish(&project, &taken, &put_off(None)), Came::PutOff { until: None });
    let taken = dispatch::take(&project.db, "bob", &wanted(&["a", "b"])).unwrap().unwrap();
    assert_eq!(taken.attempt.agent, "b");
    // The first round, of three.
    assert!(matches!(finish(&project, &taken, &failed("no luck")), Came::Waits { .. }));
    let [last, before, ..] = attempts(&project, "t-1").try_into().unwrap_or_else(|rows: Vec<_>| {
        let mut rows = rows.into_iter();
        [rows.next().unwrap(), rows.next().unwrap(), rows.next().unwrap()]
    });
    assert_eq!((last.outcome, before.outcome), (Some(Outcome::Failed), Some(Outcome::Stopped)));
    assert_eq!((before.error.as_deref(), before.retry_at), (Some("nobody is there"), None));
}

#[test]
fn who_tries_once_more_what_has_failed_too_often_does_so_once() {
    let project = Project::new();
    project.task("t-1");
    project.task("t-2");
    let rounds = Rounds { most: 1, ..ROUNDS };
    let failed = End::Failed { error: "no luck".to_owned(), output: None, rounds };
    for _ in 0..2 {
        let taken = take(&project).unwrap();
        assert_eq!(finish(&project, &taken, &failed), Came::GivenUp);
    }
    let mut again = Wanted { retry: true, ..wanted(&["a"]) };
    for id in ["t-1", "t-2"] {
        let taken = dispatch::take(&project.db, "bob", &again).unwrap().unwrap();
        assert_eq!(taken.row.id(), id);
        again.tried.insert(id.to_owned());
        assert_eq!(finish(&project, &taken, &failed), Came::GivenUp);
    }
    assert!(dispatch::take(&project.db, "bob", &again).unwrap().is_none());
    assert!(dispatch::ready(&project.db, "bob", &again, None).unwrap().is_empty());
}

#[test]
fn an_attempt_that_is_repeated_at_once_keeps_the_task() {
    let project = Project::new();
    project.task("t-1");
    let taken = take(&project).unwrap();
    let next = dispatch::again(&project.db, taken.attempt.id, "busy", None).unwrap().unwrap();
    assert_eq!((next.attempt, next.agent.as_str()), (2, "a"));
    assert_eq!(outcomes(&project, "t-1"), [None, Some(Outcome::Retried)]);
    assert_eq!(project.row("t-1").status.as_deref(), Some("in_progress"));
    assert_eq!(dispatch::renew(&project.db, next.id, TTL).unwrap(), None);
    let gone = dispatch::again(&project.db, taken.attempt.id, "busy", None).unwrap();
    assert!(gone.is_err(), "it has ended");
    let ended = dispatch::finish(&project.db, next.id, &failed("no luck")).unwrap();
    assert_eq!(ended, Came::Waits { until: NOW + 30_000 }, "one round, the first wait");
    assert_eq!(project.row("t-1").record.projection().attempt_count, 2);
}

#[test]
fn whoever_is_told_to_stop_gives_the_task_back_and_nothing_is_counted() {
    let project = Project::new();
    project.task("t-1");
    project.make(NewTask { assignee: Some("bob".to_owned()), ..titled("mine") });
    for _ in 0..2 {
        let taken = take(&project).unwrap();
        let mine = taken.row.title() == "mine";
        let stopped = End::Stopped { output: Some("half".to_owned()) };
        assert_eq!(finish(&project, &taken, &stopped), Came::Returned);
        let row = project.row(taken.row.id());
        assert_eq!((row.status.as_deref(), row.record.projection().attempt_count), (Some("open"), 0));
        assert_eq!(row.assignee.as_deref(), mine.then_some("bob"), "what was bob's still is");
        assert_eq!(row.record.projection().claim_expires_at, None);
        let [attempt] = attempts(&project, row.id()).try_into().unwrap();
        assert_eq!((attempt.outcome, attempt.output.as_deref()), (Some(Outcome::Stopped), Some("half")));
        let next = Change { status: Some("deferred".to_owned()), ..Change::default() };
        work::update(&project.db, "alice", &[row.id().to_owned()], next).unwrap();
    }
}

#[test]
fn a_claim_that_is_over_is_lost_to_who_takes_the_task_also_under_the_same_name() {
    let project = Project::new();
    project.task("t-1");
    let first = take(&project).unwrap();
    project.clock.advance(TTL / 2);
    assert_eq!(dispatch::renew(&project.db, first.attempt.id, TTL).unwrap(), None);
    project.clock.advance(TTL / 2);
    assert!(take(&project).is_none(), "it was renewed");
    project.clock.advance(TTL);
    let second = take(&project).unwrap();
    assert_eq!(second.lost.iter().map(|lost| lost.id).collect::<Vec<_>>(), [first.attempt.id]);
    assert!(dispatch::renew(&project.db, first.attempt.id, TTL).unwrap().unwrap().contains("taken over"));
    assert!(matches!(finish(&project, &first, &answered("late")), Came::Lost { .. }));
    assert_eq!(project.row("t-1").status.as_deref(), Some("in_progress"));
    assert_eq!(finish(&project, &second, &answered("in time")), Came::Closed { ready: Vec::new() });
    assert_eq!(project.row("t-1").record.text("result").as_deref(), Some("in time"));
    assert_eq!(outcomes(&project, "t-1"), [Some(Outcome::Answered), Some(Outcome::Lost)]);
}

#[test]
fn what_people_do_with_the_task_goes_before_the_answer_which_is_kept() {
    type Done = fn(&Project);
    let cases: [(&str, Done); 3] = [
        ("the task is closed now", |project| {
            work::close(&project.db, "alice", &texts(&["t-1"]), &Closing::default()).unwrap();
        }),
        ("the task was deleted", |project| {
            work::delete(&project.db, "alice", &texts(&["t-1"]), None).unwrap();
        }),
        ("carol has the task", |project| {
            let change = Change { assignee: Set::To("carol".to_owned()), ..Change::default() };
            work::update(&project.db, "alice", &texts(&["t-1"]), change).unwrap();
        }),
    ];
    for (why, done) in cases {
        let project = Project::new();
        project.task("t-1");
        let taken = take(&project).unwrap();
        done(&project);
        let before = project.record("t-1");
        assert_eq!(dispatch::renew(&project.db, taken.attempt.id, TTL).unwrap().as_deref(), Some(why));
        assert_eq!(finish(&project, &taken, &answered("mine")), Came::Lost { why: why.to_owned() });
        assert_eq!(project.record("t-1"), before, "nothing of it was changed");
        let [attempt] = attempts(&project, "t-1").try_into().unwrap();
        assert_eq!((attempt.outcome, attempt.result.as_deref()), (Some(Outcome::Lost), Some("mine")));
        assert_eq!(attempt.error.as_deref(), Some(why));
    }
    // Claimed by hand under the dispatcher's own name, when its claim was over.
    let project = Project::new();
    project.task("t-1");
    let taken = take(&project).unwrap();
    project.clock.advance(TTL);
    work::claim(&project.db, "bob", "t-1", None).unwrap();
    let lost = dispatch::renew(&project.db, taken.attempt.id, TTL).unwrap().unwrap();
    assert!(lost.contains("for good"), "{lost}");
    assert!(!dispatch::lose(&project.db, "keeper", taken.attempt.id).unwrap());
    assert_eq!(project.row("t-1").status.as_deref(), Some("in_progress"));
}

#[test]
fn an_answer_that_cannot_be_closed_is_kept_and_the_task_waits_for_what_came_up() {
    let project = Project::new();
    project.task("t-1");
    let taken = take(&project).unwrap();
    project.task("t-2");
    work::depend(&project.db, "alice", "t-1", "t-2", "blocks").unwrap();
    let Came::Open { why } = finish(&project, &taken, &answered("done")) else { panic!("it is closed") };
    assert!(why.contains("t-2 (open)"), "{why}");
    let row = project.row("t-1");
    assert_eq!((row.status.as_deref(), row.blocked), (Some("open"), true));
    assert_eq!(row.record.text("result").as_deref(), Some("done"));
    assert!(row.record.text("last_error").unwrap().contains("not closed"), "{row:?}");
    assert_eq!(project.ready(), ["t-2"]);
}

#[test]
fn the_dead_give_back_what_they_had() {
    let project = Project::new();
    project.task("t-1");
    let taken = take(&project).unwrap();
    assert!(dispatch::lose(&project.db, "keeper", taken.attempt.id).unwrap());
    assert!(!dispatch::lose(&project.db, "keeper", taken.attempt.id).unwrap(), "once");
    let row = project.row("t-1");
    assert_eq!((row.status.as_deref(), row.record.projection().attempt_count), (Some("open"), 0));
    assert_eq!(outcomes(&project, "t-1"), [Some(Outcome::Lost)]);
    assert!(dispatch::open(&project.db).unwrap().is_empty());
    assert_eq!(take(&project).unwrap().attempt.attempt, 1, "it does not count");
}

#[test]
fn what_is_wanted_is_taken_in_its_order_and_nothing_else() {
    let project = Project::new();
    let make = |id: &str, issue_type: &str, labels: &[&str], priority: u8| {
        let new = NewTask {
            id: Some(id.to_owned()),
            issue_type: Some(issue_type.to_owned()),
            labels: texts(labels),
            priority: Some(priority),
            ..titled(id)
        };
        project.make(new);
    };
    make("t-1", "bug", &["ui"], 2);
    make("t-2", "task", &[], 1);
    make("t-3", "epic", &[], 0);
    make("t-4", "task", &[FAILED_LABEL], 0);
    make("t-5", "bug", &["ui", FAILED_LABEL], 0);
    let ids = |wanted: &Wanted| -> Vec<String> {
        let rows = dispatch::ready(&project.db, "bob", wanted, None).unwrap();
        rows.iter().map(|row| row.id().to_owned()).collect()
    };
    let all = wanted(&["a"]);
    assert_eq!(ids(&all), ["t-2", "t-1"]);
    assert_eq!(ids(&Wanted { issue_type: Some("epic".to_owned()), ..all.clone() }), ["t-3"]);
    assert_eq!(ids(&Wanted { labels: texts(&["ui"]), ..all.clone() }), ["t-1"]);
    assert_eq!(ids(&Wanted { retry: true, ..all.clone() }), ["t-4", "t-5"]);
    assert_eq!(ids(&Wanted { retry: true, labels: texts(&["ui"]), ..all.clone() }), ["t-5"]);
    assert_eq!(project.operations("t-2"), ["created"], "looking changes nothing");
    assert_eq!(take(&project).unwrap().row.id(), "t-2");
    assert!(dispatch::take(&project.db, "bob", &wanted(&[])).is_err(), "nobody to do it");
}

#[test]
fn whoever_failed_last_lets_another_try() {
    let project = Project::new();
    project.task("t-1");
    let two = wanted(&["a", "b"]);
    for agent in ["a", "b", "a"] {
        let taken = dispatch::take(&project.db, "bob", &two).unwrap().unwrap();
        assert_eq!(taken.attempt.agent, agent);
        finish(&project, &taken, &failed("no luck"));
        project.clock.advance(ROUNDS.longest);
    }
}

/// Takes and ends, for good; says each thing that is done.
fn dispatcher(mut parent: Parent) {
    let db = open(&std::path::PathBuf::from(std::env::var_os("STORE").unwrap()));
    parent.wait_for_release();
    for round in 0.. {
        let Some(taken) = dispatch::take(&db, "bob", &wanted(&["a"])).unwrap() else { return };
        let end = match round % 3 {
            0 => End::Stopped { output: None },
            1 => End::Failed {
                error: "x".to_owned(),
                output: None,
                rounds: Rounds { most: 9999, wait: Duration::ZERO, ..ROUNDS },
            },
            _ => answered("y"),
        };
        dispatch::finish(&db, taken.attempt.id, &end).unwrap();
        parent.say(taken.row.id());
    }
}

/// A kill at any instruction leaves each task with an attempt without an end, or with none and open or closed.
#[test]
fn a_killed_dispatcher_leaves_no_task_that_nobody_knows_of() {
    if let Some(parent) = Parent::of_this_process() {
        return dispatcher(parent);
    }
    let project = Project::new();
    for n in 0..600 {
        project.task(&format!("t-{n}"));
    }
    let mut driver = KillDriver::new(11);
    for _ in 0..6 {
        let child = Rerun::of("dispatching::a_killed_dispatcher_leaves_no_task_that_nobody_knows_of")
            .variable("STORE", project.db.path().display().to_string())
            .start();
        driver.run_and_kill(child, 40, Duration::from_millis(4));
        let open = dispatch::open(&project.db).unwrap();
        let in_progress: Vec<String> =
            project.column("SELECT id FROM tasks WHERE status = 'in_progress' ORDER BY id");
        let mut of_attempts: Vec<String> = open.iter().map(|open| open.task.clone()).collect();
        of_attempts.sort();
        assert_eq!(of_attempts, in_progress);
        let wrong: i64 = project.value(
            "SELECT count(*) FROM tasks WHERE (status = 'closed') <> EXISTS (
               SELECT 1 FROM task_attempts WHERE task_id = id AND outcome = 'answered')",
        );
        assert_eq!(wrong, 0);
        for lost in open {
            let owner = lost.owner.unwrap();
            assert_eq!(process::liveness(&owner), process::Liveness::Dead);
            assert!(dispatch::lose(&project.db, "keeper", lost.id).unwrap());
        }
        assert_eq!(project.value::<i64>("SELECT count(*) FROM tasks WHERE status = 'in_progress'"), 0);
    }
}
