//! What has been read of an answer so far, the same for all dialects.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{ANSWER_LIMIT, Piece, Reply, Unread};
use crate::answer::{Finish, Tokens};

/// The most values of one JSON document. Each takes some hundred bytes of memory, while a text is one of them; a megabyte
/// of commas would be a hundred megabytes else.
const VALUES_LIMIT: usize = 1 << 16;

/// The most characters of the name of a model that a server gives.
const NAME_LIMIT: usize = 512;

/// What has been read.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is seen by itself, in any order")]
pub(super) struct Gathered {
    pub(super) text: String,
    pub(super) thought_bytes: usize,
    pub(super) has_thought: bool,
    pub(super) has_refused: bool,
    /// How it ended, once the server said so: from then on it is whole.
    pub(super) finish: Option<Finish>,
    /// Nothing more is worth reading.
    pub(super) is_complete: bool,
    /// Something of the dialect came.
    pub(super) is_known: bool,
    pub(super) served_model: Option<String>,
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) load_ms: Option<u64>,
}

impl Gathered {
    /// Some more of the text.
    pub(super) fn say(&mut self, text: String, hear: &mut dyn FnMut(Piece)) -> Result<(), Unread> {
        if text.is_empty() {
            return Ok(());
        }
        self.check(text.len())?;
        self.text.push_str(&text);
        hear(Piece::Text(text));
        Ok(())
    }

    /// Some more of what the model thinks.
    pub(super) fn think(&mut self, text: String, hear: &mut dyn FnMut(Piece)) -> Result<(), Unread> {
        if text.is_empty() {
            return Ok(());
        }
        self.check(text.len())?;
        self.has_thought = true;
        self.thought_bytes += text.len();
        hear(Piece::Thinking(text));
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), Unread> {
        if self.text.len() + self.thought_bytes + more > ANSWER_LIMIT {
            return Err(Unread::Garbage(format!("the answer is longer than {ANSWER_LIMIT} bytes")));
        }
        Ok(())
    }

    /// The model that the server says answers.
    pub(super) fn served(&mut self, document: &Map<String, Value>) {
        if self.served_model.is_none()
            && let Some(name) = document.get("model").and_then(Value::as_str)
            && !name.is_empty()
        {
            self.served_model = Some(name.chars().take(NAME_LIMIT).collect());
        }
    }

    /// What it comes to, if it is whole: taken out.
    pub(super) fn take_reply(&mut self) -> Option<Reply> {
        let finish = self.finish?;
        Some(Reply {
            text: std::mem::take(&mut self.text),
            has_thought: self.has_thought,
            finish: if self.has_refused { Finish::Refused } else { finish },
            served_model: self.served_model.take(),
            tokens: Tokens { input: self.input, output: self.output, estimated: false },
            load_ms: self.load_ms,
        })
    }
}

/// A JSON document. Bytes that are no UTF-8 are replaced, as the standard of events wants it, and so are escapes of half a
/// character (RFC 8259, section 8.2): one broken character is no broken answer.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Unread> {
    let mut in_string = false;
    let mut is_escaped = false;
    let values = bytes.iter().filter(|byte| {
        let is_plain = !std::mem::take(&mut is_escaped);
        match byte {
            b'"' if is_plain => in_string = !in_string,
            b'\\' if is_plain && in_string => is_escaped = true,
            _ => {}
        }
        !in_string && matches!(byte, b',' | b'[' | b'{')
    });
    if values.count() > VALUES_LIMIT {
        return Err(Unread::Garbage(format!("a document has more than {VALUES_LIMIT} values")));
    }
    let text = String::from_utf8_lossy(bytes);
    serde_json::from_str(&with_whole_characters(&text))
        .map_err(|error| Unread::Garbage(format!("what came is no JSON: {error}")))
}

/// The text with the sign of a broken character in place of each escaped surrogate without its other half.
fn with_whole_characters(text: &str) -> Cow<'_, str> {
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return Cow::Borrowed(text);
    }
    let mut whole = String::with_capacity(text.len());
    let (mut rest, mut kept) = (text, 0);
    while let Some(at) = rest.get(kept..).and_then(|rest| rest.find('\\')).map(|at| kept + at) {
        let unit = |at: usize| {
            let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => kept = at + 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push_str(rest.get(..at).unwrap_or_default());
                whole.push_str("\\ufffd");
                (rest, kept) = (rest.get(at + 6..).unwrap_or_default(), 0);
            }
            // Another escape: what it escapes begins none.
            _ => {
                let escaped = rest.get(at + 1..).and_then(|rest| rest.chars().next());
                kept = at + 1 + escaped.map_or(0, char::len_utf8);
            }
        }
    }
    whole.push_str(rest);
    Cow::Owned(whole)
}

/// The text of a field, taken out of it.
pub(super) fn taken(document: &mut Map<String, Value>, field: &str) -> Option<String> {
    match document.get_mut(field).map(Value::take) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A count, also where it is written as a decimal or is negative (none).
pub(super) fn count(document: &Map<String, Value>, field: &str) -> Option<u64> {
    let value = document.get(field)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; checked above zero"
    )]
    value.as_u64().or_else(|| value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64))
}

/// Whether a document reports an error: as an object or as words, or in one of the two forms without that field.
pub(super) fn is_error(document: &Map<String, Value>) -> bool {
    let is_named = match document.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(words)) => !words.is_empty(),
        Some(_) => true,
    };
    let is = |field: &str| document.get(field).and_then(Value::as_str) == Some("error");
    is_named || is("object") || is("type")
}
