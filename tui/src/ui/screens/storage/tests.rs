//! What the storage screen starts, and that it asks first.

use crate::ui::effect::{Effect, Work};
use crate::ui::fixture::{frame, model, press, send};
use crate::ui::message::{Msg, Outcome};

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
