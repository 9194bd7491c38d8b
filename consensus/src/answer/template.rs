//! Whether a text is the form that was to be filled in, and not a form that somebody filled in.
//!
//! Words alone do not tell: a good answer may say "MUST", "Example:" or "...". So what counts is what stands where
//! the values belong. A template has placeholders there and nothing else that would be an answer.

use super::{fence, trim};

/// Keys whose values say where an answer comes from. An echo has them filled in as well.
const ORIGIN_KEYS: &[&str] = &[
    "$schema",
    "stage",
    "agent",
    "gate",
    "spec_id",
    "spec",
    "prompt_version",
    "model",
    "model_id",
    "model_release",
    "reasoning_mode",
    "role",
];

/// The words for types that examples put in the place of values.
const TYPES: &[&str] = &["string", "number", "integer", "boolean", "bool", "array", "object", "text"];

/// Whether the text is a template: the example or the schema of a prompt, JSON or nearly.
///
/// ```
/// use conclave_consensus::answer::is_template;
///
/// assert!(is_template(br#"{"stage": "plan", "risks": [ string ], "steps": [...]}"#));
/// assert!(is_template(br#"{"unlock_decision": "UNLOCK | BLOCK", "reason": "<why>"}"#));
/// assert!(!is_template(br#"{"unlock_decision": "BLOCK", "reason": "Example: the tests MUST pass..."}"#));
/// ```
pub fn is_template(text: &[u8]) -> bool {
    let text = trim(text);
    let text = fence::only_block(text).map_or(text, trim);
    let in_brackets =
        matches!((text.first(), text.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
    in_brackets && (is_schema(text) || Values::of(text).are_placeholders())
}

/// A JSON schema: what an answer must look like, and none itself.
fn is_schema(text: &[u8]) -> bool {
    let Ok(serde_json::Value::Object(schema)) = serde_json::from_slice(text) else {
        return false;
    };
    let is_type = |value: &serde_json::Value| {
        ["type", "$ref", "enum", "const", "anyOf", "oneOf"].iter().any(|key| value.get(key).is_some())
    };
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    schema.get("type").is_some_and(|kind| kind == "object")
        && properties.is_some_and(|properties| !properties.is_empty() && properties.values().all(is_type))
}

/// The values of a text in the syntax of JSON, or nearly, counted by kind.
#[derive(Debug, Default)]
struct Values {
    /// Nothing else can be meant: `<why>`, `${WHY}`, `...`, `a | b`, a bare word.
    placeholders: usize,
    /// The quoted name of a type: a placeholder among others, and maybe a value by itself.
    types: usize,
    /// Text that is neither.
    texts: usize,
}

impl Values {
    fn are_placeholders(&self) -> bool {
        self.texts == 0 && (self.placeholders > 0 || self.types > 1)
    }

    fn of(text: &[u8]) -> Self {
        let (mut values, mut scanner) = (Self::default(), Scanner { rest: text });
        let (mut key, mut pending): (Vec<u8>, Option<Token<'_>>) = (Vec::new(), None);
        loop {
            let token = scanner.next();
            // Whether it is a key or a value shows only behind it.
            if let Some(before) = pending.take() {
                if token == Some(Token::Mark(b':')) {
                    key = before.text();
                    continue;
                }
                if !is_origin(&key) {
                    values.count(&before);
                }
            }
            match token {
                None => return values,
                // The key holds for the whole list behind it, and no longer.
                Some(Token::Mark(b'{' | b'}' | b']')) => key.clear(),
                Some(Token::Mark(_)) => {}
                value => pending = value,
            }
        }
    }

    fn count(&mut self, value: &Token<'_>) {
        match value {
            Token::Quoted(written) => self.count_quoted(written),
            Token::Bare(word) if !is_number_or_constant(word) => self.count_bare(word),
            Token::Bare(_) | Token::Mark(_) => {}
        }
    }

    fn count_quoted(&mut self, written: &[u8]) {
        let Ok(text) = std::str::from_utf8(written) else {
            self.texts += 1;
            return;
        };
        let text = text.trim();
        if TYPES.contains(&text) {
            self.types += 1;
        } else if is_placeholder(text) {
            self.placeholders += 1;
        } else if !text.is_empty() {
            self.texts += 1;
        }
    }

    /// What stands outside of quotes is no value of JSON: a type, an ellipsis with a remark, a choice. A key without
    /// quotes, and a value that somebody forgot to quote, are sentences as far as this can know.
    fn count_bare(&mut self, word: &[u8]) {
        let word = std::str::from_utf8(word).unwrap_or_default().trim();
        let first =
            word.split(|c: char| !c.is_alphanumeric()).find(|part| !part.is_empty()).unwrap_or_default();
        if is_placeholder(word) || TYPES.contains(&first) || word.starts_with("//") {
            self.placeholders += 1;
        } else {
            self.texts += 1;
        }
    }
}

fn is_origin(key: &[u8]) -> bool {
    ORIGIN_KEYS.iter().any(|origin| origin.as_bytes() == key)
}

fn is_number_or_constant(word: &[u8]) -> bool {
    matches!(word, b"true" | b"false" | b"null")
        || std::str::from_utf8(word).is_ok_and(|word| word.parse::<f64>().is_ok_and(f64::is_finite))
}

/// `<why>`, `${WHY}`, `{{why}}`, `...`, `... more of them ...`, `high | medium | low`, `[why]`.
fn is_placeholder(text: &str) -> bool {
    let within = |open: &str, close: &str| {
        let inner = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        inner.is_some_and(|inner| !inner.is_empty() && !inner.contains(['<', '>', '{', '}', '/', '\n']))
    };
    let dotted = |edge: &str| text.starts_with(edge) && (text.len() == edge.len() || text.ends_with(edge));
    within("<", ">")
        || within("${", "}")
        || within("{{", "}}")
        || dotted("...")
        || dotted("…")
        || is_choice(text)
}

/// Two or more single words with bars between them.
fn is_choice(text: &str) -> bool {
    let is_word = |part: &str| {
        let part = part.trim().trim_matches('"');
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    text.contains('|') && text.split('|').all(is_word)
}

/// A piece of nearly JSON.
#[derive(Debug, PartialEq, Eq)]
enum Token<'text> {
    /// What stands in quotes, without them.
    Quoted(Vec<u8>),
    /// Braces, brackets, colon, comma.
    Mark(u8),
    /// Everything else, up to the next mark or quote.
    Bare(&'text [u8]),
}

impl Token<'_> {
    fn text(self) -> Vec<u8> {
        match self {
            Self::Quoted(text) => text,
            Self::Bare(text) => text.to_vec(),
            Self::Mark(mark) => vec![mark],
        }
    }
}

struct Scanner<'text> {
    rest: &'text [u8],
}

impl<'text> Scanner<'text> {
    fn next(&mut self) -> Option<Token<'text>> {
        const MARKS: &[u8] = b"{}[]:,";
        self.rest = self.rest.trim_ascii_start();
        let (first, rest) = self.rest.split_first()?;
        if *first == b'"' {
            return Some(Token::Quoted(self.quoted()));
        }
        if MARKS.contains(first) {
            self.rest = rest;
            return Some(Token::Mark(*first));
        }
        // A line ends a remark.
        let is_end = |byte: &u8| MARKS.contains(byte) || matches!(byte, b'"' | b'\n');
        let length = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (bare, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(Token::Bare(bare.trim_ascii()))
    }

    /// The text of a string whose quote comes next; one that is never closed goes to the end.
    fn quoted(&mut self) -> Vec<u8> {
        let (mut text, mut at) = (Vec::new(), 1);
        while let Some(byte) = self.rest.get(at).filter(|byte| **byte != b'"') {
            if *byte == b'\\' {
                at += 1;
            }
            text.extend(self.rest.get(at));
            at += 1;
        }
        self.rest = self.rest.get(at + 1..).unwrap_or_default();
        text
    }
}

#[cfg(test)]
mod tests;
