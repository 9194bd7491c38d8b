//! The document, and that a difference is noticed where it is.

use super::{compare, document};

#[test]
fn the_document_has_every_table_and_is_the_same_each_time() {
    let made = document().unwrap();
    for (file, table) in [
        ("state.db", "consensus_runs"),
        ("state.db", "agent_outputs"),
        ("state.db", "lease_fences"),
        ("global.db", "lease_fences"),
        ("global.db", "port_allocations"),
    ] {
        let heading = format!("### `{file}`: `{table}`\n\n```sql\nCREATE TABLE {table}");
        assert!(made.contains(&heading), "{heading}: {made}");
    }
    assert_eq!(made, document().unwrap());
    assert_eq!(made.matches("```").count() % 2, 0);
}

#[test]
fn a_difference_is_found_on_its_line() {
    assert_eq!(compare("a\nb\n", "a\nb\n"), None);
    assert_eq!(compare("a\nb\n", "a\nc\n").map(|finding| finding.line), Some(2));
    assert_eq!(compare("", "a\n").map(|finding| finding.line), Some(1));
}
