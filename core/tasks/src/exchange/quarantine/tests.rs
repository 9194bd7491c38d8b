//! Lines that are kept aside.

use conclave_testkit::TempProject;

use super::*;
use crate::exchange::{Limits, read_lines};

#[test]
fn bad_lines_are_kept_as_they_are_with_their_reasons() {
    let project = TempProject::new();
    let folder = project.path("new/q");
    std::fs::create_dir(project.path("new")).unwrap();
    let file = b"<<<<<<< HEAD\r\n{\"id\":\"a\"}\n{\"id\":\"b\",\"t\":\"\xff\"}\n";
    let lines = read_lines(&mut &file[..], Path::new("/x/tasks.jsonl"), Limits::default()).unwrap();
    let kept = keep(&lines, None, &folder).unwrap().unwrap();
    assert_eq!(kept.lines, folder.join("tasks.bad.jsonl"));
    assert_eq!(std::fs::read(&kept.lines).unwrap(), b"<<<<<<< HEAD\n{\"id\":\"b\",\"t\":\"\xff\"}\n");
    let reasons = std::fs::read_to_string(&kept.reasons).unwrap();
    let reasons: Vec<serde_json::Value> =
        reasons.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reasons.len(), 2);
    assert_eq!((&reasons[0]["line"], &reasons[0]["id"]), (&1.into(), &serde_json::Value::Null));
    assert_eq!((&reasons[1]["line"], &reasons[1]["id"]), (&3.into(), &"b".into()));
    assert!(reasons[0]["cause"].as_str().unwrap().contains("conflict marker of git"));
    // Never over what is there, be it one of both.
    let before = std::fs::read(&kept.lines).unwrap();
    std::fs::write(folder.join("tasks-2.reasons.jsonl"), "").unwrap();
    assert_eq!(keep(&lines, None, &folder).unwrap().unwrap().lines, folder.join("tasks-3.bad.jsonl"));
    assert_eq!(std::fs::read(&kept.lines).unwrap(), before);
}

#[test]
fn without_bad_lines_nothing_is_made() {
    let project = TempProject::new();
    let lines = read_lines(&mut &b"{\"id\":\"a\"}"[..], Path::new("-"), Limits::default()).unwrap();
    assert_eq!(keep(&lines, None, &project.path("q")).unwrap(), None);
    assert!(!project.path("q").exists());
}

#[test]
fn a_file_in_the_place_of_the_folder_is_an_error() {
    let project = TempProject::new();
    let lines = read_lines(&mut &b"x"[..], Path::new("-"), Limits::default()).unwrap();
    let error = keep(&lines, None, &project.file("q", b"")).unwrap_err();
    assert_eq!(error.kind(), crate::TaskErrorKind::Io);
    assert_eq!(
        keep(&lines, None, &project.path("r")).unwrap().unwrap().lines,
        project.path("r/stdin.bad.jsonl")
    );
}

#[test]
fn a_line_that_is_too_long_is_kept_whole_where_it_can_be_read_again() {
    let project = TempProject::new();
    let long = |n: u8| format!("{{\"id\":\"long-{n}\",\"t\":\"{}\"}}", "x".repeat(20_000));
    let (one, two) = (long(1), long(2));
    for (begin, end) in [("", "\n"), ("\u{feff}", "\n"), ("{\"id\":\"a\"}\n", ""), ("\n\n", "\r\n")] {
        let file = format!("{begin}{one}\n<<<<<<< x\n{two}{end}");
        let path = project.file("f.jsonl", file.as_bytes());
        let limits = Limits { line_bytes: 10_000 };
        let lines = read_lines(&mut file.as_bytes(), &path, limits).unwrap();
        let kept = keep(&lines, Some(&path), &project.path("q")).unwrap().unwrap();
        let cr = if end == "\r\n" { "\r" } else { "" };
        let wanted = format!("{one}\n<<<<<<< x\n{two}{cr}\n");
        let is = std::fs::read_to_string(&kept.lines).unwrap();
        assert!(is == wanted, "{begin:?} {end:?}: {} of {}: {:?}", is.len(), wanted.len(), is.get(..60));
        assert_eq!(kept.cut, 0);
        // From standard input the beginnings, and so it is said.
        let kept = keep(&lines, None, &project.path("q")).unwrap().unwrap();
        assert_eq!((kept.cut, std::fs::metadata(&kept.lines).unwrap().len()), (2, 2 * 4097 + 10));
        let reasons = std::fs::read_to_string(&kept.reasons).unwrap();
        let first: serde_json::Value = serde_json::from_str(reasons.lines().next().unwrap()).unwrap();
        assert_eq!((&first["bytes"], &first["kept_bytes"]), (&one.len().into(), &4096.into()));
        // A file that has changed since is no source, and nothing is left of the try.
        std::fs::write(&path, "x").unwrap();
        let before = std::fs::read_dir(project.path("q")).unwrap().count();
        assert!(keep(&lines, Some(&path), &project.path("q")).is_err());
        assert_eq!(std::fs::read_dir(project.path("q")).unwrap().count(), before);
    }
}

#[test]
fn a_pipe_is_not_opened_again() {
    let project = TempProject::new();
    let pipe = project.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let lines = read_lines(&mut &b"{\"id\":\"long\"}"[..], &pipe, Limits { line_bytes: 5 }).unwrap();
    let kept = keep(&lines, Some(&pipe), &project.path("q")).unwrap().unwrap();
    assert_eq!(kept.lines, project.path("q/pipe.bad.jsonl"));
}

#[test]
fn nothing_half_written_is_left_and_what_was_there_stays() {
    let project = TempProject::new();
    let path = project.path("r.jsonl");
    let error = fill(&path, |file| {
        file.write_all(b"half")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(!path.exists());
    project.file("r.jsonl", b"anothers");
    assert_eq!(fill(&path, |_| Ok(())).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"anothers");
}
