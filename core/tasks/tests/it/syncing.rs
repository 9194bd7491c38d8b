//! A store and a file that both change.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use conclave_db::{Db, DbOptions};
use conclave_tasks::TaskErrorKind;
use conclave_tasks::exchange::{self, Order, SyncOptions, SyncReport};
use conclave_tasks::read;
use conclave_tasks::work;
use conclave_testkit::{Parent, Rerun, TempProject};

use crate::importing::{exported, import};
use crate::project::{Project, ids, schema, texts};

/// A store, and a file that it is synced with.
struct Pair {
    project: Project,
    folder: TempProject,
}

impl Pair {
    fn new() -> Self {
        Self { project: Project::new(), folder: TempProject::new() }
    }

    /// Both with these lines.
    fn with(lines: &[&str]) -> Self {
        let pair = Self::new();
        pair.write(lines);
        pair.sync();
        pair
    }

    fn path(&self) -> PathBuf {
        self.folder.path("tasks.jsonl")
    }

    fn write(&self, lines: &[&str]) {
        self.folder.file("tasks.jsonl", lines.join("\n").as_bytes());
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    /// A sync, after a dry run that must say the same and do nothing; then all are equal, and a second one does
    /// nothing.
    fn sync(&self) -> SyncReport {
        let options = SyncOptions { dry_run: true, ..SyncOptions::default() };
        let (store, file) = (exported(&self.project.db, Order::File), std::fs::read(self.path()).ok());
        let dry = exchange::sync(&self.project.db, "ana", &self.path(), &options).unwrap();
        assert_eq!((exported(&self.project.db, Order::File), std::fs::read(self.path()).ok()), (store, file));
        let report = sync(&self.project.db, &self.path());
        assert_eq!(dry, SyncReport { dry_run: true, ..report.clone() }, "a dry run says what will be done");
        assert_eq!(self.file(), exported(&self.project.db, Order::Id), "both are equal");
        let before = std::fs::metadata(self.path()).unwrap().ino();
        let again = sync(&self.project.db, &self.path());
        let nothing =
            SyncReport { path: again.path.clone(), records: again.records, ..SyncReport::default() };
        assert_eq!(again, nothing);
        assert_eq!(
            std::fs::metadata(self.path()).unwrap().ino(),
            before,
            "a file that is equal is not written"
        );
        report
    }
}

fn sync(db: &Db, path: &Path) -> SyncReport {
    exchange::sync(db, "ana", path, &SyncOptions::default()).unwrap()
}

fn told(report: &SyncReport) -> [u64; 5] {
    [report.created, report.updated, report.removed, report.written, report.records]
}

const T: &str = r#""updated_at":"2026-01-01T00:00:00Z""#;

fn task(id: &str, members: &str) -> String {
    format!(r#"{{"id":"{id}",{T}{members}}}"#)
}

#[test]
fn a_file_that_is_not_there_is_made() {
    let pair = Pair::new();
    import(&pair.project.db, b"{\"id\":\"b\"}\n{\"_schema\":\"x\"}\n{\"id\":\"a\"}");
    assert_eq!(told(&pair.sync()), [0, 0, 0, 3, 3]);
    assert_eq!(pair.file(), "{\"_schema\":\"x\"}\n{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
}

#[test]
fn a_first_sync_takes_both() {
    let pair = Pair::new();
    let (here, there) = (task("both", r#","title":"here","k":1"#), task("both", r#","title":"there","l":1"#));
    import(&pair.project.db, format!("{here}\n{}", task("here", "")).as_bytes());
    pair.write(&[&there, &task("there", ""), r#"{"_type":"memory"}"#]);
    let report = pair.sync();
    assert_eq!(told(&report), [1, 1, 0, 2, 4]);
    assert_eq!(report.conflicts.len(), 1);
    assert_eq!((report.conflicts[0].key.as_str(), report.conflicts[0].base.as_deref()), ("title", None));
    assert_eq!(pair.project.record("both"), task("both", r#","title":"here","k":1,"l":1"#));
}

#[test]
fn changes_of_both_sides_meet_and_conflicts_are_kept() {
    let (a, b) = (task("a", r#","title":"A","status":"open""#), task("b", r#","title":"B""#));
    let pair = Pair::with(&[&a, &b]);
    work::label(&pair.project.db, "bob", "a", &texts(&["x"]), &[]).unwrap();
    let edited = a.replace("\"A\"", "\"Z\"").replace("01T", "03T").replace('}', r#","labels":["y"]}"#);
    pair.write(&[&edited, &b]);
    let report = pair.sync();
    assert_eq!((told(&report), report.conflicts), ([0, 1, 0, 1, 2], vec![]));
    assert_eq!(pair.project.row("a").record.projection().labels, ["x", "y"]);
    assert_eq!(pair.project.operations("a"), ["synced", "updated", "synced"]);

    work::update(&pair.project.db, "bob", &texts(&["b"]), title("ours")).unwrap();
    pair.write(&[pair.file().lines().next().unwrap(), &b.replace("\"B\"", "\"theirs\"")]);
    let report = pair.sync();
    assert_eq!(told(&report), [0, 0, 0, 1, 2]);
    assert_eq!(report.conflicts[0].decided, "left: updated later");
    let row = pair.project.audit("b").pop().unwrap();
    assert_eq!((row.operation.as_str(), row.who.as_str()), ("conflict", "ana"));
    let whole: String = pair.project.value("SELECT changes FROM task_audit WHERE operation = 'conflict'");
    assert_eq!(
        whole,
        r#"{"title":{"base":"B","left":"ours","right":"theirs","decided":"left: updated later"}}"#
    );
}

fn title(title: &str) -> work::Change {
    work::Change { title: Some(title.to_owned()), ..work::Change::default() }
}

#[test]
fn what_was_removed_in_the_file_goes_unless_it_was_changed_here() {
    let [a, b, c] = ["a", "b", "c"].map(|id| task(id, r#","title":"T""#));
    let memory = r#"{"_type":"memory"}"#;
    let pair = Pair::with(&[&a, &b, &c, memory]);
    work::update(&pair.project.db, "bob", &texts(&["b"]), title("changed")).unwrap();
    pair.write(&[&c]);
    let report = pair.sync();
    assert_eq!((told(&report), report.conflicts.len()), ([0, 0, 1, 1, 2], 1));
    assert!(pair.file().contains("changed") && !pair.file().contains("memory"));
    assert_eq!(pair.project.operations("a"), ["synced", "removed"]);
    let kept: Vec<u8> = pair.project.value("SELECT old_record FROM task_audit WHERE operation = 'removed'");
    assert_eq!(String::from_utf8(kept).unwrap(), a);
    // Its id is never given again.
    let again = work::NewTask { id: Some("a".to_owned()), title: "T".to_owned(), ..work::NewTask::default() };
    assert!(work::create(&pair.project.db, "ana", again).is_err());
}

#[test]
fn a_file_that_was_emptied_or_taken_away_removes_nothing() {
    let a = task("a", "");
    let pair = Pair::with(&[&a]);
    for content in [Some(""), Some("\n\n"), None] {
        match content {
            Some(content) => std::fs::write(pair.path(), content).unwrap(),
            None => std::fs::remove_file(pair.path()).unwrap(),
        }
        assert_eq!(told(&pair.sync())[2..], [0, 1, 1], "{content:?}");
        assert_eq!(pair.file(), format!("{a}\n"));
    }
}

#[test]
fn a_file_with_a_bad_line_is_left_alone_and_so_is_the_store() {
    let pair = Pair::with(&[&task("a", "")]);
    let bad = format!("{}\n<<<<<<< HEAD\n{}", task("a", r#","k":1"#), task("b", ""));
    pair.write(&[&bad]);
    let before = exported(&pair.project.db, Order::File);
    let error = exchange::sync(&pair.project.db, "ana", &pair.path(), &SyncOptions::default()).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Input);
    assert!(error.to_string().contains("line 2"), "{error}");
    assert_eq!((pair.file(), exported(&pair.project.db, Order::File)), (bad, before));
}

#[test]
fn a_file_that_would_empty_the_store_is_refused_unless_forced() {
    let all: Vec<String> = (0..6).map(|n| task(&format!("t-{n}"), "")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let stranger = task("q-1", "");
    for (lines, words) in [
        (
            vec![all[0], all[1]],
            "lost most of the tasks that it had at the last sync; 4 would be removed here: t-2, t-3",
        ),
        (
            vec![stranger.as_str()],
            "none of the tasks that it had at the last sync; 6 would be removed here: t-0",
        ),
    ] {
        let pair = Pair::with(&all);
        pair.write(&lines);
        let before = (pair.file(), exported(&pair.project.db, Order::File));
        for dry_run in [true, false] {
            let options = SyncOptions { dry_run, ..SyncOptions::default() };
            let error = exchange::sync(&pair.project.db, "ana", &pair.path(), &options).unwrap_err();
            assert_eq!(error.kind(), TaskErrorKind::Refused);
            assert!(
                error.to_string().contains(words) && error.hint().unwrap().contains("--force"),
                "{error}"
            );
            assert_eq!((pair.file(), exported(&pair.project.db, Order::File)), before);
        }
        let options = SyncOptions { force: true, ..SyncOptions::default() };
        exchange::sync(&pair.project.db, "ana", &pair.path(), &options).unwrap();
        assert_eq!(exported(&pair.project.db, Order::Id).lines().count(), lines.len());
    }
    // Half of them, and any two.
    let pair = Pair::with(&all);
    pair.write(&all[..3]);
    assert_eq!(pair.sync().removed, 3);
    pair.write(&all[..1]);
    assert_eq!(pair.sync().removed, 2);
    // A few that are others now.
    pair.write(&[&stranger]);
    assert!(exchange::sync(&pair.project.db, "ana", &pair.path(), &SyncOptions::default()).is_err());
}

/// Two stores that have given one id twice.
#[test]
fn two_tasks_with_one_id_are_two_in_both_stores_and_in_the_file() {
    let made = |at: &str, title: &str| {
        task("t-abc", &format!(r#","created_at":"{at}","title":"{title}","dependencies":["t-0"]"#))
    };
    let (early, late) = (made("2026-01-01T00:00:00Z", "early"), made("2026-01-01T00:00:01Z", "late"));
    for (ours, theirs) in [(&early, &late), (&late, &early)] {
        let pair = Pair::new();
        let other = Project::new();
        import(&other.db, format!("{ours}\n{}", task("t-1", r#","dependencies":["t-abc"]"#)).as_bytes());
        sync(&other.db, &pair.path());
        import(
            &pair.project.db,
            format!("{theirs}\n{}", task("t-2", r#","dependencies":["t-abc"]"#)).as_bytes(),
        );
        let report = pair.sync();
        assert!(report.conflicts.iter().any(|conflict| conflict.decided.contains("the later one is now t-")));
        // The other store changes its own before it hears of that.
        work::label(&other.db, "bob", "t-abc", &texts(&["of the other"]), &[]).unwrap();
        sync(&other.db, &pair.path());
        pair.sync();
        assert_eq!(exported(&other.db, Order::Id), pair.file());
        let lines: Vec<String> = pair.file().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 4, "{lines:#?}");
        let of = |id: &str| pair.project.row(id).record.projection().clone();
        let named = |waits: &str| of(&of(waits).dependencies[0].target);
        assert_eq!(of("t-abc").title.as_deref(), Some("early"));
        let title = |record: &str| if record == early { "early" } else { "late" };
        assert_eq!(named("t-1").title.as_deref(), Some(title(ours)));
        assert_eq!(named("t-2").title.as_deref(), Some(title(theirs)));
        assert_eq!((named("t-1").labels, named("t-2").labels), (vec!["of the other".to_owned()], vec![]));
    }
}

/// What was done with a task that gets another id is not said of the one that keeps the old one: neither where this
/// store's sync gives it, nor where another clone has given it.
#[test]
fn what_was_done_with_a_task_follows_it_to_another_id() {
    let early = task("t-abc", r#","created_at":"1969-01-01T00:00:00Z","title":"early""#);
    let make = |project: &Project| {
        let id = Some("t-abc".to_owned());
        let new = work::NewTask { id, title: "late".to_owned(), ..work::NewTask::default() };
        work::create(&project.db, "bob", new).unwrap();
        let tried = work::Change {
            attempt: Some(work::Attempt::Next),
            result: work::Set::To("done so far".to_owned()),
            ..work::Change::default()
        };
        work::update(&project.db, "bob", &texts(&["t-abc"]), tried).unwrap();
    };
    for by_another in [false, true] {
        let pair = Pair::new();
        make(&pair.project);
        if by_another {
            sync(&pair.project.db, &pair.path());
            let other = Project::new();
            import(&other.db, early.as_bytes());
            sync(&other.db, &pair.path());
            let told = read::conflicts(&other.db, None, None).unwrap();
            assert_eq!(told.len(), 1, "theirs was renamed: one row");
        } else {
            pair.write(&[&early]);
        }
        let report = pair.sync();
        assert_eq!(report.conflicts.len(), 1);
        let new = report.conflicts[0].decided.rsplit(' ').next().unwrap().to_owned();
        assert_eq!(pair.project.row(&new).record.projection().title.as_deref(), Some("late"));
        let attempts = |id: &str| read::attempts(&pair.project.db, id).unwrap();
        assert_eq!(attempts(&new)[0].result.as_deref(), Some("done so far"));
        assert_eq!(attempts("t-abc"), []);
        assert_eq!(pair.project.operations(&new), ["created", "updated", "synced", "conflict"]);
        assert_eq!(pair.project.operations("t-abc"), ["synced", "conflict"]);
        let changes = |id: &str| {
            let rows = pair.project.audit(id);
            rows.iter().find(|row| row.operation == "synced").unwrap().changes.clone().unwrap()
        };
        assert_eq!(changes(&new), format!(r#"{{"id":{{"old":"t-abc","new":"{new}"}}}}"#));
        assert!(changes("t-abc").contains(r#""title":{"new":"early"}"#), "{}", changes("t-abc"));
    }
}

#[test]
fn who_is_blocked_is_known_after_a_sync() {
    let waits = task("w", r#","dependencies":["b"]"#);
    let pair = Pair::with(&[&waits]);
    assert_eq!(pair.project.ready(), ["w"]);
    pair.write(&[&waits, &task("b", "")]);
    pair.sync();
    assert_eq!(pair.project.ready(), ["b"]);
    pair.write(&[&waits]);
    pair.sync();
    assert_eq!(pair.project.ready(), ["w"]);
}

#[test]
fn lines_that_become_something_else_change_their_place() {
    let (task_line, note) = (task("n", ""), format!(r#"{{"_type":"note","id":"n",{T}}}"#));
    let pair = Pair::with(&[&task_line]);
    for line in [&note, &task_line, &note] {
        pair.write(&[line]);
        pair.sync();
        assert_eq!(pair.file(), format!("{line}\n"));
    }
}

#[test]
fn the_order_of_the_file_can_stay() {
    let pair = Pair::new();
    pair.write(&["{\"id\":\"b\"}", "{\"id\":\"a\"}\n"]);
    let options = SyncOptions { order: Order::File, ..SyncOptions::default() };
    let before = pair.file();
    exchange::sync(&pair.project.db, "ana", &pair.path(), &options).unwrap();
    assert_eq!(pair.file(), before);
    pair.write(&["{\"id\":\"b\"}\r", "", "{\"id\":\"a\"}\r", "{\"id\":\"b\"}"]);
    let report = exchange::sync(&pair.project.db, "ana", &pair.path(), &options).unwrap();
    assert_eq!((report.written, pair.file()), (1, before), "one line stood there twice");
}

#[test]
fn a_link_and_what_it_leads_to_are_one_file() {
    let (a, b) = (task("a", ""), task("b", ""));
    let pair = Pair::with(&[&a, &b]);
    let link = pair.folder.path("link");
    symlink("tasks.jsonl", &link).unwrap();
    pair.write(&[&a]);
    assert_eq!(sync(&pair.project.db, &link).removed, 1, "the base is found by the name of the file itself");
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(pair.project.value::<i64>("SELECT count(*) FROM task_sync_bases"), 1);
}

/// Two stores that are synced with one file bring each other their changes.
#[test]
fn two_stores_meet_in_one_file() {
    let pair = Pair::with(&[&task("a", r#","title":"A""#)]);
    let other = Project::new();
    sync(&other.db, &pair.path());
    work::label(&other.db, "bob", "a", &texts(&["other"]), &[]).unwrap();
    work::label(&pair.project.db, "ana", "a", &texts(&["one"]), &[]).unwrap();
    other.task("new");
    for _ in 0..2 {
        sync(&other.db, &pair.path());
        sync(&pair.project.db, &pair.path());
    }
    assert_eq!(exported(&other.db, Order::Id), exported(&pair.project.db, Order::Id));
    assert_eq!(pair.project.row("a").record.projection().labels, ["one", "other"]);
    assert_eq!(pair.project.value::<i64>("SELECT count(*) FROM task_audit WHERE operation = 'conflict'"), 0);
}

/// Processes that sync their own store with one file at the same time, while each makes tasks.
#[test]
fn many_at_once_lose_nothing() {
    const EACH: usize = 6;
    let variable = |name: &str| std::env::var(name).unwrap();
    if let Some(mut parent) = Parent::of_this_process() {
        let number = parent.number();
        // Two stores, two processes on each.
        let state = Path::new(&variable("STATES")).join(format!("{}.db", number % 2));
        let db = Db::open(DbOptions::new(state, schema())).unwrap();
        parent.wait_for_release();
        for n in 0..EACH {
            let id = Some(format!("t-{number}-{n}"));
            work::create(&db, "w", work::NewTask { id, title: "T".to_owned(), ..work::NewTask::default() })
                .unwrap();
            sync(&db, Path::new(&variable("FILE")));
        }
        return;
    }
    let folder = TempProject::new();
    let file = folder.path("shared.jsonl");
    let mut fleet = Rerun::of("syncing::many_at_once_lose_nothing")
        .variable("STATES", folder.root().display().to_string())
        .variable("FILE", file.display().to_string())
        .start_fleet(4);
    fleet.release();
    fleet.finish();
    let dbs = [0, 1].map(|n| Db::open(DbOptions::new(folder.path(&format!("{n}.db")), schema())).unwrap());
    for db in dbs.iter().chain(&dbs) {
        sync(db, &file);
    }
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 4 * EACH);
    for db in &dbs {
        assert_eq!(exported(db, Order::Id), lines);
        let conflicts: i64 = db
            .read(|conn| {
                conn.query_row(
                    "SELECT count(*) FROM task_audit WHERE operation IN ('conflict', 'removed')",
                    [],
                    |row| row.get(0),
                )
            })
            .unwrap();
        assert_eq!(conflicts, 0);
    }
}

#[test]
fn the_words_of_what_a_sync_has_changed_are_found() {
    let pair = Pair::with(&[r#"{"id":"bd-1","title":"needle"}"#, r#"{"id":"bd-2","title":"thread"}"#]);
    let found = |words: &str| ids(&read::search(&pair.project.db, words, None).unwrap());
    assert_eq!((found("needle"), found("thread")), (texts(&["bd-1"]), texts(&["bd-2"])));
    pair.write(&[r#"{"id":"bd-1","title":"thimble"}"#, r#"{"id":"bd-3","title":"needle"}"#]);
    pair.sync();
    assert_eq!(
        (found("needle"), found("thimble"), found("thread")),
        (texts(&["bd-3"]), texts(&["bd-1"]), texts(&[]))
    );
}

#[test]
fn repeated_ids_are_told() {
    let pair = Pair::new();
    pair.write(&[&task("a", r#","title":"1""#), &task("b", ""), &task("a", r#","title":"2""#)]);
    let report = pair.sync();
    assert_eq!((report.duplicates, report.records), (texts(&["a"]), 2));
    assert!(pair.file().contains("\"2\""));
}

#[test]
fn conflicts_are_listed_newest_first() {
    let pair = Pair::with(&[&task("a", r#","title":"A""#), &task("b", r#","title":"B""#)]);
    for id in ["a", "b"] {
        work::update(&pair.project.db, "bob", &texts(&[id]), title("ours")).unwrap();
        pair.write(&[&pair.file().replace(&format!("\"{}\"", id.to_uppercase()), "\"theirs\"")]);
        assert_eq!(pair.sync().conflicts.len(), 1);
    }
    let told = |id: Option<&str>, limit| {
        let rows = conclave_tasks::read::conflicts(&pair.project.db, id, limit).unwrap();
        rows.into_iter().map(|row| (row.task_id, row.operation)).collect::<Vec<_>>()
    };
    let row = |id: &str| (id.to_owned(), "conflict".to_owned());
    assert_eq!(told(None, None), [row("b"), row("a")]);
    assert_eq!((told(None, Some(1)), told(Some("a"), None)), (vec![row("b")], vec![row("a")]));
    assert_eq!(told(Some("none"), None), []);
}

#[test]
fn the_folder_of_a_file_that_is_not_there_is_made() {
    let pair = Pair::new();
    import(&pair.project.db, b"{\"id\":\"a\"}");
    let file = pair.folder.path("new/f.jsonl");
    let dry = SyncOptions { dry_run: true, ..SyncOptions::default() };
    assert_eq!(exchange::sync(&pair.project.db, "ana", &file, &dry).unwrap().written, 1);
    assert!(!pair.folder.path("new").exists());
    assert_eq!(sync(&pair.project.db, &file).written, 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"id\":\"a\"}\n");
    let other = pair.folder.path("other/f.jsonl");
    exchange::export_to_file(&pair.project.db, &other, exchange::ExportOptions::default()).unwrap();
    assert!(other.exists());
    // One folder, not a path of them.
    let far = pair.folder.path("no/such/f.jsonl");
    let error = exchange::sync(&pair.project.db, "ana", &far, &SyncOptions::default()).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Io);
}
