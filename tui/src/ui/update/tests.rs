//! The core, by what it shows and what it asks for.

use std::sync::Arc;

use conclave_consensus::runs::RunId;
use conclave_consensus::workflow::Event;
use conclave_spool::trim::Trimmed;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;

use super::update;
use crate::failure::Exit;
use crate::ui::effect::{Effect, Read, Work, Write};
use crate::ui::fixture::agents::who;
use crate::ui::fixture::{
    agents, coordination, detail, frame, gate, hosts, model, needs, numbers, opening, press, problem, send,
    stores, tasks,
};
use crate::ui::keymap::{Action, BINDINGS};
use crate::ui::keys::Key;
use crate::ui::message::{Mouse, Msg, Opened, Outcome, Written};
use crate::ui::model::{Model, Notice, Screen, State};
use crate::ui::overlay::Overlay;
use crate::ui::problem::Problem;
use crate::ui::render::render;
use crate::ui::screens::agents::{At, LogAsk, Position};
use crate::ui::screens::hosts::{Deed, DeedKind, Piece};
use crate::ui::screens::run::Run;
use crate::ui::screens::storage::Stores;

const SIZE: (u16, u16) = (80, 24);

#[test]
fn a_clock_that_ticks_draws_nothing() {
    let mut model = model(SIZE, 3);
    model.dirty = false;
    assert_eq!(update(&mut model, Msg::Clock(5)), Vec::new());
    assert!(!model.dirty);
    update(&mut model, Msg::Key(Key::char('j')));
    assert!(model.dirty);
}

/// The terminal tells of its focus right behind a resumption or a resize, in the same batch.
#[test]
fn focus_asks_for_no_frame_and_takes_none_away() {
    for (message, draws) in [(None, false), (Some(Msg::Continue), true), (Some(Msg::Resize(70, 20)), true)] {
        let mut model = model(SIZE, 3);
        model.dirty = false;
        let what = format!("{message:?}");
        if let Some(message) = message {
            update(&mut model, message);
        }
        assert_eq!(update(&mut model, Msg::Focus(true)), [Effect::Focus(true)]);
        assert_eq!(model.dirty, draws, "{what}");
    }
}

#[test]
fn quitting_asks_while_work_goes_on() {
    let mut model = model(SIZE, 3);
    assert_eq!(press(&mut model, 3, &["q"]), [Effect::Quit]);
    assert_eq!(press(&mut model, 3, &["6", "b", "y"]), [Effect::Work(Work::Backup)]);
    assert_eq!(press(&mut model, 3, &["q", "enter"]), [], "the safe answer is the default");
    assert_eq!(press(&mut model, 3, &["q", "y"]), [Effect::Quit]);
    assert_eq!(send(&mut model, Msg::End(Exit::Signal(15)), 3), [Effect::Quit], "a signal does not ask");
    assert_eq!(model.exit, Exit::Signal(15));
}

#[test]
fn one_thing_at_a_time() {
    let mut model = model(SIZE, 3);
    press(&mut model, 3, &["6", "b", "y"]);
    assert_eq!(press(&mut model, 3, &["v", "y"]), []);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "busy"));
    send(&mut model, Msg::Worked { work: Work::Backup, outcome: Err(problem()) }, 3);
    assert_eq!(press(&mut model, 3, &["v", "y"]), [Effect::Work(Work::Vacuum)]);
}

#[test]
fn read_only_refuses_what_writes_and_lets_the_rest_through() {
    let mut model = model(SIZE, 3);
    model.setting.read_only = true;
    assert_eq!(press(&mut model, 3, &["6", "v"]), []);
    assert!(model.overlay.is_none());
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "read-only"));
    assert_eq!(press(&mut model, 3, &[":", "db vacuum", "enter"]), []);
    assert_eq!(press(&mut model, 3, &["esc", "D"]), [Effect::Work(Work::Doctor)]);
}

#[test]
fn a_folder_without_state_is_left_alone_until_a_choice() {
    let mut model = opening(SIZE);
    assert_eq!(send(&mut model, Msg::Opened(Opened::Absent), 0), []);
    assert_eq!(press(&mut model, -1, &["j", "enter", "v", "e", "x", "6", "1"]), []);
    assert_eq!(press(&mut model, -1, &["m", "enter"]), [], "no path, no import");
    assert_eq!(
        press(&mut model, -1, &["m", " /old.db ", "enter"]),
        [Effect::Work(Work::Import("/old.db".into()))]
    );
    send(&mut model, Msg::Worked { work: Work::Import("/old.db".into()), outcome: Err(problem()) }, -1);
    assert_eq!(press(&mut model, -1, &["i"]), [Effect::Work(Work::Init)]);
    let said = Ok(Outcome::Said("created".into()));
    send(&mut model, Msg::Worked { work: Work::Init, outcome: said }, 3);
    assert_eq!(model.state, State::Ready, "what was made is opened");
}

#[test]
fn a_state_that_comes_and_goes_is_followed() {
    let mut model = model(SIZE, 3);
    press(&mut model, 3, &["enter"]);
    send(&mut model, Msg::Opened(Opened::Failed(problem())), 3);
    assert_eq!(model.state, State::Failed(problem()));
    assert_eq!(press(&mut model, 3, &["q"]), [Effect::Quit], "it can be left");
    send(&mut model, Msg::Opened(Opened::Ready { as_it_lies: false }), 3);
    assert_eq!((model.runs.rows.len(), model.state.clone()), (3, State::Ready));
    send(&mut model, Msg::Opened(Opened::Absent), 3);
    assert!(model.runs.rows.is_empty());
}

#[test]
fn escape_goes_out_one_step_each() {
    let mut model = model(SIZE, 9);
    press(&mut model, 9, &["/", "plan", "enter", "enter", "right", "enter"]);
    assert!(model.run.as_ref().is_some_and(Run::is_zoomed));
    press(&mut model, 9, &["esc"]);
    assert!(model.run.as_ref().is_some_and(|run| !run.is_zoomed()));
    press(&mut model, 9, &["esc"]);
    assert!(model.run.is_none() && !model.runs.filter.is_empty());
    press(&mut model, 9, &["esc"]);
    assert!(model.runs.filter.is_empty());
    assert_eq!(press(&mut model, 9, &["esc"]), []);
}

#[test]
fn the_palette_runs_what_it_names() {
    let mut model = model(SIZE, 42);
    assert_eq!(
        press(&mut model, 42, &[":", "runs export 41", "enter"]),
        [Effect::Work(Work::ExportNamed("41".into()))]
    );
    send(
        &mut model,
        Msg::Worked { work: Work::Export(Vec::new()), outcome: Ok(Outcome::Said("done".into())) },
        42,
    );
    assert_eq!(model.last_result.as_deref(), Some("done"));
    press(&mut model, 42, &[":", "runs show 7", "enter"]);
    assert_eq!(model.run.as_ref().map(|run| run.id.0), Some(7));
    press(&mut model, 42, &[":", "storage", "enter"]);
    assert_eq!(model.screen, Screen::Storage);
    press(&mut model, 42, &[":", "runs list stage:audit", "enter"]);
    assert_eq!((model.screen, model.runs.filter.text()), (Screen::Runs, "stage:audit"));
    press(&mut model, 42, &[":", "nonsense zzz", "enter"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "usage"));
    press(&mut model, 42, &[":", "db back"]);
    press(&mut model, 42, &["enter"]);
    assert!(matches!(&model.overlay, Some(Overlay::Ask { .. })), "what changes a file asks from here too");
}

#[test]
fn an_answer_is_copied_as_it_was_stored() {
    let mut model = model(SIZE, 9);
    let copied = press(&mut model, 9, &["enter", "right", "down", "y"]);
    let wanted = detail(9).outputs[1].content.clone();
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if *text == wanted));
}

#[test]
fn a_notice_stays_until_a_key() {
    let mut model = model(SIZE, 9);
    send(&mut model, Msg::ReadFailed(problem()), 9);
    send(&mut model, Msg::Changed, 9);
    assert!(model.notice.is_some());
    press(&mut model, 9, &["j"]);
    assert!(model.notice.is_none());
}

/// A notice takes lines from the list: the chosen one stays in sight wherever it stands.
#[test]
fn a_notice_does_not_cover_the_chosen_line() {
    let mut model = model(SIZE, 42);
    for _ in 0..20 {
        press(&mut model, 42, &["j"]);
        send(&mut model, Msg::ReadFailed(problem()), 42);
        let chosen = model.runs.rows[model.runs.cursor.selected].id.to_string();
        let drawn = frame(&model);
        let line = drawn.lines().find(|line| line.starts_with(" ▸")).unwrap_or_else(|| panic!("{drawn}"));
        assert!(line.split_whitespace().any(|word| word == chosen), "{chosen}: {line}");
    }
}

#[test]
fn the_mouse_chooses_opens_and_scrolls() {
    let mut model = model(SIZE, 42);
    let click = |model: &mut Model, row| send(model, Msg::Mouse(Mouse::Click { column: 10, row }), 42);
    click(&mut model, 5);
    assert_eq!(model.runs.cursor.selected, 2);
    click(&mut model, 5);
    assert!(model.run.is_some(), "a click on the chosen line opens it");
    press(&mut model, 42, &["esc"]);
    send(&mut model, Msg::Mouse(Mouse::WheelDown), 42);
    assert_eq!(model.runs.cursor.selected, 5);
    send(&mut model, Msg::Mouse(Mouse::Click { column: 55, row: 0 }), 42);
    assert_eq!(model.screen, Screen::Storage);
}

fn any_key() -> impl Strategy<Value = Key> {
    let bound: Vec<Key> = BINDINGS.iter().flat_map(|binding| binding.keys.iter().copied()).collect();
    let codes = [
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::F(9),
        KeyCode::Null,
    ];
    prop_oneof![
        4 => prop::sample::select(bound),
        2 => prop::sample::select(codes.to_vec()).prop_map(Key::of),
        1 => any::<char>().prop_map(Key::char),
    ]
}

/// What comes of runs that are driven from here.
fn any_drive() -> impl Strategy<Value = Msg> {
    let run = || (1_i64..60).prop_map(RunId);
    let told = || prop_oneof![Just(Err(problem())), Just(Ok("done".to_owned()))];
    let event = (run(), ".{0,30}").prop_map(|(run, text)| {
        let agent = "claude".to_owned();
        Msg::Event { run, event: Box::new(Event::Line { agent, text }) }
    });
    prop_oneof![
        2 => run().prop_map(|run| Msg::Begun(Ok(run))),
        1 => Just(Msg::Begun(Err(problem()))),
        2 => event,
        2 => (run(), any::<bool>(), told())
            .prop_map(|(run, agreed, outcome)| Msg::DriveEnded { run, agreed, outcome }),
        1 => Just(Msg::News("closed".to_owned())),
        1 => told().prop_map(Msg::Told),
        1 => told().prop_map(Msg::Edited),
        1 => Just(Msg::Roster(Err(problem()))),
        2 => (run(), any::<bool>())
            .prop_map(|(id, asks)| Msg::Gate { id, gate: asks.then(|| Arc::new(gate(id))) }),
    ]
}

/// What comes of tasks.
fn any_task() -> impl Strategy<Value = Msg> {
    let id = || (1_i64..60).prop_map(|number| tasks::task(number).id);
    let write = || {
        prop_oneof![
            id().prop_map(Write::Claim),
            (id(), any::<bool>()).prop_map(|(id, force)| Write::Close { id, force }),
            Just(Write::Create(Box::default())),
            id().prop_map(|id| Write::Update { id, change: Box::default() }),
        ]
    };
    let refused = Problem { kind: "refused", ..problem() };
    let outcome = prop_oneof![
        id().prop_map(|id| Ok(Written { said: "done".to_owned(), changed: true, id: Some(id) })),
        Just(Err(problem())),
        Just(Err(refused)),
    ];
    prop_oneof![
        3 => (id(), any::<bool>()).prop_map(|(asked, whole)| {
            let task = Ok(tasks::detail(60, &asked, whole));
            Msg::Task { asked, task }
        }),
        1 => id().prop_map(|asked| Msg::Task { asked, task: Ok(None) }),
        1 => id().prop_map(|asked| Msg::Task { asked, task: Err(problem()) }),
        2 => (0_i64..60).prop_map(|count| Msg::TaskCounts(tasks::counts(count))),
        2 => (write(), outcome).prop_map(|(write, outcome)| Msg::Written { write, outcome }),
        // Those who use the screen get far more often to it than any key does.
        4 => Just(Msg::Key(Key::char('3'))),
    ]
}

/// What comes of agents and leases.
fn any_of_agents() -> impl Strategy<Value = Msg> {
    let count = || 0_i64..70;
    let id = || prop::sample::select(vec!["main", "0031", "task-aB3x", "0028", "A-12xy", "more-20", "none"]);
    let position = || (0_u64..9, any::<u64>()).prop_map(|(file, offset)| Position { file, offset });
    let at = prop_oneof![
        Just(At::End),
        Just(At::Start),
        position().prop_map(At::Before),
        position().prop_map(At::After),
        position().prop_map(|from| At::FindBefore { needle: "ok".into(), from }),
    ];
    // Mostly of questions that nobody asked, or that were asked before.
    let log = (id(), 0_u64..12, at).prop_map(|(id, generation, at)| {
        Msg::Log(Box::new(agents::log(&LogAsk { id: id.into(), generation, at })))
    });
    let outcome = || {
        let refused = Problem { kind: "refused", hint: Some("--force".into()), ..problem() };
        prop_oneof![
            Just(Err(problem())),
            Just(Err(refused)),
            Just(Ok(Outcome::Diff { text: agents::DIFF.into() })),
            id().prop_map(|id| Ok(Outcome::Spawned { id: id.into(), said: "runs".into() })),
        ]
    };
    let work = prop_oneof![
        id().prop_map(|id| Work::StopAgent(who(id))),
        id().prop_map(|id| Work::DiffAgent(who(id))),
        (id(), any::<bool>()).prop_map(|(id, force)| Work::CleanUpAgent { who: who(id), force }),
        any::<bool>().prop_map(|global| Work::BreakLease {
            name: "release".into(),
            global,
            fences: vec![118]
        }),
    ];
    let started = (1_i64..9).prop_map(|run| {
        let event = Event::Started { agent: "claude".into(), attempt: 1, limit: 3, pid: 7 };
        Msg::Event { run: RunId(run), event: Box::new(event) }
    });
    prop_oneof![
        3 => count().prop_map(|count| Msg::Agents(agents::all(count))),
        2 => log,
        2 => id().prop_map(|id| Msg::LogGrew(id.into())),
        2 => count().prop_map(|count| Msg::Coordination(Box::new(coordination::found(count)))),
        1 => Just(Msg::GlobalChanged),
        2 => (work, outcome()).prop_map(|(work, outcome)| Msg::Worked { work, outcome }),
        1 => started,
        // Those who use the screens get far more often to them than any key does.
        4 => prop::sample::select(vec!['2', '4']).prop_map(|key| Msg::Key(Key::char(key))),
    ]
}

fn any_message() -> impl Strategy<Value = Msg> {
    let opened = prop_oneof![
        4 => Just(Opened::Ready { as_it_lies: false }),
        1 => Just(Opened::Ready { as_it_lies: true }),
        1 => Just(Opened::Absent),
        1 => Just(Opened::Failed(problem())),
    ];
    let size = prop_oneof![(0_u16..130, 0_u16..45), Just((40, 10)), Just((80, 24)), Just((u16::MAX, 3))];
    let outcome = prop_oneof![
        Just(Err(problem())),
        Just(Ok(Outcome::Said("done".into()))),
        Just(Ok(Outcome::Checks(Vec::new()))),
        Just(Ok(Outcome::Moved {
            root: "/x".into(),
            database: "/x/s".into(),
            said: "moved".into(),
            drive: None
        })),
    ];
    prop_oneof![
        20 => any_key().prop_map(Msg::Key),
        3 => size.prop_map(|(columns, lines)| Msg::Resize(columns, lines)),
        1 => ".{0,20}".prop_map(Msg::Paste),
        1 => any::<i64>().prop_map(Msg::Clock),
        2 => (0_u16..130, 0_u16..45).prop_map(|(column, row)| Msg::Mouse(Mouse::Click { column, row })),
        1 => Just(Msg::Mouse(Mouse::WheelDown)),
        1 => Just(Msg::Mouse(Mouse::WheelUp)),
        1 => any::<bool>().prop_map(Msg::Focus),
        2 => Just(Msg::Changed),
        1 => opened.prop_map(Msg::Opened),
        1 => Just(Msg::ReadFailed(problem())),
        1 => (any::<u64>(), any::<u64>()).prop_map(|(done, total)| Msg::Progress { done, total, phase: "rows" }),
        1 => outcome.prop_map(|outcome| Msg::Worked { work: Work::Vacuum, outcome }),
        1 => Just(Msg::Storage(Box::new(numbers()))),
        2 => any_of_stores(),
        1 => (1_i64..500).prop_map(|id| Msg::Run { id: detail(id).summary.id, run: Ok(Some(detail(id))) }),
        1 => Just(Msg::Continue),
        1 => Just(Msg::Tick),
        2 => any_drive(),
        3 => any_task(),
        4 => any_of_agents(),
        4 => any_of_hosts(),
    ]
}

/// What comes of hosts of models, and of questions to them.
fn any_of_hosts() -> impl Strategy<Value = Msg> {
    let name = || prop::sample::select(vec!["surtr", "fenrir", "skadi", "fallback", "none"]);
    let kind = prop::sample::select(vec![DeedKind::Check, DeedKind::Open, DeedKind::Close, DeedKind::Reset]);
    let piece = prop_oneof![
        4 => "[a\n\r \u{1b}日]{0,200}".prop_map(Piece::Text),
        1 => name().prop_map(|host| Piece::Restarted { host: host.into() }),
        1 => ".{0,90}".prop_map(|text| hosts::answered(&text)),
        1 => (".{0,9}", any::<bool>()).prop_map(|(partial, cancelled)| hosts::failed(&partial, cancelled)),
    ];
    let outcome = prop_oneof![Just(Ok("done".to_owned())), Just(Err(problem()))];
    let found = (0_i64..50, any::<bool>()).prop_map(|(count, failed)| {
        let mut found = hosts::found(count);
        found.problem = failed.then(problem);
        Msg::Hosts(Box::new(found))
    });
    prop_oneof![
        3 => found,
        2 => name().prop_map(|host| Msg::Calls { host: host.into(), calls: Ok(hosts::calls(host)) }),
        1 => name().prop_map(|host| Msg::Calls { host: host.into(), calls: Err(problem()) }),
        1 => (kind, name(), outcome).prop_map(|(kind, host, outcome)| {
            Msg::HostDone { deed: Deed { kind, host: host.into() }, outcome }
        }),
        // Mostly of the first questions: those that were asked.
        4 => (0_u64..4, piece).prop_map(|(number, piece)| Msg::Answering { number, piece }),
        1 => Just(Msg::Tick),
        // Those who use the screen get far more often to it than any key does.
        4 => Just(Msg::Key(Key::char('5'))),
        2 => Just(Msg::Paste("Why?".into())),
        2 => prop::sample::select(vec!['a', 'A', 'o', 'k', 'r', 'c']).prop_map(|key| Msg::Key(Key::char(key))),
    ]
}

/// What comes of spool and cache.
fn any_of_stores() -> impl Strategy<Value = Msg> {
    let failed = || Stores { spool: Err(problem()), cache: Err(problem()) };
    let plan = (0_usize..6, any::<u64>(), any::<bool>()).prop_map(|(files, bytes, untrimmable)| {
        let files = (0..files).map(|at| format!("agent/20251111-0{at}.ndjson.gz")).collect();
        let plan = Box::new(Trimmed { files, bytes, used: 0, untrimmable });
        Msg::Worked { work: Work::PlanTrim, outcome: Ok(Outcome::TrimPlan(plan)) }
    });
    let work = prop_oneof![Just(Work::FlushSpool), Just(Work::TrimSpool), Just(Work::ClearCache)];
    prop_oneof![
        Just(Msg::Stores(Box::new(stores()))),
        Just(Msg::Stores(Box::new(failed()))),
        Just(Msg::Stores(Box::new(Stores { cache: Ok(None), ..stores() }))),
        Just(Msg::StoresChanged),
        plan,
        work.prop_map(|work| Msg::Worked { work, outcome: Err(problem()) }),
    ]
}

/// Whether the next key would be the defect on purpose.
fn would_panic(model: &Model, message: &Msg) -> bool {
    let enter = matches!(message, Msg::Key(key) if key.code == KeyCode::Enter);
    match &model.overlay {
        Some(Overlay::Palette(palette)) if enter => palette
            .entries(model)
            .get(palette.selected)
            .is_some_and(|entry| entry.binding.action == Action::Panic),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Whatever comes, at any size, in any order: nothing panics, neither the core nor a frame.
    #[test]
    fn no_sequence_of_messages_panics(
        runs in prop_oneof![Just(0_i64), Just(3), Just(450), Just(900)],
        messages in prop::collection::vec((any_message(), 0_u8..12), 1..60),
    ) {
        let mut model = opening(SIZE);
        send(&mut model, Msg::Opened(Opened::Ready { as_it_lies: false }), runs);
        // Some come while the database has not answered yet.
        for (message, answered) in messages {
            if would_panic(&model, &message) {
                continue;
            }
            if answered > 0 {
                send(&mut model, message, runs);
            } else {
                update(&mut model, message);
            }
            let (columns, lines) = (model.size.0.min(300), model.size.1.min(100));
            let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
            terminal.draw(|frame| render(&model, frame)).unwrap();
            prop_assert!(model.runs.rows.len() <= 1000, "the window does not grow with the list");
            prop_assert!(model.runs.cursor.selected < model.runs.rows.len().max(1));
            prop_assert!(model.tasks.rows.len() <= 1000, "nor does that of the tasks");
            prop_assert!(model.agents.cursor.selected < model.agents.rows.len().max(1));
            prop_assert!(model.coordination.cursor.selected < model.coordination.rows.len().max(1));
            prop_assert!(model.hosts.cursor.selected < model.hosts.found.hosts.len().max(1));
            prop_assert!(model.tasks.cursor.selected < model.tasks.rows.len().max(1));
        }
    }
}

#[test]
fn an_import_that_goes_on_here_needs_nobody() {
    let mut model = model(SIZE, 42);
    send(&mut model, Msg::Needs(needs()), 42);
    assert_eq!(model.needs().count(), 2);
    press(&mut model, 42, &[":", "migrate import /tmp/old.db", "enter"]);
    assert_eq!(model.needs().map(|need| need.kind).collect::<Vec<_>>(), ["differences"]);
    press(&mut model, 42, &["!", "enter"]);
    assert_eq!((model.screen, model.overlay.is_none()), (Screen::Storage, true));
}

#[test]
fn everything_that_is_read_is_asked_for_first() {
    let mut model = opening(SIZE);
    let effects = update(&mut model, Msg::Opened(Opened::Ready { as_it_lies: false }));
    assert!(matches!(
        &effects[..],
        [Effect::Read(Read::Page(_)), Effect::Read(Read::Count { .. }), Effect::Read(Read::Needs)]
    ));
}
