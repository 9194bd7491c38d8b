use super::{HELD, Stream};
use crate::cli::Output;
use crate::failure::{Exit, Failure};

fn failed() -> Result<(), Failure> {
    Err(Failure::usage("wrong"))
}

#[test]
fn what_fails_early_has_printed_nothing() {
    let mut printed = Vec::new();
    let mut stream = Stream::new(&mut printed);
    stream.text("[1");
    stream.pass_on().unwrap();
    let answer = stream.answer(&Output::plain(true), failed());
    assert!(answer.is_err(), "who called prints the one document");
    assert!(printed.is_empty());
}

#[test]
fn what_fails_late_is_left_without_its_end() {
    let mut printed = Vec::new();
    let mut stream = Stream::new(&mut printed);
    stream.text(&"[".repeat(HELD));
    stream.pass_on().unwrap();
    stream.text("more");
    let answer = stream.answer(&Output::plain(true), failed());
    assert_eq!(answer.ok(), Some(Exit::Usage), "it is told on stderr alone");
    assert_eq!(printed.len(), HELD);
}

#[test]
fn what_ends_well_is_whole() {
    let mut printed = Vec::new();
    let mut stream = Stream::new(&mut printed);
    stream.text("[");
    stream.text("]");
    let ended = stream.end();
    assert_eq!(stream.answer(&Output::plain(true), ended).ok(), Some(Exit::Done));
    assert_eq!(printed, b"[]");
}
