use super::find;
use crate::error::TaskError;
use crate::testing::{Store, line};

fn store() -> Store {
    let ids = [
        "bd-a3f8",
        "bd-a3f8.1",
        "bd-a3f9",
        "bd-b1c2",
        "my-proj-k7x",
        "other-b1c2",
        "bd-x%y1",
        "bd-xzy1",
        "bd-Q1w2",
        "b",
    ];
    let lines: String = ids.iter().map(|id| line(id, "")).collect();
    let gone = ["bd-a3fa", "bd-d9d9"].map(|id| line(id, "\"status\":\"tombstone\""));
    Store::with(&(lines + &gone.concat()))
}

#[test]
fn a_short_form_is_understood_where_only_one_is_meant() {
    let store = store();
    for (text, id) in [
        ("bd-a3f8", "bd-a3f8"),
        ("b", "b"),
        ("a3f8", "bd-a3f8"),
        ("a3f8.1", "bd-a3f8.1"),
        ("a3f9", "bd-a3f9"),
        ("bd-b", "bd-b1c2"),
        ("k7", "my-proj-k7x"),
        ("my-", "my-proj-k7x"),
        ("bd-x%", "bd-x%y1"),
        ("Q1", "bd-Q1w2"),
        // A tombstone where nothing else is meant.
        ("d9", "bd-d9d9"),
        ("bd-a3fa", "bd-a3fa"),
    ] {
        assert_eq!(find(&store.db, text).unwrap(), id, "{text}");
    }
}

#[test]
fn what_several_have_is_ambiguous_and_what_none_has_is_not_found() {
    let store = store();
    for (text, among) in [
        ("a3f", &["bd-a3f8", "bd-a3f8.1", "bd-a3f9"][..]),
        ("b1c2", &["bd-b1c2", "other-b1c2"]),
        ("bd-x", &["bd-x%y1", "bd-xzy1"]),
    ] {
        let error = find(&store.db, text).unwrap_err();
        let TaskError::Ambiguous { given, candidates, .. } = &error else { panic!("{text}: {error}") };
        assert_eq!(
            (given.as_str(), candidates.as_slice()),
            (text, among.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>().as_slice())
        );
    }
    for text in ["", "q1", "%", "_", "*", "bd-a3f8.2", "zzz", "BD-A3F8", "\0", "\u{10ffff}"] {
        assert!(matches!(find(&store.db, text), Err(TaskError::NotFound { .. })), "{text:?}");
    }
}

#[test]
fn no_more_than_ten_are_named() {
    let lines: String = (0..40).map(|number| line(&format!("bd-a{number:02}"), "")).collect();
    let store = Store::with(&lines);
    let error = find(&store.db, "a").unwrap_err();
    assert!(error.to_string().ends_with(", bd-a09 and 30 more"), "{error}");
    let TaskError::Ambiguous { candidates, .. } = error else { panic!("not ambiguous: {error}") };
    assert_eq!((candidates.len(), candidates[9].as_str()), (10, "bd-a09"));
}

#[test]
fn a_task_goes_before_those_below_it() {
    let ids = [
        "bd-98c4-old",
        "bd-98c4e1fa",
        "bd-98c4e1fa.1",
        "bd-98c4e1fa.1.2",
        "bd-98c4e1fa.10",
        "bd-77aa",
        "bd-77aab",
    ];
    let lines: String = ids.iter().map(|id| line(id, "")).collect();
    let store = Store::with(&lines);
    for text in ["98c4e", "bd-98c4e"] {
        assert_eq!(find(&store.db, text).unwrap(), "bd-98c4e1fa", "{text}");
    }
    // Its children alone, something beside it, and an id that only begins with the same letters.
    for text in ["98c4e1fa.", "bd-98c4", "77a"] {
        assert!(matches!(find(&store.db, text), Err(TaskError::Ambiguous { .. })), "{text}");
    }
}
