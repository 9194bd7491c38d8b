//! Bytes over HTTP/1.1.
//!
//! ureq does the protocol and rustls the encryption; the socket below is our own ([`connector`]), since ureq's limits do
//! not fit (R18): one from the request to the first byte, one for silence after it, one for all of it, and the caller's
//! deadline and cancellation over everything. Redirects are not followed, proxies are resolved in [`crate::proxy`].

mod connector;
mod dial;
mod limits;
mod socket;
mod tls;

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, Clock};
use ureq::http;

use self::connector::{Nowhere, Proxy, Route, basic, wants_key};
pub(crate) use self::limits::{Limit, Limits};
use self::limits::{Meter, Phase};
use crate::endpoint::{Endpoint, Place, Split};
use crate::secret::Secret;

/// A request.
pub(crate) struct Outgoing<'a> {
    pub(crate) endpoint: &'a Endpoint,
    /// `POST` with this body, else `GET`.
    pub(crate) body: Option<&'a [u8]>,
    /// Such as `/v1/messages`.
    pub(crate) path: &'a str,
    /// Without those of keys.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The header of the key and its value.
    pub(crate) key: Option<(&'static str, Secret)>,
    pub(crate) proxy: Option<&'a str>,
    pub(crate) ca_file: Option<&'a std::path::Path>,
}

/// Why nothing, or nothing more, came.
#[derive(Debug)]
pub(crate) enum TransportError {
    /// Refused, no route, no such name, or not connected in time.
    Unreachable(String),
    /// This machine's own network, its proxy, too many open files.
    Local(String),
    /// A certificate that is not trusted, a file of certificates that cannot be used, a proxy that wants another key.
    Untrusted(String),
    /// One of the host's limits.
    TimedOut(Limit),
    /// The caller's deadline.
    Deadline,
    Cancelled,
    /// Ended before a byte of the answer came. `sent`: whether the whole request was written before.
    Closed {
        sent: bool,
        message: String,
    },
    /// Ended in the middle of the answer.
    Cut(String),
    /// Headers without end, or no HTTP.
    Garbage(String),
}

/// An answer that has begun.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// Until connected, and from the request to the first byte.
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
}

/// Bytes of the head of an answer, at most.
const MAX_HEAD: usize = 64 * 1024;

/// Bytes of a short answer that are read at once.
const CHUNK: usize = 16 * 1024;

/// The bytes of an answer as they come. Dropped, the connection is closed.
pub(crate) struct Body {
    reader: Box<dyn Read + Send>,
    meter: Arc<Meter>,
}

impl Body {
    /// Some bytes; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        // Here too: ureq may have bytes left and not ask the socket.
        let read = self.meter.left().and_then(|_| self.reader.read(buffer).map_err(|error| self.cut(&error)));
        // An end that is none.
        let read = match read {
            Ok(0) if !buffer.is_empty() => self.meter.fault().map_or(Ok(0), Err),
            read => read,
        };
        match read {
            Err(TransportError::Cancelled) => Err(TransportError::Cancelled),
            Err(_) if self.meter.is_ending() => Ok(0),
            read => read,
        }
    }

    /// At most this many bytes (an error body, a list of models). Of one that is cut, what came.
    pub(crate) fn read_up_to(&mut self, limit: usize) -> Result<Vec<u8>, TransportError> {
        let mut bytes = Vec::new();
        while bytes.len() < limit {
            let begin = bytes.len();
            bytes.resize(limit.min(begin + CHUNK), 0);
            let read = self.read(bytes.get_mut(begin..).unwrap_or_default());
            bytes.truncate(begin + read.as_ref().copied().unwrap_or(0));
            match read {
                Ok(0) | Err(TransportError::Cut(_)) => break,
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    /// The answer is whole and only its counts are missing: reads for at most this long from now. Whatever ends it then,
    /// but for being cancelled, is the end of the answer and no error.
    pub(crate) fn end_within(&mut self, left: Duration) {
        self.meter.end_within(left);
    }

    fn cut(&self, error: &std::io::Error) -> TransportError {
        self.meter.fault().unwrap_or_else(|| TransportError::Cut(words(error)))
    }
}

/// Sends a request and waits for the head of the answer. One connection for one request: none is ever used again, so none
/// is ever stale.
pub(crate) fn send(
    outgoing: &Outgoing<'_>,
    limits: &Limits,
    clock: &Arc<dyn Clock>,
    cancel: &CancelToken,
) -> Result<Incoming, TransportError> {
    let meter = Arc::new(Meter::new(*limits, Arc::clone(clock), cancel.clone()));
    meter.left()?;
    let place = outgoing.endpoint.place();
    let proxy = outgoing.proxy.map(proxy_of).transpose()?;
    let tls = if place.is_https { Some(tls::config(outgoing.ca_file)?) } else { None };
    // Without encryption the proxy reads the request itself.
    let reader_of_request = if tls.is_none() { proxy.clone() } else { None };
    let request = request_of(outgoing, reader_of_request.as_ref())?;
    let route = Route { place: place.clone(), proxy, tls, meter: Arc::clone(&meter) };
    let agent = ureq::Agent::with_parts(settings(), route, Nowhere);
    let answer = match outgoing.body {
        Some(body) => {
            let (parts, ()) = request.into_parts();
            agent.run(http::Request::from_parts(parts, body))
        }
        None => agent.run(request),
    };
    let answer = answer.map_err(|error| of_ureq(&error, &meter))?;
    let (parts, body) = answer.into_parts();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let status = parts.status.as_u16();
    if let Some(proxy) = &reader_of_request {
        of_proxy(proxy, status, &headers)?;
    }
    let (connect, first_byte) = meter.took();
    let body = Body { reader: Box::new(body.into_reader()), meter };
    Ok(Incoming { status, headers, body, connect, first_byte })
}

/// Everything of ureq's own that waits, follows or keeps is off.
fn settings() -> ureq::config::Config {
    ureq::config::Config::builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .timeout_await_100(None)
        .max_response_header_size(MAX_HEAD)
        .user_agent(concat!("conclave/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .build()
}

fn proxy_of(url: &str) -> Result<Proxy, TransportError> {
    let split = Split::of(url).map_err(|error| TransportError::Local(format!("the proxy: {error}")))?;
    let user = split.user().cloned();
    Ok(Proxy { place: Place { host: split.host, port: split.port, is_https: split.is_https }, user })
}

fn request_of(outgoing: &Outgoing<'_>, proxy: Option<&Proxy>) -> Result<http::Request<()>, TransportError> {
    let method = if outgoing.body.is_some() { http::Method::POST } else { http::Method::GET };
    // Who keeps no connection says so (RFC 9112 section 9.6).
    let mut request = http::Request::builder()
        .method(method)
        .uri(outgoing.endpoint.url(outgoing.path))
        .header(http::header::CONNECTION, "close");
    for (name, value) in &outgoing.headers {
        request = request.header(*name, value.as_str());
    }
    let mut has_authorization = false;
    if let Some((name, key)) = &outgoing.key {
        has_authorization = name.eq_ignore_ascii_case("authorization");
        request = request.header(*name, hidden(key.expose())?);
    }
    if let Some(user) = outgoing.endpoint.authorization()
        && !has_authorization
    {
        request = request.header(http::header::AUTHORIZATION, hidden(&basic(user))?);
    }
    if let Some(user) = proxy.and_then(|proxy| proxy.user.as_ref()) {
        request = request.header(http::header::PROXY_AUTHORIZATION, hidden(&basic(user))?);
    }
    // The error of the builder repeats no value.
    request.body(()).map_err(|error| TransportError::Local(format!("the request cannot be written: {error}")))
}

/// A value that no `Debug` prints.
fn hidden(value: &str) -> Result<http::HeaderValue, TransportError> {
    let mut value = http::HeaderValue::from_str(value)
        .map_err(|_| TransportError::Local("the key has characters that no header has".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A proxy that reads the request may answer in place of the server.
fn of_proxy(proxy: &Proxy, status: u16, headers: &[(String, String)]) -> Result<(), TransportError> {
    if status == 407 {
        return Err(wants_key(proxy));
    }
    let kind =
        headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value.as_str());
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let is_of_server = kind.ends_with("json") || kind == "text/event-stream";
    // No server of models answers with a page, and those that fail say so in JSON.
    if kind == "text/html" || (matches!(status, 502..=504) && !is_of_server) {
        let place = proxy.place.authority();
        return Err(TransportError::Local(format!(
            "the proxy {place} answered {status} in place of the host"
        )));
    }
    Ok(())
}

/// Why there is no head of an answer.
fn of_ureq(error: &ureq::Error, meter: &Meter) -> TransportError {
    if let Some(fault) = meter.fault() {
        return fault;
    }
    let ended = match error {
        ureq::Error::Io(error) => Some(words(error)),
        _ => None,
    };
    match (meter.phase(), ended) {
        (Phase::Connect, ended) => TransportError::Local(ended.unwrap_or_else(|| error.to_string())),
        (Phase::Asked, Some(ended)) => {
            let (sent, refused) = meter.sent();
            TransportError::Closed { sent, message: refused.unwrap_or(ended) }
        }
        (Phase::Answer, Some(ended)) => TransportError::Cut(format!("in the head of the answer: {ended}")),
        (_, None) => TransportError::Garbage(match error {
            ureq::Error::LargeResponseHeader(..) => {
                format!("the head of the answer has more than {MAX_HEAD} bytes")
            }
            other => format!("the answer is no HTTP: {other}"),
        }),
    }
}

/// The end of a connection, in words.
fn words(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            "the server reset the connection".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
