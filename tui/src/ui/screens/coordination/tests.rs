//! The screen of leases, by what it shows and what it asks for.

use crate::ui::effect::{Effect, Read, Work};
use crate::ui::fixture::coordination::found;
use crate::ui::fixture::{frame, model, press, send};
use crate::ui::keymap::Place;
use crate::ui::message::Msg;
use crate::ui::model::{Model, Notice};
use crate::ui::overlay::Overlay;
use crate::ui::update::update;

const COUNT: i64 = 5;

fn on(keys: &[&str]) -> Model {
    let mut model = model((80, 24), COUNT);
    press(&mut model, COUNT, &["4"]);
    press(&mut model, COUNT, keys);
    model
}

fn asks(model: &Model) -> String {
    match &model.overlay {
        Some(Overlay::Ask { question, .. }) => question.clone(),
        other => format!("{other:?}"),
    }
}

fn chosen(model: &Model) -> &str {
    &model.coordination.rows[model.coordination.cursor.selected].name
}

#[test]
fn a_lease_is_broken_only_by_who_says_so() {
    let mut model = on(&["R"]);
    assert_eq!(
        asks(&model),
        "Break the lease \"release\"? ci-4 (41118) holds it, is not told, and loses it."
    );
    assert_eq!(press(&mut model, COUNT, &["enter"]), []);
    let work = Work::BreakLease { name: "release".into(), fences: vec![118], global: false };
    assert_eq!(press(&mut model, COUNT, &["R", "y"]), [Effect::Work(work.clone())]);
    let outcome = Ok(crate::ui::message::Outcome::Said("release is free".into()));
    assert!(update(&mut model, Msg::Worked { work, outcome }).contains(&Effect::Read(Read::Coordination)));
    press(&mut model, COUNT, &["jj", "R"]);
    assert!(asks(&model).contains("reader-199 (41199), reader-200 (41200), reader-201 (41201) hold it"));
    press(&mut model, COUNT, &["n", "j", "R"]);
    assert!(model.overlay.is_none(), "nobody holds it any more");
    press(&mut model, COUNT, &["j", "R"]);
    assert!(asks(&model).contains("of the whole machine"));
    let fences = model.coordination.rows[model.coordination.cursor.selected].held().map(|grant| grant.fence);
    let work = Work::BreakLease { name: "gpu-0".into(), fences: fences.collect(), global: true };
    assert_eq!(press(&mut model, COUNT, &["y"]), [Effect::Work(work)]);
    model.setting.read_only = true;
    press(&mut model, COUNT, &["R"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "read-only"));
}

#[test]
fn the_countdown_goes_on_by_itself_and_asks_again() {
    let mut model = on(&[]);
    assert!(frame(&model).contains("0:41"));
    model.now_ms += 2_000;
    assert!(frame(&model).contains("0:39"));
    assert!(model.ticks());
    assert_eq!(update(&mut model, Msg::Tick), [Effect::Read(Read::Coordination)]);
    update(&mut model, Msg::Coordination(Box::new(found(0))));
    assert!(!model.ticks());
    assert_eq!(update(&mut model, Msg::Tick), []);
}

#[test]
fn the_machine_wide_file_is_read_again_only_where_it_is_seen() {
    let mut model = on(&[]);
    assert_eq!(update(&mut model, Msg::GlobalChanged), [Effect::Read(Read::Coordination)]);
    press(&mut model, COUNT, &["1"]);
    model.dirty = false;
    assert_eq!(update(&mut model, Msg::GlobalChanged), []);
    assert!(!model.dirty);
}

#[test]
fn who_holds_and_who_waits_is_seen_in_full() {
    let mut model = on(&["enter"]);
    assert_eq!(model.place(), Place::Lease);
    let drawn = frame(&model);
    for part in [
        "release  lease of this project",
        "ci-4, process 41118",
        "exclusive, fence 118, 0:41 left",
        "2 wait, the first first",
        "ana, process 42001",
    ] {
        assert!(drawn.contains(part), "{part}:\n{drawn}");
    }
    press(&mut model, COUNT, &["esc", "jjj", "enter"]);
    assert!(frame(&model).contains("it is over, until somebody takes it"));
    // The details of another are not what was opened.
    let mut others = found(COUNT);
    others.leases.remove(3);
    update(&mut model, Msg::Coordination(Box::new(others)));
    assert_eq!(model.place(), Place::Leases);
}

#[test]
fn the_filter_and_the_palette_find_leases() {
    let mut model = on(&["/", "where:global", "enter"]);
    assert_eq!((model.coordination.rows.len(), chosen(&model)), (1, "gpu-0"));
    press(&mut model, COUNT, &["esc", "/", "claude", "enter"]);
    assert_eq!(chosen(&model), "release", "one who waits");
    press(&mut model, COUNT, &["esc", "/", "x:y", "enter"]);
    assert!(frame(&model).contains("There is no field x"), "{}", frame(&model));
    press(&mut model, COUNT, &["esc", "1", ":", "lease status schema", "enter"]);
    assert_eq!((model.place(), chosen(&model)), (Place::Lease, "schema"));
    press(&mut model, COUNT, &[":", "lease break nothing", "enter"]);
    assert!(matches!(&model.notice, Some(Notice::Problem(problem)) if problem.kind == "not-found"));
    press(&mut model, COUNT, &["1", ":", "leases", "enter"]);
    assert_eq!(model.place(), Place::Leases);
    let copied = press(&mut model, COUNT, &["j", "y"]);
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if text == chosen(&model)));
}

#[test]
fn the_cursor_stays_on_its_lease() {
    let mut model = on(&["jj"]);
    let mut others = found(COUNT);
    others.leases.remove(0);
    send(&mut model, Msg::Coordination(Box::new(others)), COUNT);
    assert_eq!(chosen(&model), "cache-rebuild");
}
