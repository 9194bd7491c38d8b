//! The lists of tasks: their windows, and what is done to tasks.

use conclave_tasks::read::Sort;

use super::Which;
use crate::ui::effect::{Effect, Read, Write};
use crate::ui::fixture::{frame, model, press, problem, send, tasks};
use crate::ui::keymap::Place;
use crate::ui::message::{Msg, Written};
use crate::ui::model::{Model, Notice, Screen};
use crate::ui::overlay::Overlay;
use crate::ui::problem::Problem;

const SIZE: (u16, u16) = (80, 24);

fn at(count: i64, keys: &[&str]) -> Model {
    let mut model = model(SIZE, count);
    press(&mut model, count, &["3"]);
    press(&mut model, count, keys);
    model
}

fn here(model: &Model) -> String {
    super::selected(&model.tasks).map(|row| row.id.clone()).unwrap_or_default()
}

fn ids(count: i64, which: Which, sort: Sort) -> Vec<String> {
    tasks::list(count, which, sort).into_iter().map(|row| row.id).collect()
}

fn written(model: &mut Model, write: Write, outcome: Result<Written, Problem>, count: i64) {
    send(model, Msg::Written { write, outcome }, count);
}

#[test]
fn walking_down_and_up_meets_every_task_once_and_holds_a_window() {
    let count = 4000;
    for (which, tabs) in [(Which::Ready, 0), (Which::Closed, 3)] {
        let mut model = at(count, &vec!["tab"; tabs]);
        let wanted = ids(count, which, Sort::Priority);
        assert!(wanted.len() > 900);
        let mut down = vec![here(&model)];
        for _ in 1..wanted.len() {
            press(&mut model, count, &["j"]);
            down.push(here(&model));
            assert!(model.tasks.rows.len() <= 800);
        }
        assert!(down == wanted, "{which:?} down");
        let mut up = vec![here(&model)];
        for _ in 1..wanted.len() {
            press(&mut model, count, &["k"]);
            up.push(here(&model));
        }
        up.reverse();
        assert!(up == wanted, "{which:?} up");
        press(&mut model, count, &["G"]);
        assert_eq!(Some(&here(&model)), wanted.last());
        press(&mut model, count, &["g"]);
        assert_eq!(here(&model), wanted[0]);
    }
}

#[test]
fn tabs_and_arrows_go_through_the_lists() {
    let mut model = at(42, &[]);
    let mut seen = vec![model.tasks.which];
    for key in ["tab", "right", "l", "tab", "tab", "backtab", "left", "h"] {
        press(&mut model, 42, &[key]);
        seen.push(model.tasks.which);
    }
    use Which::{Blocked, Closed, InProgress, Other, Ready};
    assert_eq!(seen, [Ready, InProgress, Blocked, Closed, Other, Ready, Other, Closed, Blocked]);
    press(&mut model, 42, &[":", "task blocked", "enter"]);
    assert_eq!(model.tasks.which, Blocked);
}

#[test]
fn the_ready_list_has_three_orders() {
    let mut model = at(200, &["s"]);
    assert_eq!(
        (model.tasks.sort, here(&model)),
        (Sort::Oldest, ids(200, Which::Ready, Sort::Oldest)[0].clone())
    );
    press(&mut model, 200, &["s"]);
    assert_eq!(model.tasks.sort, Sort::Hybrid);
    press(&mut model, 200, &["s", "tab", "s"]);
    assert!(matches!(&model.notice, Some(Notice::Said(said)) if said.contains("only the ready list")));
}

/// The state changes: the cursor stays on its task, and on its line of the screen.
#[test]
fn what_comes_in_moves_nothing_that_is_looked_at() {
    let mut model = at(100, &["jjjjjjjjjjjjjjjj"]);
    let before = here(&model);
    let line = |model: &Model| model.tasks.cursor.selected - model.tasks.cursor.top;
    let before_line = line(&model);
    // More of each priority: some of them come in above.
    send(&mut model, Msg::Changed, 140);
    assert_eq!(here(&model), before);
    assert_eq!(line(&model), before_line);
    assert!(model.tasks.new_above() > 0, "and says so");
    assert!(frame(&model).contains(" new"));
    press(&mut model, 140, &["g"]);
    assert_eq!(model.tasks.new_above(), 0);
    let mut model = at(100, &[]);
    let before = here(&model);
    model.tasks.rows.remove(0);
    model.tasks.rows.remove(0);
    let next = here(&model);
    send(&mut model, Msg::Changed, 100);
    assert_eq!(here(&model), next, "also at the top");
    assert_eq!(model.tasks.cursor.top, 0, "where what is new comes into sight");
    press(&mut model, 100, &["g"]);
    assert_eq!(here(&model), before);
}

/// The task under the cursor goes to another list: the next one is there.
#[test]
fn what_goes_leaves_the_cursor_on_its_line() {
    let mut model = at(100, &["jjj"]);
    let next = model.tasks.rows[4].id.clone();
    model.tasks.rows[3].id = "claimed".to_owned();
    let gone = model.tasks.rows.remove(3);
    model.tasks.rows.insert(3, gone);
    // What the window holds is replaced by what there is: `claimed` is not there.
    let count = 100;
    let page = crate::ui::effect::TaskPage {
        generation: 0,
        which: Which::Ready,
        sort: Sort::Priority,
        filter: super::Filter::default(),
        after: None,
        limit: 200,
        part: crate::ui::effect::Part::Again,
    };
    let mut read = tasks::page(count, &page);
    read.rows.remove(3);
    read.generation = model.tasks.generation;
    crate::ui::update::update(&mut model, Msg::Tasks(Box::new(read)));
    assert_eq!((model.tasks.cursor.selected, here(&model)), (3, next));
}

#[test]
fn a_filter_narrows_as_it_is_typed_and_escape_gives_all_back() {
    let mut model = at(200, &["/", "type:bug p:0"]);
    assert!(!model.tasks.rows.is_empty());
    assert!(model.tasks.rows.iter().all(|row| row.kind.as_deref() == Some("bug") && row.priority == Some(0)));
    press(&mut model, 200, &["enter", "esc"]);
    assert_eq!(model.tasks.rows.len(), ids(200, Which::Ready, Sort::Priority).len());
    press(&mut model, 200, &["/", "text:import", "enter"]);
    assert!(frame(&model).contains("in all lists"), "{}", frame(&model));
    press(&mut model, 200, &["/", "esc"]);
    assert!(model.tasks.filter.is_empty() && model.tasks.editing.is_none());
}

#[test]
fn answers_to_older_questions_are_dropped() {
    let mut model = at(100, &[]);
    let old = model.tasks.generation;
    press(&mut model, 100, &["tab"]);
    let page = crate::ui::message::TasksRead {
        generation: old,
        part: crate::ui::effect::Part::First,
        after: None,
        rows: Vec::new(),
        at_end: true,
        before: Vec::new(),
    };
    send(&mut model, Msg::Tasks(Box::new(page)), 100);
    assert!(!model.tasks.rows.is_empty());
}

#[test]
fn claiming_and_reopening_ask_nothing_closing_and_deleting_do() {
    let mut model = at(42, &[]);
    let id = here(&model);
    assert_eq!(press(&mut model, 42, &["c"]), [Effect::Write(Write::Claim(id.clone()))]);
    assert_eq!(press(&mut model, 42, &["o"]), [Effect::Write(Write::Reopen(id.clone()))]);
    assert_eq!(press(&mut model, 42, &["x", "enter"]), [], "the safe answer is the default");
    let close = |force| Effect::Write(Write::Close { id: id.clone(), force });
    assert_eq!(press(&mut model, 42, &["x", "y"]), [close(false)]);
    assert_eq!(press(&mut model, 42, &["D", "n"]), []);
    assert_eq!(press(&mut model, 42, &["D", "y"]), [Effect::Write(Write::Delete(id.clone()))]);
    assert_eq!(
        press(&mut model, 42, &["enter", "c"]),
        [Effect::Write(Write::Claim(id.clone()))],
        "on its page"
    );
    assert_eq!(
        press(&mut model, 42, &["d", "bd-4a", "enter"]),
        [Effect::Write(Write::Depend { issue: id.clone(), on: "bd-4a".into() })]
    );
    let other = model.tasks.rows[1].id.clone();
    let typed = other.trim_start_matches("bd-").to_owned();
    assert_eq!(
        press(&mut model, 42, &["d", &typed, "tab", "enter"]),
        [Effect::Write(Write::Depend { issue: id, on: other })],
        "completed from what is loaded"
    );
}

#[test]
fn a_refused_close_says_why_and_offers_force() {
    let mut model = at(42, &[]);
    let id = here(&model);
    let refused = Problem { kind: "refused", text: "bd-1 (open) blocks it".into(), hint: None };
    written(&mut model, Write::Close { id: id.clone(), force: false }, Err(refused.clone()), 42);
    let Some(Overlay::Ask { question, .. }) = &model.overlay else { panic!("no question") };
    assert!(question.contains("bd-1 (open) blocks it") && question.contains("all the same"), "{question}");
    assert_eq!(press(&mut model, 42, &["y"]), [Effect::Write(Write::Close { id: id.clone(), force: true })]);
    written(&mut model, Write::Close { id, force: true }, Err(refused), 42);
    assert!(model.overlay.is_none(), "asked once");
    assert!(matches!(&model.notice, Some(Notice::Problem(_))));
}

#[test]
fn what_was_done_is_said_and_read_again() {
    let mut model = at(42, &[]);
    let said = Written { said: "bd-1 is yours".into(), changed: true, id: Some("bd-1".into()) };
    let generation = model.tasks.generation;
    written(&mut model, Write::Claim("bd-1".into()), Ok(said), 42);
    assert!(matches!(&model.notice, Some(Notice::Said(said)) if said == "bd-1 is yours"));
    assert!(model.tasks.generation > generation);
    // The cursor goes to a task that was made here.
    let last = ids(42, Which::Ready, Sort::Priority).pop().unwrap();
    let made = Written { said: "made".into(), changed: true, id: Some(last.clone()) };
    written(&mut model, Write::Create(Box::default()), Ok(made), 42);
    assert_eq!(here(&model), last);
}

#[test]
fn commands_name_a_task_and_complete_what_is_loaded() {
    let mut model = at(42, &[]);
    let id = here(&model);
    press(&mut model, 42, &["1"]);
    assert_eq!(
        press(&mut model, 42, &[":", "task claim bd-zz", "enter"]),
        [Effect::Write(Write::Claim("bd-zz".into()))]
    );
    assert_eq!(model.screen, Screen::Tasks);
    let typed = format!("task close {id}");
    press(&mut model, 42, &["1", ":", &typed, "enter"]);
    assert!(matches!(&model.overlay, Some(Overlay::Ask { question, .. }) if question.contains(&id)));
    press(&mut model, 42, &["esc", ":", "task claim fiximport", "tab"]);
    let Some(Overlay::Palette(palette)) = &model.overlay else { panic!("no palette") };
    assert!(palette.input.text().starts_with("task claim bd-"), "{}", palette.input.text());
    press(&mut model, 42, &["esc", ":", "task show 099", "enter"]);
    assert_eq!(model.place(), Place::Task);
    let write = Write::Depend { issue: "bd-1".into(), on: "bd-2".into() };
    assert_eq!(
        press(&mut model, 42, &["esc", ":", "task dep add bd-1 bd-2", "enter"]),
        [Effect::Write(write)]
    );
    press(&mut model, 42, &[":", "task search lost", "enter"]);
    assert_eq!(model.tasks.filter.search(), Some("lost"));
}

#[test]
fn read_only_writes_nothing_and_hides_what_would() {
    let mut model = at(42, &[]);
    model.setting.read_only = true;
    for key in ["c", "x", "o", "e", "n", "d", "D"] {
        assert_eq!(press(&mut model, 42, &[key]), [], "{key}");
        assert!(model.overlay.is_none() && model.tasks.form.is_none(), "{key}");
        assert!(
            matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "read-only"),
            "{key}"
        );
    }
    press(&mut model, 42, &["j"]);
    let drawn = frame(&model);
    assert!(!drawn.contains("c claim") && drawn.contains("enter open"), "{drawn}");
    assert_eq!(press(&mut model, 42, &[":", "task claim bd-1", "enter"]), []);
}

#[test]
fn a_claim_that_runs_out_is_read_again() {
    let mut model = at(42, &["tab"]);
    assert!(model.ticks() && frame(&model).contains("4:10"), "{}", frame(&model));
    let generation = model.tasks.generation;
    model.now_ms += 1_000;
    send(&mut model, Msg::Tick, 42);
    assert_eq!(model.tasks.generation, generation);
    assert!(frame(&model).contains("4:09"));
    model.now_ms += 300_000;
    crate::ui::update::update(&mut model, Msg::Tick);
    assert!(model.tasks.generation > generation);
    let mut model = at(42, &[]);
    assert!(!model.ticks(), "nothing counts down");
    press(&mut model, 42, &["6"]);
    assert!(!model.ticks());
}

#[test]
fn what_is_in_no_other_list_says_why() {
    let mut model = at(142, &["backtab"]);
    assert_eq!(model.tasks.which, Which::Other);
    let drawn = frame(&model);
    assert!(drawn.contains("[other 5]") && drawn.contains("on an agent's hook"), "{drawn}");
    assert!(
        drawn.contains("not before 20") && drawn.contains("◌ deferred") || drawn.contains("pinned: "),
        "{drawn}"
    );
    press(&mut model, 142, &["tab", "/", "status:hooked", "enter"]);
    assert!(frame(&model).contains("/text: and words search"), "{}", frame(&model));
}

#[test]
fn what_was_so_already_has_no_check_mark() {
    let mut model = at(42, &[]);
    let said = Written { said: "bd-1 is open already".into(), changed: false, id: Some("bd-1".into()) };
    written(&mut model, Write::Reopen("bd-1".into()), Ok(said), 42);
    assert!(matches!(&model.notice, Some(Notice::News(said)) if said == "bd-1 is open already"));
    assert!(!frame(&model).contains("✓ bd-1"));
}

/// What is closed holds nobody up, and nobody holds it up.
#[test]
fn what_is_finished_neither_waits_nor_blocks() {
    let mut model = at(142, &["tab", "tab"]);
    let shown =
        |model: &Model| (frame(model).contains("blocked: waits for"), frame(model).contains("waits for ─"));
    assert_eq!(shown(&model), (true, true), "{}", frame(&model));
    let mut detail = (**model.tasks.preview.as_ref().unwrap()).clone();
    detail.row.status = Some("closed".into());
    for size in [SIZE, (120, 40)] {
        model.size = size;
        model.tasks.preview = Some(detail.clone().into());
        let drawn = frame(&model);
        assert!(!drawn.contains("blocked: ") && !drawn.contains("blocks "), "{drawn}");
        assert!(drawn.contains("waited for") && drawn.contains("held up"), "{drawn}");
    }
    // A closed one does not count among what is blocked by another.
    let mut other = (**model.tasks.preview.as_ref().unwrap()).clone();
    other.row.status = Some("open".into());
    for dependent in &mut other.dependents {
        dependent.row.as_mut().unwrap().status = Some("tombstone".into());
    }
    model.tasks.preview = Some(other.into());
    assert!(!frame(&model).contains(" blocks "), "{}", frame(&model));
}

#[test]
fn commands_with_the_options_of_a_shell_go_to_the_lists() {
    for (typed, which) in [
        ("task ready --limit 3", Which::Ready),
        ("task blocked --json", Which::Blocked),
        ("task list --limit 3 --status closed", Which::Closed),
    ] {
        let mut model = at(42, &["tab", "tab", "tab", "1", ":", typed, "enter"]);
        assert_eq!((model.screen, model.tasks.which), (Screen::Tasks, which), "{typed}");
        assert!(model.tasks.filter.is_empty(), "{typed}");
        assert!(
            matches!(&model.notice, Some(Notice::News(said)) if said.contains("command line")),
            "{typed}"
        );
        press(&mut model, 42, &[":", "task search a -b", "enter"]);
        assert_eq!(model.tasks.filter.search(), Some("a -b"));
    }
}

/// What is not seen is not read; whoever comes back sees what has changed.
#[test]
fn the_lists_are_read_while_they_are_seen() {
    let mut model = model(SIZE, 42);
    assert!(!model.tasks.loaded);
    press(&mut model, 42, &["3"]);
    assert!(model.tasks.loaded);
    press(&mut model, 42, &["1"]);
    let generation = model.tasks.generation;
    send(&mut model, Msg::Changed, 42);
    assert_eq!(model.tasks.generation, generation);
    press(&mut model, 42, &["3"]);
    assert!(model.tasks.generation > generation);
    send(&mut model, Msg::ReadFailed(problem()), 42);
    assert!(frame(&model).contains("database is locked"));
}

#[test]
fn only_what_was_refused_can_be_forced() {
    let mut model = at(42, &[]);
    let busy = Problem { kind: "busy", text: "database is locked".into(), hint: None };
    let id = here(&model);
    written(&mut model, Write::Close { id, force: false }, Err(busy), 42);
    assert!(model.overlay.is_none());
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "busy"));
}

#[test]
fn a_form_is_closed_by_its_own_answer_alone_and_opens_where_it_was_asked_for() {
    let mut model = at(42, &["n"]);
    model.tasks.form.as_mut().unwrap().sent = true;
    let said = || Ok(Written { said: "done".into(), id: None, changed: true });
    written(&mut model, Write::Claim("bd-1".into()), said(), 42);
    assert!(model.tasks.form.is_some());
    written(&mut model, Write::Create(Box::default()), said(), 42);
    assert!(model.tasks.form.is_none());
    let detail = model.tasks.preview.clone().unwrap();
    model.screen = Screen::Runs;
    super::deeds::edit(&mut model, &detail);
    assert!(model.tasks.form.is_none(), "somebody has gone on");
    model.screen = Screen::Tasks;
    super::deeds::edit(&mut model, &detail);
    assert!(model.tasks.form.is_some());
}

#[test]
fn a_page_that_is_open_is_read_again() {
    let mut model = at(42, &["enter"]);
    let whole = |effect: &Effect| matches!(effect, Effect::Read(Read::Task { whole: true, .. }));
    assert!(super::update::refresh(&mut model).iter().any(whole));
}

/// What `conclave work` hands out is told in the list, in the pane and on the page; its times go on by themselves.
#[test]
fn who_works_on_what_is_seen() {
    let mut model = model((120, 40), 142);
    press(&mut model, 142, &["3", "tab"]);
    let drawn = frame(&model);
    for part in ["claude (claude-", "claude (lost)", "at work: claude "] {
        assert!(drawn.contains(part), "{part}:\n{drawn}");
    }
    let at = model.tasks.rows.iter().position(|row| row.at_work.as_ref().is_some_and(|work| !work.lost));
    model.tasks.cursor.selected = at.unwrap();
    press(&mut model, 142, &["enter"]);
    assert!(frame(&model).contains("claude at work for 0:42"), "{}", frame(&model));
    assert!(model.ticks());
    model.now_ms += 3_000;
    let drawn = frame(&model);
    for part in [
        "claude at work for 0:45",
        "try 2 by claude (work of ana)",
        "under way",
        "failed after 1:30 · not again before",
        "error: exit 1: no such file",
    ] {
        assert!(drawn.contains(part), "{part}:\n{drawn}");
    }
}
