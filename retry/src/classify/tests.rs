use std::time::Duration;

use super::{Classify, ErrorClass, PermanentReason, RetryReason};

const RETRY_REASONS: [RetryReason; 9] = [
    RetryReason::DatabaseLocked,
    RetryReason::SnapshotStale,
    RetryReason::PoolExhausted,
    RetryReason::Timeout,
    RetryReason::RateLimited,
    RetryReason::Unavailable,
    RetryReason::Connection,
    RetryReason::Dns,
    RetryReason::Interrupted,
];

const PERMANENT_REASONS: [PermanentReason; 11] = [
    PermanentReason::InvalidInput,
    PermanentReason::Constraint,
    PermanentReason::Full,
    PermanentReason::Corrupt,
    PermanentReason::ReadOnly,
    PermanentReason::Io,
    PermanentReason::Denied,
    PermanentReason::NotFound,
    PermanentReason::QuotaExhausted,
    PermanentReason::BelowQuorum,
    PermanentReason::Unknown,
];

#[test]
fn names_are_those_that_are_stored_and_differ_from_each_other() {
    let mut names = Vec::new();
    for reason in RETRY_REASONS {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        names.push(reason.as_str());
    }
    for reason in PERMANENT_REASONS {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        names.push(reason.as_str());
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "counters by reason need one name per reason");
}

#[test]
fn a_class_says_what_it_is() {
    let asked =
        ErrorClass::Retryable { reason: RetryReason::RateLimited, after: Some(Duration::from_secs(5)) };
    let cases = [
        (ErrorClass::retryable(RetryReason::Dns), "retryable", "dns", "retryable (dns)"),
        (asked, "retryable", "rate_limited", "retryable (rate_limited, not before 5s)"),
        (ErrorClass::permanent(PermanentReason::Full), "permanent", "full", "permanent (full)"),
        (ErrorClass::Degraded { succeeded: 2, total: 3 }, "degraded", "degraded", "degraded (2 of 3)"),
        (ErrorClass::Ambiguous, "ambiguous", "ambiguous", "ambiguous"),
    ];
    for (class, name, reason, shown) in cases {
        assert_eq!((class.as_str(), class.reason(), class.to_string().as_str()), (name, reason, shown));
        assert_eq!(class.is_retryable(), name == "retryable");
    }
    assert_eq!(asked.after(), Some(Duration::from_secs(5)));
    assert_eq!(ErrorClass::Ambiguous.after(), None);
}

#[test]
fn references_and_boxes_have_the_class_of_what_they_hold() {
    struct Broken;
    impl Classify for Broken {
        fn classify(&self) -> ErrorClass {
            ErrorClass::permanent(PermanentReason::Corrupt)
        }
    }
    let boxed: Box<dyn Classify> = Box::new(Broken);
    assert_eq!(boxed.classify(), Broken.classify());
    assert_eq!(<&Broken>::classify(&&Broken), Broken.classify());
}

#[test]
fn parts_are_whole_degraded_or_too_few() {
    let degraded = |succeeded, total| Some(ErrorClass::Degraded { succeeded, total });
    let failed = Some(ErrorClass::permanent(PermanentReason::BelowQuorum));
    let cases = [
        ((3, 3, 2), None),
        ((2, 3, 2), degraded(2, 3)),
        ((1, 3, 2), failed),
        ((1, 3, 1), degraded(1, 3)),
        ((0, 3, 0), failed),
        ((0, 0, 0), None),
    ];
    for ((succeeded, total, quorum), expected) in cases {
        assert_eq!(ErrorClass::of_parts(succeeded, total, quorum), expected, "{succeeded} of {total}");
    }
}
