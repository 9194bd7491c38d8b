//! What a failure is: from status, JSON type and the few phrases of the table, in one place.

use std::time::Duration;

use super::Unread;
use super::retry_after::{asked, header, refilled};
use super::said::{Said, one_line};
use crate::class::Class;
use crate::host::Dialect;
use crate::transport::{Limit, TransportError};

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is something of its own that follows")]
pub(crate) struct Failure {
    pub(crate) class: Class,
    /// In words, not yet redacted: whoever shows it does that.
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
    /// What the server asked to wait; for [`Class::Overloaded`], [`Class::Throttled`] and [`Class::Fault`] alone. An hour
    /// at most, and one of an hour ([`conclave_retry::RETRY_AFTER_LIMIT`]) is blocked until then and never slept.
    pub(crate) retry_after: Option<Duration>,
    /// Whether it concerns this model alone (out of memory).
    pub(crate) of_model: bool,
    /// `x-should-retry: false`: the same host is not asked again.
    pub(crate) never_again: bool,
    /// The certificate, or the proxy's key: nothing that the fallback should hide.
    pub(crate) is_local_trust: bool,
    /// Refused because of `stream_options`: asked once more without.
    pub(crate) without_usage: bool,
    pub(crate) request_id: Option<String>,
}

/// An answer that is an error: its status, headers (lower-case names) and body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) status: u16,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    /// Wall clock, ms since 1970, for dates.
    pub(crate) now_ms: i64,
}

/// Money or the account, in a 400, 403 or 429: no wait helps.
const QUOTA: [&str; 6] = [
    "insufficient_quota",
    "billing_error",
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
    "organization_on_hold",
    "usage limits",
];

/// The prompt is longer than the model's context.
const TOO_LONG: [&str; 7] = [
    "exceed_context_size_error",
    "context_length_exceeded",
    "prompt is too long",
    "maximum context length",
    "exceeds the context length",
    "request_too_large",
    "contextwindowexceedederror",
];

/// A model that is not there, beside "model … not found".
const NO_MODEL: [&str; 4] = ["model_not_found", "notfounderror", "invalid model name", "no models loaded"];

/// A host that is well and cannot take more now: Ollama's queue is full, llama.cpp loads.
const BUSY: [&str; 2] = ["server busy", "loading model"];

/// A model that could not be loaded: the others of the host may be well.
const NOT_LOADED: [&str; 7] = [
    "out of memory",
    "requires more system memory",
    "model failed to load",
    "model load failed",
    "failed to load model",
    "unable to load model",
    "error loading model",
];

/// The longest number of a request that is kept.
const REQUEST_ID_LIMIT: usize = 128;

impl Failure {
    /// One of this class, with nothing else known of it.
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            status: None,
            retry_after: None,
            of_model: false,
            never_again: false,
            is_local_trust: false,
            without_usage: false,
            request_id: None,
        }
    }
}

/// What an error status means, or an error in an answer with status 200 (`unread`).
pub(crate) fn of_answer(heard: &Heard<'_>, unread: Option<&Unread>) -> Failure {
    let said = match unread {
        None => Said::of_body(heard.body),
        Some(Unread::Reported(value)) => Said::of_value(value),
        Some(Unread::Garbage(_) | Unread::Cut) => Said::default(),
    };
    let request_id =
        request_id(heard.headers).or_else(|| said.request_id.clone().filter(|id| may_be_shown(id)));
    let mut failure = match unread {
        Some(Unread::Garbage(why)) => Failure::new(Class::Garbage, one_line(why)),
        Some(Unread::Cut) => Failure::new(Class::Cut, "the answer ended before its end marker"),
        Some(Unread::Reported(_)) => of_said(heard, &said, said.code.or_else(|| status_of(&said)), true),
        None => of_said(heard, &said, Some(heard.status), false),
    };
    failure.status = Some(heard.status);
    failure.never_again =
        header(heard.headers, "x-should-retry").is_some_and(|word| word.eq_ignore_ascii_case("false"));
    failure.request_id = request_id;
    failure
}

fn of_said(heard: &Heard<'_>, said: &Said, status: Option<u16>, is_in_answer: bool) -> Failure {
    let asked = asked(heard.headers, heard.now_ms);
    let class = match status {
        Some(status) => of_status(heard.dialect, status, said, asked.is_some(), is_in_answer),
        None => of_words(said),
    };
    let message = match class {
        Class::Redirect => match header(heard.headers, "location") {
            Some(to) => format!("the server redirects to {}, which is not followed", without_user(to)),
            None => "the server redirects without saying where to".to_owned(),
        },
        _ if said.message.is_empty() => format!("the server answers {} without a word", heard.status),
        _ => said.message.clone(),
    };
    let mut failure = Failure::new(class, message);
    failure.retry_after = match class {
        Class::Throttled => asked.or_else(|| refilled(heard.headers, heard.now_ms)),
        Class::Overloaded | Class::Fault => asked,
        _ => None,
    };
    failure.of_model = class == Class::Fault && matches!(status, None | Some(500)) && said.has(&NOT_LOADED);
    failure.is_local_trust = class == Class::LocalNet;
    failure.without_usage = class == Class::BadRequest && refuses_usage(heard, said);
    failure
}

/// The table, by status first.
fn of_status(dialect: Dialect, status: u16, said: &Said, asks_to_wait: bool, is_in_answer: bool) -> Class {
    match status {
        402 => Class::Quota,
        400 | 403 | 429 if said.has(&QUOTA) => Class::Quota,
        429 => Class::Throttled,
        401 | 403 => Class::Auth,
        // LiteLLM's word for a key that it does not know.
        400 if said.has(&["no_db_connection"]) => Class::Auth,
        407 if !is_in_answer => Class::LocalNet,
        413 => Class::TooLong,
        400 if said.has(&TOO_LONG) => Class::TooLong,
        400 | 404 if names_model(dialect, said) => Class::NoModel,
        // An answer had begun: the path is right.
        404 | 405 if !is_in_answer => Class::WrongPath,
        // 499: the server's client is gone, which is not us: something between has given up.
        404 | 405 | 408 | 425 | 499 => Class::Fault,
        529 => Class::Overloaded,
        503 if asks_to_wait || said.has(&BUSY) => Class::Overloaded,
        500..=599 if said.is(&["overloaded_error"]) => Class::Overloaded,
        300..=399 => Class::Redirect,
        400..=499 | 501 | 505 => Class::BadRequest,
        500..=599 => Class::Fault,
        _ => Class::Garbage,
    }
}

/// An error in the middle of an answer that names no kind.
fn of_words(said: &Said) -> Class {
    match () {
        () if said.has(&QUOTA) => Class::Quota,
        () if said.has(&TOO_LONG) => Class::TooLong,
        () if said.has(&NO_MODEL) || said.has_in_order("model", "not found") => Class::NoModel,
        () if said.has(&BUSY) => Class::Overloaded,
        () => Class::Fault,
    }
}

fn names_model(dialect: Dialect, said: &Said) -> bool {
    said.has(&NO_MODEL)
        || said.has_in_order("model", "not found")
        // Anthropic's whole message is "model: NAME".
        || dialect == Dialect::Anthropic && said.is(&["not_found_error"]) && said.begins_with("model")
}

/// The status that an error in an answer would have had as an answer of its own.
fn status_of(said: &Said) -> Option<u16> {
    said.kinds.iter().find_map(|kind| {
        Some(match kind.as_str() {
            "invalid_request_error"
            | "badrequesterror"
            | "exceed_context_size_error"
            | "context_length_exceeded" => 400,
            "authentication_error" | "authenticationerror" | "invalid_api_key" => 401,
            "billing_error" | "insufficient_quota" => 402,
            "permission_error" | "permissiondeniederror" => 403,
            "not_found_error" | "notfounderror" | "model_not_found" => 404,
            "conflict_error" => 409,
            "request_too_large" => 413,
            "rate_limit_error" | "rate_limit_exceeded" | "ratelimiterror" => 429,
            "api_error" | "server_error" | "internal_server_error" | "internalservererror" => 500,
            "unavailable_error" | "service_unavailable_error" | "serviceunavailableerror" => 503,
            "timeout_error" => 504,
            "overloaded_error" => 529,
            _ => return None,
        })
    })
}

/// Whether a server does not know the field that asks for counts.
fn refuses_usage(heard: &Heard<'_>, said: &Said) -> bool {
    let name = b"stream_options";
    heard.dialect == Dialect::Openai
        && matches!(heard.status, 400 | 422)
        && (said.has(&["stream_options"])
            || said.param.contains("stream_options")
            // Servers in Python name the field in a list.
            || heard.body.windows(name.len()).any(|window| window == name))
}

/// A URL without user information and query, where keys may be.
fn without_user(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("//") else { return one_line(url) };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    one_line(&format!("{scheme}//{host}{path}"))
}

/// The server's number for the request, as an answer's headers say it.
pub(crate) fn request_id(headers: &[(String, String)]) -> Option<String> {
    let id = header(headers, "request-id").or_else(|| header(headers, "x-request-id"))?;
    may_be_shown(id).then(|| id.to_owned())
}

/// Whether it can be a number of a request: what a server gives goes into reports as it is.
fn may_be_shown(id: &str) -> bool {
    (1..=REQUEST_ID_LIMIT).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a failed exchange means.
pub(crate) fn of_transport(error: &TransportError) -> Failure {
    match error {
        TransportError::Unreachable(why) => Failure::new(Class::Unreachable, one_line(why)),
        TransportError::Local(why) => Failure::new(Class::LocalNet, one_line(why)),
        TransportError::Untrusted(why) => {
            Failure { is_local_trust: true, ..Failure::new(Class::LocalNet, one_line(why)) }
        }
        TransportError::TimedOut(limit) => Failure::new(
            Class::Timeout,
            match limit {
                Limit::FirstByte => "no byte of an answer within the host's limit (first_byte)",
                Limit::Idle => "the answer stood still for longer than the host's limit (idle)",
                Limit::Total => "the whole call took longer than the host's limit (total)",
            },
        ),
        TransportError::Deadline => Failure::new(Class::Deadline, "the deadline of the call has passed"),
        TransportError::Cancelled => Failure::new(Class::Cancelled, "the call was cancelled"),
        TransportError::Closed { message, .. } => Failure::new(Class::Fault, one_line(message)),
        TransportError::Cut(why) => Failure::new(Class::Cut, one_line(why)),
        TransportError::Garbage(why) => Failure::new(Class::Garbage, one_line(why)),
    }
}

#[cfg(test)]
mod tests;
