//! A disk that fails at the n-th write, sync, truncate or read, for every n, while somebody works with tasks: the
//! error is typed, what was done is there as a whole or not at all, nothing that was acknowledged is lost, and the
//! next one finds everything in order.
//!
//! The short version visits some points, chosen anew by `CONCLAVE_SEED`; `CONCLAVE_FAULT_SWEEP=full` visits all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conclave_db::checkpoint::{CheckpointMode, checkpoint};
use conclave_db::doctor::CheckState;
use conclave_db::{Db, DbOptions, ErrorKind};
use conclave_tasks::exchange::{self, ImportOptions, Limits, Order, SyncOptions};
use conclave_tasks::read::{self, ReadyQuery};
use conclave_tasks::work::{self, Change, Closing, NewTask, Set};
use conclave_tasks::{Result, TaskErrorKind, health};
use conclave_testkit::{Failure, Fault, FaultDisk, ManualClock, Op, Random};

use crate::project::{NOW, schema, texts};

/// What can fail, and how.
const KINDS: [(Op, Failure); 6] = [
    (Op::Write, Failure::Full),
    (Op::Write, Failure::Io),
    (Op::Sync, Failure::Full),
    (Op::Sync, Failure::Io),
    (Op::Truncate, Failure::Io),
    (Op::Read, Failure::Io),
];

/// What is there before.
const FILE: &str = r#"{"id":"a","title":"first","status":"open","priority":1,"issue_type":"task","updated_at":"2026-01-01T00:00:00Z"}
{"id":"b","title":"second","status":"open","priority":0,"issue_type":"task","updated_at":"2026-01-01T00:00:00Z","dependencies":[{"issue_id":"b","depends_on_id":"a","type":"blocks"}]}
{"id":"c","title":"third","status":"open","priority":2,"issue_type":"task","updated_at":"2026-01-01T00:00:00Z","dependencies":[{"issue_id":"c","depends_on_id":"b","type":"parent-child"}]}
"#;
/// What comes later: one is changed, one is new, one is no task.
const LATER: &str = r#"{"id":"a","title":"first, changed","status":"closed","priority":1,"issue_type":"task","updated_at":"2026-01-02T00:00:00Z","closed_at":"2026-01-02T00:00:00Z"}
{"id":"d","title":"fourth","status":"open","priority":2,"issue_type":"task","updated_at":"2026-01-01T00:00:00Z"}
{"_type":"memory","key":"k","value":1.0}
"#;

/// Something that is done to tasks.
type Act = fn(&Db, &Path) -> Result<()>;

const ACTS: [(&str, Act); 7] = [
    ("create", create),
    ("claim", claim),
    ("claim_ready", claim_ready),
    ("update", update),
    ("close", close),
    ("import", import),
    ("sync", sync),
];

fn create(db: &Db, _: &Path) -> Result<()> {
    let new = NewTask {
        title: "new".into(),
        id: Some("n".into()),
        labels: texts(&["l"]),
        dependencies: vec![("a".into(), "blocks".into())],
        // More than a page.
        description: "word ".repeat(3000),
        ..NewTask::default()
    };
    work::create(db, "ana", new).map(drop)
}

fn claim(db: &Db, _: &Path) -> Result<()> {
    work::claim(db, "ana", "a", Some(Duration::from_mins(5))).map(drop)
}

fn claim_ready(db: &Db, _: &Path) -> Result<()> {
    work::claim_ready(db, "ana", &ReadyQuery::default(), None).map(drop)
}

fn update(db: &Db, _: &Path) -> Result<()> {
    let change = Change {
        title: Some("another title".into()),
        result: Set::To("what came of it ".repeat(1000)),
        add_labels: texts(&["l"]),
        ..Change::default()
    };
    work::update(db, "ana", &texts(&["a", "c"]), change).map(drop)
}

fn close(db: &Db, _: &Path) -> Result<()> {
    let how = Closing { reason: Some("done".into()), ..Closing::default() };
    work::close(db, "ana", &texts(&["a"]), &how).map(drop)
}

fn import(db: &Db, _: &Path) -> Result<()> {
    let lines = exchange::read_lines(&mut LATER.as_bytes(), "-".as_ref(), Limits::default())?;
    exchange::import(db, "ana", lines, ImportOptions::default()).map(drop)
}

fn sync(db: &Db, folder: &Path) -> Result<()> {
    exchange::sync(db, "ana", &file(folder), &SyncOptions::default()).map(drop)
}

fn file(folder: &Path) -> PathBuf {
    folder.join("tasks.jsonl")
}

/// A store with tasks, and a file beside it that has others.
struct Scene {
    folder: tempfile::TempDir,
    db: Db,
    disk: FaultDisk,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = FaultDisk::watch(folder.path());
        let db = open(folder.path());
        let lines = exchange::read_lines(&mut FILE.as_bytes(), "-".as_ref(), Limits::default()).unwrap();
        exchange::import(&db, "before", lines, ImportOptions::default()).unwrap();
        std::fs::write(file(folder.path()), LATER).unwrap();
        Self { folder, db, disk }
    }

    fn act(&self, act: Act) -> Result<()> {
        act(&self.db, self.folder.path())
    }
}

fn open(folder: &Path) -> Db {
    let options = DbOptions::new(folder.join("state.db"), schema());
    let options = options.clock(Arc::new(ManualClock::at_wall_ms(NOW)));
    Db::open(options.busy_timeout(Duration::from_millis(100)).deadline(Duration::from_millis(100))).unwrap()
}

/// Everything that can be read: the records, what is ready and blocked, the log, what the words find.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State(Vec<String>);

fn state(db: &Db, context: &str) -> State {
    for check in health::checks(db, &[]).unwrap() {
        assert_ne!(check.state, CheckState::Fail, "{context}: {}: {}", check.name, check.detail);
    }
    let mut bytes = Vec::new();
    exchange::export(db, Order::File, &mut bytes).unwrap();
    let mut lines = vec![String::from_utf8(bytes).unwrap()];
    lines.extend(read::ready(db, &ReadyQuery::default()).unwrap().iter().map(|row| row.id().to_owned()));
    lines.push(format!("{:?}", read::counts(db).unwrap()));
    for id in ["a", "b", "c", "d", "n"] {
        // What was never there has no rows.
        for row in read::audit(db, id, None).unwrap_or_default() {
            lines.push(format!("{id} {} {} {:?}", row.who, row.operation, row.changes));
        }
    }
    for words in ["first", "another", "new", "fourth", "done"] {
        let found = read::search(db, words, None).unwrap();
        lines.push(format!("{words}: {:?}", found.iter().map(|row| row.id().to_owned()).collect::<Vec<_>>()));
    }
    State(lines)
}

/// What a sweep has seen.
#[derive(Debug, Default)]
struct Seen {
    points: u64,
    errors: u64,
    ambiguous: u64,
    survived: u64,
}

/// One point: `None` where the fault was not met, so that all points were visited.
fn visit(name: &str, act: Act, fault: Fault, [before, after]: [&State; 2], seen: &mut Seen) -> Option<()> {
    let context = format!("{name}, {fault:?}");
    let scene = Scene::new();
    scene.disk.fail(fault);
    let mut done = scene.act(act);
    if done.is_ok() {
        scene.disk.mark("done");
    }
    // A checkpoint moves what was acknowledged; it may fail too, and nothing is lost by it.
    let moved = checkpoint(&scene.db, CheckpointMode::Truncate);
    if scene.disk.fired() == 0 {
        done.unwrap();
        return None;
    }
    seen.points += 1;
    scene.disk.heal();
    let kinds = done.as_ref().err().map(conclave_tasks::TaskError::kind);
    for kind in kinds.into_iter().chain(moved.err().map(|error| TaskErrorKind::Storage(error.kind()))) {
        let own = if fault.error == Failure::Full { ErrorKind::Full } else { ErrorKind::Io };
        let told = [own, ErrorKind::Ambiguous].map(TaskErrorKind::Storage);
        assert!(told.contains(&kind), "{context}: told as {kind:?}");
    }
    let found = state(&scene.db, &context);
    match &done {
        Ok(()) => {
            seen.survived += 1;
            assert_eq!(found, *after, "{context}: acknowledged");
        }
        Err(error) => {
            seen.errors += 1;
            // A sync is several transactions; the next one goes on where this one ended.
            let is_open = error.kind() == TaskErrorKind::Storage(ErrorKind::Ambiguous) || name == "sync";
            seen.ambiguous += u64::from(is_open);
            assert!(found == *before || is_open && found == *after, "{context}: {error}: {found:?}");
        }
    }
    let text = std::fs::read_to_string(file(scene.folder.path())).unwrap();
    assert!(text == LATER || name == "sync" && text.lines().count() == 5, "{context}: a torn file");
    if done.is_err() && found == *before {
        done = scene.act(act);
        assert!(done.is_ok(), "{context}: the fault is gone: {done:?}");
    } else if name == "sync" {
        scene.act(act).unwrap();
    }
    let settled = state(&scene.db, &context);
    assert_eq!(settled, *after, "{context}: again, in the same process");
    work::comment(&scene.db, "ana", "b", "still here").unwrap();
    drop(scene.db);
    let db = open(scene.folder.path());
    let comments = read::show(&db, "b").unwrap().row.comment_count;
    assert_eq!(comments, 1, "{context}: the next write, after a new start");
    cut(&scene.disk, fault.nth, [before, after], &context);
    Some(())
}

/// A power cut somewhere, on a disk that forgets what it could not sync.
fn cut(disk: &FaultDisk, seed: u64, [before, after]: [&State; 2], context: &str) {
    let image = tempfile::tempdir().unwrap();
    let cut = disk.recording().cut(seed, image.path());
    if !image.path().join("state.db").exists() {
        return;
    }
    let context = format!("{context}, cut with seed {seed} at {}", cut.at);
    let _unsynced = FaultDisk::watch(image.path());
    let db = open(image.path());
    let found = state(&db, &context);
    if cut.marks.iter().any(|mark| &**mark == "done") {
        assert_ne!(found, *before, "{context}: acknowledged, and gone");
    }
    // Before anything was there, in between, or with the comment that came last.
    let records = found.0[0].lines().count();
    let whole = |state: &State| state.0[0].lines().count();
    assert!([0, whole(before), whole(after)].contains(&records), "{context}: {found:?}");
}

/// Visits each kind of fault, in the short version not every point of it; gives what each act has met.
fn sweep(acts: &[(&str, Act)]) -> Vec<String> {
    let mut met = Vec::new();
    let full = std::env::var("CONCLAVE_FAULT_SWEEP").is_ok_and(|value| value == "full");
    let mut random = Random::from_env(20_261_121);
    for (name, act) in acts {
        let [before, after] = {
            let scene = Scene::new();
            let before = state(&scene.db, name);
            scene.act(*act).unwrap();
            [before, state(&scene.db, name)]
        };
        assert_ne!(before, after, "{name} does something");
        let mut seen = Seen::default();
        for (op, error) in KINDS {
            for sticky in [false, true] {
                let mut nth = 1;
                while visit(name, *act, Fault { op, nth, error, sticky }, [&before, &after], &mut seen)
                    .is_some()
                {
                    nth += if full || op != Op::Write && op != Op::Read { 1 } else { 1 + random.below(24) };
                }
            }
        }
        assert!(seen.errors >= 4 && seen.survived > 0, "{name}: {seen:?}");
        met.push(format!("{name}: {seen:?}"));
    }
    met
}

#[test]
fn whatever_fails_while_somebody_works_nothing_is_half_done_or_lost() {
    println!("{:#?}", sweep(&ACTS[..5]));
}

#[test]
fn whatever_fails_while_a_file_comes_in_nothing_is_half_done_or_lost() {
    println!("{:#?}", sweep(&ACTS[5..6]));
}

#[test]
fn whatever_fails_during_a_sync_the_next_one_makes_it_good() {
    println!("{:#?}", sweep(&ACTS[6..]));
}
