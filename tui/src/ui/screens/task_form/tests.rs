//! The form, by what it asks for.

use conclave_tasks::work::{Change, Set};

use crate::ui::effect::{Effect, Write};
use crate::ui::fixture::{frame, model, press, problem, send};
use crate::ui::keymap::Place;
use crate::ui::message::{Msg, Written};
use crate::ui::model::{Model, Notice};
use crate::ui::overlay::Overlay;

fn at(keys: &[&str]) -> Model {
    let mut model = model((80, 24), 42);
    press(&mut model, 42, &["3"]);
    press(&mut model, 42, keys);
    model
}

#[test]
fn what_was_filled_in_is_what_is_made_and_copied() {
    let mut model = at(&[
        "n", "Fix it", "down", "right", "down", "right", "down", "ana", "down", "a, b,a,", "down", "Why?",
    ]);
    let copied = press(&mut model, 42, &["ctrl-y"]);
    let line = "conclave task create 'Fix it' --priority 3 --type bug --assignee ana --labels a,b --description 'Why?'";
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if text == line), "{copied:?}");
    assert!(frame(&model).contains("conclave task create 'Fix it'"));
    let sent = press(&mut model, 42, &["enter"]);
    let [Effect::Write(write @ Write::Create(new))] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(
        (new.title.as_str(), new.priority, new.issue_type.as_deref()),
        ("Fix it", Some(3), Some("bug"))
    );
    assert_eq!(
        (new.assignee.as_deref(), &new.labels[..]),
        (Some("ana"), &["a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!(new.description, "Why?");
    assert_eq!(press(&mut model, 42, &["enter"]), [], "once is enough");
    // What fails can be mended and sent again.
    send(&mut model, Msg::Written { write: write.clone(), outcome: Err(problem()) }, 42);
    assert_eq!(press(&mut model, 42, &["enter"]).len(), 1);
    let made = Written { said: "made".into(), changed: true, id: None };
    send(&mut model, Msg::Written { write: write.clone(), outcome: Ok(made) }, 42);
    assert_eq!(model.place(), Place::Tasks);
}

#[test]
fn a_change_has_only_what_differs() {
    let mut model = at(&["e"]);
    assert_eq!(model.place(), Place::TaskForm);
    assert!(frame(&model).contains("nothing has changed yet"), "{}", frame(&model));
    let id = model.tasks.rows[0].id.clone();
    press(&mut model, 42, &["!", "down", "ctrl-u", "4", "down", "down", "ctrl-u", "down", "ctrl-u", "x"]);
    let sent = press(&mut model, 42, &["enter"]);
    let [Effect::Write(Write::Update { id: changed, change })] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(*changed, id);
    let title = crate::ui::fixture::tasks::list(
        42,
        crate::ui::screens::tasks::Which::Ready,
        conclave_tasks::read::Sort::Priority,
    )[0]
    .title
    .clone();
    let before = model.tasks.rows[0].clone();
    let assignee = if before.who.is_some() { Set::Clear } else { Set::Keep };
    let wanted = Change {
        title: Some(title + "!"),
        priority: Some(4),
        assignee,
        set_labels: Some(vec!["x".into()]),
        ..Change::default()
    };
    assert_eq!(**change, wanted);
    let mut model = at(&["e"]);
    assert_eq!(press(&mut model, 42, &["enter"]), [], "nothing to write");
    assert_eq!(model.place(), Place::Tasks);
}

#[test]
fn a_description_of_several_lines_comes_from_the_editor() {
    let mut model = at(&["e", "ctrl-u", "T"]);
    let asked = press(&mut model, 42, &["ctrl-o"]);
    assert!(
        matches!(&asked[..], [Effect::Edit(text)] if text.starts_with("The file is renamed")),
        "{asked:?}"
    );
    send(&mut model, Msg::Edited(Ok("One\ntwo\n".into())), 42);
    assert!(frame(&model).contains("One (2 lines, 7 B)"), "{}", frame(&model));
    let sent = press(&mut model, 42, &["enter"]);
    let [Effect::Write(Write::Update { change, .. })] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(change.description, Set::To("One\ntwo".into()));
}

#[test]
fn what_is_missing_is_said_where_it_is_missing() {
    for (keys, said) in [
        (&["n", "enter"][..], "needs a title"),
        (&["n", "T", "down", "9", "enter"], "from 0, the most urgent, to 4"),
        (&["e", "down", "ctrl-u", "enter"], "not be taken away"),
        (&["e", "down", "down", "ctrl-u", "enter"], "not be taken away"),
    ] {
        let mut model = at(keys);
        let told = matches!(&model.notice, Some(Notice::Problem(problem)) if problem.text.contains(said));
        assert!(told, "{keys:?}: {:?}", model.notice);
        press(&mut model, 42, &["esc", "y"]);
        assert_eq!(model.place(), Place::Tasks);
    }
}

#[test]
fn what_was_typed_is_not_thrown_away_without_a_question() {
    for begin in ["n", "e"] {
        let mut model = at(&[begin, "esc"]);
        assert_eq!(model.place(), Place::Tasks, "nothing was typed");
        press(&mut model, 42, &[begin, "!", "esc"]);
        assert!(matches!(model.overlay, Some(Overlay::Ask { .. })));
        // The safe answer is the default, and esc is no way round it.
        for stay in ["enter", "esc", "n"] {
            press(&mut model, 42, &[stay]);
            assert_eq!((model.place(), model.overlay.is_none()), (Place::TaskForm, true), "{stay}");
            assert!(frame(&model).contains('!'));
            press(&mut model, 42, &["ctrl-c"]);
        }
        press(&mut model, 42, &["y"]);
        assert_eq!(model.place(), Place::Tasks);
        // What is as it was is not asked about.
        press(&mut model, 42, &[begin, "!", "backspace", "esc"]);
        assert_eq!(model.place(), Place::Tasks);
    }
}

#[test]
fn a_digit_replaces_the_priority() {
    let mut model = at(&["e", "down", "1", "3"]);
    let sent = press(&mut model, 42, &["enter"]);
    let [Effect::Write(Write::Update { change, .. })] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(change.priority, Some(3));
}

#[test]
fn pasted_text_goes_where_it_is_typed() {
    let mut model = at(&["n"]);
    send(&mut model, Msg::Paste("A\ntitle".into()), 42);
    press(&mut model, 42, &["up"]);
    send(&mut model, Msg::Paste("a\r\nb".into()), 42);
    let sent = press(&mut model, 42, &["enter"]);
    let [Effect::Write(Write::Create(new))] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((new.title.as_str(), new.description.as_str()), ("Atitle", "a\nb"));
}
