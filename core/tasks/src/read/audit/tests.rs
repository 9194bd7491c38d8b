use super::{attempts, audit};
use crate::error::TaskErrorKind;
use crate::testing::{Store, line};
use crate::work::{Attempt, Change, Set, update};

#[test]
fn the_newest_change_comes_first_and_stays_when_the_task_is_gone() {
    let store = Store::with(&line("a", ""));
    store.clock.set_wall_ms(1_769_904_000_000);
    let unchanged = audit(&store.db, "a", None).unwrap_err();
    assert_eq!(unchanged.kind(), TaskErrorKind::NotFound);
    let long = "x".repeat(100_000);
    let tried = Change { error: Set::To(long.clone()), attempt: Some(Attempt::Next), ..Change::default() };
    update(&store.db, "ann", &["a".to_owned()], tried).unwrap();
    let done = Change {
        status: Some("closed".into()),
        result: Set::To("works".into()),
        attempt: Some(Attempt::Next),
        ..Change::default()
    };
    update(&store.db, "ben", &["a".to_owned()], done).unwrap();
    let tries = attempts(&store.db, "a").unwrap();
    let seen: Vec<_> =
        tries.iter().map(|row| (row.attempt, row.who.as_str(), row.error.as_deref())).collect();
    assert_eq!(seen, [(2, "ben", None), (1, "ann", Some(long.as_str()))]);
    store.execute("DELETE FROM tasks");
    let rows = audit(&store.db, "a", None).unwrap();
    assert_eq!(rows.iter().map(|row| row.who.as_str()).collect::<Vec<_>>(), ["ben", "ann"]);
    assert_eq!(
        (rows[0].old_status.as_deref(), rows[0].new_status.as_deref()),
        (Some("open"), Some("closed"))
    );
    assert_eq!(audit(&store.db, "a", Some(1)).unwrap(), rows[..1]);
    assert_eq!(attempts(&store.db, "a").unwrap().len(), 2);
    assert_eq!(attempts(&store.db, "b").unwrap_err().kind(), TaskErrorKind::NotFound);
}
