//! Spool and cache on the storage screen, in a real pseudo-terminal.

use crate::asking::planner;
use crate::scratch::Scratch;
use crate::spool::events;
use crate::terminal::Session;

/// The storage screen of a project whose runs are spooled.
fn on(scratch: &Scratch, words: &[&str]) -> Session {
    let mut session = Session::start(scratch, words);
    session.until("1 Runs");
    session.keys("6");
    session.until("of 512 MiB");
    session
}

#[test]
fn a_run_is_spooled_flushed_and_counted() {
    let scratch = Scratch::spooling("transcripts = true\n");
    scratch.configure(&planner("one"));
    scratch.ok(&["init"]);
    let mut session = Session::start(&scratch, &[]);
    session.until("There are none yet");
    session.keys("n");
    session.until("one");
    session.keys("S-1");
    session.until("conclave run S-1 --stage plan");
    session.keys("\r");
    session.until("run 1: ok");
    session.keys("6");
    session.until("written 3 = pending 3 + imported 0");
    session.until("\u{2713} balances");
    session.until("no cache yet");
    session.keys("f");
    session.until("spool: 3 events taken in from 1 file");
    session.until("written 3 = pending 0 + imported 3");
    session.keys("t");
    session.until("nothing to trim: less is used");
    session.keys("x");
    session.until("nothing to clear: there is no cache yet");
    // What others write is seen without a key.
    let done = scratch.fed(&["spool", "write", "mouse"], events("mouse", 0, 40));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    session.until("written 43 = pending 40 + imported 3");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
    assert_eq!(scratch.number("SELECT count(*) FROM events"), 3);
}

#[test]
fn the_cache_is_shown_and_cleared_when_that_is_agreed_to() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    let done = scratch.fed(&["cache", "put", "one"], "value");
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    scratch.ok(&["cache", "get", "one"]);
    let mut session = on(&scratch, &[]);
    session.until("1 of 10,000");
    session.until("100.0 % hits");
    session.keys("x");
    session.until("Take 1 entry out of the parse cache?");
    session.keys("\r");
    session.until("1 of 10,000");
    session.keys("x");
    session.until("Take 1 entry out of the parse cache?");
    session.keys("y");
    session.until("cache: 1 entry taken out");
    session.until("0 of 10,000");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
    assert_eq!(scratch.run(&["cache", "get", "one"]).code, Some(1));
}

/// What cannot be read is said where it would stand, and nothing ends.
#[test]
fn what_is_broken_is_said_in_its_place() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    std::fs::write(scratch.spool(), "no folder").unwrap();
    std::fs::create_dir(scratch.project().join(".conclave/cache.db")).unwrap();
    let mut session = Session::start(&scratch, &["--read-only"]);
    session.until("There are none yet");
    session.keys("6");
    session.until("read the spool");
    session.until("read the ledger");
    session.until("open the cache");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
}
