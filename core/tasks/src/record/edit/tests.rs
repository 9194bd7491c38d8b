use super::*;

/// The moment of all changes here, and its text.
const NOW: i64 = 1_767_323_045_006;
const THEN: &str = "2026-01-02T03:04:05.006Z";

/// Reads `before`, changes it, and compares, `NOW` standing for the time of the change. Both are without
/// `updated_at`, which is added.
#[track_caller]
fn check(before: &str, change: impl FnOnce(&mut Edit), after: &str) {
    let record = Record::read(before.as_bytes()).unwrap();
    let mut edit = record.edit();
    change(&mut edit);
    let changed = edit.finish(Moment::from_ms(NOW)).unwrap();
    assert_eq!(std::str::from_utf8(changed.bytes()).unwrap(), after.replace("NOW", THEN));
}

#[test]
fn a_changed_value_is_replaced_in_place_and_a_new_key_comes_last() {
    check(
        r#"{"id":"a","status":"open","x":1e3}"#,
        |edit| {
            edit.set_text("close_reason", "done").set_text("status", "closed").set_text("closed_at", "t");
        },
        r#"{"id":"a","status":"closed","x":1e3,"updated_at":"NOW","closed_at":"t","close_reason":"done"}"#,
    );
}
