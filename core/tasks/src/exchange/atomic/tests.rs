//! Files that are replaced.

use std::os::unix::fs::symlink;

use conclave_retry::SystemSleeper;
use conclave_testkit::{SmallDisk, TempProject, UnwritableFolder, skipped};

use super::*;

fn replace(path: &Path, expected: Option<&[u8]>, bytes: &[u8]) -> Result<Replaced> {
    FolderLock::of(path, &SystemSleeper)?.replace(path, expected, bytes)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_file_is_as_others_and_an_old_one_keeps_who_may_read_it() {
    let project = TempProject::new();
    let path = project.path("f.jsonl");
    assert_eq!(replace(&path, None, b"1").unwrap(), Replaced::Yes);
    std::fs::write(project.path("other"), "").unwrap();
    assert_eq!(mode(&path), mode(&project.path("other")), "what the umask leaves");
    for wanted in [0o600, 0o664, 0o444] {
        std::fs::set_permissions(&path, Permissions::from_mode(wanted)).unwrap();
        let before = std::fs::read(&path).unwrap();
        replace(&path, Some(&before), b"2").unwrap();
        assert_eq!(mode(&path), wanted);
    }
    assert_eq!(names(project.root()), ["f.jsonl", "other"]);
}

#[test]
fn a_file_that_has_changed_is_left_alone() {
    let project = TempProject::new();
    let path = project.file("f.jsonl", b"theirs");
    for expected in [None, Some(&b"old"[..])] {
        assert_eq!(replace(&path, expected, b"ours").unwrap(), Replaced::HasChanged);
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(replace(&path, Some(b"theirs"), b"ours").unwrap(), Replaced::HasChanged);
    assert!(names(project.root()).is_empty(), "no temporary file is left");
}

#[test]
fn what_a_link_leads_to_is_found() {
    let project = TempProject::new();
    let file = project.file("real/f.jsonl", b"1");
    symlink("real/f.jsonl", project.path("link")).unwrap();
    symlink("link", project.path("link of link")).unwrap();
    symlink("real/none.jsonl", project.path("dangling")).unwrap();
    symlink("round", project.path("round")).unwrap();
    assert_eq!(resolve(&project.path("link of link")).unwrap(), file);
    assert_eq!(resolve(&project.path("dangling")).unwrap(), project.path("real/none.jsonl"));
    assert_eq!(resolve(&project.path("real/../new")).unwrap(), project.path("new"));
    assert_eq!(resolve(&project.path("round")).unwrap_err().kind(), crate::TaskErrorKind::Io);
    assert_eq!(resolve(&project.path("no folder/no other/f")).unwrap_err().kind(), crate::TaskErrorKind::Io);
}

#[test]
fn only_regular_files_are_read() {
    let project = TempProject::new();
    assert_eq!(read(&project.path("none")).unwrap(), None);
    assert_eq!(read(&project.file("f", b"1")).unwrap().unwrap(), b"1");
    for other in [project.root(), Path::new("/dev/null")] {
        assert_eq!(read(other).unwrap_err().kind(), crate::TaskErrorKind::Io, "{}", other.display());
    }
}

#[test]
fn what_a_killed_process_left_is_removed() {
    let project = TempProject::new();
    let path = project.path("f.jsonl");
    project.file(".f.jsonl.conclave-abc.tmp", b"half");
    project.file(".g.jsonl.conclave-abc.tmp", b"another file's");
    replace(&path, None, b"1").unwrap();
    assert_eq!(names(project.root()), [".g.jsonl.conclave-abc.tmp", "f.jsonl"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_the_file_stays() {
    let made = UnwritableFolder::filled(|folder| std::fs::write(folder.join("f.jsonl"), "1").unwrap());
    let Some(folder) = made else {
        return skipped("no folder can be made unwritable here");
    };
    let path = folder.path().join("f.jsonl");
    let error = replace(&path, Some(b"1"), b"2").unwrap_err();
    assert_eq!(error.kind(), crate::TaskErrorKind::Io);
    assert!(error.to_string().contains("f.jsonl: "), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"1");
}

/// Counts waits instead of waiting.
#[derive(Debug, Default)]
struct Waits(std::sync::atomic::AtomicU32);

impl Sleeper for Waits {
    fn sleep(&self, _: Duration) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn one_at_a_time_and_nobody_waits_for_ever() {
    let project = TempProject::new();
    let path = project.path("f.jsonl");
    let held = FolderLock::of(&path, &SystemSleeper).unwrap();
    let waits = Waits::default();
    let error = FolderLock::of(&path, &waits).unwrap_err();
    assert_eq!((error.kind(), waits.0.into_inner()), (crate::TaskErrorKind::Io, STEPS));
    drop(held);
    let waits = Waits::default();
    FolderLock::of(&path, &waits).unwrap();
    assert_eq!(waits.0.into_inner(), 0);
}

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    let Some(disk) = SmallDisk::of(2) else {
        return skipped("no small disk can be made here");
    };
    let path = disk.path().join("f.jsonl");
    std::fs::write(&path, "old").unwrap();
    let error = replace(&path, Some(b"old"), &vec![b'x'; 8 * 1024 * 1024]).unwrap_err();
    assert_eq!(error.kind(), crate::TaskErrorKind::Io);
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(names(disk.path()), ["f.jsonl"]);
}

#[test]
fn a_file_is_replaced_whatever_is_in_it() {
    let project = TempProject::new();
    let path = project.file("f.jsonl", b"1");
    symlink(&path, project.path("link")).unwrap();
    replace_file(&project.path("link"), b"2").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"2");
    assert!(project.path("link").is_symlink());
    replace_file(&project.path("new"), b"3").unwrap();
    assert_eq!(names(project.root()), ["f.jsonl", "link", "new"]);
    assert_eq!(replace_file(Path::new("/dev/null"), b"4").unwrap_err().kind(), crate::TaskErrorKind::Io);
}
