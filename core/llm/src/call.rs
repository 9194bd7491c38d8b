//! One request to one host: written, sent, read to its marker.

mod limits;

use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, Clock};

pub(crate) use self::limits::{CHECK, limits, of_check};
use crate::answer::Finish;
use crate::class::Class;
use crate::host::Host;
use crate::secret::Secret;
use crate::transport::{self, Incoming, Limits, Outgoing, TransportError};
use crate::wire::{
    self, ERROR_LIMIT, Failure, Heard, Nothing, Piece, Progress, Question, Reader, Reply, Unread,
};

/// Bytes of one read.
const CHUNK: usize = 16 << 10;

/// How long counts and the last marker may come after the answer's own end (2.1, rule 7).
const COUNTS: Duration = Duration::from_secs(2);

/// How long it took.
#[expect(clippy::struct_field_names, reason = "the unit belongs to each")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Took {
    pub(crate) connect_ms: Option<u64>,
    /// From the request to the first byte of the answer.
    pub(crate) first_ms: Option<u64>,
    /// From the request to the first piece of text or thinking.
    pub(crate) token_ms: Option<u64>,
    pub(crate) total_ms: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) reply: Result<Reply, Failure>,
    pub(crate) took: Took,
    pub(crate) request_id: Option<String>,
    /// The text that came, where it failed.
    pub(crate) partial: String,
    /// Sent whole, and not one byte came back: the host may have done the work, and may want money for it (R9).
    pub(crate) sent_unanswered: bool,
}

/// Sends the question and hears the answer; `hear` gets each piece as it comes.
#[expect(clippy::too_many_arguments, reason = "what a request is made of")]
pub(crate) fn call(
    host: &Host,
    key: Option<&Secret>,
    proxy: Option<&str>,
    question: &Question<'_>,
    limits: &Limits,
    clock: &Arc<dyn Clock>,
    cancel: &CancelToken,
    hear: &mut dyn FnMut(Piece),
) -> Called {
    let began = clock.monotonic();
    let since = || clock.monotonic().saturating_sub(began);
    let mut called = Called {
        reply: Err(Failure::new(Class::Cut, "")),
        took: Took::default(),
        request_id: None,
        partial: String::new(),
        sent_unanswered: false,
    };
    match send(host, key, proxy, question, limits, clock, cancel) {
        Err(error) => {
            called.sent_unanswered =
                matches!(error, TransportError::TimedOut(_) | TransportError::Closed { sent: true, .. });
            called.reply = Err(wire::of_transport(&error));
        }
        Ok(mut incoming) => {
            called.took.connect_ms = Some(millis(incoming.connect));
            called.took.first_ms = Some(millis(incoming.first_byte));
            called.request_id = wire::request_id(&incoming.headers);
            let mut first = None;
            let mut hear = |piece: Piece| {
                first.get_or_insert_with(&since);
                hear(piece);
            };
            called.reply = if (200..300).contains(&incoming.status) {
                read_answer(host, &mut incoming, &**clock, &mut hear, &mut called.partial)
            } else {
                Err(read_failure(host, &mut incoming, &**clock))
            };
            called.took.token_ms = first.map(millis);
        }
    }
    if let Err(failure) = &mut called.reply {
        failure.request_id = failure.request_id.take().or_else(|| called.request_id.clone());
        called.request_id.clone_from(&failure.request_id);
    }
    called.took.total_ms = millis(since());
    called
}

fn send(
    host: &Host,
    key: Option<&Secret>,
    proxy: Option<&str>,
    question: &Question<'_>,
    limits: &Limits,
    clock: &Arc<dyn Clock>,
    cancel: &CancelToken,
) -> Result<Incoming, TransportError> {
    let written = wire::write(host, question);
    let body = written.body.to_string();
    let outgoing = Outgoing {
        endpoint: &host.endpoint,
        body: Some(body.as_bytes()),
        path: written.path,
        headers: written.headers,
        key: key.map(|key| with_header(host, key)),
        proxy,
        ca_file: host.ca_file.as_deref(),
    };
    transport::send(&outgoing, limits, clock, cancel)
}

/// The header that this host wants the key in.
pub(crate) fn with_header(host: &Host, key: &Secret) -> (&'static str, Secret) {
    let (name, value) = wire::key_header(host.dialect, key.expose());
    (name, Secret::new(value))
}

fn read_answer(
    host: &Host,
    incoming: &mut Incoming,
    clock: &dyn Clock,
    hear: &mut dyn FnMut(Piece),
    partial: &mut String,
) -> Result<Reply, Failure> {
    let content_type = header(incoming, "content-type").map(str::to_owned);
    let mut reader = Reader::new(host.dialect, content_type.as_deref(), host.stream);
    let reply = match pump(incoming, &mut reader, hear) {
        Ok(()) => reader.end(hear).map_err(|unread| unread_failure(host, incoming, clock, &unread)),
        Err(Stopped::Unread(unread)) => Err(unread_failure(host, incoming, clock, &unread)),
        Err(Stopped::Transport(error)) if is_callers(&error) => Err(wire::of_transport(&error)),
        // The last line may lack nothing but its end: then it is the marker, or says why there is none.
        Err(Stopped::Transport(error)) => reader.end(hear).map_err(|unread| match unread {
            Unread::Reported(_) => unread_failure(host, incoming, clock, &unread),
            Unread::Cut | Unread::Garbage(_) => wire::of_transport(&error),
        }),
    };
    match reply {
        Ok(reply) => with_text(reply),
        Err(failure) => {
            *partial = reader.into_partial();
            Err(failure)
        }
    }
}

/// Why reading stopped before the end.
enum Stopped {
    Unread(Unread),
    Transport(TransportError),
}

/// Reads until the marker or the end of the bytes.
fn pump(incoming: &mut Incoming, reader: &mut Reader, hear: &mut dyn FnMut(Piece)) -> Result<(), Stopped> {
    let mut buffer = vec![0; CHUNK];
    let mut is_finished = false;
    loop {
        let count = match incoming.body.read(&mut buffer) {
            Ok(count) => count,
            // Its end came, and only its counts are missing: they are worth no failure.
            Err(error) if is_finished && !matches!(error, TransportError::Cancelled) => return Ok(()),
            Err(error) => return Err(Stopped::Transport(error)),
        };
        if count == 0 {
            return Ok(());
        }
        match reader.push(buffer.get(..count).unwrap_or_default(), hear).map_err(Stopped::Unread)? {
            Progress::Complete => return Ok(()),
            Progress::Finished if !is_finished => {
                is_finished = true;
                incoming.body.end_within(COUNTS);
            }
            Progress::Finished | Progress::More => {}
        }
    }
}

const fn is_callers(error: &TransportError) -> bool {
    matches!(error, TransportError::Deadline | TransportError::Cancelled)
}

/// An answer without text is none, but for a refusal (section 3).
fn with_text(reply: Reply) -> Result<Reply, Failure> {
    let Some(nothing) = reply.nothing() else { return Ok(reply) };
    let message = match (nothing, reply.finish) {
        (Nothing::SpentOnThinking, _) => "all tokens were spent on thinking: raise `max_tokens` of the host",
        (Nothing::Blank, Finish::Tool) => "the model asks for a tool in place of an answer",
        (Nothing::Blank, Finish::Length) => "the limit of tokens came before the first word",
        (Nothing::Blank, _) => "the answer has no text",
    };
    Err(Failure {
        // It would think as long again.
        never_again: nothing == Nothing::SpentOnThinking,
        status: Some(200),
        ..Failure::new(Class::Empty, message)
    })
}

fn read_failure(host: &Host, incoming: &mut Incoming, clock: &dyn Clock) -> Failure {
    // What of it comes is enough: the status alone says the most.
    let body = match incoming.body.read_up_to(ERROR_LIMIT) {
        Ok(body) => body,
        Err(error) if is_callers(&error) => return wire::of_transport(&error),
        Err(_) => Vec::new(),
    };
    wire::of_answer(&heard(host, incoming, &body, clock), None)
}

fn unread_failure(host: &Host, incoming: &Incoming, clock: &dyn Clock, unread: &Unread) -> Failure {
    wire::of_answer(&heard(host, incoming, &[], clock), Some(unread))
}

fn heard<'a>(host: &Host, incoming: &'a Incoming, body: &'a [u8], clock: &dyn Clock) -> Heard<'a> {
    Heard {
        dialect: host.dialect,
        status: incoming.status,
        headers: &incoming.headers,
        body,
        now_ms: clock.wall_ms(),
    }
}

fn header<'a>(incoming: &'a Incoming, name: &str) -> Option<&'a str> {
    incoming.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
