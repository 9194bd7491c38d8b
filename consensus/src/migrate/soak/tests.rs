//! How much of a soak has passed, whatever the clocks do.

use std::time::Duration;

use super::{DAY, LateWrites, Moment, Seen, Soak, SoakStatus, in_words};
use crate::store::control::Phase;

const HOUR: i64 = 3_600_000;
/// When the soak begins by the wall clock.
const BEGIN: i64 = 1_762_828_400_000;

fn moment(boot: &str, wall_hours: i64, boot_hours: i64) -> Moment {
    Moment { wall_ms: BEGIN + wall_hours * HOUR, boot: boot.into(), boot_ms: boot_hours * HOUR }
}

fn begun(at: &Moment) -> Seen {
    Seen {
        since: Some(at.wall_ms),
        passed_ms: 0,
        at: Some(at.wall_ms),
        boot: Some(at.boot.clone()),
        boot_ms: Some(at.boot_ms),
        late_writes: 0,
    }
}

/// Which boot, and the hours of the wall clock and of the boot clock.
type Look = (&'static str, i64, i64);

/// Each case begins at hour 0 of the wall clock and hour 5 of boot "a"; then somebody looks at these moments.
#[test]
fn a_soak_counts_what_passed_whatever_the_wall_clock_says() {
    let cases: &[(&str, &[Look], i64)] = &[
        ("one look", &[("a", 10, 15)], 10),
        ("many looks", &[("a", 1, 6), ("a", 4, 9), ("a", 10, 15)], 10),
        ("a step forward", &[("a", 10_000, 6)], 1),
        ("a step back", &[("a", -100, 15)], 10),
        ("a step back that was seen", &[("a", -100, 7), ("a", -92, 15)], 10),
        ("a step forward that was seen, and back", &[("a", 1000, 6), ("a", 3, 8)], 3),
        ("a reboot", &[("a", 4, 9), ("b", 10, 1)], 10),
        ("a reboot that nobody saw coming", &[("b", 10, 1)], 10),
        ("a reboot, the wall clock back", &[("a", 4, 9), ("b", -500, 1), ("b", -499, 2)], 5),
        ("two reboots", &[("b", 10, 1), ("c", 12, 1)], 12),
        ("a boot without a name", &[("a", 4, 9), ("", 6, 3), ("", 7, 1)], 7),
        ("the same moment twice", &[("a", 4, 9), ("a", 4, 9)], 4),
    ];
    for (case, looks, hours) in cases {
        let mut seen = begun(&moment("a", 0, 5));
        for (boot, wall, since_boot) in *looks {
            let before = seen.passed_ms;
            seen = seen.at(&moment(boot, *wall, *since_boot), LateWrites::default());
            assert!(seen.passed_ms >= before, "{case}: never shortens");
        }
        assert_eq!(seen.passed_ms, hours * HOUR, "{case}");
        assert_eq!(seen.since, Some(BEGIN), "{case}");
    }
}

#[test]
fn a_late_write_begins_it_anew() {
    let seen = begun(&moment("a", 0, 5));
    let late = |count, hour: i64| LateWrites { count, last_at: Some(BEGIN + hour * HOUR) };
    let stands = seen.at(&moment("a", 10, 15), late(1, 7));
    assert_eq!((stands.passed_ms, stands.since), (3 * HOUR, Some(BEGIN + 7 * HOUR)));
    // Looked at again, the same write does not begin it once more.
    let again = stands.at(&moment("a", 12, 17), late(1, 7));
    assert_eq!((again.passed_ms, again.since), (5 * HOUR, Some(BEGIN + 7 * HOUR)));
    // A wall clock that was put forward after the write does not make it longer ago than the last look.
    assert_eq!(seen.at(&moment("a", 9000, 6), late(1, 0)).passed_ms, HOUR);
    // Nor does one that was put back make it a write of the future that shortens.
    assert_eq!(seen.at(&moment("a", -50, 15), late(1, 7)).passed_ms, 0);
}

#[test]
fn each_phase_has_its_own_soak() {
    let soak = Soak {
        before_reads_flipped: DAY,
        before_new_only: 2 * DAY,
        before_cleaned_up: 3 * DAY,
        ..Soak::default()
    };
    let required = |number| soak.required(Phase::of(number).unwrap());
    assert_eq!([1, 2, 3, 4, 5].map(required), [None, Some(DAY), Some(2 * DAY), Some(3 * DAY), None]);
}

#[test]
fn what_is_left_is_said() {
    let week = Duration::from_hours(7 * 24);
    let stands = begun(&moment("a", 0, 5)).at(&moment("a", 69, 74), LateWrites::default());
    let status = SoakStatus::of(&stands, week, BEGIN + 69 * HOUR);
    assert_eq!((status.passed, status.left().as_str()), (false, "4 d 3 h"));
    assert_eq!(status.ends_at, Some(BEGIN + 7 * 24 * HOUR));
    let stands = stands.at(&moment("a", 200, 205), LateWrites::default());
    let status = SoakStatus::of(&stands, week, BEGIN + 200 * HOUR);
    assert_eq!((status.passed, status.ends_at), (true, Some(BEGIN + 7 * 24 * HOUR)));
    assert!(SoakStatus::of(&begun(&moment("a", 0, 5)), Duration::ZERO, BEGIN).passed);
    for (ms, words) in
        [(0, "0 min"), (1, "1 min"), (HOUR, "1 h"), (HOUR + 1, "1 h 1 min"), (24 * HOUR, "1 d")]
    {
        assert_eq!(in_words(ms), words);
    }
}
