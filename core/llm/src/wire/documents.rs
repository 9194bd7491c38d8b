//! JSON objects one after the other, whatever stands between them: whole answers, also over several lines, whose end is
//! seen at the last brace and not only when the server closes.

use super::{ANSWER_LIMIT, Unread};

/// The most bytes of one object: the longest text, and some room for what stands around it.
const LIMIT: usize = ANSWER_LIMIT + (64 << 10);

/// Objects out of chunks.
#[derive(Debug, Default)]
pub(super) struct Documents {
    open: Vec<u8>,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Documents {
    /// The next object that is whole; takes what it reads from the front of `bytes`.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, Unread> {
        if self.depth == 0 {
            *bytes = without_blanks(bytes);
            match bytes.first() {
                None => return Ok(None),
                Some(b'{') => {}
                Some(_) => return Err(Unread::Garbage("the answer is no JSON object".to_owned())),
            }
        }
        let end = bytes.iter().position(|byte| self.ends_with(*byte)).map(|last| last + 1);
        let (read, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        *bytes = rest;
        if self.open.len() + read.len() > LIMIT {
            return Err(Unread::Garbage(format!("the answer is longer than {LIMIT} bytes")));
        }
        self.open.extend_from_slice(read);
        Ok(end.map(|_| std::mem::take(&mut self.open)))
    }

    /// Whether an object has begun and not ended.
    pub(super) fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// Follows the braces outside of strings; whether this one is the last.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.is_escaped {
            self.is_escaped = false;
            return false;
        }
        match byte {
            b'\\' if self.in_string => self.is_escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' if !self.in_string => self.depth += 1,
            b'}' if !self.in_string => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// What follows after white space and a byte order mark, of which a chunk may hold a part.
pub(super) fn without_blanks(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, size: usize) -> (Vec<String>, bool) {
        let mut documents = Documents::default();
        let mut given = Vec::new();
        for chunk in text.as_bytes().chunks(size) {
            let mut bytes = chunk;
            while let Some(document) = documents.take(&mut bytes).expect("objects") {
                given.push(String::from_utf8(document).expect("text"));
            }
        }
        (given, documents.is_open())
    }

    #[test]
    fn objects_in_every_chunking() {
        let objects = [r#"{"a":"}\"{\\"}"#, "{\r\n \"b\": [{}, {\"c\": \"ä\"}]\n}", "{}"];
        let text = format!(" \n{}{}\r\n\t{}\n{{\"d\": {{", objects[0], objects[1], objects[2]);
        for size in 1..=text.len() {
            let expected = objects.map(str::to_owned).to_vec();
            assert_eq!(all(&text, size), (expected, true), "chunks of {size}");
        }
    }

    #[test]
    fn anything_else_is_refused_at_once() {
        for text in ["[]", "null", "<html>", "\u{1f}\u{8b}", "}", "{}x"] {
            let mut documents = Documents::default();
            let mut bytes = text.as_bytes();
            let mut result = documents.take(&mut bytes);
            while matches!(result, Ok(Some(_))) {
                result = documents.take(&mut bytes);
            }
            assert!(matches!(result, Err(Unread::Garbage(_))), "{text:?}: {result:?}");
        }
    }

    #[test]
    fn an_object_without_end_is_refused() {
        let mut documents = Documents::default();
        let chunk = vec![b' '; 1 << 20];
        assert_eq!(documents.take(&mut b"{".as_slice()), Ok(None));
        let refused = (0..20).find(|_| documents.take(&mut chunk.as_slice()).is_err());
        assert_eq!(refused, Some(8));
    }
}
