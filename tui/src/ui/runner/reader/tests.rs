//! What is read of what was asked for, and the reads themselves on a real state.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;

use conclave_consensus::golden;
use conclave_consensus::runs::RunId;

use super::{Job, Reader, worth_reading};
use crate::import;
use crate::project::{Environment, Places, Project};
use crate::ui::effect::{Page, Part, Read};
use crate::ui::filter::Filter;
use crate::ui::message::{Msg, Opened};
use crate::ui::runner::Shared;

#[test]
fn of_many_runs_only_the_last_are_read() {
    let jobs = (1..=9).map(|id| Job::Read(Read::Run(RunId(id)))).chain([Job::Look, Job::Read(Read::Storage)]);
    let jobs = jobs.chain([Job::Read(Read::Run(RunId(8))), Job::Read(Read::Storage)]);
    assert_eq!(worth_reading(jobs), [Read::Run(RunId(9)), Read::Run(RunId(8)), Read::Storage]);
}

#[test]
fn of_many_tasks_under_the_cursor_only_the_last_are_read() {
    let task = |id: &str, whole| Read::Task { id: id.to_owned(), whole };
    let jobs = ["a", "b", "c", "d"].map(|id| Job::Read(task(id, false)));
    let jobs = [Job::Read(task("page", true))].into_iter().chain(jobs);
    assert_eq!(worth_reading(jobs), [task("page", true), task("c", false), task("d", false)]);
}

fn shared(project: Project) -> Shared {
    Shared {
        environment: Environment::new(&project.root, &[]),
        machine: None,
        places: Places::default(),
        at_work: Mutex::default(),
        project: Mutex::new(project),
        actor: "tester".into(),
        read_only: false,
        focused: AtomicBool::new(true),
        newest_page: AtomicU64::new(0),
        newest_count: AtomicU64::new(0),
        newest_tasks: AtomicU64::new(0),
        newest_log: AtomicU64::new(0),
        writing: Mutex::new(()),
    }
}

#[test]
fn pages_follow_each_other_and_the_end_knows_the_way_back() {
    let dir = tempfile::tempdir().unwrap();
    let project = Project::find(&Environment::new(dir.path(), &[]), &Places::default()).unwrap();
    let (sender, messages) = channel();
    let with = shared(project.clone());
    let mut reader = Reader::new(&with, &sender);
    reader.read(Read::Open);
    assert!(matches!(messages.recv().unwrap(), Msg::Opened(Opened::Absent)));
    let fixture = dir.path().join("legacy.db");
    golden::write_legacy_fixture(&fixture).unwrap();
    import::import(&project, &fixture, &import::options("tester", false), &mut |_| {}).unwrap();
    reader.look();
    assert!(matches!(messages.recv().unwrap(), Msg::Opened(Opened::Ready { as_it_lies: false })));
    let mut generation = 0;
    let mut page = |after, part, text: &str| {
        generation += 1;
        with.newest_page.store(generation, Ordering::Relaxed);
        let filter = Filter::parse(text);
        reader.read(Read::Page(Page { generation, filter, after, limit: 3, part }));
        match messages.recv().unwrap() {
            Msg::Page(page) => *page,
            other => panic!("{other:?}"),
        }
    };
    let first = page(None, Part::First, "");
    assert_eq!((first.rows.len(), first.at_end), (3, false));
    let mut walked = first.rows.clone();
    loop {
        let next = page(walked.last().map(Into::into), Part::Later, "");
        walked.extend(next.rows);
        if next.at_end {
            break;
        }
    }
    assert_eq!(walked.len(), 10);
    let last = page(None, Part::Last, "");
    let mut back = last.rows;
    for start in last.before.iter().rev() {
        let mut rows = page(*start, Part::Earlier, "").rows;
        rows.append(&mut back);
        back = rows;
    }
    assert_eq!(back, walked, "the pages before the end are whole");
    let filtered = page(None, Part::First, "stage:tasks");
    assert_eq!((filtered.rows.len(), filtered.at_end), (1, true));
    // A question that is old already is not answered.
    with.newest_page.store(99, Ordering::Relaxed);
    let old = Page { generation: 1, filter: Filter::default(), after: None, limit: 3, part: Part::First };
    reader.read(Read::Page(old));
    reader.read(Read::Run(RunId(1)));
    assert!(matches!(messages.recv().unwrap(), Msg::Run { run: Ok(Some(_)), .. }));
}
