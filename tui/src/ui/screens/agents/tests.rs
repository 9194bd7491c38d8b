//! The screen of agents, by what it shows and what it asks for.

use conclave_consensus::runs::RunId;
use conclave_consensus::workflow::{AttemptEnd, Event};
use conclave_registry::agents::Life;

use crate::ui::effect::{Effect, Read, Work};
use crate::ui::fixture::agents::{DIFF, all, who};
use crate::ui::fixture::{frame, model, press, send};
use crate::ui::keymap::Place;
use crate::ui::message::{Mouse, Msg, Outcome};
use crate::ui::model::{Model, Notice, Screen};
use crate::ui::overlay::Overlay;
use crate::ui::problem::Problem;
use crate::ui::screens::agents::At;
use crate::ui::update::update;

const COUNT: i64 = 8;

fn on(keys: &[&str]) -> Model {
    let mut model = model((80, 24), COUNT);
    press(&mut model, COUNT, &["2"]);
    press(&mut model, COUNT, keys);
    model
}

fn chosen(model: &Model) -> &str {
    &model.agents.rows[model.agents.cursor.selected].id
}

fn asks(model: &Model) -> String {
    match &model.overlay {
        Some(Overlay::Ask { question, .. }) => question.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_is_done_to_an_agent_is_asked_about_by_its_name() {
    let mut model = on(&["j", "s"]);
    assert!(asks(&model).starts_with("Stop 0031 (spec, pid 41235)?"), "{}", asks(&model));
    assert_eq!(press(&mut model, COUNT, &["enter"]), [], "the safe answer is the default");
    assert_eq!(press(&mut model, COUNT, &["s", "y"]), [Effect::Work(Work::StopAgent(who("0031")))]);
    send(
        &mut model,
        Msg::Worked { work: Work::StopAgent(who("0031")), outcome: Ok(Outcome::Said("ended".into())) },
        COUNT,
    );
    press(&mut model, COUNT, &["j", "m"]);
    assert!(asks(&model).contains("builder/task-aB3x of task-aB3x \"Fix the import"), "{}", asks(&model));
    assert_eq!(press(&mut model, COUNT, &["y"]), [Effect::Work(Work::MergeAgent(who("task-aB3x")))]);
}

#[test]
fn uncommitted_work_is_lost_only_after_a_second_question() {
    let mut model = on(&["j", "x"]);
    assert!(asks(&model).starts_with("Clean up 0031"));
    let work = |force| Work::CleanUpAgent { who: who("0031"), force };
    assert_eq!(press(&mut model, COUNT, &["y"]), [Effect::Work(work(false))]);
    let refused = Problem {
        kind: "uncommitted",
        text: "clean up 0031: 2 files are not committed".into(),
        hint: Some("commit it there, or lose it: `conclave cleanup 0031 --force`".into()),
    };
    send(&mut model, Msg::Worked { work: work(false), outcome: Err(refused.clone()) }, COUNT);
    assert!(asks(&model).contains("not committed. Clean up 0031 all the same?"), "{}", asks(&model));
    assert_eq!(press(&mut model, COUNT, &["enter"]), []);
    press(&mut model, COUNT, &["x", "y"]);
    send(&mut model, Msg::Worked { work: work(false), outcome: Err(refused.clone()) }, COUNT);
    assert_eq!(press(&mut model, COUNT, &["y"]), [Effect::Work(work(true))]);
    send(&mut model, Msg::Worked { work: work(true), outcome: Err(refused) }, COUNT);
    assert!(model.overlay.is_none() && model.notice.is_some(), "there is no third question");
    // What force does not help is told as it is.
    press(&mut model, COUNT, &["x", "y"]);
    let hint = Some("`conclave cleanup 0031 --force` removes it all the same".into());
    let other = Problem { kind: "command", text: "no".into(), hint };
    send(&mut model, Msg::Worked { work: work(false), outcome: Err(other) }, COUNT);
    assert!(model.overlay.is_none() && matches!(model.notice, Some(Notice::Problem(_))));
}

#[test]
fn the_log_below_is_that_of_the_agent_under_the_cursor() {
    let mut model = on(&[]);
    assert!(frame(&model).contains("No log"));
    let asked = press(&mut model, COUNT, &["j"]);
    assert_eq!(asked, [], "the fixture has answered");
    assert!(
        frame(&model).contains("following") && frame(&model).contains("_298 ... ok"),
        "{}",
        frame(&model)
    );
    assert!(frame(&model).contains("␛[32mok␛[0m 299"), "nothing of it is obeyed");
    // It follows what is written, until it is held.
    assert!(matches!(&update(&mut model, Msg::LogGrew("0031".into()))[..], [Effect::Read(Read::Log(_))]));
    assert_eq!(update(&mut model, Msg::LogGrew("0029".into())), [], "another's");
    press(&mut model, COUNT, &["r", "f"]);
    assert!(frame(&model).contains("held"), "{}", frame(&model));
    assert_eq!(update(&mut model, Msg::LogGrew("0031".into())), []);
    assert!(frame(&model).contains("more was written"));
    press(&mut model, COUNT, &["1"]);
    model.dirty = false;
    assert_eq!(update(&mut model, Msg::LogGrew("0031".into())), []);
    assert!(!model.dirty, "what is not seen is not drawn");
}

#[test]
fn a_stream_is_scrolled_back_searched_and_left() {
    let mut model = on(&["j", "enter"]);
    assert_eq!(model.place(), Place::Stream);
    assert!(frame(&model).contains("▸ ␛[32mok␛[0m 299") || frame(&model).contains("so far, and of more"));
    press(&mut model, COUNT, &["g"]);
    assert!(frame(&model).contains("▸ cargo test -p conclave-db, 0"), "{}", frame(&model));
    assert!(frame(&model).contains("held"));
    press(&mut model, COUNT, &["G", "/", "connection_7 ", "enter"]);
    assert!(frame(&model).contains("▸ test pool::drops_dirty_connection_7 ... ok"), "{}", frame(&model));
    press(&mut model, COUNT, &["/", "zzz", "enter"]);
    assert!(frame(&model).contains("nothing matches \"zzz\""), "{}", frame(&model));
    press(&mut model, COUNT, &["f"]);
    assert!(frame(&model).contains("following"));
    press(&mut model, COUNT, &["esc"]);
    assert_eq!((model.place(), chosen(&model)), (Place::Agents, "0031"));
}

#[test]
fn the_changes_of_an_agent_are_a_page_of_their_own() {
    let mut model = on(&["j"]);
    assert_eq!(press(&mut model, COUNT, &["d"]), [Effect::Work(Work::DiffAgent(who("0031")))]);
    let diff = || Ok(Outcome::Diff { text: DIFF.into() });
    send(&mut model, Msg::Worked { work: Work::DiffAgent(who("0031")), outcome: diff() }, COUNT);
    assert_eq!(model.place(), Place::AgentDiff);
    press(&mut model, COUNT, &["/", "keep", "enter"]);
    assert!(frame(&model).contains("▸ +    keep(file, \"␛[2J\");"), "{}", frame(&model));
    assert!(matches!(&press(&mut model, COUNT, &["y"])[..], [Effect::Copy { text, .. }] if text == DIFF));
    press(&mut model, COUNT, &["esc"]);
    assert_eq!(model.place(), Place::Agents);
    press(&mut model, COUNT, &["d", "1"]);
    send(&mut model, Msg::Worked { work: Work::DiffAgent(who("0031")), outcome: diff() }, COUNT);
    assert_eq!(model.place(), Place::Runs, "nobody is interrupted");
}

/// Whatever the list does below: a question asked on the page of an agent is about that agent.
#[test]
fn what_is_done_on_the_page_of_an_agent_is_done_to_that_one() {
    let mut model = on(&["j", "d"]);
    let diff = Outcome::Diff { text: DIFF.into() };
    send(&mut model, Msg::Worked { work: Work::DiffAgent(who("0031")), outcome: Ok(diff) }, COUNT);
    let mut others = all(COUNT);
    others.remove(1);
    update(&mut model, Msg::Agents(others));
    assert_ne!(chosen(&model), "0031");
    assert_eq!(press(&mut model, COUNT, &["m"]), []);
    assert!(frame(&model).contains("0031 is not what it was, or is gone"), "{}", frame(&model));
    update(&mut model, Msg::Agents(all(COUNT)));
    assert_ne!(chosen(&model), "0031", "the cursor is elsewhere now");
    press(&mut model, COUNT, &["m"]);
    assert!(asks(&model).starts_with("Merge builder/0031 of 0031"), "{}", asks(&model));
    assert_eq!(press(&mut model, COUNT, &["y"]), [Effect::Work(Work::MergeAgent(who("0031")))]);
    assert_eq!(model.place(), Place::AgentDiff);
    let work = Work::CleanUpAgent { who: who("0031"), force: false };
    send(&mut model, Msg::Worked { work, outcome: Ok(Outcome::Said("gone".into())) }, COUNT);
    assert_eq!(model.place(), Place::Agents, "a page of nobody is closed");
}

#[test]
fn the_cursor_stays_on_its_agent() {
    let mut model = on(&["jjj"]);
    assert_eq!(chosen(&model), "0029");
    let mut others = all(COUNT);
    others.remove(1);
    update(&mut model, Msg::Agents(others));
    assert_eq!(chosen(&model), "0029");
    press(&mut model, COUNT, &["/", "life:lost", "enter"]);
    assert_eq!(model.agents.rows.len(), 1);
    press(&mut model, COUNT, &["esc"]);
    assert_eq!((model.agents.rows.len(), chosen(&model)), (7, "0029"));
}

#[test]
fn what_runs_is_looked_at_again_and_again() {
    let mut model = on(&[]);
    assert!(model.ticks());
    assert_eq!(update(&mut model, Msg::Tick), []);
    model.now_ms += 3_000;
    assert!(update(&mut model, Msg::Tick).contains(&Effect::Read(Read::Agents)));
    update(&mut model, Msg::Agents(all(8).into_iter().filter(|row| row.life == Life::Lost).collect()));
    assert!(!model.ticks(), "nothing changes with the seconds");
    press(&mut model, COUNT, &["2", "1"]);
    assert!(!model.ticks(), "nothing of it is seen");
}

#[test]
fn agents_of_runs_that_are_driven_here_stand_among_them() {
    let mut model = on(&[]);
    let run = RunId(3);
    send(&mut model, Msg::Begun(Ok(run)), COUNT);
    let event = |event| Msg::Event { run, event: Box::new(event) };
    send(&mut model, event(Event::Started { agent: "gemini".into(), attempt: 1, limit: 3, pid: 777 }), COUNT);
    send(&mut model, event(Event::Line { agent: "gemini".into(), text: "Reading".into() }), COUNT);
    press(&mut model, COUNT, &["G"]);
    let drawn = frame(&model);
    assert!(drawn.contains("gemini") && drawn.contains("run 3") && drawn.contains("777"), "{drawn}");
    assert!(drawn.contains("Reading"), "{drawn}");
    press(&mut model, COUNT, &["s"]);
    assert!(model.overlay.is_none(), "it is the run's to stop");
    press(&mut model, COUNT, &["enter"]);
    assert_eq!((model.screen, model.run.as_ref().map(|run| run.id)), (Screen::Runs, Some(run)));
    press(&mut model, COUNT, &["2"]);
    let ended = Event::Ended { agent: "gemini".into(), attempt: 1, end: AttemptEnd::Answered };
    send(&mut model, event(ended), COUNT);
    assert_eq!(model.agents.rows.len(), 8);
}

#[test]
fn what_needs_somebody_leads_to_its_agent() {
    let mut model = model((80, 24), COUNT);
    let need = conclave_consensus::migrate::Attention {
        kind: "agent",
        name: "0029".into(),
        why: "0029: process gone".into(),
        advice: "`conclave cleanup 0029`".into(),
        since: None,
    };
    update(&mut model, Msg::Needs(vec![need]));
    press(&mut model, COUNT, &["!", "enter"]);
    assert_eq!((model.screen, chosen(&model)), (Screen::Agents, "0029"));
}

#[test]
fn commands_name_their_agent() {
    let mut model = model((80, 24), COUNT);
    assert_eq!(
        press(&mut model, COUNT, &[":", "agents diff 0031", "enter"]),
        [Effect::Work(Work::DiffAgent(who("0031")))]
    );
    send(
        &mut model,
        Msg::Worked { work: Work::DiffAgent(who("0031")), outcome: Ok(Outcome::Said(String::new())) },
        COUNT,
    );
    press(&mut model, COUNT, &[":", "stop 0028", "enter"]);
    assert!(frame(&model).contains("0028 does not run any more"), "{}", frame(&model));
    press(&mut model, COUNT, &[":", "stop task", "enter"]);
    assert!(asks(&model).starts_with("Stop task-aB3x"), "a short form is resolved before the question");
    press(&mut model, COUNT, &["n", ":", "stop 00", "enter"]);
    assert!(frame(&model).contains("may be builder:0031, builder:0029, builder:0028"), "{}", frame(&model));
    press(&mut model, COUNT, &[":", "stop nobody", "enter"]);
    assert!(frame(&model).contains("no agent \"nobody\""), "{}", frame(&model));
    press(&mut model, COUNT, &[":", "agents log 0028", "enter"]);
    assert_eq!(model.agents.log.as_ref().map(|log| log.id.as_str()), Some("0028"));
    assert_eq!(model.place(), Place::Stream);
    press(&mut model, COUNT, &["1", ":", "agents", "enter"]);
    assert_eq!(model.place(), Place::Stream, "where one was");
    press(&mut model, COUNT, &["2"]);
    assert_eq!(model.place(), Place::Agents, "its number goes back to its beginning");
    press(&mut model, COUNT, &[":", "spawn Fix it", "enter"]);
    assert!(frame(&model).contains("conclave spawn --task 'Fix it'"), "{}", frame(&model));
}

#[test]
fn read_only_nothing_is_done_to_agents() {
    let mut model = on(&["j"]);
    model.setting.read_only = true;
    for key in ["s", "m", "x", "n"] {
        assert_eq!(press(&mut model, COUNT, &[key]), [], "{key}");
        assert!(
            matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "read-only"),
            "{key}"
        );
    }
    assert!(!frame(&model).contains("s stop"));
    assert_eq!(press(&mut model, COUNT, &["d"]), [Effect::Work(Work::DiffAgent(who("0031")))]);
}

#[test]
fn the_mouse_chooses_and_opens() {
    let mut model = on(&[]);
    let click = |model: &mut Model, row| send(model, Msg::Mouse(Mouse::Click { column: 10, row }), COUNT);
    click(&mut model, 4);
    assert_eq!(chosen(&model), "0031");
    click(&mut model, 4);
    assert_eq!(model.place(), Place::Stream);
    send(&mut model, Msg::Mouse(Mouse::WheelUp), COUNT);
    assert!(model.agents.log.as_ref().is_some_and(|log| log.held));
}

#[test]
fn nothing_is_asked_about_what_cannot_be() {
    // An architect that was only registered.
    let mut model = on(&[]);
    let mut rows = all(COUNT);
    rows[0].life = Life::None;
    rows[0].pid = None;
    update(&mut model, Msg::Agents(rows));
    for (key, said) in [("s", "nothing to stop"), ("m", "nothing to merge"), ("d", "nothing to compare")] {
        assert_eq!(press(&mut model, COUNT, &[key]), []);
        assert!(model.overlay.is_none() && frame(&model).contains(said), "{key}:\n{}", frame(&model));
    }
    press(&mut model, COUNT, &["x"]);
    assert_eq!(asks(&model), "Clean up main (architect)? Its entry here is removed.");
    press(&mut model, COUNT, &["n", "j", "x"]);
    assert!(asks(&model).contains("worktree and entry go, an unmerged branch is kept"), "{}", asks(&model));
}

#[test]
fn a_question_is_about_one_registration() {
    let mut model = on(&["j", "enter"]);
    let mut rows = all(COUNT);
    rows[1].started += 1;
    update(&mut model, Msg::Agents(rows));
    assert_eq!(press(&mut model, COUNT, &["s"]), []);
    assert!(model.overlay.is_none() && frame(&model).contains("is not what it was"), "{}", frame(&model));
}

#[test]
fn an_agent_that_is_waited_for_keeps_nothing_else_from_being_done() {
    let mut model = on(&["j", "s", "y"]);
    assert!(
        frame(&model).contains("stop of 0031 for 0:00: asked to end, killed in 0:10"),
        "{}",
        frame(&model)
    );
    model.now_ms += 12_000;
    assert!(model.ticks() && frame(&model).contains("for 0:12: it is being killed"), "{}", frame(&model));
    // Another agent, and other work.
    assert!(matches!(&press(&mut model, COUNT, &["j", "s", "y"])[..], [Effect::Work(Work::StopAgent(_))]));
    assert!(matches!(&press(&mut model, COUNT, &["d"])[..], [Effect::Work(Work::DiffAgent(_))]));
    press(&mut model, COUNT, &["k", "x", "y"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.text.contains("stop of 0031")));
    press(&mut model, COUNT, &["q"]);
    assert!(asks(&model).contains("goes on. Quit all the same?"), "{}", asks(&model));
    press(&mut model, COUNT, &["n"]);
    for id in ["0031", "task-aB3x"] {
        let outcome = Ok(Outcome::Said("ended".into()));
        send(&mut model, Msg::Worked { work: Work::StopAgent(who(id)), outcome }, COUNT);
    }
    assert!(model.deeds.is_empty());
}

#[test]
fn a_held_log_is_behind_only_where_something_was_written() {
    let model = on(&["j", "f", "1", "2"]);
    assert!(
        frame(&model).contains("held") && !frame(&model).contains("more was written"),
        "{}",
        frame(&model)
    );
}

#[test]
fn a_search_ends_with_the_next_key() {
    let mut model = on(&["j", "enter", "g"]);
    // Nobody answers.
    for key in ["/", "z", "z", "z"] {
        press(&mut model, COUNT, &[key]);
    }
    let asked =
        update(&mut model, Msg::Key(crate::ui::keys::Key::of(ratatui::crossterm::event::KeyCode::Enter)));
    assert!(matches!(&asked[..], [Effect::Read(Read::Log(_))]), "{asked:?}");
    let asked =
        update(&mut model, Msg::Key(crate::ui::keys::Key::of(ratatui::crossterm::event::KeyCode::Esc)));
    let ends = |effect: &Effect| matches!(effect, Effect::Read(Read::Log(log)) if log.at == At::Nothing);
    assert!(asked.iter().any(ends), "{asked:?}");
}

#[test]
fn the_place_that_was_left_is_what_the_list_shows() {
    let model = on(&["j", "enter", "/", "connection_7 ", "enter", "esc"]);
    assert!(frame(&model).contains("drops_dirty_connection_7 ... ok"), "{}", frame(&model));
}

#[test]
fn the_help_names_no_key_that_means_something_else_here() {
    let mut model = on(&["?"]);
    model.size = (80, 60);
    let drawn = frame(&model);
    assert!(drawn.contains("Merge its branch") && !drawn.contains("Take the mouse"), "{drawn}");
    press(&mut model, COUNT, &["esc", " "]);
    assert!(frame(&model).contains("nothing is marked here"));
    press(&mut model, COUNT, &["j", "tab"]);
    assert_eq!(model.place(), Place::Stream);
    assert!(frame(&model).contains("f hold"));
    press(&mut model, COUNT, &["f"]);
    assert!(frame(&model).contains("f follow"));
    press(&mut model, COUNT, &["tab"]);
    assert_eq!(model.place(), Place::Agents);
}

#[test]
fn the_words_of_the_command_line_do_the_same_here() {
    use conclave_registry::agents::BuilderStatus;
    let mut model = on(&[]);
    let work = |status| Effect::Work(Work::SetAgent { id: "0031".into(), status });
    for line in ["agents set 0031 blocked", "agents set 0031 --status blocked"] {
        assert_eq!(press(&mut model, COUNT, &[":", line, "enter"]), [work(BuilderStatus::Blocked)], "{line}");
        model.working = None;
    }
    assert_eq!(press(&mut model, COUNT, &[":", "agents set 0031 tired", "enter"]), []);
    assert!(frame(&model).contains("the statuses: spawning"), "{}", frame(&model));
    assert_eq!(
        press(&mut model, COUNT, &[":", "ports cleanup", "enter"]),
        [Effect::Work(Work::CleanUpPorts)]
    );
    for line in ["start", "ports release"] {
        assert_eq!(press(&mut model, COUNT, &[":", line, "enter"]), [], "{line}");
        assert!(matches!(&model.notice, Some(Notice::News(text)) if text.contains(line)), "{line}");
    }
}
