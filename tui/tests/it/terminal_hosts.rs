//! The hosts of models in the UI, in a real pseudo-terminal, with servers that answer and fail as they are told.

use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::models::{host, listed, that, well, with_hosts};
use crate::scratch::Scratch;
use crate::terminal::Session;

/// The screen of hosts of a project with a state, once this is on it.
fn on(scratch: &Scratch, words: &[&str], is_there: &str) -> Session {
    scratch.ok(&["init"]);
    let mut session = Session::start(scratch, words);
    session.until("There are none yet");
    session.keys("5");
    session.until(is_there);
    session
}

#[test]
fn what_others_find_out_of_a_host_is_seen_and_its_breaker_is_closed_again() {
    let (dead, b) = (ModelServer::nowhere(), well("from b"));
    let scratch = with_hosts(&[("a", &dead), ("b", &b.url())]);
    let mut session = on(&scratch, &[], "? closed, not asked yet");
    // Without a key: what another process writes is seen.
    assert_eq!(scratch.json(&["ask", "hello"])["host"], "b");
    session.until("✗ open, probe in 0:");
    session.until("a: opened 0:");
    session.until("1 open");
    session.until("! 1 needs you");
    session.keys("k");
    session.until("Close the breaker of \"a\"?");
    session.keys("y");
    session.until("a is closed: it is asked again");
    assert_eq!(listed(&scratch, "a")["breaker"]["state"], "closed");
    session.keys("c");
    session.until("unreachable");
    session.keys("\x1b[B");
    session.until("▸ b");
    session.keys("c");
    session.until("b is well, it answered in");
    session.keys("oy");
    session.until("b is open: no process asks it until it is closed");
    session.until("✗ opened by hand");
    assert_eq!(listed(&scratch, "b")["breaker"]["state"], "forced_open");
    session.keys("ry");
    session.until("b is reset: it is asked again");
    assert_eq!(listed(&scratch, "b")["breaker"]["state"], "closed");
    session.keys("\r");
    session.until("✓ answered");
    session.until("model m");
    session.keys("\x1bq");
    assert_eq!(session.ends().0.code(), Some(0));
}

#[test]
fn a_question_is_answered_as_it_comes() {
    let (begun, rest) =
        (Speaks::Ollama.beginning("m", "The first part, "), Speaks::Ollama.body("m", "and the rest."));
    let server = that(Reply::stream("application/x-ndjson").write(begun).hold().write(rest).close());
    let scratch = with_hosts(&[("a", &server.url())]);
    let mut session = on(&scratch, &[], "? closed, not asked yet");
    session.keys("aWhat is it?");
    session.until("conclave ask 'What is it?' --host a");
    session.keys("\r");
    // The part is there before the end is.
    session.until("The first part,");
    session.until("answering, ");
    session.until("esc take back");
    server.release_all();
    session.until("and the rest.");
    session.until("✓ a (m)");
    session.keys("\x1b");
    session.until("a: answered 1 call");
    session.until("✓ closed");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
    assert_eq!(server.questions(), 1);
}

#[test]
fn a_question_is_taken_back_and_its_slot_is_free() {
    let begun = Speaks::Ollama.beginning("m", "Half of it");
    let server = that(Reply::stream("application/x-ndjson").write(begun).hold().close());
    let scratch = with_hosts(&[("a", &server.url())]);
    let mut session = on(&scratch, &[], "? closed, not asked yet");
    session.keys("aWhy?\r");
    session.until("answering, ");
    session.keys("\x1b");
    session.until("taken back after");
    server.wait_for_gone(1);
    session.keys("\x1b");
    session.until("0/1");
    // The same where the program ends meanwhile.
    session.keys("aWhy?\r");
    session.until("answering, ");
    session.keys("q");
    session.until("still being answered");
    session.keys("y");
    assert_eq!(session.ends().0.code(), Some(0));
    server.wait_for_gone(2);
    assert_eq!(listed(&scratch, "a")["in_flight"], 0);
}

#[test]
fn nobody_who_can_answer_is_told_host_by_host() {
    let (a, b) = (that(Speaks::Ollama.failure(500, "", "on fire")), ModelServer::nowhere());
    let scratch = with_hosts(&[("a", &a.url()), ("b", &b)]);
    let mut session = on(&scratch, &[], "? closed, not asked yet");
    session.keys(":ask Why is it so?\r");
    session.until("✗ nobody answered");
    session.until("on fire");
    session.until("unreachable");
    session.keys("\x1b");
    session.until("▸ a");
    session.until("! 2 need you");
    session.keys("!j");
    session.until("Needs you");
    session.keys("\r");
    session.until("▸ b");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
}

/// Read-only: others' breakers are theirs, and nothing is written; a question is answered all the same.
#[test]
fn read_only_asks_and_writes_nothing() {
    let server = well("from a");
    let scratch = with_hosts(&[("a", &server.url())]);
    let mut session = on(&scratch, &["--read-only"], "? closed, not asked yet");
    session.keys("o");
    session.until("read-only: this would change the state");
    session.keys("aWhy?\r");
    session.until("from a");
    session.until("✓ a (m)");
    session.keys("\x1bq");
    assert_eq!(session.ends().0.code(), Some(0));
    let is_global = |path: &std::path::PathBuf| path.ends_with("global.db");
    assert!(!scratch.files().iter().any(is_global), "{:?}", scratch.files());
}

/// Who configures a host while the UI is open need not leave it; what is wrong is said where the hosts would stand.
#[test]
fn a_configuration_is_read_again() {
    let scratch = Scratch::new();
    let mut session = on(&scratch, &[], "None is configured");
    scratch.configure("[[hosts]]\nname = 'a'\nspeed = 3\n");
    session.keys("\x1b[15~");
    session.until("speed");
    let server = well("from a");
    scratch.configure(&host("a", &server.url(), 1, ""));
    session.keys("\x1b[15~");
    session.until("? closed, not asked yet");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
}
