//! A host on one line.

use conclave_llm::HostView;

use crate::cli::table::{Column, left, right};
use crate::host_state::HostState;
use crate::times;

pub(super) const COLUMNS: &[Column] = &[
    left("host"),
    left("state"),
    right("calls"),
    right("p50"),
    right("p95"),
    left("dialect"),
    left("url"),
    left("models"),
    left("last failure"),
];

/// `unusable` is what it needs and has not.
pub(super) fn row(view: &HostView, unusable: Option<String>, now_ms: i64) -> Vec<String> {
    let waiting = if view.waiting > 0 { format!(" +{}", view.waiting) } else { String::new() };
    let name = match view.name.as_str() {
        name if view.fallback && name != "fallback" => format!("{name} (fallback)"),
        name => name.to_owned(),
    };
    vec![
        name,
        unusable.map_or_else(|| state(view, now_ms), |missing| format!("cannot be asked: {missing}")),
        format!("{}/{}{waiting}", view.in_flight, view.slots),
        milliseconds(view.p50_ms),
        milliseconds(view.p95_ms),
        view.dialect.as_str().to_owned(),
        view.url.clone(),
        if view.models.is_empty() { "all it has".to_owned() } else { view.models.join(", ") },
        last_failure(view, now_ms),
    ]
}

/// Whether it is asked, and if not, when again.
fn state(view: &HostView, now_ms: i64) -> String {
    let brief = |ms: i64| times::ago(ms, 0);
    let words = match HostState::of(view, now_ms) {
        HostState::ForcedOpen => "opened by hand".to_owned(),
        HostState::Open(Some(left)) => format!("open, tried out in {}", brief(left)),
        HostState::Open(None) => "open, tried out next".to_owned(),
        HostState::HalfOpen => "being tried out".to_owned(),
        HostState::Paused(left) => {
            format!("paused for {}: {}", brief(left), view.blocked_why.as_deref().unwrap_or("blocked"))
        }
        HostState::Failing(failures) => format!("failing ({failures} in a row)"),
        HostState::NotWell => "not well".to_owned(),
        HostState::Unknown => "not asked yet".to_owned(),
        HostState::Well => "well".to_owned(),
    };
    if view.breaker.state == "disabled" { format!("{words}, breaker off") } else { words }
}

/// The newest failure, and how long ago it was: it may be over.
fn last_failure(view: &HostView, now_ms: i64) -> String {
    let Some(error) = &view.last_error else { return String::new() };
    match view.last_failure_at {
        Some(at) => format!("{} ago: {error}", times::ago(now_ms, at)),
        None => error.clone(),
    }
}

fn milliseconds(ms: Option<u64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"))
}

#[cfg(test)]
mod tests {
    use conclave_llm::{BreakerView, Dialect, HostView};

    use super::{last_failure, state};

    fn view(word: &str) -> HostView {
        HostView {
            name: "a".into(),
            url: "http://a:1".into(),
            dialect: Dialect::Ollama,
            models: Vec::new(),
            healthy: None,
            in_flight: 0,
            waiting: 0,
            slots: 1,
            breaker: BreakerView { state: word.into(), failures: 0, retry_at: None },
            blocked_until: None,
            blocked_why: None,
            last_error: None,
            last_failure_at: None,
            p50_ms: None,
            p95_ms: None,
            first_p50_ms: None,
            first_p95_ms: None,
            recent: Vec::new(),
            opened_at: None,
            last_class: None,
            calls_last_hour: 0,
            tokens_last_day: 0,
            fallback: false,
        }
    }

    #[test]
    fn the_state_says_whether_it_is_asked_and_when_again() {
        let now = 1_000_000;
        let open = |at| HostView {
            breaker: BreakerView { state: "open".into(), failures: 3, retry_at: at },
            ..view("open")
        };
        let blocked = HostView {
            blocked_until: Some(now + 12_000),
            blocked_why: Some("throttled".into()),
            ..view("closed")
        };
        let failing = HostView {
            breaker: BreakerView { state: "closed".into(), failures: 2, retry_at: None },
            healthy: Some(true),
            ..view("closed")
        };
        for (view, wanted) in [
            (view("closed"), "not asked yet"),
            (HostView { healthy: Some(true), ..view("closed") }, "well"),
            (HostView { healthy: Some(false), ..view("closed") }, "not well"),
            (failing, "failing (2 in a row)"),
            (open(Some(now + 300_000)), "open, tried out in 5m"),
            (open(Some(now - 1)), "open, tried out next"),
            (open(None), "open, tried out next"),
            (view("half_open"), "being tried out"),
            (view("forced_open"), "opened by hand"),
            (view("disabled"), "not asked yet, breaker off"),
            (HostView { healthy: Some(true), ..view("disabled") }, "well, breaker off"),
            (blocked.clone(), "paused for 12s: throttled"),
            (HostView { blocked_until: Some(now), ..blocked }, "not asked yet"),
        ] {
            assert_eq!(state(&view, now), wanted);
        }
    }

    #[test]
    fn a_failure_says_how_long_ago_it_was() {
        let now = 10_000_000;
        let failed = |at| HostView {
            last_error: Some("boom".into()),
            last_failure_at: at,
            healthy: Some(true),
            ..view("closed")
        };
        assert_eq!(last_failure(&failed(Some(now - 7_200_000)), now), "2h ago: boom");
        assert_eq!(last_failure(&failed(None), now), "boom");
        assert_eq!(last_failure(&view("closed"), now), "");
    }
}
