//! The class of a failure, from an agent's words and its exit code.

use std::time::Duration;

use conclave_retry::{ErrorClass, PermanentReason, RETRY_AFTER_LIMIT, RetryReason, error_text, http_status};

use super::Preset;

const UNKNOWN: ErrorClass = ErrorClass::permanent(PermanentReason::Unknown);

/// The class of what the preset knows about these words; most telling first, the exit code before all.
pub(super) fn known(preset: Option<&Preset>, exit_code: Option<i32>, words: &str) -> Option<ErrorClass> {
    let preset = preset?;
    let by_code = preset.exits.iter().find(|(code, _)| Some(*code) == exit_code);
    if let Some((_, class)) = by_code {
        return Some(*class);
    }
    let words = words.to_lowercase();
    preset.signs.iter().find(|(sign, _)| words.contains(sign)).map(|(_, class)| *class)
}

/// The class of a failure: what the preset knows, then the status of HTTP, then what the words say by themselves.
pub(super) fn class_of(
    preset: Option<&Preset>,
    exit_code: Option<i32>,
    status: Option<u16>,
    words: &str,
) -> ErrorClass {
    let by_words = || {
        let class = status_in(words).map_or_else(|| error_text(words), http_status);
        (class != UNKNOWN).then_some(class)
    };
    let by_status = status.map(http_status).filter(|class| *class != UNKNOWN);
    let class = known(preset, exit_code, words).or(by_status).or_else(by_words).unwrap_or(UNKNOWN);
    let cut_off = ErrorClass::retryable(RetryReason::Connection);
    let class = match error_text(words) {
        // A name that cannot be resolved says more than the connection that was not made for it.
        cause @ ErrorClass::Retryable { .. } if class == cut_off => cause,
        _ => class,
    };
    match class {
        ErrorClass::Retryable { reason, after: None } => {
            ErrorClass::Retryable { reason, after: wait_in(words) }
        }
        class => class,
    }
}

/// The status in `API Error: 529 …`, which [`error_text`] does not take for one.
fn status_in(words: &str) -> Option<u16> {
    let lower = words.to_lowercase();
    let (_, rest) = lower.split_once("api error: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|status| (400..=599).contains(status))
}

/// The wait that words ask for: `Retry-After: 30`, `retry after 30 seconds`, `try again in 1.5s`, `in 2 minutes`.
pub(super) fn wait_in(words: &str) -> Option<Duration> {
    let lower = words.to_lowercase();
    let phrases = ["retry-after:", "retry-after", "retry after", "try again in", "retry in", "retrying in"];
    let rest = phrases.iter().find_map(|phrase| lower.split_once(phrase).map(|(_, rest)| rest))?;
    let rest = rest.trim_start_matches([' ', ':', '"', '=']);
    let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let unit: String =
        rest.get(number.len()..)?.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let seconds = match unit.as_str() {
        "ms" | "milliseconds" => 0.001,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => 1.0,
    };
    let wait: f64 = number.trim_end_matches('.').parse().ok()?;
    let wait = Duration::try_from_secs_f64(wait * seconds).unwrap_or(RETRY_AFTER_LIMIT);
    Some(wait.min(RETRY_AFTER_LIMIT))
}

/// What a person can do about a failure of this class.
pub(super) fn hint(preset: Option<&Preset>, class: ErrorClass, words: &str) -> Option<String> {
    let ErrorClass::Permanent { reason } = class else {
        return None;
    };
    let lower = words.to_lowercase();
    let unknown_option = [
        "unknown option",
        "unexpected argument",
        "unknown argument",
        "unrecognized arguments",
        "opencode run [message..]",
    ];
    match reason {
        PermanentReason::Denied => match preset {
            Some(preset) => Some(format!("not signed in or not allowed: {}", preset.login)),
            None => {
                Some("not signed in or not allowed: see what its program needs, and `env_pass`".to_owned())
            }
        },
        PermanentReason::QuotaExhausted => Some(
            "its quota is used up: wait until it is renewed, or take another account or model".to_owned(),
        ),
        PermanentReason::InvalidInput if lower.contains("not inside a trusted directory") => {
            Some("add `--skip-git-repo-check` to its command".to_owned())
        }
        PermanentReason::InvalidInput if lower.contains("not running in a trusted directory") => {
            Some("add `--skip-trust` to its command".to_owned())
        }
        PermanentReason::InvalidInput if unknown_option.iter().any(|sign| lower.contains(sign)) => Some(
            "this version of the program does not know an option: compare `command` with its --help"
                .to_owned(),
        ),
        PermanentReason::NotFound => {
            Some("check the name of the model, and that the program is installed".to_owned())
        }
        PermanentReason::Full => Some("free some space on the disk".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
