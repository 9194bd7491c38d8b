//! What is acknowledged is durable: each file's bytes and its name, seen by what a process says to the kernel.
//!
//! A child runs with a library before it that tells of each sync (`durable/record.c`, which the C compiler makes). What it
//! did not sync is what a power cut may take.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use conclave_spool::import::flush;
use conclave_spool::recover::recover;
use conclave_testkit::{Parent, Rerun, skipped};

use crate::desk::{events, gzip, name, open_state};

const SOURCE: &str = include_str!("durable/record.c");

/// What was made durable, in the order in which it was.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Synced {
    /// A file with so many bytes.
    File { inode: u64, bytes: u64 },
    /// A folder, with these names.
    Folder { inode: u64, names: BTreeMap<String, u64> },
}

/// A place to work in, and the library.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    /// `None` where nothing compiles.
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let (source, library) = (dir.path().join("record.c"), dir.path().join("record.so"));
        std::fs::write(&source, SOURCE).unwrap();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status();
        std::fs::create_dir(dir.path().join("work")).unwrap();
        if compiled.is_ok_and(|status| status.success()) {
            Some(Self { dir })
        } else {
            skipped("there is no C compiler");
            None
        }
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn spool(&self) -> PathBuf {
        self.work().join("spool")
    }

    /// Runs one part of this test, and gives what it made durable.
    fn run(&self, test: &str, role: &str) -> Vec<Synced> {
        let log = self.dir.path().join("log");
        let _ = std::fs::remove_file(&log);
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let mut child = Rerun::of(test)
            .role(role)
            .variable("WORK", text(self.work()))
            .variable("SYNCS", text(log.clone()))
            .variable("LD_PRELOAD", text(self.dir.path().join("record.so")))
            .start();
        child.release();
        child.finish();
        read_log(&std::fs::read_to_string(&log).unwrap())
    }

    /// The path of a file of the spool.
    fn path(&self, path: &str) -> PathBuf {
        self.spool().join(path)
    }
}

fn read_log(log: &str) -> Vec<Synced> {
    let mut synced = Vec::new();
    for line in log.lines() {
        let mut words = line.splitn(3, ' ');
        let (kind, inode) = (words.next().unwrap(), words.next().unwrap().parse().unwrap());
        match (kind, words.next(), synced.last_mut()) {
            ("F", Some(bytes), _) => synced.push(Synced::File { inode, bytes: bytes.parse().unwrap() }),
            ("D", None, _) => synced.push(Synced::Folder { inode, names: BTreeMap::new() }),
            ("N", Some(name), Some(Synced::Folder { names, .. })) => {
                names.insert(name.to_owned(), inode);
            }
            _ => assert_eq!(line, "", "this is none of ours"),
        }
    }
    synced
}

/// When the bytes of a file and its name in its folder were durable first, as they are now: places in what was synced.
fn durable_at(synced: &[Synced], path: &Path) -> (Option<usize>, Option<usize>) {
    let about = path.metadata().unwrap();
    let folder = path.parent().unwrap().metadata().unwrap().ino();
    let name = path.file_name().unwrap().to_str().unwrap();
    let bytes = synced.iter().position(
        |one| matches!(one, Synced::File { inode, bytes } if (*inode, *bytes) == (about.ino(), about.len())),
    );
    let named = synced.iter().position(|one| match one {
        Synced::Folder { inode, names } => *inode == folder && names.get(name) == Some(&about.ino()),
        Synced::File { .. } => false,
    });
    (bytes, named)
}

/// Both are.
fn assert_durable(synced: &[Synced], path: &Path) {
    let found = durable_at(synced, path);
    assert!(matches!(found, (Some(_), Some(_))), "{}: {found:?} of {synced:?}", path.display());
}

/// The name of a folder, which has no bytes of its own.
fn assert_named(synced: &[Synced], path: &Path) {
    assert!(durable_at(synced, path).1.is_some(), "{} of {synced:?}", path.display());
}

fn work() -> PathBuf {
    std::env::var_os("WORK").unwrap().into()
}

#[test]
fn a_line_that_is_acknowledged_is_in_a_file_whose_bytes_and_name_are_durable() {
    let test = "durable::a_line_that_is_acknowledged_is_in_a_file_whose_bytes_and_name_are_durable";
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let spool = crate::fixture::spool(&work().join("spool"), crate::desk::options());
        let mut writer = spool.writer(&name("keyboard"), Duration::ZERO).unwrap();
        writer.append(b"{}").unwrap();
        writer.sync().unwrap();
        assert_eq!(writer.durable(), 1);
        if parent.role() == "finished" {
            writer.append(b"{}").unwrap();
            assert_eq!(writer.finish().unwrap().durable, 2);
        }
        return;
    }
    for (role, end) in [("synced", ".part"), ("finished", "")] {
        let Some(bench) = Bench::new() else { return };
        let synced = bench.run(test, role);
        let folder = bench.path("keyboard");
        let mut files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let file = files.find(|path| path.to_str().unwrap().ends_with(&format!(".ndjson.gz{end}"))).unwrap();
        assert_durable(&synced, &file);
        assert_named(&synced, &folder);
        assert_named(&synced, &bench.spool());
    }
}

#[test]
fn what_is_recovered_is_durable_under_its_name() {
    let test = "durable::what_is_recovered_is_durable_under_its_name";
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let spool = crate::fixture::spool(&work().join("spool"), crate::desk::options());
        assert_eq!(recover(&spool, None).unwrap().segments, 1);
        return;
    }
    let whole = gzip(events(0..20));
    let with_rest = [whole.as_slice(), b"\x1f\x8b\x08"].concat();
    // Whole members alone; with a torn one behind them; a torn stream.
    for part in [whole.as_slice(), &with_rest, &whole[..whole.len() - 4]] {
        let Some(bench) = Bench::new() else { return };
        std::fs::create_dir_all(bench.path("keyboard")).unwrap();
        std::fs::write(bench.path("keyboard/20250909-18.ndjson.gz.part"), part).unwrap();
        let synced = bench.run(test, "recover");
        let file = bench.path("keyboard/20250909-18_recovered.ndjson.gz");
        assert_durable(&synced, &file);
        // The bytes before the last name: at no moment is there a name without them.
        let (bytes, named) = durable_at(&synced, &file);
        assert!(bytes < named, "{synced:?}");
    }
}

// What was rejected stands in quarantine before the ledger says so, and both before the file leaves pending.
#[test]
fn rejects_are_durable_before_the_ledger_and_the_ledger_before_the_move() {
    let test = "durable::rejects_are_durable_before_the_ledger_and_the_ledger_before_the_move";
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        // Never closed, as by a kill: closing it would take its log away.
        let state: &'static conclave_db::Db = Box::leak(Box::new(open_state(&work())));
        let spool = crate::desk::open_spool(&work(), state);
        let flushed = flush(&spool, state, None).unwrap();
        assert_eq!((flushed.imported, flushed.quarantined), (1_000, 1));
        return;
    }
    let Some(bench) = Bench::new() else { return };
    std::fs::create_dir_all(bench.path("keyboard")).unwrap();
    let text = events(0..1_000) + "no event\n";
    std::fs::write(bench.path("keyboard/20250909-18.ndjson.gz"), gzip(text)).unwrap();
    let synced = bench.run(test, "flush");
    let done = bench.path("_done/keyboard/20250909-18.ndjson.gz");
    let moved = durable_at(&synced, &done).1.unwrap();
    let kept = bench.path("_quarantine/keyboard/20250909-18.ndjson.gz.rej.ndjson");
    let (rejects, _) = durable_at(&synced, &kept);
    // By another name first: the one it has now is given with the move.
    let inode = kept.metadata().unwrap().ino();
    let named = synced.iter().position(
        |one| matches!(one, Synced::Folder { names, .. } if names.values().any(|named| *named == inode)),
    );
    // The log of the state, which the child did not close, has its last transaction at its end.
    let (state, _) = durable_at(&synced, &bench.work().join("state.db-wal"));
    let (rejects, named, state) = (rejects.unwrap(), named.unwrap(), state.unwrap());
    assert!(rejects < named && named < state && state < moved, "{rejects} {named} {state} {moved}");
    let folder = done.parent().unwrap().to_path_buf();
    assert_named(&synced, &folder);
    assert_named(&synced, folder.parent().unwrap());
}

#[test]
fn drops_that_are_counted_in_a_file_are_durable() {
    let test = "durable::drops_that_are_counted_in_a_file_are_durable";
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let options = conclave_spool::SpoolOptions { max_line_bytes: 1, ..crate::desk::options() };
        let spool = crate::fixture::spool(&work().join("spool"), options);
        let mut writer = spool.writer(&name("keyboard"), Duration::ZERO).unwrap();
        writer.append(b"{}").unwrap();
        assert_eq!(writer.finish().unwrap().dropped, 1);
        return;
    }
    let Some(bench) = Bench::new() else { return };
    let synced = bench.run(test, "drop");
    assert_durable(&synced, &bench.path("keyboard/.drops.json"));
}
