//! The reads of tasks, on a real state.

use conclave_db::Db;
use conclave_tasks::read::Sort;
use conclave_tasks::work::{self, Attempt, Change, Closing, NewTask, Set};

use super::{counts, page, task};
use crate::project::{Environment, Places, Project};
use crate::ui::effect::{Part, TaskPage};
use crate::ui::message::TasksRead;
use crate::ui::screens::tasks::{Counts, Filter, Which};

/// Thirty tasks: every third is closed, every third waits for the first.
fn thirty() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let project = Project::find(&Environment::new(dir.path(), &[]), &Places::default()).unwrap();
    let db = project.open().unwrap();
    for number in 0..30 {
        let waits = number % 3 == 2;
        let new = NewTask {
            title: format!("Task number {number}"),
            id: Some(format!("t-{number:02}")),
            priority: Some(number % 5),
            labels: vec![if number % 2 == 0 { "even" } else { "odd" }.to_owned()],
            dependencies: if waits { vec![("t-00".to_owned(), "blocks".to_owned())] } else { Vec::new() },
            ..NewTask::default()
        };
        work::create(&db, "ana", new).unwrap();
        if number % 3 == 1 {
            work::close(&db, "ana", &[format!("t-{number:02}")], &Closing::default()).unwrap();
        }
    }
    (dir, db)
}

fn asked(db: &Db, which: Which, text: &str, after: Option<String>, part: Part) -> TasksRead {
    let filter = Filter::parse(text);
    let asked = TaskPage { generation: 7, which, sort: Sort::Priority, filter, after, limit: 3, part };
    page(db, &asked, &|| false).unwrap().unwrap()
}

fn ids(read: &TasksRead) -> Vec<String> {
    read.rows.iter().map(|row| row.id.clone()).collect()
}

/// Page after page from the first; each but the last is full.
fn walked(db: &Db, which: Which, text: &str) -> Vec<String> {
    let mut read = asked(db, which, text, None, Part::First);
    let mut all = ids(&read);
    while !read.at_end {
        assert_eq!(read.rows.len(), 3);
        read = asked(db, which, text, all.last().cloned(), Part::Later);
        all.extend(ids(&read));
    }
    all
}

#[test]
fn pages_follow_each_other_and_the_end_knows_the_way_back() {
    let (_dir, db) = thirty();
    work::claim(&db, "ana", "t-00", None).unwrap();
    for (which, wanted) in
        [(Which::Ready, 9), (Which::InProgress, 1), (Which::Blocked, 10), (Which::Closed, 10)]
    {
        let all = walked(&db, which, "");
        assert_eq!(all.len(), wanted, "{which:?}: {all:?}");
        let last = asked(&db, which, "", None, Part::Last);
        let mut back = ids(&last);
        for start in last.before.iter().rev() {
            let mut rows = ids(&asked(&db, which, "", start.clone(), Part::Earlier));
            rows.append(&mut back);
            back = rows;
        }
        assert_eq!(back, all, "{which:?}");
    }
    let blocked = asked(&db, Which::Blocked, "", None, Part::First);
    assert!(blocked.rows.iter().all(|row| row.by.len() == 1 && row.by[0].id == "t-00"));
}

#[test]
fn a_filter_looks_at_each_and_a_search_at_all_lists() {
    let (_dir, db) = thirty();
    assert_eq!(walked(&db, Which::Closed, "label:even"), walked(&db, Which::Closed, "even"));
    assert_eq!(walked(&db, Which::Closed, "label:even").len(), 5);
    assert_eq!(walked(&db, Which::Ready, "p:0").len(), 2);
    let found = asked(&db, Which::Ready, "text:number 13", None, Part::First);
    assert_eq!((ids(&found), found.at_end), (vec!["t-13".to_owned()], true));
}

/// Every task that lives is in a list, and those of the fifth are in no other.
#[test]
fn the_fifth_list_has_what_no_other_has() {
    let (_dir, db) = thirty();
    let update = |id: &str, change: Change| drop(work::update(&db, "ana", &[id.to_owned()], change).unwrap());
    update("t-03", Change { status: Some("hooked".into()), ..Change::default() });
    update("t-06", Change { issue_type: Some("agent".into()), ..Change::default() });
    update("t-09", Change { defer_until: Set::To("2999-01-01T00:00:00Z".into()), ..Change::default() });
    update("t-12", Change { status: Some("deferred".into()), ..Change::default() });
    update("t-02", Change { status: Some("pinned".into()), ..Change::default() });
    for id in ["t-mol-1", "t-wisp-1"] {
        let new = NewTask { title: "Odd".into(), id: Some(id.to_owned()), ..NewTask::default() };
        work::create(&db, "ana", new).unwrap();
    }
    // Worked on and blocked: it is in two lists.
    work::claim(&db, "ana", "t-05", None).unwrap();
    let lists = Which::ALL.map(|(_, which)| walked(&db, which, ""));
    let mut other = lists[4].clone();
    other.sort();
    assert_eq!(other, ["t-03", "t-06", "t-09", "t-12", "t-mol-1", "t-wisp-1"]);
    let mut all: Vec<&String> = lists.iter().flatten().collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 32);
    let [ready, in_progress, blocked, closed, other] = lists.map(|list| list.len() as u64);
    assert_eq!(counts(&db).unwrap(), Counts { ready, in_progress, blocked, closed, other });
    assert_eq!(walked(&db, Which::Other, "status:hooked"), ["t-03"]);
}

#[test]
fn the_ready_ones_come_in_the_order_that_is_asked_for() {
    let (_dir, db) = thirty();
    let first = |sort| {
        let (which, filter, part) = (Which::Ready, Filter::default(), Part::First);
        let asked = TaskPage { generation: 7, which, sort, filter, after: None, limit: 3, part };
        ids(&page(&db, &asked, &|| false).unwrap().unwrap())
    };
    assert_eq!(first(Sort::Priority), ["t-00", "t-15", "t-06"]);
    assert_eq!(first(Sort::Oldest), ["t-00", "t-03", "t-06"]);
}

#[test]
fn a_question_that_is_old_is_not_answered() {
    let (_dir, db) = thirty();
    let (filter, sort) = (Filter::parse("x"), Sort::Priority);
    for part in [Part::First, Part::Last] {
        let which = Which::Closed;
        let asked =
            TaskPage { generation: 1, which, sort, filter: filter.clone(), after: None, limit: 3, part };
        assert!(page(&db, &asked, &|| true).unwrap().is_none());
    }
}

#[test]
fn a_task_is_read_by_its_id_or_a_short_form_whole_or_not() {
    let (_dir, db) = thirty();
    let pane = task(&db, "t-02", false).unwrap().unwrap();
    assert!(pane.whole.is_none() && pane.row.blocked && !pane.audit.is_empty());
    let whole = task(&db, "02", true).unwrap().unwrap();
    assert_eq!(whole.row.id, "t-02");
    let parts = whole.whole.as_ref().unwrap();
    assert_eq!(parts.down.iter().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["t-02", "t-00"]);
    let how = Change { attempt: Some(Attempt::Next), ..Change::default() };
    work::update(&db, "ana", &["t-00".to_owned()], how).unwrap();
    let first = task(&db, "t-00", true).unwrap().unwrap();
    let parts = first.whole.as_ref().unwrap();
    assert_eq!((parts.down.len(), parts.up.len(), parts.attempts.len()), (1, 11, 1));
    assert!(task(&db, "nothing", true).unwrap().is_none());
    assert!(task(&db, "t-", true).is_err(), "short for many");
}
