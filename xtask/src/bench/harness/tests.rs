//! Turns and patterns.

use super::Harness;

#[test]
fn each_contender_runs_in_each_repeat_in_another_place() {
    let mut order = Vec::new();
    let measured = Harness::in_turns(3, 3, |contender| {
        order.push(contender);
        Ok(order.len())
    })
    .unwrap();
    assert_eq!(order, [0, 1, 2, 1, 2, 0, 2, 0, 1]);
    assert_eq!(measured, [[1, 6, 8], [2, 4, 9], [3, 5, 7]]);
}

#[test]
fn a_pattern_is_part_of_row_and_condition() {
    let wants = |only: Option<&str>| Harness::new(true, only).wants("durable writes", "8 threads");
    assert!(wants(None));
    assert!(wants(Some("durable")));
    assert!(wants(Some("Writes: 8")));
    assert!(!wants(Some("64")));
}
