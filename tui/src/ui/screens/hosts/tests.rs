//! The screen of hosts, by what it shows and what it asks for.

use super::{Asked, Deed, DeedKind, Piece};
use crate::ui::effect::{Effect, Read};
use crate::ui::fixture::hosts::{answered, failed, found};
use crate::ui::fixture::{frame, model, press, problem, send};
use crate::ui::keymap::Place;
use crate::ui::message::Msg;
use crate::ui::model::{Model, Notice};
use crate::ui::overlay::Overlay;
use crate::ui::update::update;

const COUNT: i64 = 4;

fn on(keys: &[&str]) -> Model {
    let mut model = model((80, 24), COUNT);
    press(&mut model, COUNT, &["5"]);
    press(&mut model, COUNT, keys);
    model
}

fn deed(kind: DeedKind, host: &str) -> Deed {
    Deed { kind, host: host.to_owned() }
}

fn chosen(model: &Model) -> &str {
    &model.hosts.found.hosts[model.hosts.cursor.selected].name
}

/// Asks, and gives what was asked.
fn asked(effects: &[Effect]) -> Option<(u64, Asked)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Ask { number, asked } => Some((*number, (**asked).clone())),
        _ => None,
    })
}

fn come(model: &mut Model, number: u64, piece: Piece) {
    send(model, Msg::Answering { number, piece }, COUNT);
}

#[test]
fn what_changes_how_others_are_served_asks_first() {
    for (key, kind) in [("o", DeedKind::Open), ("k", DeedKind::Close), ("r", DeedKind::Reset)] {
        let mut model = on(&["j"]);
        assert_eq!(press(&mut model, COUNT, &[key]), []);
        assert!(
            matches!(&model.overlay, Some(Overlay::Ask { question, .. }) if question.contains("\"fenrir\""))
        );
        assert_eq!(press(&mut model, COUNT, &["enter"]), [], "the safe answer is the default");
        assert_eq!(press(&mut model, COUNT, &[key, "y"]), [Effect::Host(deed(kind, "fenrir"))]);
        assert_eq!(press(&mut model, COUNT, &[key, "y"]), [], "one thing at a time with one host");
        let outcome = Ok("fenrir is served".to_owned());
        let effects = update(&mut model, Msg::HostDone { deed: deed(kind, "fenrir"), outcome });
        assert_eq!(effects, [Effect::Read(Read::Hosts)]);
        assert!(frame(&model).contains("fenrir is served"));
        assert_eq!(press(&mut model, COUNT, &[key, "y"]), [Effect::Host(deed(kind, "fenrir"))]);
    }
    let mut model = on(&[]);
    assert_eq!(press(&mut model, COUNT, &["c"]), [Effect::Host(deed(DeedKind::Check, "surtr"))]);
    let done = Msg::HostDone { deed: deed(DeedKind::Check, "surtr"), outcome: Err(problem()) };
    update(&mut model, done);
    assert!(matches!(&model.notice, Some(Notice::Problem(_))) && model.hosts.deeds.is_empty());
}

#[test]
fn read_only_changes_nothing_for_others_and_still_asks() {
    let mut model = on(&[]);
    model.setting.read_only = true;
    for key in ["o", "k", "r"] {
        assert_eq!(press(&mut model, COUNT, &[key]), []);
        assert!(model.overlay.is_none());
        assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "read-only"));
    }
    assert!(asked(&press(&mut model, COUNT, &["a", "Why?", "enter"])).is_some());
}

#[test]
fn the_palette_has_the_words_of_the_command_line() {
    let mut model = on(&["1"]);
    assert_eq!(
        press(&mut model, COUNT, &[":", "host check skadi", "enter"]),
        [Effect::Host(deed(DeedKind::Check, "skadi"))]
    );
    assert_eq!(model.place(), Place::Hosts);
    press(&mut model, COUNT, &[":", "host open fallback", "enter"]);
    assert_eq!(press(&mut model, COUNT, &["y"]), [Effect::Host(deed(DeedKind::Open, "fallback"))]);
    press(&mut model, COUNT, &[":", "host calls fen", "down", "enter"]);
    assert_eq!((model.place(), chosen(&model)), (Place::HostCalls, "fenrir"));
    press(&mut model, COUNT, &["1", ":", "host calls nobody", "enter"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "not-found"));
    let effects = press(&mut model, COUNT, &["1", ":", "ask Why is it so?", "enter"]);
    let (_, question) = asked(&effects).unwrap();
    assert_eq!(question, Asked { prompt: "Why is it so?".to_owned(), ..Asked::default() });
    assert_eq!(model.place(), Place::ModelAnswer);
    press(&mut model, COUNT, &["1", ":", "host list", "enter"]);
    assert_eq!(model.place(), Place::ModelAnswer, "its page is still there");
    press(&mut model, COUNT, &["5"]);
    assert_eq!(model.place(), Place::Hosts);
}

#[test]
fn what_was_filled_in_is_what_is_asked_and_copied() {
    let mut model = on(&["j", "a", "What's up?", "down", "down", "m:1", "down", "code gen"]);
    let line = "conclave ask 'What'\\''s up?' --task 'code gen' --model m:1 --host fenrir";
    let copied = press(&mut model, COUNT, &["ctrl-y"]);
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if text == line), "{copied:?}");
    let (number, question) = asked(&press(&mut model, COUNT, &["enter"])).unwrap();
    assert_eq!(
        (number, question.host.as_deref(), question.task.as_deref()),
        (1, Some("fenrir"), Some("code gen"))
    );
    // Who asks again finds what he asked before.
    come(&mut model, 1, answered("Nothing."));
    press(&mut model, COUNT, &["a", "up", " ", "up", "up", "up", "left"]);
    let (number, question) = asked(&press(&mut model, COUNT, &["enter"])).unwrap();
    assert_eq!((number, question.host, question.local), (2, Some("surtr".to_owned()), true));
    assert_eq!(question.prompt, "What's up?");
    assert_eq!(
        asked(&press(&mut on(&["G", "a", "x"]), COUNT, &["enter"])).unwrap().1.host,
        None,
        "the fallback is not asked alone"
    );
}

#[test]
fn what_is_missing_is_said_and_what_was_typed_is_asked_about() {
    let mut model = on(&["a", "enter"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.text.contains("needs words")));
    press(&mut model, COUNT, &["x", "esc", "enter"]);
    assert_eq!(model.place(), Place::AskForm);
    press(&mut model, COUNT, &["esc", "y"]);
    assert_eq!(model.place(), Place::Hosts);
}

#[test]
fn an_answer_is_read_as_it_comes() {
    let mut model = on(&["a", "Why?", "enter"]);
    assert!(model.ticks());
    assert!(frame(&model).contains("asking surtr"));
    for piece in ["First a ", "line,\nthen ", "", "\nanother"] {
        come(&mut model, 1, Piece::Text(piece.to_owned()));
    }
    assert!(frame(&model).contains("First a line,\n"), "{}", frame(&model));
    come(&mut model, 7, Piece::Text("of another question".to_owned()));
    come(&mut model, 1, Piece::Restarted { host: "fenrir".to_owned() });
    assert!(!frame(&model).contains("First a line") && frame(&model).contains("begun again by fenrir"));
    come(&mut model, 1, answered("The whole of it."));
    let drawn = frame(&model);
    for part in ["fenrir (codellama:34b-q4)", "failed before: surtr fault 503", "The whole of it."] {
        assert!(drawn.contains(part), "{part}:\n{drawn}");
    }
    let copied = press(&mut model, COUNT, &["y"]);
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if text == "The whole of it."));
    assert_eq!(press(&mut model, COUNT, &["esc"]), []);
    assert_eq!(model.place(), Place::Hosts);
    press(&mut model, COUNT, &["A"]);
    assert_eq!(model.place(), Place::ModelAnswer);
}

#[test]
fn esc_takes_the_question_back_and_then_leaves() {
    let mut model = on(&["a", "Why?", "enter"]);
    come(&mut model, 1, Piece::Text("Half of ".to_owned()));
    assert!(frame(&model).contains("esc take back"));
    assert_eq!(press(&mut model, COUNT, &["esc"]), [Effect::StopAsking]);
    assert_eq!(model.place(), Place::ModelAnswer);
    come(&mut model, 1, failed("Half of ", true));
    assert!(frame(&model).contains("taken back after") && frame(&model).contains("Half of"));
    press(&mut model, COUNT, &["esc"]);
    assert_eq!(model.place(), Place::Hosts);
}

#[test]
fn one_question_at_a_time_and_leaving_asks() {
    let mut model = on(&["a", "Why?", "enter", "5"]);
    assert_eq!(model.place(), Place::Hosts);
    assert_eq!(press(&mut model, COUNT, &["a", "More?", "enter"]), []);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "busy"));
    assert_eq!(model.place(), Place::AskForm, "what was typed stays");
    press(&mut model, COUNT, &["esc", "y"]);
    assert_eq!(press(&mut model, COUNT, &["q", "enter"]), [], "the safe answer is the default");
    assert_eq!(press(&mut model, COUNT, &["q", "y"]), [Effect::Quit]);
    // Elsewhere its end is told.
    press(&mut model, COUNT, &["1"]);
    come(&mut model, 1, failed("", false));
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.text == "nobody answered"));
    assert_eq!(press(&mut model, COUNT, &["q"]), [Effect::Quit]);
}

#[test]
fn hosts_are_read_again_only_where_they_are_seen() {
    let mut model = on(&["enter"]);
    let both = [Effect::Read(Read::Hosts), Effect::Read(Read::Calls("surtr".to_owned()))];
    assert_eq!(update(&mut model, Msg::GlobalChanged), both);
    model.dirty = false;
    update(&mut model, Msg::Hosts(Box::new(found(COUNT))));
    assert!(!model.dirty, "no frame for what is shown already");
    press(&mut model, COUNT, &["1"]);
    model.dirty = false;
    assert_eq!(update(&mut model, Msg::GlobalChanged), []);
    assert!(!model.dirty);
}

#[test]
fn the_countdown_goes_on_by_itself_and_asks_again_at_its_end() {
    let mut model = on(&[]);
    assert!(frame(&model).contains("probe in 3:42"));
    model.now_ms += 2_000;
    assert!(frame(&model).contains("probe in 3:40"));
    assert_eq!(update(&mut model, Msg::Tick), [], "the countdown needs no reading");
    model.now_ms += 3_000;
    assert_eq!(update(&mut model, Msg::Tick), [Effect::Read(Read::Hosts)], "who may be dead does");
    update(&mut model, Msg::Hosts(Box::new(found(COUNT))));
    assert_eq!(update(&mut model, Msg::Tick), []);
    model.hosts.found.hosts[0].breaker.retry_at = Some(model.now_ms + 1_000);
    model.now_ms += 1_000;
    assert_eq!(update(&mut model, Msg::Tick), [Effect::Read(Read::Hosts)], "one that is over does");
    assert!(frame(&model).contains("the next call probes"));
    update(&mut model, Msg::Hosts(Box::new(found(0))));
    assert!(!model.ticks());
}

#[test]
fn the_cursor_stays_on_its_host_and_on_its_call() {
    let mut model = on(&["jj"]);
    let mut others = found(COUNT);
    others.hosts.remove(0);
    send(&mut model, Msg::Hosts(Box::new(others)), COUNT);
    assert_eq!(chosen(&model), "skadi");
    press(&mut model, COUNT, &["enter", "jjj"]);
    let mut calls = crate::ui::fixture::hosts::calls("skadi");
    let newest = calls[0].clone();
    calls.insert(0, conclave_llm::CallView { at: newest.at + 5, ..newest });
    send(&mut model, Msg::Calls { host: "skadi".to_owned(), calls: Ok(calls.clone()) }, COUNT);
    assert_eq!(model.hosts.calls.as_ref().unwrap().cursor.selected, 4);
    press(&mut model, COUNT, &["g"]);
    calls.remove(0);
    send(&mut model, Msg::Calls { host: "skadi".to_owned(), calls: Ok(calls) }, COUNT);
    assert_eq!(model.hosts.calls.as_ref().unwrap().cursor.selected, 0, "at the top it stays with the newest");
}

#[test]
fn a_call_is_told_in_full() {
    let mut model = on(&["enter"]);
    let drawn = frame(&model);
    for part in ["30 calls · 3 failed", "failed: fault 503", "attempt 2 of its question", "✗ timeout"] {
        assert!(drawn.contains(part), "{part}:\n{drawn}");
    }
    let copied = press(&mut model, COUNT, &["y"]);
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if text.contains("model codellama:34b\n")));
    press(&mut model, COUNT, &["esc"]);
    assert_eq!(model.place(), Place::Hosts);
}
