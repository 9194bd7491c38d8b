//! Which values are taken.

use super::{actor, limit, rows};

#[test]
fn limits_begin_at_one() {
    assert_eq!(limit("1"), Ok(1));
    assert_eq!(rows("18"), Ok(18));
    for bad in ["0", "-1", "", "x", "1.5", "99999999999999999999999"] {
        assert!(limit(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn actors_are_short_plain_names() {
    let longest = "x".repeat(64);
    for good in ["ana", "claude-2", "ci/4:a@b+c.d_E", longest.as_str()] {
        assert_eq!(actor(good).as_deref(), Ok(good));
    }
    for bad in ["", "a b", "ä", "a\n", "x;y", &"x".repeat(65)] {
        assert!(actor(bad).is_err(), "{bad:?}");
    }
}
