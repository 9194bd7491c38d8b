use super::*;

fn skipped(host: &str, why: Why, message: &str) -> Skipped {
    Skipped { host: host.to_owned(), why, until: Some(5), message: Some(message.to_owned()), class: None }
}

fn ledger(verdicts: &[Class], skips: &[Why]) -> Ledger {
    let mut ledger = Ledger::default();
    for class in verdicts {
        ledger.verdict(*class, true);
    }
    for (n, why) in skips.iter().enumerate() {
        ledger.skip(skipped(&format!("s{n}"), *why, ""));
    }
    ledger
}

// The exits of the specification, section 6.
#[test]
fn the_kind_of_a_failure_follows_from_what_happened() {
    use LlmErrorKind::{Failed, Refused, Unavailable};
    for (verdicts, skips, kind) in [
        (&[Class::Timeout] as &[Class], &[] as &[Why], Failed),
        (&[Class::Auth, Class::Timeout], &[], Failed),
        (&[Class::Auth, Class::TooLong], &[Why::Open], Refused),
        (&[], &[Why::Open, Why::Blocked, Why::Full], Unavailable),
        (&[], &[Why::Open, Why::Budget], Unavailable),
        (&[Class::Busy], &[Why::Full], Unavailable),
        (&[Class::Busy, Class::Fault], &[Why::Full], Failed),
        (&[], &[Why::Config], Refused),
        (&[], &[Why::Config, Why::Open], Unavailable),
        (&[Class::Unreachable], &[Why::Down], Failed),
    ] {
        assert_eq!(ledger(verdicts, skips).fail(None, None).kind, kind, "{verdicts:?} {skips:?}");
    }
}

// R5
#[test]
fn the_cloud_has_its_reasons() {
    let is_reason = |on: Class| move |class, _: Option<&str>| class == on;
    for (verdicts, skips, on, calls) in [
        (&[Class::Timeout] as &[Class], &[] as &[Why], Class::Timeout, true),
        (&[Class::Timeout], &[], Class::Fault, false),
        (&[], &[Why::Open], Class::Fault, true),
        (&[], &[Why::Open], Class::Busy, false),
        (&[], &[Why::Full], Class::Busy, true),
        (&[], &[Why::NoModel], Class::NoModel, true),
        (&[], &[Why::Config], Class::Config, true),
        (&[], &[Why::Config], Class::Fault, false),
        (&[], &[Why::Blocked], Class::Throttled, true),
    ] {
        assert_eq!(ledger(verdicts, skips).calls_for(is_reason(on)), calls, "{verdicts:?} {skips:?} {on:?}");
    }
    let mut blocked = Ledger::default();
    // What a server says in words is no class.
    blocked.skip(Skipped { class: Some(Class::Auth), ..skipped("a", Why::Blocked, "throttled") });
    assert!(!blocked.calls_for(is_reason(Class::Throttled)) && blocked.calls_for(is_reason(Class::Auth)));
    let mut untrusted = Ledger::default();
    untrusted.verdict(Class::LocalNet, false);
    assert!(!untrusted.calls_for(is_reason(Class::LocalNet)));
}

#[test]
fn a_host_that_was_asked_after_all_is_not_passed_over() {
    let mut ledger = ledger(&[], &[Why::Full, Why::NoModel]);
    assert_eq!((ledger.skipped().len(), ledger.retry_at), (2, None));
    ledger.skip(skipped("s0", Why::Open, ""));
    assert_eq!((ledger.skipped().len(), ledger.retry_at), (2, Some(5)));
    ledger.keep_partial("half".to_owned());
    ledger.keep_partial("a".to_owned());
    assert_eq!(ledger.partial, "half");
}
