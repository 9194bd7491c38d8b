//! The form, by what it asks for.

use super::{Asked, Choice};
use crate::ui::effect::Effect;
use crate::ui::fixture::{model, press, send};
use crate::ui::message::Msg;
use crate::ui::model::Notice;
use crate::ui::screens::form::model::Field;

fn sent(effects: &[Effect]) -> Option<Asked> {
    effects.iter().find_map(|effect| match effect {
        Effect::Begin(asked) => Some((**asked).clone()),
        _ => None,
    })
}

#[test]
fn what_was_filled_in_is_what_is_begun_and_copied() {
    let mut model = model((80, 24), 9);
    press(
        &mut model,
        9,
        &["n", "X", "down", "right", "down", "Why?", "down", "down", " ", "down", "down", "down", "2"],
    );
    let copied = press(&mut model, 9, &["ctrl-y"]);
    let line =
        "printf '%s' 'Why?' | conclave run X --stage tasks --agents gemini,opencode --quorum 2 --prompt -";
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if text == line), "{copied:?}");
    let asked = sent(&press(&mut model, 9, &["enter"])).unwrap();
    assert_eq!((asked.spec.as_str(), asked.stage.as_str()), ("X", "tasks"));
    assert_eq!((asked.prompt.as_deref(), asked.quorum), (Some("Why?"), Some(2)));
    assert_eq!(asked.agents, ["gemini", "opencode"]);
    assert_eq!(press(&mut model, 9, &["enter"]), [], "once is enough");
}

#[test]
fn what_is_missing_is_said_where_it_is_missing() {
    let mut model = model((80, 24), 9);
    press(&mut model, 9, &["n", "ctrl-u", "enter"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.text.contains("spec")));
    press(&mut model, 9, &["S", "up", "9", "enter"]);
    assert_eq!(model.form.as_ref().unwrap().field, Field::Quorum);
    press(&mut model, 9, &["esc", "enter"]);
    assert!(model.form.is_some(), "what was typed is asked about");
    press(&mut model, 9, &["esc", "y"]);
    assert!(model.form.is_none());
    press(&mut model, 9, &["n", "esc"]);
    assert!(model.form.is_none() && model.overlay.is_none(), "nothing was typed");
}

#[test]
fn who_takes_part_follows_the_stage_unless_somebody_says_otherwise() {
    let mut model = model((80, 24), 9);
    press(&mut model, 9, &["n"]);
    let names = |model: &crate::ui::model::Model| model.form.as_ref().unwrap().asked().unwrap().agents;
    assert_eq!(names(&model), ["gemini", "claude"]);
    press(&mut model, 9, &["down", "right"]);
    assert_eq!(names(&model), ["gemini", "claude", "opencode"]);
    // One that is not installed can be chosen: the begin of the run says what is missing.
    press(&mut model, 9, &["down", "down", "down", "down", " "]);
    assert_eq!(names(&model), ["gemini", "claude", "codex", "opencode"]);
}

#[test]
fn a_prompt_of_several_lines_comes_from_the_editor_or_by_paste() {
    let mut model = model((80, 24), 9);
    let effects = press(&mut model, 9, &["n", "down", "down", "One", "ctrl-o"]);
    assert_eq!(effects, [Effect::Edit("One".into())]);
    send(&mut model, Msg::Edited(Ok("One\ntwo\n".into())), 9);
    let prompt = |model: &crate::ui::model::Model| model.form.as_ref().unwrap().prompt().map(str::to_owned);
    assert_eq!(prompt(&model).as_deref(), Some("One\ntwo"));
    press(&mut model, 9, &["x"]);
    assert!(matches!(&model.notice, Some(Notice::Said(text)) if text.contains("ctrl-o")));
    press(&mut model, 9, &["ctrl-u"]);
    send(&mut model, Msg::Paste("a\r\nb".into()), 9);
    assert_eq!(prompt(&model).as_deref(), Some("Onea\nb"));
}

/// Four agents, of which one does not plan and one is not installed.
pub(crate) fn choices() -> Vec<Choice> {
    let choice = |name: &str, family: &str, stages: &[&str], installed| Choice {
        name: name.into(),
        family: Some(family.into()),
        stages: stages.iter().map(|stage| (*stage).to_owned()).collect(),
        installed,
    };
    vec![
        choice("gemini", "google", &[], true),
        choice("claude", "anthropic", &[], true),
        choice("codex", "openai", &[], false),
        choice("opencode", "opencode", &["tasks"], true),
    ]
}
