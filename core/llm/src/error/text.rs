//! A failure in words: what it comes to, then each host in order.

use super::{Failed, LlmErrorKind};
use crate::answer::{AttemptReport, Skipped, Why};
use crate::class::Class;

impl Failed {
    /// One line that says what happened, then each host that was tried or passed over, in order.
    pub(crate) fn text(&self) -> String {
        let mut text = self.headline();
        if !self.partial.is_empty() {
            let bytes = self.partial.len().to_string();
            text.extend(["; ", &bytes, " bytes of an answer came"]);
        }
        for attempt in &self.attempts {
            text.push_str("\n  ");
            text.push_str(&of_attempt(attempt));
        }
        for skipped in &self.skipped {
            text.push_str("\n  ");
            text.push_str(&of_skipped(skipped));
        }
        text
    }

    fn headline(&self) -> String {
        let asked = self.attempts.len();
        match self.kind {
            LlmErrorKind::Cancelled => "the question was given up".to_owned(),
            LlmErrorKind::Deadline => "the time for the answer is over".to_owned(),
            LlmErrorKind::Unavailable => match self.retry_at.and_then(moment) {
                Some(moment) => format!("no host may be asked now; the first may be tried at {moment}"),
                None => "no host may be asked now".to_owned(),
            },
            LlmErrorKind::Refused => match self.class {
                Some(Class::Config) | None => "no host can be used as it is configured".to_owned(),
                Some(Class::Auth) => "the key was refused (auth)".to_owned(),
                Some(Class::WrongPath) => "nobody has such a path (wrong_path)".to_owned(),
                Some(Class::TooLong) => "the prompt is too long (too_long)".to_owned(),
                Some(Class::BadRequest) => "the question was refused (bad_request)".to_owned(),
                Some(class) => format!("the question was refused: {}", words(class)),
            },
            _ if asked == 0 => "no host answered a check".to_owned(),
            _ if asked == 1 => "no host answered: the one request failed".to_owned(),
            _ => format!("no host answered: all {asked} requests failed"),
        }
    }
}

fn of_attempt(attempt: &AttemptReport) -> String {
    let AttemptReport { n, host, model, class, status, total_ms, retry_after_ms, message, .. } = attempt;
    let class = class.map_or("answered", words);
    let status = status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
    let message = message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let pause = retry_after_ms.map(|ms| format!(", asks for a pause of {}", span(ms))).unwrap_or_default();
    format!("{n}. {host}, {}: {class}{status} after {total_ms} ms{pause}{message}", safe(model))
}

fn of_skipped(skipped: &Skipped) -> String {
    let why = why(skipped.why);
    let until = skipped.until.and_then(moment).map(|moment| format!(" until {moment}")).unwrap_or_default();
    // That it was by hand is said already.
    let message = skipped.message.as_deref().filter(|_| skipped.why != Why::ForcedOpen);
    let message = message.map(|message| format!(": {message}")).unwrap_or_default();
    format!("{}: passed over, {why}{until}{message}", skipped.host)
}

/// A time as people say it; what is no whole second stays in ms.
fn span(ms: u64) -> String {
    if ms >= 1000 && ms.is_multiple_of(1000) { format!("{} s", ms / 1000) } else { format!("{ms} ms") }
}

/// A model's name may be anything, and goes to a terminal.
fn safe(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(100).collect()
}

const fn why(why: Why) -> &'static str {
    match why {
        Why::Open => "its breaker is open",
        Why::ForcedOpen => "its breaker was opened by hand",
        Why::Probing => "another call tries it out",
        Why::Blocked => "it is blocked",
        Why::NoModel => "it has not the model",
        Why::Full => "it has as many calls as it takes",
        Why::Down => "it failed a check",
        Why::Budget => "its budget is spent",
        Why::Config => "its configuration cannot be used",
    }
}

/// A class in words; the word of `--json` is among them, so that both can be searched for.
pub(crate) const fn words(class: Class) -> &'static str {
    match class {
        Class::Unreachable => "unreachable",
        Class::LocalNet => "the network of this machine (local_net)",
        Class::Fault => "fault",
        Class::Timeout => "timeout",
        Class::Deadline => "the caller's deadline",
        Class::Cancelled => "cancelled",
        Class::Cut => "cut",
        Class::Garbage => "garbage",
        Class::Overloaded => "overloaded",
        Class::Throttled => "throttled",
        Class::Busy => "busy",
        Class::Quota => "quota",
        Class::Auth => "auth",
        Class::NoModel => "no such model (no_model)",
        Class::WrongPath => "no such path (wrong_path)",
        Class::TooLong => "the prompt is too long (too_long)",
        Class::BadRequest => "bad_request",
        Class::Redirect => "redirect",
        Class::Empty => "empty",
        Class::Config => "configuration (config)",
    }
}

/// What to do, by what decided.
pub(crate) fn hint(kind: LlmErrorKind, class: Option<Class>, skipped: &[Skipped]) -> Option<String> {
    let hint = match (kind, class) {
        (LlmErrorKind::Cancelled, _) => return None,
        (LlmErrorKind::Deadline, _) => "a longer `--timeout` leaves more time for slow hosts",
        (_, Some(Class::Auth)) => "look at `api_key_env` or `api_key_file` of the host",
        (_, Some(Class::TooLong)) => "shorten the prompt, or add a host with a larger context",
        (_, Some(Class::WrongPath)) => "look at `url` and `dialect` of the host",
        (_, Some(Class::Redirect)) => "set `url` of the host to where it points, if that is right",
        (_, Some(Class::Config)) => "mend the host in the configuration",
        (_, Some(Class::NoModel)) => "`conclave host check --all` shows the models of each host",
        (_, Some(Class::LocalNet)) => {
            "look at the network, the proxy variables and `ca_file` of this machine"
        }
        (_, Some(Class::Quota)) => "look at the account of the host",
        (_, Some(Class::BadRequest)) => return None,
        (LlmErrorKind::Unavailable, _) if skipped.iter().any(|host| host.why == Why::Budget) => {
            "raise `calls_per_hour` or `tokens_per_day` of the fallback, or wait"
        }
        (LlmErrorKind::Unavailable, _) if by_hand(skipped).is_some() => {
            return by_hand(skipped)
                .map(|names| format!("`conclave host close {names}` lets it be asked again"));
        }
        (LlmErrorKind::Unavailable, Some(Class::Busy)) => {
            "a longer `queue_timeout`, or more hosts, leave more room"
        }
        (LlmErrorKind::Unavailable, _) => {
            "`conclave host check --all` looks whether they are back; `--wait` waits for the first"
        }
        _ => "`conclave host list` shows what is known of each host, `conclave host check --all` asks them",
    };
    Some(hint.to_owned())
}

/// Hosts that were opened by hand, where no other one may be asked either before somebody closes them: waiting does not help.
fn by_hand(skipped: &[Skipped]) -> Option<String> {
    let may_come =
        |skipped: &Skipped| matches!(skipped.why, Why::Open | Why::Probing | Why::Blocked | Why::Full);
    if skipped.iter().any(may_come) {
        return None;
    }
    let forced = skipped.iter().filter(|skipped| skipped.why == Why::ForcedOpen);
    let names: Vec<&str> = forced.map(|skipped| skipped.host.as_str()).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// A moment as people read it: UTC, to the second.
pub(crate) fn moment(ms: i64) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests;
