//! Runs that are started, watched and ended in the UI, in a real pseudo-terminal with real processes.

use rustix::process::Signal;

use crate::asking::{agent, answers, plan, planner};
use crate::interrupted_runs::{STUBBORN, is_gone, left_at_unlock, waits_for_leave};
use crate::patience::when_there;
use crate::scratch::Scratch;
use crate::terminal::Session;

/// A project with these agents, and the UI on it.
fn begin(agents: &str) -> (Scratch, Session) {
    let scratch = Scratch::configured(agents);
    scratch.ok(&["init"]);
    let mut session = Session::start(&scratch, &[]);
    session.until("There are none yet");
    (scratch, session)
}

/// Fills the form in and sends it; `name` is one of the agents.
fn start_a_run(session: &mut Session, name: &str) {
    session.keys("n");
    session.until(name);
    session.keys("S-1");
    session.until("conclave run S-1 --stage plan");
    session.keys("\r");
    session.until("S-1 plan");
}

#[test]
fn a_run_goes_from_the_form_to_its_verdict() {
    let other = agent("other", &answers(&plan(r#""note":"differs""#)), "");
    let (scratch, mut session) = begin(&(planner("one") + &planner("two") + &other));
    start_a_run(&mut session, "other");
    session.until("run 1: ok");
    session.keys("\r");
    session.until("[verdict]");
    session.until("3 of 3 answers count");
    session.keys("dd");
    session.until("pair 2 of 3");
    session.until("1 line differs");
    session.keys("q");
    let (status, _) = session.ends();
    assert_eq!(status.code(), Some(0));
    assert_eq!(scratch.json(&["runs", "show", "1"])["status"], "ok");
}

#[test]
fn the_form_asks_those_whom_the_configuration_names_now() {
    let (scratch, mut session) = begin(&planner("early"));
    session.keys("n");
    session.until("early");
    session.keys("\u{1b}");
    session.until("There are none yet");
    scratch.configure("[[agents]]\nname = 'late");
    session.keys("n");
    // The list below names the file too: first the form must have covered it.
    session.until("New run");
    session.until("config.toml");
    session.keys("\u{1b}");
    session.until("There are none yet");
    scratch.configure(&planner("late"));
    start_a_run(&mut session, "late");
    session.until("run 1: ok");
    session.keys("q");
    session.ends();
    assert_eq!(scratch.json(&["runs", "show", "1"])["agents"], serde_json::json!(["late"]));
}

#[test]
fn cancelling_closes_the_run_and_leaves_no_process() {
    let (scratch, mut session) = begin(&(planner("quick") + &agent("slow", STUBBORN, "")));
    start_a_run(&mut session, "slow");
    let grandchild = when_there(&scratch, "child");
    session.until("\u{2713} answered");
    session.keys("c");
    session.until("Cancel run 1, S-1 plan?");
    session.keys("y");
    session.until("run 1: insufficient");
    assert!(is_gone(&grandchild), "a process of the agent still runs");
    session.keys("q");
    session.ends();
    let run = scratch.json(&["runs", "show", "1"]);
    assert_eq!((&run["status"], run["outputs"].as_array().unwrap().len()), (&"insufficient".into(), 1));
}

#[test]
fn leaving_asks_what_is_to_become_of_the_run() {
    let (scratch, mut session) = begin(&agent("slow", STUBBORN, ""));
    start_a_run(&mut session, "slow");
    let grandchild = when_there(&scratch, "child");
    session.keys("q");
    session.until("Run 1 is in progress.");
    session.keys("\r");
    session.until("ends at the latest in");
    session.keys("q");
    session.until("Run 1 is in progress.");
    session.keys("c");
    let (status, _) = session.ends();
    assert_eq!(status.code(), Some(0));
    assert!(is_gone(&grandchild), "a process of the agent still runs");
    assert_ne!(scratch.json(&["runs", "show", "1"])["status"], "running");
}

/// Nothing can be stored any more: the agents end all the same, and so does the program.
#[test]
fn a_database_that_is_gone_keeps_no_agent_alive() {
    let (scratch, mut session) = begin(&agent("slow", STUBBORN, ""));
    start_a_run(&mut session, "slow");
    let grandchild = when_there(&scratch, "child");
    std::fs::remove_file(scratch.database()).unwrap();
    session.keys("q");
    session.until("Run 1 is in progress.");
    session.keys("c");
    session.ends();
    assert!(is_gone(&grandchild), "a process of the agent still runs");
}

#[test]
fn a_signal_ends_the_agents_and_the_run_can_be_gone_on_with() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        // The first time it hangs, then it answers.
        let script = format!("if [ -e child ]; then {}; else {STUBBORN}; fi", answers(&plan("")));
        let (scratch, mut session) = begin(&agent("moody", &script, ""));
        start_a_run(&mut session, "moody");
        let grandchild = when_there(&scratch, "child");
        session.signal(signal);
        let (status, _) = session.ends();
        assert_eq!(status.code(), Some(code));
        assert!(is_gone(&grandchild), "a process of the agent still runs");
        let run = scratch.json(&["runs", "show", "1"]);
        assert_eq!(run["status"], "running");
        assert!(run["attempts"][0]["completed_at"].is_string(), "{}", run["attempts"]);
        assert_eq!(scratch.json(&["status"])["attention"][0]["kind"], "run");
        let mut session = Session::start(&scratch, &[]);
        session.until("! 1 needs you");
        session.until("nobody drives it: r goes on");
        session.keys("r");
        session.until("run 1: ok");
        session.keys("q");
        session.ends();
    }
}

#[test]
fn agents_go_on_while_the_ui_is_stopped() {
    let script = format!(
        "cat > /dev/null; echo $$ > asked.new; mv asked.new asked; until [ -e go ]; do sleep 0.05; done; {}; touch done",
        answers(&plan(""))
    );
    let (scratch, mut session) = begin(&agent("patient", &script, ""));
    start_a_run(&mut session, "patient");
    when_there(&scratch, "asked");
    session.keys("\x1a");
    session.stops();
    std::fs::write(scratch.project().join("go"), "").unwrap();
    // Nobody but the agent can have made it: the UI is stopped.
    when_there(&scratch, "done");
    // Others may write meanwhile: no lock is held by whoever is stopped.
    scratch.ok(&["db", "checkpoint"]);
    session.signal(Signal::CONT);
    session.until("run 1: ok");
    session.keys("q");
    session.ends();
}

#[test]
fn a_prompt_can_be_written_in_an_editor() {
    let scratch = Scratch::configured(&agent("echoes", "cat > asked; printf '{}'", ""));
    scratch.ok(&["init"]);
    let mut command = scratch.command();
    command.env("EDITOR", "printf 'one\\ntwo\\n' >");
    let mut session = Session::with(command, &[]);
    session.until("There are none yet");
    session.keys("n");
    session.until("echoes");
    session.keys("S-1\x0f");
    session.until("one (2 lines, 7 B)");
    session.keys("\r");
    session.until("S-1 plan");
    session.until("run 1:");
    session.keys("q");
    session.ends();
    let asked = std::fs::read_to_string(scratch.project().join("asked")).unwrap();
    assert!(asked.starts_with("one\ntwo\n\nAnswer with one JSON object"), "{asked}");
}

#[test]
fn the_demo_is_driven_and_shown() {
    let scratch = Scratch::new();
    let mut session = Session::start(&scratch, &["demo"]);
    session.until("Run 1  DEMO-1 plan");
    session.until("run 1: conflict");
    session.until("3 of 3 answers count");
    session.keys("q");
    let (status, said) = session.ends();
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("the demo's project lies in"), "{said}");
}

#[test]
fn of_two_who_answer_a_question_the_second_sees_who_was_first() {
    let issue = |id: &str| {
        format!(
            r#"{{"id":"{id}","question":"Which port, {id}?","answer":"8080","confidence":"high","magnitude":"critical","resolvability":"need-human"}}"#
        )
    };
    let asks = format!(r#"{{"issues":[{},{}]}}"#, issue("Q-1"), issue("Q-2"));
    let scratch = Scratch::configured(&(agent("a", &answers(&asks), "") + &agent("b", &answers(&asks), "")));
    scratch.run(&["run", "S-1", "--stage", "clarify"]);
    let mut session = Session::start(&scratch, &[]);
    session.until("! 2 need you");
    session.keys("!");
    session.until("Which port, Q-1?");
    session.until("enter go there");
    session.keys("\r");
    session.until("[questions]");
    session.keys("a");
    session.until("enter answers");
    session.keys("9090");
    scratch.ok(&["--actor", "bob", "runs", "answer", "1", "Q-1", "7070"]);
    session.keys("\r");
    session.until("bob has answered it before");
    session.until("1 open question");
    session.keys("a");
    session.until("Which port, Q-2?: ");
    session.keys("9090\r");
    session.until("no question is open any more");
    session.keys("q");
    session.ends();
}

#[test]
fn a_way_through_the_stages_is_led_from_here_and_goes_on_where_it_was_left() {
    let scratch = Scratch::configured(&waits_for_leave("a"));
    left_at_unlock(&scratch, "S-1");
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let mut session = Session::start(&scratch, &[]);
    session.until("S-1");
    session.keys("!");
    session.until("r goes on with it");
    session.keys("r");
    session.until("S-1 is through all stages");
    session.keys(":auto S-2\r");
    // The scripts answer no stage's fields but one; a clarify gate without an answer ends the way.
    session.until("S-2 has halted");
    session.keys("q");
    assert_eq!(session.ends().0.code(), Some(0));
    let runs = scratch.json(&["runs", "list"]);
    assert!(runs.as_array().unwrap().iter().any(|run| run["spec"] == "S-2"), "{runs}");
}

/// The UI leads a session whose controlling terminal is its own, as in a window; nothing that it starts has one.
#[test]
fn agents_have_no_terminal_to_draw_on_or_to_wait_for() {
    let script = format!(
        "printf 'SCRIB%s' BLED > /dev/tty; read line < /dev/tty; echo $? > tried; {}",
        answers(&plan(""))
    );
    let scratch = Scratch::configured(&agent("rude", &script, ""));
    scratch.ok(&["init"]);
    let program = env!("CARGO_BIN_EXE_conclave");
    let mut session = Session::with(scratch.shell(&format!("exec setsid --ctty --wait '{program}'")), &[]);
    session.until("There are none yet");
    start_a_run(&mut session, "rude");
    session.until("run 1: ok");
    assert!(!session.has_seen("SCRIBBLED"));
    assert_ne!(when_there(&scratch, "tried"), "0");
    session.keys("q");
    session.ends();
    let attempts = scratch.json(&["runs", "show", "1"])["attempts"].clone();
    assert_eq!(attempts.as_array().unwrap().len(), 1, "{attempts}");
}
