//! Runs that are driven from here, by what the core asks for.

use conclave_consensus::runs::RunId;
use conclave_consensus::workflow::Event;

use crate::failure::Exit;
use crate::ui::effect::{Effect, Read, Work};
use crate::ui::fixture::{frame, gate, model, press, problem, send};
use crate::ui::message::Msg;
use crate::ui::model::{Model, Notice};
use crate::ui::overlay::Overlay;
use crate::ui::screens::run::Tab;
use crate::ui::update::update;

/// The run that is at work in the made-up list, and one with a verdict.
const RUNNING: RunId = RunId(41);
const CLOSED: RunId = RunId(37);

fn open(run: RunId) -> Model {
    let mut model = model((80, 24), 42);
    press(&mut model, 42, &[&format!(":runs show {run}"), "enter"]);
    model
}

fn said(model: &Model) -> &str {
    match &model.notice {
        Some(Notice::Said(text) | Notice::News(text)) => text,
        Some(Notice::Problem(problem)) => &problem.text,
        None => "",
    }
}

#[test]
fn cancelling_asks_first_and_only_where_there_is_something_to_cancel() {
    let mut model = open(RUNNING);
    assert_eq!(press(&mut model, 42, &["c", "enter"]), [], "the safe answer is the default");
    assert_eq!(press(&mut model, 42, &["c", "y"]), [Effect::Cancel(RUNNING)]);
    let mut model = open(CLOSED);
    assert_eq!(press(&mut model, 42, &["c"]), []);
    assert!(said(&model).contains("closed") && model.overlay.is_none());
}

#[test]
fn only_what_nobody_drives_is_gone_on_with() {
    let mut model = open(RUNNING);
    assert_eq!(press(&mut model, 42, &["r"]), []);
    assert!(said(&model).contains("driven by another process"), "{}", said(&model));
    assert_eq!(press(&mut model, 42, &[":resume 12", "enter"]), [Effect::GoOn(RunId(12))]);
    assert_eq!(press(&mut model, 42, &[":resume", "enter"]), [Effect::GoOnAll]);
    send(&mut model, Msg::Begun(Ok(RunId(12))), 42);
    assert_eq!(press(&mut model, 42, &[":resume 12", "enter"]), [], "it goes on here already");
}

#[test]
fn quitting_asks_what_is_to_become_of_runs_in_progress() {
    let begun = || {
        let mut model = model((80, 24), 42);
        send(&mut model, Msg::Begun(Ok(RUNNING)), 42);
        model
    };
    let ended = || Msg::DriveEnded { run: RUNNING, agreed: true, outcome: Ok("done".to_owned()) };
    let mut stays = begun();
    assert_eq!(press(&mut stays, 42, &["q", "enter"]), [], "to stay is the default");
    assert!(!send(&mut stays, ended(), 42).contains(&Effect::Quit));
    let mut slow = begun();
    press(&mut slow, 42, &["q"]);
    assert_eq!(send(&mut slow, ended(), 42), [Effect::Quit], "what was asked about is over");
    for key in ["q", "ctrl-c"] {
        let mut leaves = begun();
        assert_eq!(press(&mut leaves, 42, &[key, "l"]), [Effect::Quit], "nothing is cancelled");
    }
    let mut waits = begun();
    assert_eq!(press(&mut waits, 42, &["q", "w", "j"]), []);
    assert_eq!(send(&mut waits, ended(), 42), [Effect::Quit]);
    let mut cancels = begun();
    assert_eq!(press(&mut cancels, 42, &["q", "c"]), [Effect::Cancel(RUNNING)]);
    assert_eq!(send(&mut cancels, ended(), 42), [Effect::Quit]);
    let mut thinks_again = begun();
    press(&mut thinks_again, 42, &["q", "w", "q", "s"]);
    assert!(!send(&mut thinks_again, ended(), 42).contains(&Effect::Quit));
    assert_eq!(send(&mut begun(), Msg::End(Exit::Signal(15)), 42), [Effect::Quit], "a signal does not ask");
}

#[test]
fn lines_are_shown_while_the_attempt_lasts_that_wrote_them() {
    let mut model = open(RUNNING);
    let event = |event| Msg::Event { run: RUNNING, event: Box::new(event) };
    let line = |text: &str| event(Event::Line { agent: "claude".into(), text: text.into() });
    send(&mut model, line("too early"), 42);
    send(&mut model, Msg::Begun(Ok(RUNNING)), 42);
    assert!(!frame(&model).contains("too early"), "of a run that is driven elsewhere nothing is heard");
    send(&mut model, line("Reading src/lib.rs"), 42);
    assert!(frame(&model).contains("last: \"Reading src/lib.rs\""), "{}", frame(&model));
    send(&mut model, event(Event::Started { agent: "claude".into(), attempt: 2, limit: 3, pid: 9 }), 42);
    assert!(!frame(&model).contains("Reading"));
}

#[test]
fn only_what_ended_well_is_told_with_a_tick() {
    for (agreed, sign) in [(true, "✓ run 41: over"), (false, "· run 41: over")] {
        let mut model = open(CLOSED);
        send(&mut model, Msg::DriveEnded { run: RUNNING, agreed, outcome: Ok("run 41: over".into()) }, 42);
        assert!(frame(&model).contains(sign), "{}", frame(&model));
    }
}

#[test]
fn a_second_is_drawn_only_while_something_runs() {
    let mut closed = open(CLOSED);
    assert!(!closed.ticks(), "what runs is behind it");
    press(&mut closed, 42, &["esc"]);
    assert!(closed.ticks());
    press(&mut closed, 42, &["j"]);
    assert!(!closed.ticks());
    let mut running = open(RUNNING);
    assert!(running.ticks());
    running.dirty = false;
    // Every fifth second it is looked whether somebody still drives it.
    update(&mut running, Msg::Clock(5_000));
    assert_eq!(update(&mut running, Msg::Tick), [Effect::Read(Read::Run(RUNNING))]);
    update(&mut running, Msg::Clock(6_000));
    assert_eq!(update(&mut running, Msg::Tick), []);
    assert!(running.dirty);
    press(&mut running, 42, &["6"]);
    assert!(!running.ticks(), "it is not seen");
}

#[test]
fn a_begun_run_is_gone_to_and_a_refusal_keeps_the_form() {
    let mut model = model((80, 24), 42);
    press(&mut model, 42, &["/", "audit", "enter", "n", "enter"]);
    send(&mut model, Msg::Begun(Err(problem())), 42);
    assert!(model.form.as_ref().is_some_and(|form| !form.sent), "what was typed is not lost");
    let effects = press(&mut model, 42, &["enter"]);
    assert!(matches!(&effects[..], [Effect::Begin(_)]));
    send(&mut model, Msg::Begun(Ok(RUNNING)), 42);
    assert!(model.form.is_none() && model.runs.filter.is_empty());
    assert_eq!(model.runs.cursor.selected, 0, "the newest run is in sight");
}

#[test]
fn a_question_is_answered_where_it_is_asked() {
    let mut model = open(CLOSED);
    assert_eq!(press(&mut model, 42, &["a"]), []);
    assert!(said(&model).contains("no quality gate"));
    let mut answered = gate(CLOSED);
    answered.issues.truncate(1);
    send(&mut model, Msg::Gate { id: CLOSED, gate: Some(answered.into()) }, 42);
    assert_eq!(press(&mut model, 42, &["a"]), []);
    let all = "every question of this gate has its answer";
    assert_eq!(model.notice, Some(Notice::News(all.to_owned())), "nothing was done: no check mark");
    send(&mut model, Msg::Gate { id: CLOSED, gate: Some(gate(CLOSED).into()) }, 42);
    assert_eq!(press(&mut model, 42, &["a", "enter"]), [], "no answer, no answer");
    let effects = press(&mut model, 42, &["a", "until the soak", "enter"]);
    let (issue, text) = ("clar-2".to_owned(), "until the soak".to_owned());
    assert_eq!(effects, [Effect::Answer { run: CLOSED, issue, text }]);
    send(&mut model, Msg::Told(Ok("bob has answered it before".into())), 42);
    assert!(frame(&model).contains("bob has answered it before"));
}

#[test]
fn what_waits_leads_to_its_run() {
    use conclave_consensus::migrate::Attention;
    let mut model = model((80, 24), 42);
    let need = |kind| Attention {
        kind,
        name: CLOSED.to_string(),
        why: "why".into(),
        advice: "advice".into(),
        since: None,
    };
    send(&mut model, Msg::Needs(vec![need("run"), need("gate")]), 42);
    press(&mut model, 42, &["!", "enter"]);
    assert_eq!(model.run.as_ref().map(|run| run.id), Some(CLOSED));
    press(&mut model, 42, &["!", "j", "enter"]);
    send(&mut model, Msg::Gate { id: CLOSED, gate: Some(gate(CLOSED).into()) }, 42);
    assert_eq!(model.run.as_ref().map(|run| run.tab), Some(Tab::Questions));
}

#[test]
fn what_was_left_is_gone_on_with_from_where_it_waits() {
    use conclave_consensus::migrate::Attention;
    let need = |kind, name: &str| Attention {
        kind,
        name: name.into(),
        why: "why".into(),
        advice: "advice".into(),
        since: None,
    };
    let waits = || {
        let mut model = model((80, 24), 42);
        let needs = vec![need("pipeline", "KIT-909"), need("run", "12"), need("gate", "37")];
        send(&mut model, Msg::Needs(needs), 42);
        model
    };
    let mut model = waits();
    assert_eq!(press(&mut model, 42, &["!", "r"]), [Effect::Auto("KIT-909".into())]);
    assert!(model.overlay.is_none());
    assert_eq!(press(&mut model, 42, &["!", "j", "r"]), [Effect::GoOn(RunId(12))]);
    assert_eq!(press(&mut model, 42, &["!", "j", "j", "r"]), [], "a question is answered");
    press(&mut model, 42, &["esc", "!", "enter"]);
    assert_eq!(model.runs.filter.text(), "spec:KIT-909");
    let mut model = waits();
    model.setting.read_only = true;
    assert_eq!(press(&mut model, 42, &["!", "r"]), []);
}

#[test]
fn a_spec_is_led_through_its_stages_by_name() {
    let mut model = model((80, 24), 42);
    assert_eq!(press(&mut model, 42, &[":auto KIT-1", "enter"]), [Effect::Auto("KIT-1".into())]);
    assert_eq!(press(&mut model, 42, &[":auto", "enter"]), []);
    assert!(said(&model).contains("which spec"), "{}", said(&model));
    let mut closed = open(CLOSED);
    let effects = press(&mut closed, 42, &["r"]);
    assert_eq!(effects, [Effect::GoOn(CLOSED)], "it may be a step on a way that goes on");
}

/// The footer names the key where the run that is looked at is a step on a way that stands.
#[test]
fn a_closed_step_of_a_pipeline_that_stands_can_be_gone_on_with() {
    use conclave_consensus::migrate::Attention;
    let mut model = open(CLOSED);
    let summary = model.shown().unwrap().summary.clone();
    let need = |name: &str, since: i64| Attention {
        kind: "pipeline",
        name: name.into(),
        why: "why".into(),
        advice: "advice".into(),
        since: Some(since),
    };
    let started = summary.started_at.unwrap();
    for (needs, shown) in [
        (vec![], false),
        (vec![need(&summary.spec, started)], true),
        (vec![need("KIT-0", started)], false),
        (vec![need(&summary.spec, started + 1)], false),
    ] {
        send(&mut model, Msg::Needs(needs), 42);
        assert_eq!(frame(&model).contains("r resume"), shown, "{}", frame(&model));
    }
}

#[test]
fn a_deletion_asks_and_reads_the_list_again() {
    let mut model = open(CLOSED);
    press(&mut model, 42, &[":runs delete 37", "enter"]);
    assert!(matches!(&model.overlay, Some(Overlay::Ask { question, .. }) if question.contains("KIT-909")));
    assert_eq!(press(&mut model, 42, &["y"]), [Effect::Work(Work::Delete(CLOSED))]);
}

#[test]
fn read_only_starts_nothing() {
    let mut model = model((80, 24), 42);
    model.setting.read_only = true;
    for keys in [&["n"][..], &["c"], &["r"], &[":run KIT", "enter"], &[":resume", "enter"]] {
        assert!(press(&mut model, 42, keys).is_empty(), "{keys:?}");
        assert!(model.form.is_none() && !matches!(model.overlay, Some(Overlay::Ask { .. })), "{keys:?}");
        press(&mut model, 42, &["esc"]);
    }
    let effects = press(&mut model, 42, &[":runs diff 37", "enter"]);
    assert!(!effects.contains(&Effect::Read(Read::Open)));
    assert_eq!(model.run.as_ref().map(|run| run.tab), Some(Tab::Diff));
}
