//! What is synced, and what the folder looked like at that moment: a power cut right after keeps just that.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use super::{beside, create, sync_folder};
use crate::backup::{BackupOptions, Nothing, backup, restore};
use crate::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};

/// What was synced, and the names in its folder (in itself, if it is one) when that was asked for.
type Synced = (PathBuf, Vec<String>);

thread_local! {
    static SYNCED: RefCell<Vec<Synced>> = const { RefCell::new(Vec::new()) };
}

thread_local! {
    /// A file system that this thread is to find everywhere: no test has a real one.
    pub(crate) static PRETENDED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

pub(super) fn note_sync(path: &Path) {
    let folder = if path.is_dir() { path } else { super::folder_of(path) };
    let names = names(folder);
    SYNCED.with_borrow_mut(|synced| synced.push((path.to_path_buf(), names)));
}

/// What this thread syncs during `action`.
fn synced<T>(action: impl FnOnce() -> T) -> (T, Vec<Synced>) {
    SYNCED.take();
    let done = action();
    (done, SYNCED.take())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

fn options(path: &Path) -> DbOptions {
    const NOTES: &[Migration] = &[Migration {
        version: FIRST_VERSION,
        name: "notes",
        up: Step::Sql("CREATE TABLE note(text TEXT NOT NULL) STRICT;"),
        down: None,
        rewrites: false,
    }];
    DbOptions::new(path, Schema::assemble(&[NOTES], &[]).unwrap())
}

/// Whether `folder` was synced while it had an entry that `is` true of, and none that `is_not` is.
fn has(
    synced: &[Synced],
    folder: &Path,
    is: impl Fn(&str) -> bool,
    is_not: impl Fn(&str) -> bool,
) -> Option<usize> {
    synced.iter().position(|(path, names)| {
        path == folder && names.iter().any(|name| is(name)) && !names.iter().any(|name| is_not(name))
    })
}

/// The system is really asked, and its refusal is an error: nobody can sync what is no file on a disk.
#[test]
#[cfg(target_os = "linux")]
fn a_sync_that_fails_is_an_error() {
    let error = sync_folder(Path::new("/proc")).unwrap_err();
    assert!(error.to_string().contains("sync /proc"), "{error}");
}

#[test]
fn each_new_entry_is_made_durable() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let path = root.join("a/b/state.db");
    let (new, found) = synced(|| create(&path).unwrap());
    assert!(new);
    let wanted = [(root.clone(), "a"), (root.join("a"), "b"), (root.join("a/b"), "state.db")];
    assert_eq!(found, wanted.map(|(folder, entry)| (folder, vec![entry.to_owned()])));
    assert_eq!(synced(|| create(&path).unwrap()), (false, vec![]));
}

/// Who made the file may have died before it could sync the folders.
#[test]
fn who_makes_a_found_file_whole_makes_its_entries_durable() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let path = root.join("a/state.db");
    create(&path).unwrap();
    let (db, found) = synced(|| Db::open(options(&path)).unwrap());
    assert!(has(&found, &root.join("a"), |name| name == "state.db", |_| false).is_some(), "{found:?}");
    assert!(has(&found, &root, |name| name == "a", |_| false).is_some(), "{found:?}");
    drop(db);
    assert_eq!(synced(|| Db::open(options(&path)).unwrap()).1, [], "once is enough");
}

#[test]
fn a_backup_has_its_name_only_when_its_bytes_are_durable() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let db = Db::open(options(&root.join("state.db"))).unwrap();
    let folder = root.join("copies");
    let is_copy = |name: &str| name.contains(".copy-");
    for (target, replace) in
        [(folder.join("x.db"), false), (folder.join("x.db"), true), (folder.clone(), false)]
    {
        let options = BackupOptions { replace, ..BackupOptions::default() };
        let (made, found) = synced(|| backup(&db, &target, &options).unwrap());
        let name = made.path.file_name().unwrap().to_str().unwrap();
        let bytes = found.iter().position(|(path, names)| {
            is_copy(&path.to_string_lossy()) && (replace || names.iter().all(|other| other != name))
        });
        let bytes = bytes.unwrap_or_else(|| panic!("the copy itself: {found:?}"));
        let entry = has(&found[bytes..], &folder, |other| other == name, |_| false);
        assert!(entry.is_some(), "its name, after its bytes: {found:?}");
        if replace {
            assert!(has(&found[bytes + 1..], &folder, |_| true, is_copy).is_some(), "the rename: {found:?}");
        }
    }
}

/// What is moved away must be away for good before the restored file has its name, or it would be played into it.
#[test]
fn a_restored_file_has_its_name_only_when_the_old_log_is_gone_for_good() {
    for there in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let path = root.join("live/state.db");
        let db = Db::open(options(&path)).unwrap();
        let copy = backup(&db, &root.join("then.db"), &BackupOptions::default()).unwrap().path;
        drop(db);
        let folder = root.join("live");
        if there {
            std::fs::write(&path, "no database any more").unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
        std::fs::write(beside(&path, "-wal"), "of another file").unwrap();
        let old = std::fs::metadata(&path).ok().map(|_| std::fs::read(&path).unwrap());
        let (report, found) = synced(|| restore(&options(&path), &copy, &mut Nothing).unwrap());
        assert_eq!(report.kept.is_some(), there);
        assert_eq!(old.is_some(), there);
        let copied = found.iter().position(|(path, _)| path.to_string_lossy().ends_with(".tmp"));
        let copied = copied.unwrap_or_else(|| panic!("the copy itself: {found:?}"));
        let is_kept_log = |name: &str| name.starts_with("state.db.") && name.ends_with("-wal");
        let away = has(&found[copied..], &folder, is_kept_log, |name| {
            name == "state.db-wal" || (!there && name == "state.db")
        });
        let away = copied + away.unwrap_or_else(|| panic!("the log is away: {found:?}"));
        let named = has(&found[away + 1..], &folder, |name| name == "state.db", |_| false);
        assert!(named.is_some(), "the new name: {found:?}");
        drop(Db::open(options(&path)).unwrap());
    }
}
