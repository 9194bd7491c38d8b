//! Bytes over HTTP/1.1.
//!
//! ureq does the protocol and rustls the encryption; the socket below is our own ([`connector`]), since ureq's limits do
//! not fit (R18): one from the request to the first byte, one for silence after it, one for all of it, and the caller's
//! deadline and cancellation over everything. Redirects are not followed, proxies are resolved in [`crate::proxy`].

mod connector;
mod limits;
mod tls;

use std::time::Duration;

use conclave_retry::{CancelToken, Clock};

pub(crate) use self::limits::{Limit, Limits};
use crate::endpoint::Endpoint;
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

/// The bytes of an answer as they come. Dropped, the connection is closed.
pub(crate) struct Body {
    _reader: Box<dyn std::io::Read + Send>,
}

impl Body {
    /// Some bytes; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let _ = buffer;
        todo!("t")
    }

    /// At most this many bytes (an error body, a list of models).
    pub(crate) fn read_up_to(&mut self, limit: usize) -> Result<Vec<u8>, TransportError> {
        let _ = limit;
        todo!("t")
    }
}

/// Sends a request and waits for the head of the answer. One connection for one request: none is ever used again, so none
/// is ever stale.
pub(crate) fn send(
    outgoing: &Outgoing<'_>,
    limits: &Limits,
    clock: &dyn Clock,
    cancel: &CancelToken,
) -> Result<Incoming, TransportError> {
    let _ = (outgoing, limits, clock, cancel);
    todo!("t")
}
