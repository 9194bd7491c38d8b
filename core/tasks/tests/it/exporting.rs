//! What goes out to a file.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use conclave_tasks::exchange::{self, ExportOptions, Exported, Order};
use conclave_tasks::{Result, TaskErrorKind};
use conclave_testkit::TempProject;

use crate::importing::import;
use crate::project::Project;

const A: &str = "{\"id\":\"a\"}\n";

fn write(project: &Project, path: &Path, force: bool) -> Result<Exported> {
    exchange::export_to_file(&project.db, path, ExportOptions { order: Order::Id, force })
}

#[test]
fn a_file_that_holds_more_than_the_store_is_not_replaced() {
    let (project, folder) = (Project::new(), TempProject::new());
    import(&project.db, A.as_bytes());
    for (held, named) in [
        ("{\"id\":\"a\"}\n{\"id\":\"b\"}\n", "b"),
        ("{\"_type\":\"memory\"}\n", "without an id"),
        ("{\"_type\":\"x\",\"id\":\"n\"}\n", "n"),
        ("{\"id\":\"a\"}\n<<<<<<< HEAD\n", "line 2"),
        ("{\"id\":\"a\",\"tit", "line 1"),
        ("no records at all", "line 1"),
    ] {
        let path = folder.file("f.jsonl", held.as_bytes());
        let error = write(&project, &path, false).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::Refused, "{held}");
        assert!(error.to_string().contains(named) && error.hint().unwrap().contains("--force"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), held);
        write(&project, &path, true).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), A, "forced");
    }
    for held in ["", "\r\n", "{\"id\":\"a\"}\r\n"] {
        let path = folder.file("f.jsonl", held.as_bytes());
        assert_eq!(write(&project, &path, false).unwrap(), Exported { records: 1, bytes: A.len() as u64 });
        assert_eq!(std::fs::read_to_string(&path).unwrap(), A, "{held:?}");
    }
    let (early, late) = (
        r#"{"id":"b","updated_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"id":"b","updated_at":"2026-01-01T00:00:01Z"}"#,
    );
    import(&project.db, early.as_bytes());
    let held = format!("{A}{late}\n");
    let path = folder.file("f.jsonl", held.as_bytes());
    let error = write(&project, &path, false).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Refused);
    assert!(error.to_string().ends_with("1 record(s) that are later than here: b"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), held);
    write(&project, &path, true).unwrap();
    write(&project, &folder.file("f.jsonl", early.replace("2026", "2025").as_bytes()), false).unwrap();
    let many = (0..9).map(|n| format!("{{\"id\":\"n{n}\"}}\n")).collect::<Vec<_>>().concat();
    let error = write(&project, &folder.file("f.jsonl", many.as_bytes()), false).unwrap_err().to_string();
    assert!(error.contains("9 record(s)") && error.contains("n4, …") && !error.contains("n5"), "{error}");
}

#[test]
fn what_has_changed_at_the_same_time_or_is_no_task_is_not_replaced_either() {
    let (project, folder) = (Project::new(), TempProject::new());
    let here = [
        r#"{"_schema":"x","updated_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"id":"t","updated_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"_type":"memory","id":"m","updated_at":"2026-01-01T00:00:00Z"}"#,
    ];
    import(&project.db, here.join("\n").as_bytes());
    let (later, text) = (("00Z", "01Z"), ("\"}", "\",\"k\":1}"));
    for (line, (from, to), what, hint) in [
        (2, later, "that are later than here: m", "import"),
        (2, text, "that differ from what is here: m", "task sync"),
        (1, text, "that differ from what is here: t", "task sync"),
    ] {
        let mut held = here.map(str::to_owned);
        held[line] = held[line].replace(from, to);
        let held = held.join("\n");
        let path = folder.file("f.jsonl", held.as_bytes());
        let error = write(&project, &path, false).unwrap_err();
        assert!(error.to_string().ends_with(what) && error.hint().unwrap().contains(hint), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), held);
    }
    // A header is written anew with its file.
    for (from, to) in [later, text] {
        let held = here.join("\n").replacen(from, to, 1);
        write(&project, &folder.file("f.jsonl", held.as_bytes()), false).unwrap();
    }
}

#[test]
fn a_file_that_was_synced_and_has_not_changed_since_is_replaced() {
    let (project, folder) = (Project::new(), TempProject::new());
    let path = folder.file("f.jsonl", b"{\"id\":\"t\",\"k\":1}\n");
    exchange::sync(&project.db, "ana", &path, &exchange::SyncOptions::default()).unwrap();
    // Another file changes the same task, at a time that is as unknown.
    let other = folder.file("g.jsonl", b"{\"id\":\"t\",\"k\":1,\"l\":2}\n");
    exchange::sync(&project.db, "ana", &other, &exchange::SyncOptions::default()).unwrap();
    let changed = folder.file("h.jsonl", &std::fs::read(&path).unwrap());
    assert!(write(&project, &changed, false).unwrap_err().to_string().contains("differ"), "never synced");
    write(&project, &path, false).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&other).unwrap());
}

#[test]
fn a_file_with_the_same_bytes_is_left_alone_and_links_stay() {
    let (project, folder) = (Project::new(), TempProject::new());
    import(&project.db, A.as_bytes());
    let link = folder.path("link.jsonl");
    symlink("real.jsonl", &link).unwrap();
    write(&project, &link, false).unwrap();
    let file = |path: &Path| std::fs::metadata(path).unwrap().ino();
    let before = file(&folder.path("real.jsonl"));
    write(&project, &link, false).unwrap();
    assert_eq!(file(&folder.path("real.jsonl")), before);
    import(&project.db, b"{\"id\":\"b\"}");
    write(&project, &link, false).unwrap();
    assert_ne!(file(&folder.path("real.jsonl")), before, "another file in its place");
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&link).unwrap(), "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
    assert_eq!(std::fs::read_dir(folder.root()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn what_is_no_file_is_an_error() {
    let (project, folder) = (Project::new(), TempProject::new());
    for path in [folder.root().to_path_buf(), folder.path("none/none/f"), "/dev/null".into()] {
        assert_eq!(write(&project, &path, true).unwrap_err().kind(), TaskErrorKind::Io, "{}", path.display());
    }
}

/// A pipe whose reader has gone.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_is_an_error_of_that_kind() {
    let project = Project::new();
    import(&project.db, A.as_bytes());
    let error = exchange::export(&project.db, Order::Id, &mut Closed).unwrap_err();
    let conclave_tasks::TaskError::Io { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.kind(), std::io::ErrorKind::BrokenPipe);
}
