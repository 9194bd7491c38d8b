use super::*;
use crate::error::{Failed, LlmErrorKind};

fn attempt(n: u32, class: Class, status: Option<u16>) -> AttemptReport {
    AttemptReport {
        n,
        host: format!("h{n}"),
        model: "m:1".to_owned(),
        class: Some(class),
        status,
        connect_ms: None,
        first_ms: None,
        total_ms: 12,
        wait_before_ms: 0,
        retry_after_ms: None,
        partial_bytes: 0,
        request_id: None,
        message: Some("so it is".to_owned()),
    }
}

fn skipped(why: Why, until: Option<i64>) -> Skipped {
    Skipped { host: "s".to_owned(), why, until, message: None, class: None }
}

fn failed(kind: LlmErrorKind, class: Option<Class>) -> Failed {
    Failed {
        kind,
        attempts: Vec::new(),
        skipped: Vec::new(),
        partial: String::new(),
        class,
        retry_at: None,
        hint: None,
    }
}

// llm L54
#[test]
fn each_host_has_a_line_in_order() {
    let error = Failed {
        attempts: vec![attempt(1, Class::Timeout, None), attempt(2, Class::Fault, Some(503))],
        skipped: vec![skipped(Why::Open, Some(1_800_000_000_000))],
        partial: "half".to_owned(),
        ..failed(LlmErrorKind::Failed, Some(Class::Fault))
    };
    let text = "no host answered: all 2 requests failed; 4 bytes of an answer came
  1. h1, m:1: timeout after 12 ms: so it is
  2. h2, m:1: fault (HTTP 503) after 12 ms: so it is
  s: passed over, its breaker is open until 2027-01-15T08:00:00Z";
    assert_eq!(error.text(), text);
}

#[test]
fn the_first_line_says_what_it_comes_to() {
    for (error, line) in [
        (failed(LlmErrorKind::Cancelled, None), "the question was given up"),
        (failed(LlmErrorKind::Deadline, None), "the time for the answer is over"),
        (failed(LlmErrorKind::Unavailable, None), "no host may be asked now"),
        (failed(LlmErrorKind::Failed, None), "no host answered a check"),
        (failed(LlmErrorKind::Refused, Some(Class::Auth)), "the key was refused (auth)"),
        (failed(LlmErrorKind::Refused, Some(Class::BadRequest)), "the question was refused (bad_request)"),
        (failed(LlmErrorKind::Refused, Some(Class::Config)), "no host can be used as it is configured"),
    ] {
        assert_eq!(error.text(), line);
    }
    let later = Failed { retry_at: Some(1_800_000_000_000), ..failed(LlmErrorKind::Unavailable, None) };
    assert_eq!(later.text(), "no host may be asked now; the first may be tried at 2027-01-15T08:00:00Z");
}

#[test]
fn the_words_of_a_class_hold_the_one_of_json() {
    for class in Class::ALL {
        let words = words(class);
        let found = words.contains(class.as_str()) || class == Class::Deadline;
        assert!(found, "{words}");
    }
}

#[test]
fn a_pause_is_told_in_seconds_where_it_is_some() {
    assert_eq!([20_000, 1000, 1500, 250].map(span), ["20 s", "1 s", "1500 ms", "250 ms"]);
}

#[test]
fn what_was_opened_by_hand_is_closed_by_hand() {
    let forced = Skipped { message: Some("opened by hand".to_owned()), ..skipped(Why::ForcedOpen, None) };
    let hint = |skipped: &[Skipped]| hint(LlmErrorKind::Unavailable, None, skipped).unwrap();
    let hand = hint(std::slice::from_ref(&forced));
    assert_eq!(hand, "`conclave host close s` lets it be asked again");
    assert!(hint(&[forced.clone(), skipped(Why::Open, Some(5))]).contains("--wait"));
    let error = Failed { skipped: vec![forced], ..failed(LlmErrorKind::Unavailable, None) };
    assert!(error.text().ends_with("its breaker was opened by hand"), "{}", error.text());
}

// llm L56
#[test]
fn a_models_name_does_not_reach_the_terminal_as_it_is() {
    let model = format!("a\u{1b}[31m{}", "b".repeat(300));
    let error = Failed {
        attempts: vec![AttemptReport { model, ..attempt(1, Class::Fault, None) }],
        ..failed(LlmErrorKind::Failed, None)
    };
    let text = error.text();
    assert!(!text.contains('\u{1b}') && text.len() < 250, "{text}");
}
