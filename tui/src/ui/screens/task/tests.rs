//! The page of a task.

use crate::ui::effect::Effect;
use crate::ui::fixture::{frame, model, press, send};
use crate::ui::keymap::Place;
use crate::ui::message::Msg;
use crate::ui::model::Model;

fn opened(keys: &[&str]) -> Model {
    let mut model = model((80, 24), 42);
    press(&mut model, 42, &["3", "tab", "tab", "enter"]);
    press(&mut model, 42, keys);
    model
}

fn id(model: &Model) -> String {
    model.tasks.open.last().map(|open| open.id.clone()).unwrap_or_default()
}

#[test]
fn all_of_a_task_is_there() {
    let mut model = opened(&[]);
    let mut all = String::new();
    for _ in 0..60 {
        all.push_str(&frame(&model));
        press(&mut model, 42, &["j"]);
    }
    for part in [
        "✗ blocked",
        "waits for bd-",
        "Description",
        "- nothing may be hidden",
        "␛[2J stays",
        "Design",
        "Last error",
        "What it depends on",
        "? does not exist",
        "(see above)",
        "What depends on it",
        "[parent-child]",
        "Comments",
        "bob · 2025-11-1",
        "Attempts",
        "error: timeout after 30 s",
        "priority 2 → 0 by ana",
        "created by ana",
    ] {
        assert!(all.contains(part), "{part}:\n{}", frame(&model));
    }
}

#[test]
fn a_line_of_the_tree_leads_on_and_escape_back() {
    let mut model = opened(&[]);
    let first = id(&model);
    // The first line that is about another task says what holds this one up.
    press(&mut model, 42, &["j", "enter"]);
    let second = id(&model);
    assert_ne!(first, second);
    assert_eq!(model.tasks.open.len(), 2);
    press(&mut model, 42, &["esc"]);
    assert_eq!((id(&model), model.place()), (first, Place::Task));
    press(&mut model, 42, &["esc"]);
    assert_eq!(model.place(), Place::Tasks);
}

#[test]
fn the_cursor_passes_blank_lines() {
    let mut model = opened(&[]);
    let line = |model: &Model| {
        let open = model.tasks.open.last().unwrap();
        (open.cursor.selected, open.lines[open.cursor.selected].is_blank())
    };
    let blank = model.tasks.open[0].lines.iter().filter(|line| line.is_blank()).count();
    assert!(blank > 3);
    for key in ["j", "k", "ctrl-f", "ctrl-b"] {
        let mut before = usize::MAX;
        while before != line(&model).0 {
            before = line(&model).0;
            press(&mut model, 42, &[key]);
            assert!(!line(&model).1, "{key}: {}", frame(&model));
        }
        let end = if matches!(key, "j" | "ctrl-f") { model.tasks.open[0].lines.len() - 1 } else { 0 };
        assert_eq!(line(&model).0, end, "{key}");
    }
}

#[test]
fn what_is_gone_is_told_and_what_changes_is_read_again() {
    let mut model = opened(&["jjjjj"]);
    let open = id(&model);
    let line = model.tasks.open.last().map(|open| open.cursor.selected);
    send(&mut model, Msg::Changed, 42);
    assert_eq!(model.tasks.open.last().map(|open| open.cursor.selected), line, "the line stays");
    send(&mut model, Msg::Task { asked: open.clone(), task: Ok(None) }, 42);
    assert!(frame(&model).contains("There is no such task"));
    assert!(matches!(&press(&mut model, 42, &["y"])[..], [Effect::Copy { text, .. }] if *text == open));
    press(&mut model, 42, &["esc", ":", "task show nothing", "enter"]);
    assert!(frame(&model).contains("There is no such task"));
}

#[test]
fn a_short_form_becomes_the_id() {
    let mut model = opened(&["esc", ":", "task show 0b9", "enter"]);
    let detail = crate::ui::fixture::tasks::detail(42, "bd-0b9", true);
    send(&mut model, Msg::Task { asked: "0b9".into(), task: Ok(detail) }, 42);
    assert_eq!(id(&model), "bd-0b9");
}
