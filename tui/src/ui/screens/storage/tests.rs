//! What the storage screen starts, and that it asks first.

use crate::ui::effect::{Effect, Work};
use crate::ui::fixture::{frame, model, press};

#[test]
fn everything_that_changes_the_file_asks_first() {
    for (key, work) in [
        ("v", Work::Vacuum),
        ("b", Work::Backup),
        ("c", Work::Checkpoint),
        ("C", Work::Convert),
        ("B", Work::Backfill),
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
