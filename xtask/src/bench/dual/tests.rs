//! Targets by the disk, and that both contenders do what their names say.

use std::time::Duration;

use super::{CONDITIONS, Side, Target, Window, content, target, write};

#[test]
fn a_slow_disk_is_asked_for_less_overhead() {
    let [(_, _, one), (_, _, many)] = CONDITIONS;
    for (targets, sync_us, wanted) in [(one, 999, 2.5), (one, 1000, 1.3), (many, 999, 3.5), (many, 1000, 3.5)]
    {
        let wanted = format!("{:?}", Target::RatioAtMost(wanted));
        assert_eq!(format!("{:?}", target(targets, sync_us)), wanted, "{sync_us}");
    }
}

#[test]
fn the_content_is_two_kibibytes_of_json() {
    let content = content();
    assert!((2040..=2048).contains(&content.len()), "{}", content.len());
    assert!(serde_json::from_slice::<serde_json::Value>(&content).is_ok());
}

/// That each write made its rows on its sides is checked by `write` itself.
#[test]
fn both_sides_get_their_rows() {
    let window = Window { warm: Duration::ZERO, measured: Duration::from_millis(20) };
    for side in [Side::Both, Side::Legacy] {
        let folder = tempfile::tempdir().unwrap();
        let load = write(&folder.path().join("state.db"), side, 2, window).unwrap();
        assert_eq!(load.errors, 0, "{side:?}: {:?}", load.first_error);
    }
}
