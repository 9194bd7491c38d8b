//! Readers that leave, and outputs that are full.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::fs::OFlags;

use crate::asking::planner;
use crate::patience::{ended, output_of};
use crate::scratch::{Done, Scratch};

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let scratch = Scratch::with_runs();
    for words in
        [&["man"][..], &["runs", "list"], &["runs", "list", "--json"], &["--help"], &["completions", "bash"]]
    {
        let mut child =
            scratch.command().args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before the first byte comes.
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = ended(&mut child);
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{words:?}");
    }
}

#[test]
fn a_full_output_is_a_failure_of_storage() {
    let scratch = Scratch::with_runs();
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        conclave_testkit::skipped("no /dev/full");
        return;
    };
    let output = scratch.command().args(["runs", "list"]).stdout(full).output().unwrap();
    let done = Done {
        code: output.status.code(),
        stdout: Vec::new(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    done.refused(3);
}

#[test]
fn a_closed_stderr_is_no_panic() {
    let scratch = Scratch::new();
    let mut child = scratch.command().arg("nonsense").stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(ended(&mut child).code(), Some(2));
}

/// A pipe that nobody reads and that is full.
fn stuck() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&writer, &[b'.'; 4096]).is_ok() {}
    while rustix::io::write(&writer, b".").is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}

#[test]
fn a_stderr_that_takes_nothing_does_not_hold_up_a_run() {
    let scratch = Scratch::configured(&(planner("a") + &planner("b")));
    scratch.ok(&["init"]);
    let (reader, writer) = stuck();
    let child = scratch
        .command()
        .args(["run", "S-1", "--stage", "plan", "--json"])
        .stdout(Stdio::piped())
        .stderr(writer)
        .spawn()
        .unwrap();
    let ended = output_of(child);
    let out = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{out}");
    assert!(out.contains(r#""status":"ok""#), "{out}");
    drop(reader);
}
