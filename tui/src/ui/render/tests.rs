//! Frames of every screen at three sizes.

use conclave_consensus::migrate::Paused;
use conclave_consensus::verdict::Unusable;
use conclave_consensus::workflow::{AttemptEnd, Event, Owner};
use conclave_spool::QuotaState;
use conclave_spool::quota::Why;
use conclave_spool::trim::Trimmed;

use crate::cli::Signs;
use crate::ui::effect::Work;
use crate::ui::fixture::agents::who;
use crate::ui::fixture::hosts::{answered, failed};
use crate::ui::fixture::{
    check, detail, frame, gate, model, needs, numbers, opening, press, problem, send, stores,
};
use crate::ui::message::{Msg, Opened, Outcome};
use crate::ui::model::{CheckRow, CheckState, Model};
use crate::ui::screens::hosts::Piece;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

/// Checks what keys lead to, at each size.
fn at_all_sizes(name: &str, runs: i64, change: impl Fn(&mut Model)) {
    for size in SIZES {
        let mut model = model(size, runs);
        change(&mut model);
        check(name, &model);
    }
}

#[test]
fn the_list_of_runs() {
    at_all_sizes("runs", 42, |_| {});
    at_all_sizes("runs-empty", 0, |_| {});
    at_all_sizes("runs-empty-tasks", 0, |model| {
        send(model, Msg::TaskCounts(crate::ui::fixture::tasks::counts(142)), 0);
    });
    at_all_sizes("runs-filtered", 42, |model| drop(press(model, 42, &["/", "stage:plan 9"])));
    at_all_sizes("runs-none-match", 42, |model| drop(press(model, 42, &["/", "zzz", "enter"])));
    at_all_sizes("runs-marked", 42, |model| drop(press(model, 42, &["  ", "down"])));
}

/// The number keys of the list lead to: an imported run, one that runs, one with a verdict.
const IMPORTED: &str = ":runs show 40";
const RUNNING: &str = ":runs show 41";
const VOTED: &str = ":runs show 37";

/// Opens a run by its number, then presses the keys.
fn open(model: &mut Model, run: &str, keys: &[&str]) {
    press(model, 42, &[run, "enter"]);
    press(model, 42, keys);
}

#[test]
fn one_run() {
    at_all_sizes("run", 42, |model| open(model, IMPORTED, &["right"]));
    at_all_sizes("run-no-verdict", 42, |model| open(model, IMPORTED, &[]));
    at_all_sizes("run-no-json", 42, |model| open(model, IMPORTED, &["right", "down"]));
    at_all_sizes("run-answer", 42, |model| open(model, IMPORTED, &["right", "enter", "jj", "z"]));
    at_all_sizes("run-search", 42, |model| open(model, IMPORTED, &["right", "/", "owner"]));
    at_all_sizes("run-synthesis", 42, |model| open(model, IMPORTED, &["lll"]));
    at_all_sizes("run-attempts", 42, |model| open(model, IMPORTED, &["llll"]));
}

/// The run at work, once whoever drove it is gone: one attempt before was lost as well.
fn killed(model: &mut Model) {
    let mut run = (*detail(41)).clone();
    run.summary.interrupted = true;
    if let Some(settings) = &mut run.settings {
        settings.owner = Owner::Ended;
    }
    run.attempts[2].details.outcome = Some(AttemptEnd::Lost);
    run.attempts[2].completed_at = Some(run.attempts[2].spawned_at.unwrap() + 86_400_000);
    send(model, Msg::Run { id: run.summary.id, run: Ok(Some(run.into())) }, 42);
}

#[test]
fn a_run_that_nobody_drives_any_more() {
    at_all_sizes("runs-interrupted", 42, |model| {
        press(model, 42, &["k"]);
        killed(model);
    });
    at_all_sizes("run-interrupted", 42, |model| {
        open(model, RUNNING, &[]);
        killed(model);
    });
    at_all_sizes("run-interrupted-attempts", 42, |model| {
        open(model, RUNNING, &["llll"]);
        killed(model);
    });
    let later = |model: &mut Model| {
        let before = frame(model);
        model.now_ms += 7_000;
        assert_eq!(frame(model), before, "no clock and no spinner");
    };
    let mut model = model((120, 40), 42);
    open(&mut model, RUNNING, &[]);
    killed(&mut model);
    later(&mut model);
}

#[test]
fn a_verdict_and_what_it_is_made_of() {
    at_all_sizes("runs-verdict", 42, |model| drop(press(model, 42, &["jjjj"])));
    at_all_sizes("run-verdict", 42, |model| open(model, VOTED, &["j"]));
    at_all_sizes("run-verdict-whole", 42, |model| open(model, VOTED, &["jj", "enter"]));
    at_all_sizes("run-diff", 42, |model| open(model, VOTED, &["d"]));
    at_all_sizes("run-diff-next", 42, |model| open(model, VOTED, &["dd", "n"]));
    at_all_sizes("run-timeline", 42, |model| open(model, VOTED, &["h", "jj"]));
}

#[test]
fn a_run_that_runs() {
    at_all_sizes("runs-at-work", 42, |_| {});
    let said = |model: &mut Model| {
        let run = conclave_consensus::runs::RunId(41);
        model.live.begin(run);
        let text = "Reading crates/core/src/lib.rs \u{1b}[2K".to_owned();
        model.live.heard(run, &Event::Line { agent: "claude".into(), text }, model.now_ms);
    };
    at_all_sizes("run-at-work", 42, |model| {
        said(model);
        open(model, RUNNING, &["jj"]);
    });
}

/// The run of this number, whose first agent has answered with nothing that counts.
fn in_words(model: &mut Model, number: i64) {
    let mut run = (*detail(number)).clone();
    let output = &mut run.outputs[0];
    (output.content, output.bytes, output.valid_json) = ("I cannot plan this.".to_owned(), 19, false);
    output.unusable = Some(Unusable::NotJson);
    if let Some(verdict) = &mut run.verdict {
        (verdict.agents[0].usable, verdict.agents[0].why) = (false, Some(Unusable::NotJson));
    }
    send(model, Msg::Run { id: run.summary.id, run: Ok(Some(run.into())) }, 42);
}

#[test]
fn an_answer_that_does_not_count_has_no_check_mark() {
    at_all_sizes("runs-unusable", 42, |model| {
        press(model, 42, &["k"]);
        in_words(model, 41);
    });
    at_all_sizes("run-unusable", 42, |model| {
        open(model, RUNNING, &[]);
        in_words(model, 41);
    });
    at_all_sizes("run-unusable-outputs", 42, |model| {
        open(model, VOTED, &["l"]);
        in_words(model, 37);
    });
    at_all_sizes("run-unusable-attempts", 42, |model| {
        open(model, VOTED, &["h"]);
        in_words(model, 37);
    });
}

#[test]
fn a_gate_and_its_questions() {
    at_all_sizes("run-questions", 42, |model| {
        open(model, VOTED, &[]);
        let id = conclave_consensus::runs::RunId(37);
        send(model, Msg::Gate { id, gate: Some(gate(id).into()) }, 42);
        press(model, 42, &["left", "j"]);
    });
    at_all_sizes("run-questions-reply", 42, |model| {
        open(model, VOTED, &[]);
        let id = conclave_consensus::runs::RunId(37);
        send(model, Msg::Gate { id, gate: Some(gate(id).into()) }, 42);
        press(model, 42, &["a", "until the soak"]);
    });
}

#[test]
fn a_new_run() {
    at_all_sizes("form", 42, |model| drop(press(model, 42, &["n"])));
    at_all_sizes("form-nobody", 42, |model| {
        press(model, 42, &["n"]);
        send(model, Msg::Roster(Ok(Vec::new())), 42);
    });
    at_all_sizes("form-filled", 42, |model| {
        press(model, 42, &["n", "tab", "right", "tab", "Why not?", "down", "down", " "]);
    });
    at_all_sizes("leaving", 42, |model| {
        send(model, Msg::Begun(Ok(conclave_consensus::runs::RunId(41))), 42);
        press(model, 42, &["q"]);
    });
}

#[test]
fn storage() {
    at_all_sizes("storage", 42, |model| drop(press(model, 42, &["6"])));
    at_all_sizes("storage-checked", 42, |model| {
        press(model, 42, &["6"]);
        let row = |name: &str, state, advice: Option<&str>| CheckRow {
            name: name.into(),
            state,
            detail: "as found".into(),
            advice: advice.map(Into::into),
        };
        let checks = vec![
            row("integrity", CheckState::Ok, None),
            row("freelist", CheckState::Warn, Some("run `conclave db vacuum` when nobody needs the disk")),
            row("foreign-keys", CheckState::Fail, Some("restore the newest backup")),
        ];
        send(model, Msg::Worked { work: Work::Doctor, outcome: Ok(Outcome::Checks(checks)) }, 42);
    });
    at_all_sizes("storage-migrating", 42, |model| {
        press(model, 42, &["6"]);
        let now = model.now_ms;
        if let Some(Ok(migration)) = model.storage.numbers.as_mut().map(|numbers| &mut numbers.migration) {
            (migration.phase, migration.phase_name) = (2, "dual-write");
            (migration.backfill.complete, migration.backfill.copied) = (false, 81);
            migration.backfill.remaining = 19;
            migration.mismatches = 2;
            migration.paused = Some(Paused { by: "bob".into(), at: now - 60_000 });
            migration.next.phase = Some(3);
            migration.next.missing =
                vec!["19 legacy rows without their counterpart".into(), "soak 4 d 3 h".into()];
            migration.older_program.writing = true;
            migration.older_program.wal_reset_bug = true;
            migration.older_program.sqlite_version = Some("3.40.1".into());
        }
    });
    at_all_sizes("storage-asks", 42, |model| drop(press(model, 42, &["6", "v"])));
    // The spool is nearly full and something is missing in it; of the cache nothing is known.
    at_all_sizes("storage-stores", 42, |model| {
        let mut shown = stores();
        let spool = shown.spool.as_mut().unwrap();
        let gauge = spool.gauge.as_mut().unwrap();
        (gauge.usage.used, gauge.usage.reserved) = (spool.limits.quota() * 93 / 100, 420_000);
        (gauge.state, gauge.why) = (QuotaState::Soft, Some(Why::Quota));
        let ledger = spool.ledger.as_mut().unwrap();
        for entry in std::iter::once(&mut ledger.total).chain(ledger.monitors.values_mut()) {
            (entry.written, entry.quarantined) = (entry.written + 18, 4);
            entry.dropped = [("quota".to_owned(), 12)].into();
        }
        shown.cache = Err(problem());
        press(model, 42, &["6"]);
        send(model, Msg::Stores(Box::new(shown)), 42);
        press(model, 42, &["G"]);
    });
    at_all_sizes("storage-trims", 42, |model| {
        press(model, 42, &["6", "t"]);
        let files = (0..5).map(|at| format!("agent/20251111-0{at}.ndjson.gz")).collect();
        let plan = Box::new(Trimmed { files, bytes: 52_428_800, used: 0, untrimmable: false });
        send(model, Msg::Worked { work: Work::PlanTrim, outcome: Ok(Outcome::TrimPlan(plan)) }, 42);
    });
}

/// What it is, what leads to it, and what the footer then has of the keys that not every run has.
type Footer<'a> = (&'a str, &'a dyn Fn(&mut Model), &'a [&'a str]);

#[test]
fn the_footer_has_the_keys_that_do_something_to_the_run() {
    let id = conclave_consensus::runs::RunId(37);
    let answered = || {
        let mut gate = gate(id);
        gate.issues.truncate(1);
        gate
    };
    let asks = |model: &mut Model, gate: conclave_consensus::gates::Gate| {
        open(model, VOTED, &[]);
        send(model, Msg::Gate { id, gate: Some(gate.into()) }, 42);
    };
    let cases: [Footer<'_>; 8] = [
        ("driven, in the list", &|model| drop(press(model, 42, &["k"])), &["c cancel"]),
        ("left, in the list", &|model| killed(model), &["c cancel", "r resume"]),
        ("closed, in the list", &|model| drop(press(model, 42, &["jjjj"])), &[]),
        ("driven", &|model| open(model, RUNNING, &[]), &["c cancel"]),
        (
            "left",
            &|model| {
                open(model, RUNNING, &[]);
                killed(model);
            },
            &["c cancel", "r resume"],
        ),
        ("closed", &|model| open(model, VOTED, &[]), &[]),
        ("a gate that asks", &|model| asks(model, gate(id)), &["a answer"]),
        ("a gate that has its answers", &|model| asks(model, answered()), &[]),
    ];
    for (what, change, wanted) in cases {
        let mut model = model((160, 24), 42);
        change(&mut model);
        let drawn = frame(&model);
        let footer = drawn.lines().last().unwrap();
        let found: Vec<&str> =
            ["a answer", "c cancel", "r resume"].into_iter().filter(|hint| footer.contains(hint)).collect();
        assert_eq!(found, wanted, "{what}: {footer}");
    }
    let drawn = frame(&model((160, 24), 0));
    let footer = drawn.lines().last().unwrap();
    assert!(footer.starts_with(" n new run  / filter"), "nothing that needs a run: {footer}");
}

#[test]
fn overlays() {
    at_all_sizes("help", 42, |model| drop(press(model, 42, &["?"])));
    at_all_sizes("help-filtered", 42, |model| drop(press(model, 42, &["?", "export"])));
    at_all_sizes("palette", 42, |model| drop(press(model, 42, &[":"])));
    at_all_sizes("palette-export", 42, |model| drop(press(model, 42, &[":", "runs export 4"])));
    at_all_sizes("needs-you", 42, |model| drop(press(model, 42, &["!"])));
}

#[test]
fn what_needs_someone() {
    at_all_sizes("needs-two", 42, |model| {
        send(model, Msg::Needs(needs()), 42);
        press(model, 42, &["!", "j"]);
    });
    at_all_sizes("storage-needs", 42, |model| {
        send(model, Msg::Needs(needs()), 42);
        press(model, 42, &["6"]);
    });
}

#[test]
fn tasks() {
    let tasks = |name: &str, count: i64, keys: &[&str]| {
        at_all_sizes(name, count, |model| {
            press(model, count, &["3"]);
            press(model, count, keys);
        });
    };
    tasks("tasks", 142, &["jj"]);
    tasks("tasks-empty", 0, &[]);
    tasks("tasks-none-ready", 4, &["tab", "tab"]);
    tasks("tasks-in-progress", 142, &["tab"]);
    tasks("tasks-blocked", 142, &["tab", "tab", "j"]);
    tasks("tasks-closed", 142, &["backtab", "backtab", "G"]);
    tasks("tasks-other", 142, &["backtab", "j"]);
    tasks("tasks-filtered", 142, &["/", "type:bug p:0"]);
    tasks("tasks-none-match", 142, &["/", "foo:bar", "enter"]);
    tasks("tasks-search", 142, &["/", "text:import", "enter"]);
    tasks("tasks-close", 142, &["x"]);
    tasks("tasks-depends", 142, &["d", "bd-0"]);
    tasks("tasks-palette", 142, &[":", "task claim fix"]);
    tasks("task", 142, &["tab", "tab", "enter", "jj"]);
    tasks("task-end", 142, &["tab", "tab", "enter", "G"]);
    tasks("task-missing", 142, &[":", "task show zz", "enter"]);
    tasks("task-new", 142, &["n"]);
    tasks(
        "task-new-filled",
        142,
        &["n", "Why does it hide?", "down", "right", "down", "down", "down", "a, b"],
    );
    tasks("task-edit", 142, &["e", "!"]);
    tasks("task-edit-leave", 142, &["e", "!", "esc"]);
    tasks("task-new-missing", 142, &["n", "enter"]);
    tasks("tasks-help", 142, &["?"]);
    at_all_sizes("tasks-read-only", 142, |model| {
        model.setting.read_only = true;
        press(model, 142, &["3", "enter"]);
    });
    at_all_sizes("tasks-news", 100, |model| {
        press(model, 100, &["3", "jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj"]);
        send(model, Msg::Changed, 142);
    });
    at_all_sizes("tasks-ascii", 142, |model| {
        model.setting.theme.signs = Signs::Ascii;
        press(model, 142, &["3", "tab"]);
    });
}

#[test]
fn agents() {
    let agents = |name: &str, count: i64, keys: &[&str]| {
        at_all_sizes(name, count, |model| {
            press(model, count, &["2"]);
            press(model, count, keys);
        });
    };
    agents("agents", 8, &["j"]);
    agents("agents-empty", 0, &[]);
    agents("agents-many", 60, &["G"]);
    agents("agents-architect", 8, &[]);
    agents("agents-ended", 8, &["jjjjj"]);
    agents("agents-held", 8, &["j", "f"]);
    agents("agents-filtered", 8, &["/", "kind:builder status:impl"]);
    agents("agents-none-match", 8, &["/", "foo:bar", "enter"]);
    agents("agents-stop", 8, &["j", "s"]);
    agents("agents-clean-up", 8, &["jj", "x"]);
    agents("agents-palette", 8, &[":", "stop 00"]);
    agents("agents-help", 8, &["?"]);
    agents("stream", 8, &["j", "enter"]);
    agents("stream-back", 8, &["j", "enter", "g", "jjj"]);
    agents("stream-search", 8, &["j", "enter", "/", "drops"]);
    agents("stream-none", 8, &["enter"]);
    agents("spawn", 8, &["n"]);
    agents("spawn-filled", 8, &["n", "Fix the import", "down", "claude -p 'do it'", "down", " "]);
    agents("spawn-leave", 8, &["n", "x", "esc"]);
    let diff = |name: &str, text: &str| {
        at_all_sizes(name, 8, |model| {
            press(model, 8, &["2", "j"]);
            let outcome = Ok(Outcome::Diff { text: text.into() });
            send(model, Msg::Worked { work: Work::DiffAgent(who("0031")), outcome }, 8);
        });
    };
    diff("agent-diff", crate::ui::fixture::agents::DIFF);
    diff("agent-diff-none", "");
    at_all_sizes("agents-driven", 8, |model| {
        let run = conclave_consensus::runs::RunId(3);
        send(model, Msg::Begun(Ok(run)), 8);
        let started = Event::Started { agent: "gemini".into(), attempt: 1, limit: 3, pid: 777 };
        send(model, Msg::Event { run, event: Box::new(started) }, 8);
        let line = Event::Line { agent: "gemini".into(), text: "Reading src/lib.rs".into() };
        send(model, Msg::Event { run, event: Box::new(line) }, 8);
        press(model, 8, &["2", "G"]);
    });
    at_all_sizes("agents-read-only", 8, |model| {
        model.setting.read_only = true;
        press(model, 8, &["2", "j"]);
    });
    at_all_sizes("agents-ascii", 8, |model| {
        model.setting.theme.signs = Signs::Ascii;
        press(model, 8, &["2", "j"]);
    });
}

#[test]
fn coordination() {
    let leases = |name: &str, count: i64, keys: &[&str]| {
        at_all_sizes(name, count, |model| {
            press(model, count, &["4"]);
            press(model, count, keys);
        });
    };
    leases("leases", 5, &[]);
    leases("leases-empty", 0, &[]);
    leases("leases-many", 60, &["G"]);
    leases("leases-filtered", 5, &["/", "mode:excl"]);
    leases("leases-none-match", 5, &["/", "foo:bar", "enter"]);
    leases("leases-break", 5, &["R"]);
    leases("leases-break-shared", 5, &["jj", "R"]);
    leases("leases-palette", 5, &[":", "lease status sch"]);
    leases("leases-help", 5, &["?"]);
    leases("lease", 5, &["enter"]);
    leases("lease-shared", 5, &["jj", "enter", "j"]);
    at_all_sizes("leases-trouble", 5, |model| {
        press(model, 5, &["4"]);
        let found = &mut model.coordination.found;
        (found.ports, found.problem) = (None, Some(problem()));
    });
    at_all_sizes("leases-read-only", 5, |model| {
        model.setting.read_only = true;
        press(model, 5, &["4"]);
    });
}

#[test]
fn hosts() {
    let hosts = |name: &str, count: i64, keys: &[&str]| {
        at_all_sizes(name, count, |model| {
            press(model, count, &["5"]);
            press(model, count, keys);
        });
    };
    hosts("hosts", 4, &[]);
    hosts("hosts-closed", 4, &["j"]);
    hosts("hosts-fallback", 4, &["G"]);
    hosts("hosts-empty", 0, &[]);
    hosts("hosts-many", 40, &["jjjjj"]);
    hosts("hosts-open", 4, &["j", "o"]);
    hosts("hosts-check", 4, &["c"]);
    hosts("hosts-palette", 4, &[":", "host reset s"]);
    hosts("hosts-help", 4, &["?"]);
    hosts("host-calls", 4, &["enter"]);
    hosts("host-calls-none", 4, &["G", "enter"]);
    hosts("ask", 4, &["a"]);
    hosts("ask-filled", 4, &["j", "a", "Why's that?", "down", "right", "down", "qwen3:8b"]);
    hosts("ask-leave", 4, &["a", "x", "esc"]);
    let asked = |name: &str, then: &dyn Fn(&mut Model)| {
        at_all_sizes(name, 4, |model| {
            press(model, 4, &["5", "a", "Why does the list jump under the cursor?", "enter"]);
            model.now_ms += 12_000;
            then(model);
        });
    };
    let text = "It is read again while you look:\n\n1. the rows are made anew,\n2. the cursor keeps its number, \
                and not its row.\n\nKeep the row \u{1b}[31m instead, and the place of it on the screen.\n";
    let come = |model: &mut Model, piece| drop(send(model, Msg::Answering { number: 1, piece }, 4));
    asked("answer-asking", &|_| {});
    asked("answer-coming", &|model| come(model, Piece::Text(text[..90].to_owned())));
    asked("answer", &|model| {
        come(model, Piece::Text(text[..90].to_owned()));
        come(model, answered(text));
    });
    asked("answer-failed", &|model| come(model, failed("", false)));
    asked("answer-cut", &|model| come(model, failed("It is read", false)));
    asked("answer-taken-back", &|model| {
        come(model, Piece::Text(text[..90].to_owned()));
        press(model, 4, &["esc"]);
        come(model, failed(&text[..90], true));
    });
    asked("hosts-asking", &|model| drop(press(model, 4, &["5"])));
    at_all_sizes("hosts-trouble", 4, |model| {
        press(model, 4, &["5"]);
        model.hosts.found.problem = Some(problem());
    });
    at_all_sizes("hosts-no-configuration", 0, |model| {
        press(model, 0, &["5"]);
        model.hosts.found.problem = Some(problem());
    });
    at_all_sizes("hosts-read-only", 4, |model| {
        model.setting.read_only = true;
        press(model, 4, &["5"]);
    });
    at_all_sizes("hosts-ascii", 4, |model| {
        model.setting.theme.signs = Signs::Ascii;
        press(model, 4, &["5"]);
    });
}

#[test]
fn what_is_asked_for_and_is_not_there_is_told_as_that() {
    for (keys, said) in [
        (&[":", "runs show 99", "enter"][..], "There is no such run"),
        (&[":", "zzz"], "nothing is called zzz"),
        (&["/", "foo:bar", "enter"], "There is no field foo; the fields are spec,"),
    ] {
        let mut model = model((80, 24), 42);
        press(&mut model, 42, keys);
        assert!(frame(&model).contains(said), "{keys:?}:\n{}", frame(&model));
    }
}

#[test]
fn the_top_line_says_which_project_this_is() {
    let mut model = model((80, 24), 42);
    assert!(frame(&model).lines().next().unwrap().ends_with(" project"));
    let (root, database) = ("/tmp/conclave-demo-x".to_owned(), "/tmp/conclave-demo-x/state.db".to_owned());
    let moved = Outcome::Moved { root, database, said: "moved".to_owned(), drive: None };
    send(&mut model, Msg::Worked { work: Work::Demo, outcome: Ok(moved) }, 42);
    assert!(frame(&model).lines().next().unwrap().ends_with(" conclave-demo-x"));
}

#[test]
fn pages_without_a_usable_state() {
    for size in SIZES {
        let mut absent = opening(size);
        check("opening", &absent);
        send(&mut absent, Msg::Opened(Opened::Absent), 0);
        check("welcome", &absent);
        press(&mut absent, 0, &["m", "/tmp/old.db"]);
        check("welcome-import", &absent);
        let mut broken = opening(size);
        send(&mut broken, Msg::Opened(Opened::Failed(problem())), 0);
        check("trouble", &broken);
    }
}

#[test]
fn what_is_said_stands_above_the_footer() {
    at_all_sizes("notice", 42, |model| drop(send(model, Msg::ReadFailed(problem()), 42)));
    at_all_sizes("working", 42, |model| {
        press(model, 42, &["6", "v", "y"]);
        send(model, Msg::Progress { done: 30, total: 120, phase: "pages freed" }, 42);
    });
}

#[test]
fn without_unicode_nothing_but_ascii_is_drawn() {
    for keys in [
        &["6"][..],
        &["enter"],
        &["?"],
        &[":"],
        &["/", "x"],
        &["6", "b"],
        &["3"],
        &["3", "tab", "tab", "enter"],
        &["3", "n"],
        &["2", "j"],
        &["2", "j", "enter"],
        &["2", "n"],
        &["4"],
        &["4", "enter"],
        &["5"],
        &["5", "enter"],
        &["5", "a"],
        &["5", "a", "x", "enter"],
    ] {
        let mut model = model((80, 24), 42);
        model.setting.theme.signs = Signs::Ascii;
        press(&mut model, 42, keys);
        let drawn = frame(&model);
        assert!(drawn.is_ascii(), "{keys:?}:\n{drawn}");
    }
}

#[test]
fn too_small_a_terminal_says_what_it_needs() {
    for size in [(39, 10), (40, 9), (30, 6), (8, 1), (1, 1), (0, 0)] {
        let drawn = frame(&model(size, 42));
        assert!(size.0 < 12 || drawn.contains("needs 40×10"), "{size:?}: {drawn}");
    }
}

#[test]
fn a_frame_of_a_model_that_has_not_heard_of_a_resize_is_cut() {
    let mut large = model((120, 40), 42);
    large.storage.numbers = Some(numbers());
    for keys in [
        &[][..],
        &["?"],
        &["esc", ":"],
        &["esc", "6"],
        &["v"],
        &["esc", "1", "enter"],
        &["2", "j"],
        &["enter"],
        &["4"],
        &["enter"],
        &["5"],
        &["enter"],
        &["a", "x"],
        &["enter"],
    ] {
        press(&mut large, 42, keys);
        for (columns, lines) in [(40, 10), (80, 24), (3, 2)] {
            let mut terminal =
                ratatui::Terminal::new(ratatui::backend::TestBackend::new(columns, lines)).unwrap();
            terminal.draw(|frame| super::render(&large, frame)).unwrap();
        }
    }
}
