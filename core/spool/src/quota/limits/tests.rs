use super::*;

#[test]
fn the_defaults_are_those_of_the_original() {
    let limits = Limits::new(512, 90, 100, 80, 5).unwrap();
    assert_eq!(limits, Limits::default());
    assert_eq!((limits.soft(), limits.hard()), (483_183_820, 536_870_912));
}

// spool A13
#[test]
fn what_does_not_fit_together_names_its_key() {
    let cases = [
        ([0, 90, 100, 80, 5], "quota_mb"),
        ([-1, 90, 100, 80, 5], "quota_mb"),
        ([i64::MIN, 90, 100, 80, 5], "quota_mb"),
        ([(1 << 40) + 1, 90, 100, 80, 5], "quota_mb"),
        ([i64::MAX, 90, 100, 80, 5], "quota_mb"),
        ([1, 100, 90, 80, 5], "soft_pct"),
        ([1, 0, 100, 80, 5], "soft_pct"),
        ([1, 90, 150, 80, 5], "hard_pct"),
        ([1, 90, 0, 80, 5], "hard_pct"),
        ([1, 90, i64::from(u32::MAX) + 91, 80, 5], "hard_pct"),
        ([1, 90, 100, 90, 5], "resume_pct"),
        ([1, 90, 100, 95, 5], "resume_pct"),
        ([1, 90, 100, 0, 5], "resume_pct"),
        ([1, 90, 100, -80, 5], "resume_pct"),
        ([1, 90, 100, 80, -1], "keep_free_pct"),
        ([1, 90, 100, 80, 51], "keep_free_pct"),
    ];
    for ([quota, soft, hard, resume, keep_free], wanted) in cases {
        let refused = Limits::new(quota, soft, hard, resume, keep_free);
        match refused {
            Err(SpoolError::InvalidSetting { key, .. }) => assert_eq!(key, wanted, "{quota} {soft} {hard}"),
            other => panic!("{quota} {soft} {hard} {resume} {keep_free}: {other:?}"),
        }
    }
    for [quota, soft, hard, resume, keep_free] in [[1, 2, 2, 1, 0], [1 << 40, 100, 100, 99, 50]] {
        assert!(Limits::new(quota, soft, hard, resume, keep_free).is_ok());
    }
}

#[test]
fn of_a_large_disk_no_more_than_4_gib_are_kept_free() {
    let limits = Limits::default();
    assert_eq!(limits.keep_free(1_000), 50);
    assert_eq!(limits.keep_free(80 << 30), 4 << 30);
    assert_eq!(limits.keep_free(u64::MAX), 4 << 30);
    assert_eq!(Limits::new(1, 90, 100, 80, 0).unwrap().keep_free(u64::MAX), 0);
    assert_eq!(Limits::new(1 << 40, 90, 100, 80, 5).unwrap().hard(), 1 << 60);
}
