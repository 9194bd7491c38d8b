use super::*;

const STATE: &str = "/p/.conclave/state.db";

#[test]
fn moments_are_written_in_utc() {
    let cases = [
        (0, "19700101T000000.000Z"),
        (951_782_400_000, "20000229T000000.000Z"),
        (1_762_828_400_123, "20251111T023320.123Z"),
        (4_102_444_799_999, "20991231T235959.999Z"),
        (-1, "19691231T235959.999Z"),
        (4_107_542_400_000, "21000301T000000.000Z"),
    ];
    for (ms, text) in cases {
        assert_eq!(stamp(ms), text);
        assert_eq!(parse_stamp(text), Some(ms), "{text}");
    }
}

#[test]
fn only_names_of_this_databases_backups_are_read() {
    let taken = |taken_ms, before_version| Some(Name { taken_ms, before_version });
    let cases = [
        ("state-20251111T023320.123Z.db", taken(1_762_828_400_123, None)),
        ("state-20251111T023320.123Z-before-101.db", taken(1_762_828_400_123, Some(101))),
        ("state-20250230T000000.000Z.db", None),
        ("state-20251111T023320.123Z.db-wal", None),
        ("state-20251111T023320.123Z-before-x.db", None),
        ("state-+0251111T023320.123Z.db", None),
        ("statement-20251111T023320.123Z.db", None),
        ("global-20251111T023320.123Z.db", None),
        ("state-.db", None),
        ("state.db", None),
        ("state-ä0251111T023320.123Z.db", None),
    ];
    for (name, wanted) in cases {
        assert_eq!(parse(OsStr::new(name), Path::new(STATE)), wanted, "{name}");
    }
}

#[test]
fn what_is_written_is_read_back_and_sorts_by_time() {
    let mut before = String::new();
    // Every 1,009th hour over 400 years, the period of the calendar.
    for hour in (0..400 * 8766).step_by(1009) {
        let ms = hour * 3_600_000 + 7;
        let name = all(Path::new(STATE), ms, None).next().unwrap();
        assert_eq!(parse(OsStr::new(&name), Path::new(STATE)).unwrap().taken_ms, ms);
        assert!(name > before, "{name}");
        before = name;
    }
}
