//! What an error says, whichever of its many forms it has.

use serde_json::{Map, Value};

use super::gathered::parse;

/// The most bytes of a message. It is cut between words only: a part of a key would not be seen as one by whoever
/// removes keys.
const MESSAGE_LIMIT: usize = 1000;

/// An error's words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// In one line; empty where it says nothing.
    pub(super) message: String,
    /// The words that name its kind (`type`, `code`, the code of the details), in lower case.
    pub(super) kinds: Vec<String>,
    /// The HTTP status that it names itself.
    pub(super) code: Option<u16>,
    pub(super) request_id: Option<String>,
    /// The field of the request that it is about.
    pub(super) param: String,
    /// All of it that may be searched for phrases, in lower case.
    text: String,
}

impl Said {
    /// Out of the body of an answer.
    pub(super) fn of_body(body: &[u8]) -> Self {
        match parse(body) {
            Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_))) => Self::of_value(&value),
            _ => Self::of_words(&String::from_utf8_lossy(body)),
        }
    }

    /// Out of JSON.
    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::String(words) => match parse(words.as_bytes()) {
                // What a server in between got from the one behind it, and passes on as a text.
                Ok(Value::Object(document)) => Self::of_object(&document),
                _ => Self::of_words(words),
            },
            Value::Array(errors) => match errors.first() {
                Some(Value::Object(document)) => Self::of_object(document),
                Some(Value::String(words)) => Self::of_words(words),
                _ => Self::default(),
            },
            Value::Object(document) => Self::of_object(document),
            _ => Self::default(),
        }
    }

    fn of_words(words: &str) -> Self {
        let start = words.trim_start();
        if start.starts_with('<') {
            return Self { message: "a page for people (HTML)".to_owned(), ..Self::default() };
        }
        let message = one_line(words);
        Self { text: message.to_lowercase(), message, ..Self::default() }
    }

    fn of_object(document: &Map<String, Value>) -> Self {
        let inner;
        let (error, words) = match document.get("error") {
            Some(Value::Object(error)) => (error, None),
            Some(Value::String(words)) => match parse(words.as_bytes()) {
                Ok(Value::Object(mut passed_on)) => {
                    inner = match passed_on.get_mut("error").map(Value::take) {
                        Some(Value::Object(error)) => error,
                        Some(error) => Map::from_iter([("message".to_owned(), error)]),
                        None => passed_on,
                    };
                    (&inner, None)
                }
                _ => (document, Some(words.as_str())),
            },
            _ => (document, None),
        };
        let detail = || match document.get("detail")? {
            Value::String(words) => Some(words.as_str()),
            Value::Array(details) => details.first()?.get("msg")?.as_str(),
            _ => None,
        };
        let message = words.or_else(|| error.get("message").and_then(Value::as_str)).or_else(detail);
        let message = one_line(message.unwrap_or_default());
        let details = error.get("details").and_then(|details| details.get("error_code"));
        let kinds: Vec<String> = [error.get("type"), error.get("code"), details]
            .into_iter()
            .filter_map(|kind| Some(one_line(kind?.as_str()?).to_lowercase()))
            .filter(|kind| !kind.is_empty() && kind != "error")
            .collect();
        Self {
            text: format!("{} {}", kinds.join(" "), message.to_lowercase()),
            message: if message.is_empty() { kinds.join(" ") } else { message },
            kinds,
            code: ["code", "status", "status_code"].iter().find_map(|field| code(error.get(*field)?)),
            request_id: document.get("request_id").and_then(Value::as_str).map(str::to_owned),
            param: error.get("param").and_then(Value::as_str).unwrap_or_default().to_lowercase(),
        }
    }

    /// Whether one of these phrases, in lower case, stands in it.
    pub(super) fn has(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.text.contains(phrase))
    }

    /// Whether its kind is one of these.
    pub(super) fn is(&self, kinds: &[&str]) -> bool {
        self.kinds.iter().any(|kind| kinds.contains(&kind.as_str()))
    }

    /// Whether this phrase comes after that one in the same sentence.
    pub(super) fn has_in_order(&self, first: &str, then: &str) -> bool {
        self.text.match_indices(first).any(|(at, _)| {
            let rest = &self.text[at + first.len()..];
            rest.find(then).is_some_and(|end| ![". ", "; "].iter().any(|stop| rest[..end].contains(stop)))
        })
    }

    /// Whether it begins with this phrase.
    pub(super) fn begins_with(&self, phrase: &str) -> bool {
        self.message.get(..phrase.len()).is_some_and(|start| start.eq_ignore_ascii_case(phrase))
    }
}

/// A status of HTTP, as a number or as text.
fn code(value: &Value) -> Option<u16> {
    let number = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

/// A text in one line, without what a terminal would obey, cut between words.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if line.len() + word.len() >= MESSAGE_LIMIT {
            line.push_str(if line.is_empty() { "(a text without words)" } else { " …" });
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
