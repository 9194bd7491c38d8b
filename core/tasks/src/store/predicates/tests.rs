//! What is said once.

use super::{NEVER, WORKABLE};

#[test]
fn what_is_never_ready_is_said_once() {
    assert!(WORKABLE.ends_with(&format!(" AND NOT {}", *NEVER)), "{}", *WORKABLE);
}
