use conclave_leases::LeaseName;
use serde_json::json;

use super::Line;

fn name(text: &str) -> LeaseName {
    LeaseName::parse(text).unwrap()
}

#[test]
fn one_name_is_not_named_and_several_are() {
    let one = Line::new(true).with("expires_utc_ms", 5).fences(&[(name("a"), 7)]);
    assert_eq!(one.text(), "success=true,expires_utc_ms=5,fence=7\n");
    let leases = json!([{ "lock_name": "a", "fence": 7 }]);
    assert_eq!(one.object(), json!({ "success": true, "expires_utc_ms": 5, "fence": 7, "leases": leases }));
    let two = Line::new(true).fences(&[(name("b"), 1), (name("a"), 2)]);
    assert_eq!(two.text(), "success=true,lock_name=b,fence=1,lock_name=a,fence=2\n");
    let leases = json!([{ "lock_name": "b", "fence": 1 }, { "lock_name": "a", "fence": 2 }]);
    assert_eq!(two.object(), json!({ "success": true, "leases": leases }));
}

#[test]
fn no_name_looks_like_another_pair() {
    let line = Line::new(true).fences(&[(name("a,owner_token=x%2C"), 1), (name("b\u{202e}c"), 2)]);
    assert_eq!(
        line.text(),
        "success=true,lock_name=a%2Cowner_token%3Dx%252C,fence=1,lock_name=b<U+202E>c,fence=2\n"
    );
}
