//! The form, by what it asks for.

use super::{Spawn, What};
use crate::ui::effect::{Effect, Work};
use crate::ui::fixture::{frame, model, press, problem, send};
use crate::ui::message::{Msg, Outcome};
use crate::ui::model::Notice;

fn spawned(effects: &[Effect]) -> Option<Spawn> {
    effects.iter().find_map(|effect| match effect {
        Effect::Work(Work::Spawn(spawn)) => Some((**spawn).clone()),
        _ => None,
    })
}

#[test]
fn what_was_filled_in_is_what_is_spawned_and_copied() {
    let mut model = model((80, 24), 9);
    press(&mut model, 9, &["2", "n", "Fix it", "down", "claude -p 'do it' $X", "down", " ", "down", " "]);
    let copied = press(&mut model, 9, &["ctrl-y"]);
    let line = "conclave spawn --task 'Fix it' --worktree --no-port -- claude -p 'do it' '$X'";
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if text == line), "{copied:?}");
    let spawn = spawned(&press(&mut model, 9, &["enter"])).unwrap();
    assert_eq!(
        (spawn.what, spawn.text.as_str(), spawn.worktree, spawn.port),
        (What::Task, "Fix it", true, false)
    );
    assert_eq!(spawn.command, ["claude", "-p", "do it", "$X"]);
    assert_eq!(press(&mut model, 9, &["enter"]), [], "once is enough");
    let work = Work::Spawn(Box::new(spawn));
    send(&mut model, Msg::Worked { work: work.clone(), outcome: Err(problem()) }, 9);
    assert!(model.agents.form.is_some(), "what was typed stays where it failed");
    press(&mut model, 9, &["enter"]);
    let spawned = Outcome::Spawned { id: "task-aB3x".into(), said: "task-aB3x runs".into() };
    send(&mut model, Msg::Worked { work, outcome: Ok(spawned) }, 9);
    assert!(model.agents.form.is_none());
    assert!(frame(&model).contains("task-aB3x runs"));
    assert_eq!(model.agents.rows[model.agents.cursor.selected].id, "task-aB3x");
}

#[test]
fn what_is_missing_is_said_where_it_is_missing() {
    let mut model = model((80, 24), 9);
    press(&mut model, 9, &["2", "n", "enter"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.text.contains("needs words")));
    press(&mut model, 9, &["x", "down", "it's", "enter"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.text.contains("quote")));
    press(&mut model, 9, &["esc", "enter"]);
    assert!(model.agents.form.is_some(), "what was typed is asked about");
    press(&mut model, 9, &["esc", "y"]);
    assert!(model.agents.form.is_none());
}

#[test]
fn a_shell_has_no_text() {
    let mut model = model((80, 24), 9);
    press(&mut model, 9, &["2", "n", "up", "left", "down", "bash", "enter"]);
    let form = model.agents.form.as_ref().unwrap();
    assert!(form.sent, "{}", frame(&model));
    assert!(frame(&model).contains("conclave spawn --shell -- bash"));
}
