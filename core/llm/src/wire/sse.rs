//! Server-sent events (the WHATWG's HTML standard, 9.2.6), as far as models use them.

use super::lines::Lines;
use super::reader::Frame;
use super::{LINE_LIMIT, Unread};

const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b"error"];

/// Events out of chunks.
#[derive(Debug, Default)]
pub(super) struct Events {
    lines: Lines,
    name: Vec<u8>,
    data: Option<Vec<u8>>,
    /// A line that belongs into such a stream came, and one that does not.
    is_stream: bool,
    is_strange: bool,
}

impl Events {
    /// The next event that is whole; takes what it reads from the front of `bytes`.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, Unread> {
        while let Some(line) = self.lines.take(bytes)? {
            if let Some(frame) = self.line(&line)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// What the end of the stream leaves. The standard drops an event without its empty line; a server that closes after
    /// `data: [DONE]` means it nevertheless.
    pub(super) fn rest(&mut self) -> Result<Option<Frame>, Unread> {
        let line = self.lines.rest();
        if !line.is_empty()
            && let Some(frame) = self.line(&line)?
        {
            return Ok(Some(frame));
        }
        Ok(self.event())
    }

    /// Whether all that came is something else.
    pub(super) fn is_something_else(&self) -> bool {
        self.is_strange && !self.is_stream
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Frame>, Unread> {
        if line.is_empty() {
            return Ok(self.event());
        }
        if line.starts_with(b"{") {
            // An error that a server writes between events as a bare line (2.1, rule 5).
            return Ok(Some(Frame::Stray(line.to_vec())));
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, [].as_slice()),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            // A comment: a sign of life.
            b"" | b"id" | b"retry" => self.is_stream = true,
            b"event" => {
                self.is_stream = true;
                self.name = value.to_vec();
            }
            // Old llama.cpp names the field so (llama.cpp#16104).
            b"error" => return Ok(Some(Frame::Error(value.to_vec()))),
            b"data" => {
                self.is_stream = true;
                return self.add(value);
            }
            // A line that the end of the stream has cut is none of another kind.
            cut if FIELDS.iter().any(|field| field.starts_with(cut)) => {}
            _ => self.is_strange = true,
        }
        Ok(None)
    }

    fn add(&mut self, value: &[u8]) -> Result<Option<Frame>, Unread> {
        let Some(data) = &mut self.data else {
            // The end is not waited for: some servers leave out the empty line after it.
            if value == b"[DONE]" {
                return Ok(Some(Frame::Done));
            }
            self.data = Some(value.to_vec());
            return Ok(None);
        };
        if data.len() + value.len() >= LINE_LIMIT {
            return Err(Unread::Garbage(format!("an event is longer than {LINE_LIMIT} bytes")));
        }
        data.push(b'\n');
        data.extend_from_slice(value);
        Ok(None)
    }

    fn event(&mut self) -> Option<Frame> {
        let name = std::mem::take(&mut self.name);
        let data = self.data.take()?;
        Some(match name.as_slice() {
            b"error" => Frame::Error(data),
            _ if data.iter().all(u8::is_ascii_whitespace) => return None,
            b"" | b"message" => Frame::Document(data),
            name if name.starts_with(b"message_") || name.starts_with(b"content_block_") => {
                Frame::Document(data)
            }
            _ => Frame::Stray(data),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &str, size: usize) -> Vec<Frame> {
        let mut events = Events::default();
        let mut given = Vec::new();
        for chunk in text.as_bytes().chunks(size) {
            let mut bytes = chunk;
            while let Some(frame) = events.take(&mut bytes).expect("short") {
                given.push(frame);
            }
        }
        given.extend(events.rest().expect("short"));
        given
    }

    fn check(text: &str, expected: &[Frame]) {
        for size in 1..=text.len() {
            assert_eq!(frames(text, size), expected, "{text:?} in chunks of {size}");
        }
    }

    fn document(text: &str) -> Frame {
        Frame::Document(text.as_bytes().to_vec())
    }

    #[test]
    fn fields_events_and_comments() {
        check("data: a\n\ndata:b\r\n\r\ndata:  c\r\r", &[document("a"), document("b"), document(" c")]);
        check("\u{feff}data: a\ndata: b\n\n", &[document("a\nb")]);
        check(": ping\n\n:\n\nid: 7\nretry: 10\n\nevent: x\n\ndata\n\ndata:\n\n", &[]);
        check("event: message_start\ndata: a\n\ndata: b\n\n", &[document("a"), document("b")]);
        check("event: heartbeat\ndata: ok\n\n", &[Frame::Stray(b"ok".to_vec())]);
        check("event: error\ndata: words\n\n", &[Frame::Error(b"words".to_vec())]);
        check("error: {\"a\":1}\n\n", &[Frame::Error(br#"{"a":1}"#.to_vec())]);
        check("data: a\n\n{\"error\":\"x\"}\n", &[document("a"), Frame::Stray(br#"{"error":"x"}"#.to_vec())]);
        check("data: [DONE]\n", &[Frame::Done]);
        check("data: [DONE]", &[Frame::Done]);
        check("data: a\ndata: [DONE]\n\n", &[document("a\n[DONE]")]);
        check("data: last, without its empty line", &[document("last, without its empty line")]);
    }

    #[test]
    fn the_end_is_told_with_its_line() {
        let mut events = Events::default();
        assert_eq!(events.take(&mut b"data: [DONE]\r".as_slice()), Ok(Some(Frame::Done)));
    }

    #[test]
    fn an_event_of_many_lines_is_bounded() {
        let mut events = Events::default();
        let line = format!("data: {}\n", "x".repeat(LINE_LIMIT / 2));
        assert_eq!(events.take(&mut line.as_bytes()), Ok(None));
        assert!(matches!(events.take(&mut line.as_bytes()), Err(Unread::Garbage(_))));
    }

    #[test]
    fn another_thing_than_a_stream() {
        for (text, expected) in [("<html>\n", true), ("d", false), ("eve", false), (": x\nhello\n", false)] {
            let mut events = Events::default();
            while !matches!(events.take(&mut text.as_bytes()), Ok(None)) {}
            assert_eq!(events.rest(), Ok(None));
            assert_eq!(events.is_something_else(), expected, "{text:?}");
        }
    }
}
