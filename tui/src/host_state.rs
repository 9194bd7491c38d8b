//! How a host stands: decided once, said in few words in lists and in fewer on the screen.

use conclave_llm::HostView;

/// What counts most of what is known of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostState {
    /// Nobody asks it until somebody closes it.
    ForcedOpen,
    /// Nobody asks it for so many milliseconds; the next call tries it out where `None`.
    Open(Option<i64>),
    /// One call tries it out.
    HalfOpen,
    /// It is not asked with this key for so many milliseconds.
    Paused(i64),
    /// It is asked, and this often in a row it failed.
    Failing(i64),
    /// It is asked; the newest sign of it was a bad one.
    NotWell,
    /// Nothing is known of it.
    Unknown,
    /// It is asked, and answers.
    Well,
}

impl HostState {
    /// By what is known at this time, wall clock, ms since 1970.
    pub(crate) fn of(view: &HostView, now_ms: i64) -> Self {
        let left = |until: Option<i64>| until.map(|until| until.saturating_sub(now_ms)).filter(|ms| *ms > 0);
        match view.breaker.state.as_str() {
            "forced_open" => return Self::ForcedOpen,
            "open" => return Self::Open(left(view.breaker.retry_at)),
            "half_open" => return Self::HalfOpen,
            _ => {}
        }
        match (left(view.blocked_until), view.breaker.failures, view.healthy) {
            (Some(left), ..) => Self::Paused(left),
            (None, failures @ 1.., _) => Self::Failing(failures),
            (None, _, Some(true)) => Self::Well,
            (None, _, Some(false)) => Self::NotWell,
            (None, _, None) => Self::Unknown,
        }
    }
}
