//! A sync that ends between its steps, and a file that others change meanwhile.

use conclave_retry::SystemSleeper;
use conclave_testkit::TempProject;

use super::*;
use crate::exchange::export;
use crate::testing::Store;
use crate::work;

struct Fixture {
    store: Store,
    folder: TempProject,
    options: SyncOptions,
}

const RULES: Rules = Rules { merge: MergeOptions::new(0), order: crate::exchange::Order::Id, force: false };
const A: &str = r#"{"id":"a","title":"A","notes":"1","updated_at":"1969-01-01T00:00:00Z"}"#;
const GONE: &str = r#"{"id":"gone"}"#;

impl Fixture {
    /// Both sides have changed the title (ours later: the clock stands at 1970) of `a`; the file has labelled it, lost `gone` and won `new`.
    fn new() -> Self {
        let fixture =
            Self { store: Store::new(), folder: TempProject::new(), options: SyncOptions::default() };
        fixture.write(&format!("{A}\n{GONE}\n"));
        fixture.sync();
        fixture.title("ours");
        fixture.write(&format!(
            "{}\n{{\"id\":\"new\"}}\n",
            A.replace("\"A\"", "\"theirs\",\"labels\":[\"l\"]").replace("01T", "02T")
        ));
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path("f.jsonl")
    }

    fn write(&self, file: &str) {
        self.folder.file("f.jsonl", file.as_bytes());
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn title(&self, title: &str) {
        let change = work::Change { title: Some(title.to_owned()), ..work::Change::default() };
        work::update(&self.store.db, "bob", &["a".to_owned()], change).unwrap();
    }

    fn sync(&self) -> SyncReport {
        sync(&self.store.db, "ana", &self.path(), &self.options).unwrap()
    }

    fn look(&self) -> Arc<Seen> {
        Arc::new(Seen::read(&self.path(), Limits::default()).unwrap())
    }

    /// The first steps of a sync.
    fn begin(&self, steps: u8) {
        let seen = self.look();
        let merged = take_in(&self.store.db, "ana", &seen, RULES).unwrap();
        if steps > 1 {
            let lock = FolderLock::of(&self.path(), &SystemSleeper).unwrap();
            assert!(write_out(&lock, &seen, &merged.bytes).unwrap());
        }
    }

    fn exported(&self) -> String {
        let mut bytes = Vec::new();
        export(&self.store.db, crate::exchange::Order::Id, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn conflicts(&self) -> i64 {
        let count = "SELECT count(*) FROM task_audit WHERE operation = 'conflict'";
        self.store.db.read(|conn| conn.query_row(count, [], |row| row.get(0))).unwrap()
    }
}

#[test]
fn a_sync_that_ends_between_its_steps_is_made_good_without_a_conflict() {
    let undisturbed = Fixture::new();
    assert_eq!(undisturbed.sync().conflicts.len(), 1);
    for steps in [1, 2] {
        let fixture = Fixture::new();
        fixture.begin(steps);
        let report = fixture.sync();
        assert_eq!((report.conflicts, report.updated, report.removed), (vec![], 0, 0), "after step {steps}");
        assert_eq!(fixture.file(), undisturbed.file(), "after step {steps}");
        assert_eq!(fixture.exported(), undisturbed.file());
        assert_eq!(fixture.conflicts(), 1, "the one of the title");
    }
}

#[test]
fn what_is_changed_after_such_an_end_is_no_conflict() {
    for steps in [1, 2] {
        let fixture = Fixture::new();
        fixture.begin(steps);
        fixture.title("ours again");
        let report = fixture.sync();
        assert_eq!(report.conflicts, [], "after step {steps}");
        assert!(fixture.file().contains("ours again"), "after step {steps}");
        assert_eq!(fixture.exported(), fixture.file());
        // And in the file.
        fixture.write(&fixture.file().replace("ours again", "theirs again"));
        assert_eq!(fixture.sync().conflicts, []);
        assert!(fixture.exported().contains("theirs again"));

        let fixture = Fixture::new();
        fixture.begin(steps);
        fixture.write(&fixture.file().replace(r#""notes":"1""#, r#""notes":"2""#));
        assert_eq!(fixture.sync().conflicts, [], "after step {steps}");
        assert!(fixture.file().contains(r#""notes":"2""#) && fixture.file().contains("ours"));
    }
}

#[test]
fn a_file_that_others_change_meanwhile_is_merged_once_more() {
    let fixture = Fixture::new();
    let seen = fixture.look();
    let merged = take_in(&fixture.store.db, "ana", &seen, RULES).unwrap();
    // An editor, which takes no lock.
    fixture.write(&fixture.file().replace(r#""notes":"1""#, r#""notes":"2""#));
    let edited = fixture.file();
    let lock = FolderLock::of(&fixture.path(), &SystemSleeper).unwrap();
    assert!(!write_out(&lock, &seen, &merged.bytes).unwrap());
    assert_eq!(fixture.file(), edited);
    drop(lock);
    assert_eq!(fixture.sync().conflicts, []);
    assert!(fixture.file().contains(r#""notes":"2""#) && fixture.file().contains("ours"));
}

#[test]
fn the_base_is_settled_and_nothing_is_left_of_what_was_coming() {
    let fixture = Fixture::new();
    fixture.sync();
    let bases: Vec<(String, Vec<u8>)> = fixture
        .store
        .db
        .read(|conn| {
            conn.query_all("SELECT path, base FROM task_sync_bases", [], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .unwrap();
    assert_eq!(bases, [(fixture.path().display().to_string(), fixture.file().into_bytes())]);
}

#[test]
fn names_that_are_no_text_are_different_keys() {
    use std::os::unix::ffi::OsStrExt;
    let key_of = |bytes: &[u8]| key(Path::new(std::ffi::OsStr::from_bytes(bytes)));
    assert_eq!(key_of("/é".as_bytes()), "/é");
    assert_eq!(key_of(b"/\xff"), r"bytes:/\xff");
    assert_ne!(key_of(b"/\xff"), key_of(br"/\xff"));
}

#[test]
fn a_file_that_others_change_after_such_an_end_has_what_was_written_as_its_base() {
    let note = r#"{"_type":"memory"}"#;
    let fixture = || {
        let fixture = Fixture::new();
        // Ours: a new title of `a`, a new task and a line without an id; theirs: a label, `new` and no `gone`.
        crate::exchange::import(
            &fixture.store.db,
            "bob",
            Lines::of_bytes(
                format!("{note}\n{{\"id\":\"ours\"}}\n").as_bytes(),
                Path::new("f"),
                Limits::default(),
            )
            .unwrap(),
            crate::exchange::ImportOptions::default(),
        )
        .unwrap();
        fixture.begin(2);
        fixture
    };
    // What we have written is changed and taken away again: no conflict, and it stays away.
    let first = fixture();
    first.write(&first.file().replace("\"ours\",", "\"theirs again\",").replace(&format!("{note}\n"), ""));
    let report = first.sync();
    assert_eq!(report.conflicts, []);
    assert!(first.file().contains("theirs again") && !first.file().contains(note), "{}", first.file());
    // A task that we had just written is taken away.
    let second = fixture();
    second.write(&second.file().replace("{\"id\":\"ours\"}\n", ""));
    assert_eq!((second.sync().removed, second.exported().contains("{\"id\":\"ours\"}")), (1, false));
    // A merge has brought back a line as it was before our write: what the store has made of it stays.
    let third = fixture();
    let (title, before) = (third.file(), Fixture::new().file());
    let ours = title.lines().find(|line| line.contains("\"id\":\"a\"")).unwrap();
    third.write(&title.replace(ours, before.lines().next().unwrap()));
    assert_eq!(third.sync().conflicts, []);
    assert!(third.file().contains(ours), "{}", third.file());
}

#[test]
fn a_file_that_was_changed_before_it_was_written_has_what_was_taken_in_as_its_base() {
    let fixture = Fixture::new();
    let work = work::NewTask { title: "ours".into(), id: Some("ours".into()), ..work::NewTask::default() };
    work::create(&fixture.store.db, "bob", work).unwrap();
    fixture.begin(1);
    // Nothing in it is as only we have it: what it lacks was never there.
    fixture.write(&format!("{}{{\"id\":\"more\"}}\n", fixture.file()));
    let report = fixture.sync();
    assert_eq!((report.conflicts.len(), report.removed), (0, 0));
    assert!(fixture.file().contains("\"id\":\"ours\"") && fixture.file().contains("\"title\":\"ours\""));
}

#[test]
fn a_record_that_only_the_merge_makes_too_long_leaves_both_as_they_are() {
    let mut fixture = Fixture::new();
    fixture.title("ours, which is longer than theirs");
    let (file, store) = (fixture.file(), crate::read::show(&fixture.store.db, "a").unwrap().row);
    let longer = file.lines().map(str::len).max().unwrap().max(store.record.bytes().len());
    fixture.options.limits = Limits { line_bytes: longer as u64 };
    let error = sync(&fixture.store.db, "ana", &fixture.path(), &fixture.options).unwrap_err();
    assert!(error.to_string().starts_with("a: merged it would have "), "{error}");
    assert_eq!(fixture.file(), file);
    assert_eq!(crate::read::show(&fixture.store.db, "a").unwrap().row, store);
}
