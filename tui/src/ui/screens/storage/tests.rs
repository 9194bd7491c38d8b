//! What the storage screen starts, and that it asks first.

use conclave_spool::trim::Trimmed;

use crate::ui::effect::{Effect, Read, Work};
use crate::ui::fixture::{frame, model, press, send, stores};
use crate::ui::message::{Msg, Outcome};
use crate::ui::model::Screen;
use crate::ui::update::update;

#[test]
fn everything_that_changes_the_file_asks_first() {
    for (key, work) in [
        ("v", Work::Vacuum),
        ("b", Work::Backup),
        ("c", Work::Checkpoint),
        ("C", Work::Convert),
        ("B", Work::Backfill),
        (">", Work::Advance { confirm: false }),
        ("<", Work::RollBack),
    ] {
        let mut model = model((80, 24), 9);
        press(&mut model, 9, &["6"]);
        if let Some(Ok(file)) = model.storage.numbers.as_mut().map(|numbers| &mut numbers.file) {
            file.incremental = work != Work::Convert;
        }
        assert_eq!(press(&mut model, 9, &[key]), []);
        assert_eq!(press(&mut model, 9, &["enter"]), [], "the safe answer is the default");
        assert_eq!(press(&mut model, 9, &[key, "y"]), [Effect::Work(work)]);
    }
    let mut converted = model((80, 24), 9);
    assert_eq!(press(&mut converted, 9, &["6", "C"]), []);
    assert!(converted.overlay.is_none() && frame(&converted).contains("nothing to convert"));
    let mut model = model((80, 24), 9);
    assert_eq!(press(&mut model, 9, &["6", "D"]), [Effect::Work(Work::Doctor)]);
    let mut model = crate::ui::fixture::model((80, 24), 9);
    assert_eq!(press(&mut model, 9, &["6", "V"]), [Effect::Work(Work::Verify)]);
}

/// The last step is asked for in its own words, and agreed to by that.
#[test]
fn the_next_step_is_asked_for_by_its_name() {
    let at = |next: Option<u8>| {
        let mut model = model((80, 24), 9);
        press(&mut model, 9, &["6"]);
        if let Some(Ok(migration)) = model.storage.numbers.as_mut().map(|numbers| &mut numbers.migration) {
            migration.next.phase = next;
        }
        model
    };
    let mut model = at(Some(5));
    assert_eq!(press(&mut model, 9, &[">"]), []);
    assert!(frame(&model).contains("Drop the three legacy tables"));
    assert_eq!(press(&mut model, 9, &["y"]), [Effect::Work(Work::Advance { confirm: true })]);
    let mut model = at(None);
    assert_eq!(press(&mut model, 9, &[">"]), []);
    assert!(frame(&model).contains("the migration is at its end"));
}

/// A pause is there to stop work that goes on, so it waits for none.
#[test]
fn a_pause_does_not_wait_for_the_work_that_it_stops() {
    let mut model = model((80, 24), 9);
    assert_eq!(press(&mut model, 9, &["6", "B", "y"]), [Effect::Work(Work::Backfill)]);
    assert_eq!(press(&mut model, 9, &["p"]), [Effect::Work(Work::Pause)]);
    let told = Outcome::Said("paused".into());
    send(&mut model, Msg::Worked { work: Work::Pause, outcome: Ok(told) }, 9);
    assert!(model.working.is_some(), "the backfill says itself when it ends");
}

/// A flush takes nothing away, and a trim is asked for in the names of what would go.
#[test]
fn a_trim_names_what_goes() {
    let mut model = model((80, 24), 9);
    assert_eq!(press(&mut model, 9, &["6", "f"]), [Effect::Work(Work::FlushSpool)]);
    let done = Outcome::Said("spool: 3 events taken in from 1 file".into());
    let effects = update(&mut model, Msg::Worked { work: Work::FlushSpool, outcome: Ok(done) });
    assert!(effects.contains(&Effect::Read(Read::Stores)), "{effects:?}");
    let planned = |model: &mut crate::ui::model::Model, files: usize, untrimmable| {
        let files: Vec<String> = (0..files).map(|at| format!("agent/20251111-0{at}.ndjson.gz")).collect();
        let plan = Trimmed { files, bytes: 3 << 20, used: 1, untrimmable };
        send(model, Msg::Worked { work: Work::PlanTrim, outcome: Ok(Outcome::TrimPlan(Box::new(plan))) }, 9)
    };
    assert_eq!(press(&mut model, 9, &["t"]), [Effect::Work(Work::PlanTrim)]);
    assert_eq!(planned(&mut model, 5, false), []);
    let asked = frame(&model);
    assert!(asked.contains("Remove 5 imported files, 3.0 MiB? agent/20251111-00.ndjson.gz,"), "{asked}");
    assert!(asked.contains("and 2 more"), "{asked}");
    assert_eq!(press(&mut model, 9, &["enter"]), [], "the safe answer is the default");
    press(&mut model, 9, &["t"]);
    planned(&mut model, 1, false);
    assert_eq!(press(&mut model, 9, &["y"]), [Effect::Work(Work::TrimSpool)]);
    let mut model = crate::ui::fixture::model((80, 24), 9);
    press(&mut model, 9, &["6", "t"]);
    planned(&mut model, 0, false);
    assert!(model.overlay.is_none() && frame(&model).contains("nothing to trim: less is used"));
    planned(&mut model, 0, true);
    assert!(model.overlay.is_none() && frame(&model).contains("nothing to trim: what is left"));
    press(&mut model, 9, &["t", "1"]);
    planned(&mut model, 5, false);
    assert!(model.overlay.is_none(), "nobody is asked on another screen");
}

#[test]
fn clearing_the_cache_asks_first() {
    let mut model = model((80, 24), 9);
    assert_eq!(press(&mut model, 9, &["6", "x"]), []);
    assert!(frame(&model).contains("Take 9,120 entries out of the parse cache?"));
    assert_eq!(press(&mut model, 9, &["enter"]), [], "the safe answer is the default");
    assert_eq!(press(&mut model, 9, &["x", "y"]), [Effect::Work(Work::ClearCache)]);
    let mut model = crate::ui::fixture::model((80, 24), 9);
    let mut none = stores();
    none.cache = Ok(None);
    press(&mut model, 9, &["6"]);
    model.storage.stores = Some(none);
    press(&mut model, 9, &["x"]);
    assert!(model.overlay.is_none() && frame(&model).contains("there is no cache yet"));
}

#[test]
fn the_palette_has_the_words_of_the_command_line() {
    for (words, work) in [("spool flush", Work::FlushSpool), ("spool trim", Work::PlanTrim)] {
        let mut model = model((80, 24), 9);
        assert_eq!(press(&mut model, 9, &[":", words, "enter"]), [Effect::Work(work)]);
        assert_eq!(model.screen, Screen::Storage);
    }
    let mut model = model((80, 24), 9);
    assert_eq!(press(&mut model, 9, &[":", "cache clear", "enter", "y"]), [Effect::Work(Work::ClearCache)]);
}

/// The footer has the keys that would do something.
#[test]
fn the_footer_has_the_keys_of_what_is_there() {
    let footer = |change: fn(&mut crate::ui::screens::storage::Stores)| {
        let mut model = model((120, 40), 9);
        press(&mut model, 9, &["6"]);
        let mut shown = stores();
        change(&mut shown);
        model.storage.stores = Some(shown);
        frame(&model).lines().last().unwrap().to_owned()
    };
    let all = footer(|stores| {
        let spool = stores.spool.as_mut().unwrap();
        spool.gauge.as_mut().unwrap().usage.used = spool.limits.quota() * 80 / 100;
    });
    assert!(["f flush", "t trim", "x clear cache"].iter().all(|hint| all.contains(hint)), "{all}");
    let below = footer(|_| {});
    assert!(!below.contains("t trim") && below.contains("f flush"), "nothing would go: {below}");
    let none = footer(|stores| {
        stores.cache = Ok(None);
        stores.spool.as_mut().unwrap().gauge.as_mut().unwrap().usage = <_>::default();
    });
    assert!(!["flush", "trim", "clear"].iter().any(|hint| none.contains(hint)), "{none}");
    let mut model = model((120, 40), 9);
    model.setting.read_only = true;
    press(&mut model, 9, &["6"]);
    let reading = frame(&model).lines().last().unwrap().to_owned();
    assert!(!["flush", "trim", "clear"].iter().any(|hint| reading.contains(hint)), "{reading}");
    for key in ["f", "t", "x"] {
        assert_eq!(press(&mut model, 9, &[key]), []);
    }
}

/// Nothing is read for a screen that is not in front, and no frame is drawn for what is shown already.
#[test]
fn spool_and_cache_are_read_again_only_when_they_are_seen() {
    let mut model = model((80, 24), 9);
    model.dirty = false;
    assert_eq!(update(&mut model, Msg::StoresChanged), []);
    press(&mut model, 9, &["6"]);
    model.dirty = false;
    assert_eq!(update(&mut model, Msg::StoresChanged), [Effect::Read(Read::Stores)]);
    assert_eq!(update(&mut model, Msg::Stores(Box::new(stores()))), []);
    assert!(!model.dirty);
    let mut other = stores();
    other.cache = Ok(None);
    update(&mut model, Msg::Stores(Box::new(other)));
    assert!(model.dirty);
    let again = update(&mut model, Msg::Changed);
    assert!(again.contains(&Effect::Read(Read::Stores)), "{again:?}");
}
