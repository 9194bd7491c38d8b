//! What has been read of an answer so far, the same for all dialects.

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

    /// What it comes to, if it is whole.
    pub(super) fn into_reply(self) -> Result<Reply, Self> {
        let Some(finish) = self.finish else { return Err(self) };
        Ok(Reply {
            text: self.text,
            has_thought: self.has_thought,
            finish: if self.has_refused { Finish::Refused } else { finish },
            served_model: self.served_model,
            tokens: Tokens { input: self.input, output: self.output, estimated: false },
            load_ms: self.load_ms,
        })
    }
}

/// A JSON document. Bytes that are no UTF-8 are replaced, as the standard of events wants it: one broken character is no
/// broken answer.
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
    serde_json::from_str(&text).map_err(|error| Unread::Garbage(format!("what came is no JSON: {error}")))
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
