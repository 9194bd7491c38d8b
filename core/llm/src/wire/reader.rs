//! An answer out of chunks: which form it has, and when it is whole.

use serde_json::Value;

use super::documents::{Documents, without_blanks};
use super::gathered::{Gathered, is_error, parse};
use super::lines::Lines;
use super::sse::Events;
use super::{Piece, Progress, Reply, Unread, anthropic, ollama, openai};
use crate::host::Dialect;

/// A part of an answer that can be read by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// An object of the dialect.
    Document(Vec<u8>),
    /// Something else: skipped unless it is an error.
    Stray(Vec<u8>),
    /// The server says that this is an error, in whatever form.
    Error(Vec<u8>),
    /// `[DONE]`.
    Done,
}

/// How the parts stand in the bytes.
#[derive(Debug)]
enum Form {
    /// The first byte will tell.
    Unknown,
    Events(Events),
    Lines(Lines),
    Documents(Documents),
    /// This type of content is no answer.
    Never(String),
}

/// Reads an answer piece by piece, whatever way it is cut into chunks.
#[derive(Debug)]
pub(crate) struct Reader {
    dialect: Dialect,
    form: Form,
    gathered: Gathered,
    has_read: bool,
}

impl Reader {
    /// For what this host answers; `content_type` decides between a stream and a whole answer, as far as it says
    /// something: an object where events were announced is read as a whole answer too.
    pub(crate) fn new(dialect: Dialect, content_type: Option<&str>, asked_for_stream: bool) -> Self {
        let form = form(content_type, asked_for_stream);
        Self { dialect, form, gathered: Gathered::default(), has_read: false }
    }

    /// Reads some bytes, and gives each piece to `hear`. After [`Progress::Complete`] and after an error nothing more is
    /// to be read.
    pub(crate) fn push(&mut self, bytes: &[u8], hear: &mut dyn FnMut(Piece)) -> Result<Progress, Unread> {
        let mut bytes = bytes;
        while !self.gathered.is_complete {
            match self.take(&mut bytes).and_then(|frame| match frame {
                Some(frame) => self.hear(frame, hear).map(|()| true),
                None => Ok(false),
            }) {
                Ok(true) => {}
                Ok(false) => break,
                // Its end has come before: what follows is only worth its counts.
                Err(_) if self.gathered.finish.is_some() => self.gathered.is_complete = true,
                Err(unread) => return Err(unread),
            }
        }
        Ok(match (self.gathered.is_complete, self.gathered.finish) {
            (true, _) => Progress::Complete,
            (false, Some(_)) => Progress::Finished,
            (false, None) => Progress::More,
        })
    }

    /// Nothing more comes: what it came to, or that it is not whole.
    pub(crate) fn end(&mut self, hear: &mut dyn FnMut(Piece)) -> Result<Reply, Unread> {
        let is_begun = match self.flush(hear) {
            Ok(is_begun) => is_begun,
            Err(_) if self.gathered.finish.is_some() => true,
            Err(unread) => return Err(unread),
        };
        let is_begun = is_begun || self.gathered.is_known;
        self.gathered.take_reply().ok_or_else(|| match (is_begun, self.has_read) {
            (true, _) => Unread::Cut,
            (false, true) => Unread::Garbage("nothing of it is an answer".to_owned()),
            (false, false) => Unread::Garbage("the answer is empty".to_owned()),
        })
    }

    /// Reads what has no end; whether something of an answer came at all.
    fn flush(&mut self, hear: &mut dyn FnMut(Piece)) -> Result<bool, Unread> {
        let (rest, is_begun) = match &mut self.form {
            _ if self.gathered.is_complete => (None, true),
            Form::Events(events) => (events.rest()?, !events.is_something_else()),
            Form::Lines(lines) => {
                let line = lines.rest();
                let is_begun = line.trim_ascii_start().starts_with(b"{");
                (is_begun.then_some(Frame::Document(line)), is_begun)
            }
            Form::Documents(documents) => (None, documents.is_open()),
            Form::Unknown => (None, false),
            Form::Never(why) => return Err(Unread::Garbage(std::mem::take(why))),
        };
        match rest.map(|frame| self.hear(frame, hear)) {
            Some(Ok(())) => Ok(is_begun && !matches!(self.form, Form::Lines(_))),
            // A part that the end has cut is no garbage: the answer is cut.
            None | Some(Err(Unread::Garbage(_))) => Ok(is_begun),
            Some(Err(unread)) => Err(unread),
        }
    }

    /// The text so far, of an answer that is not whole.
    pub(crate) fn into_partial(self) -> String {
        self.gathered.text
    }

    fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, Unread> {
        if let Form::Unknown = self.form {
            *bytes = without_blanks(bytes);
            self.form = match bytes.first() {
                None => return Ok(None),
                Some(b'{') => Form::Documents(Documents::default()),
                Some(b'<') => {
                    Form::Never("the answer is a page for people (HTML) and not of a model".to_owned())
                }
                Some(b'[' | b'"' | b'n' | b'0'..=b'9') => {
                    Form::Never("the answer is no JSON object and no stream".to_owned())
                }
                Some(_) => Form::Events(Events::default()),
            };
        }
        self.has_read |= !bytes.trim_ascii().is_empty();
        match &mut self.form {
            Form::Unknown => Ok(None),
            Form::Events(events) => events.take(bytes),
            Form::Lines(lines) => loop {
                match lines.take(bytes)? {
                    Some(line) if line.trim_ascii().is_empty() => {}
                    line => break Ok(line.map(Frame::Document)),
                }
            },
            Form::Documents(documents) => Ok(documents.take(bytes)?.map(Frame::Document)),
            Form::Never(why) => Err(Unread::Garbage(why.clone())),
        }
    }

    /// `[DONE]`, which only OpenAI's dialect has for a marker: there an end without a reason is one, since the server has
    /// said that it is over.
    fn done(&mut self) -> Result<(), Unread> {
        if self.gathered.finish.is_none() {
            if !self.gathered.is_known {
                let dialect = self.dialect.as_str();
                return Err(Unread::Garbage(format!(
                    "the stream has an end and no answer in the dialect {dialect}"
                )));
            }
            if self.dialect != Dialect::Openai {
                return Err(Unread::Cut);
            }
            self.gathered.finish = Some(crate::answer::Finish::Stop);
        }
        self.gathered.is_complete = true;
        Ok(())
    }

    fn hear(&mut self, frame: Frame, hear: &mut dyn FnMut(Piece)) -> Result<(), Unread> {
        let (bytes, is_stray) = match frame {
            Frame::Document(bytes) => (bytes, false),
            Frame::Stray(bytes) => (bytes, true),
            Frame::Error(bytes) => return Err(Unread::Reported(reported(&bytes))),
            Frame::Done => return self.done(),
        };
        let document = match parse(&bytes) {
            Ok(Value::Object(document)) => document,
            Ok(_) | Err(_) if is_stray => return Ok(()),
            Ok(_) => return Err(Unread::Garbage("the answer is no JSON object".to_owned())),
            Err(unread) => return Err(unread),
        };
        if is_error(&document) {
            return Err(Unread::Reported(Value::Object(document)));
        }
        if is_stray {
            return Ok(());
        }
        match self.dialect {
            Dialect::Ollama => ollama::read(document, &mut self.gathered, hear),
            Dialect::Openai => openai::read(document, &mut self.gathered, hear),
            Dialect::Anthropic => anthropic::read(document, &mut self.gathered, hear),
        }
    }
}

/// What a server reports, as JSON where it is some, else as words.
fn reported(bytes: &[u8]) -> Value {
    parse(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn form(content_type: Option<&str>, asked_for_stream: bool) -> Form {
    let full = content_type.unwrap_or_default();
    let essence = full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        // Also one without a type, or with one that any file has.
        "text/event-stream" | "" | "text/plain" | "application/octet-stream" | "binary/octet-stream" => {
            Form::Unknown
        }
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines"
            if asked_for_stream =>
        {
            Form::Lines(Lines::default())
        }
        json if json.contains("json") => Form::Documents(Documents::default()),
        html if html.contains("html") => {
            Form::Never("the answer is a page for people (HTML) and not of a model".to_owned())
        }
        other => Form::Never(format!("the answer is of the type {other:?}, which no model gives")),
    }
}

#[cfg(test)]
mod tests;
