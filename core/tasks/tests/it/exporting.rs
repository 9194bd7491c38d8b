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
    for held in ["", "\r\n", "{\"id\":\"a\",\"title\":\"other\"}\r\n"] {
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
    for held in [early.replace(":00Z", ":00.000Z"), early.replace("01T", "00T")] {
        write(&project, &folder.file("f.jsonl", held.as_bytes()), false).unwrap();
    }
    let many = (0..9).map(|n| format!("{{\"id\":\"n{n}\"}}\n")).collect::<Vec<_>>().concat();
    let error = write(&project, &folder.file("f.jsonl", many.as_bytes()), false).unwrap_err().to_string();
    assert!(error.contains("9 record(s)") && error.contains("n4, …") && !error.contains("n5"), "{error}");
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
