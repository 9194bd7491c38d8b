//! Answers that nobody reads: whoever does not read holds up neither the call nor the host.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conclave_testkit::{ModelServer, Reply, Speaks};
use rustix::process::{Signal, kill_process};

use crate::models::{listed, pid_of, that, with_hosts};
use crate::patience::{ended, output_of, until};
use crate::scratch::Scratch;

/// One that goes on for as long as somebody listens.
fn endless() -> ModelServer {
    let pieces = Speaks::Ollama.beginning("m", "again and again ").repeat(64);
    that(Reply::stream("application/x-ndjson").forever(pieces, Duration::from_millis(1)))
}

/// More than a pipe takes.
fn long() -> String {
    "a word and another ".repeat(10_000)
}

fn start(scratch: &Scratch, words: &[&str], stdout: OwnedFd, stderr: impl Into<Stdio>) -> Child {
    scratch.command().args(words).stdout(stdout).stderr(stderr).spawn().unwrap()
}

/// Waits until the pipe takes nothing any more.
fn until_full(reader: &OwnedFd) {
    let (mut before, mut looks) = (0, 0);
    until("the pipe is full", || {
        let now = rustix::io::ioctl_fionread(reader).unwrap();
        looks = if now > 0 && now == before { looks + 1 } else { 0 };
        before = now;
        looks > 40
    });
}

// llm L44, while nobody reads
#[test]
fn ctrl_c_is_heard_while_a_stream_waits_for_its_reader() {
    let a = endless();
    let scratch = with_hosts(&[("a", &a.url())]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let child = start(&scratch, &["ask", "hello", "--stream"], writer, Stdio::piped());
        until_full(&reader);
        kill_process(pid_of(&child), signal).unwrap();
        let ended = output_of(child);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{said}");
    }
    a.wait_for_gone(2);
    let host = listed(&scratch, "a");
    assert_eq!((host["in_flight"].as_i64(), host["breaker"]["failures"].as_i64()), (Some(0), Some(0)));
}

#[test]
fn a_time_limit_holds_while_a_stream_waits_for_its_reader() {
    let a = endless();
    let scratch = with_hosts(&[("a", &a.url())]);
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    // Standard error goes to the same one who does not read.
    let words = ["ask", "hello", "--stream", "--timeout", "500ms"];
    let mut child = start(&scratch, &words, writer.try_clone().unwrap(), writer);
    assert_eq!(ended(&mut child).code(), Some(4));
    a.wait_for_gone(1);
    assert_eq!(listed(&scratch, "a")["in_flight"], 0);
    drop(reader);
}

#[test]
fn a_reader_who_takes_his_time_keeps_no_place_and_gets_all() {
    let text = long();
    let a = that(Speaks::Ollama.answer("m", &text));
    let scratch = with_hosts(&[("a", &a.url())]);
    for words in [&["ask", "hello", "--stream"][..], &["ask", "hello"]] {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut child = start(&scratch, words, writer, Stdio::piped());
        until_full(&reader);
        until("the host has room", || listed(&scratch, "a")["in_flight"] == 0);
        assert_eq!(child.try_wait().unwrap(), None);
        let mut cat = Command::new("cat").stdin(reader).stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(ended(&mut child).code(), Some(0), "{words:?}");
        let read = cat.stdout.take().map(|pipe| std::io::read_to_string(pipe).unwrap()).unwrap();
        assert!(read == format!("{text}\n"), "{words:?}: {} bytes", read.len());
        ended(&mut cat);
    }
}

#[test]
fn ctrl_c_ends_the_printing_of_a_whole_answer() {
    let a = that(Speaks::Ollama.answer("m", &long()));
    let scratch = with_hosts(&[("a", &a.url())]);
    for more in ["--stream", "--json", "--local"] {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut child = start(&scratch, &["ask", "hello", more], writer, Stdio::piped());
        until_full(&reader);
        kill_process(pid_of(&child), Signal::INT).unwrap();
        assert_eq!(ended(&mut child).code(), Some(130), "{more}");
    }
    assert_eq!(listed(&scratch, "a")["breaker"]["failures"], 0);
}
