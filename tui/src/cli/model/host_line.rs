//! A host on one line.

use conclave_llm::HostView;

use crate::cli::table::{Column, left, right};
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

pub(super) fn row(view: &HostView, now_ms: i64) -> Vec<String> {
    let waiting = if view.waiting > 0 { format!(" +{}", view.waiting) } else { String::new() };
    let name = match view.name.as_str() {
        name if view.fallback && name != "fallback" => format!("{name} (fallback)"),
        name => name.to_owned(),
    };
    vec![
        name,
        state(view, now_ms),
        format!("{}/{}{waiting}", view.in_flight, view.slots),
        milliseconds(view.p50_ms),
        milliseconds(view.p95_ms),
        view.dialect.as_str().to_owned(),
        view.url.clone(),
        if view.models.is_empty() { "all it has".to_owned() } else { view.models.join(", ") },
        view.last_error.clone().unwrap_or_default(),
    ]
}

/// Whether it is asked, and if not, when again.
pub(crate) fn state(view: &HostView, now_ms: i64) -> String {
    let left = |until: i64| times::ago(until, now_ms);
    let blocked = view.blocked_until.filter(|until| *until > now_ms);
    match (view.breaker.state.as_str(), blocked) {
        ("forced_open", _) => "opened by hand".to_owned(),
        ("open", _) => match view.breaker.retry_at.filter(|at| *at > now_ms) {
            Some(at) => format!("open, tried out in {}", left(at)),
            None => "open, tried out next".to_owned(),
        },
        ("half_open", _) => "being tried out".to_owned(),
        (_, Some(until)) => {
            let why = view.blocked_why.as_deref().unwrap_or("blocked");
            format!("paused for {}: {why}", left(until))
        }
        ("disabled", None) => "breaker off".to_owned(),
        (_, None) => match (view.healthy, view.breaker.failures) {
            (_, 1..) => format!("failing ({} in a row)", view.breaker.failures),
            (Some(true), _) => "well".to_owned(),
            (Some(false), _) => "not well".to_owned(),
            (None, _) => "not asked yet".to_owned(),
        },
    }
}

fn milliseconds(ms: Option<u64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"))
}

#[cfg(test)]
mod tests {
    use conclave_llm::{BreakerView, Dialect, HostView};

    use super::state;

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
            (view("disabled"), "breaker off"),
            (blocked.clone(), "paused for 12s: throttled"),
            (HostView { blocked_until: Some(now), ..blocked }, "not asked yet"),
        ] {
            assert_eq!(state(&view, now), wanted);
        }
    }
}
