//! What ureq gets in place of its own sockets: connects to each address in turn (both families of `localhost`), goes
//! through a proxy and encrypts where that is wanted, and reads and writes with the limits of the request.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use super::TransportError;
use super::dial::dial;
use super::limits::{Meter, Phase};
use super::socket::Socket;
use super::{tls, words};
use crate::endpoint::Place;
use crate::secret::Secret;

/// Bytes that are read or written at once. More than the longest head, or ureq could not see that one is too long.
const BUFFER: usize = 128 * 1024;

/// Bytes of a proxy's answer to `CONNECT`.
const MAX_PROXY_HEAD: usize = 16 * 1024;

/// A proxy: where it is, and `user:password` for it.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) place: Place,
    pub(super) user: Option<Secret>,
}

impl Proxy {
    /// Connected to, in words for what goes wrong: all of that is this machine's affair (B12).
    fn dial(&self, meter: &Meter) -> Result<std::net::TcpStream, TransportError> {
        dial(&self.place, meter).map_err(|error| self.blamed(error))
    }

    fn blamed(&self, error: TransportError) -> TransportError {
        match error {
            TransportError::Unreachable(why) | TransportError::Local(why) => {
                TransportError::Local(format!("the proxy {}: {why}", self.place.authority()))
            }
            other => other,
        }
    }
}

/// `Basic` of RFC 7617.
pub(super) fn basic(user: &Secret) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(user.expose()))
}

/// Makes the one connection of one request.
pub(super) struct Route {
    pub(super) place: Place,
    pub(super) proxy: Option<Proxy>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) meter: Arc<Meter>,
}

impl Route {
    fn open(&self) -> Result<Wire, TransportError> {
        let stream = match &self.proxy {
            Some(proxy) => proxy.dial(&self.meter)?,
            None => dial(&self.place, &self.meter)?,
        };
        let mut socket = Socket::new(stream, Arc::clone(&self.meter), self.tls.is_none());
        let stream = match &self.tls {
            Some(config) => {
                if let Some(proxy) = &self.proxy {
                    self.tunnel(&mut socket, proxy)?;
                }
                Stream::Encrypted(Box::new(self.encrypt(socket, config)?))
            }
            None => Stream::Plain(socket),
        };
        self.meter.connected();
        Ok(Wire {
            stream,
            buffers: LazyBuffers::new(BUFFER, BUFFER),
            meter: Arc::clone(&self.meter),
            // A proxy is told the whole URL (RFC 9112 section 3.2.2).
            origin: (self.proxy.is_some() && self.tls.is_none()).then(|| self.place.origin()),
        })
    }

    /// Asks the proxy for a way through (RFC 9110 section 9.3.6).
    fn tunnel(&self, socket: &mut Socket, proxy: &Proxy) -> Result<(), TransportError> {
        let failed =
            |why: &str| TransportError::Local(format!("the proxy {}: {why}", proxy.place.authority()));
        let ended = |error: &io::Error| match self.meter.fault() {
            Some(fault) => proxy.blamed(fault),
            None => failed(&error.to_string()),
        };
        let target = self.place.authority();
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(user) = &proxy.user {
            request.push_str("Proxy-Authorization: ");
            request.push_str(&basic(user));
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        socket.write_all(request.as_bytes()).map_err(|error| ended(&error))?;
        // Byte by byte: what comes after the head is the server's.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
            let mut byte = [0];
            match socket.read(&mut byte) {
                Ok(0) => return Err(failed("it closed the connection")),
                Ok(_) => head.extend_from_slice(&byte),
                Err(error) => return Err(ended(&error)),
            }
            if head.len() > MAX_PROXY_HEAD {
                return Err(failed("its answer has no end"));
            }
        }
        match status_of(&head) {
            Some(200..300) => Ok(()),
            Some(407) => Err(wants_key(proxy)),
            Some(status) => Err(failed(&format!("it answered {status} to CONNECT"))),
            None => Err(failed("what it answered is no HTTP")),
        }
    }

    fn encrypt(
        &self,
        mut socket: Socket,
        config: &Arc<ClientConfig>,
    ) -> Result<StreamOwned<ClientConnection, Socket>, TransportError> {
        let name = tls::server_name(&self.place.host)?;
        let mut connection = ClientConnection::new(Arc::clone(config), name)
            .map_err(|error| TransportError::Local(format!("TLS: {error}")))?;
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut socket) {
                return Err(self.meter.fault().unwrap_or_else(|| tls::of_handshake(&error)));
            }
        }
        Ok(StreamOwned::new(connection, socket))
    }
}

/// A proxy that answered 407.
pub(super) fn wants_key(proxy: &Proxy) -> TransportError {
    let what =
        if proxy.user.is_some() { "refuses the name and password" } else { "wants a name and a password" };
    TransportError::Untrusted(format!("the proxy {} {what} (407)", proxy.place.authority()))
}

/// The status of a head.
fn status_of(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

impl Connector for Route {
    type Out = Wire;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Wire>, ureq::Error> {
        self.open().map(Some).map_err(|error| {
            self.meter.fail(error);
            ureq::Error::ConnectionFailed
        })
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Route").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Names are looked up where the connection is made.
#[derive(Debug)]
pub(super) struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Encrypted(Box<StreamOwned<ClientConnection, Socket>>),
}

/// A connection as ureq wants it. Its limits are the meter's; ureq's own are off.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    buffers: LazyBuffers,
    meter: Arc<Meter>,
    /// What is to be put before the path of the first line.
    origin: Option<String>,
}

impl Wire {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(bytes),
            Stream::Encrypted(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let mut bytes = self.buffers.output().get(..amount).unwrap_or_default().to_vec();
        if let Some(path) = bytes.iter().position(|byte| *byte == b' ').map(|space| space + 1)
            && let Some(origin) = self.origin.take()
        {
            bytes.splice(path..path, origin.into_bytes());
        }
        self.write_all(&bytes)?;
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        if self.meter.phase() == Phase::Asked {
            self.meter.waits_for_answer();
        }
        let buffer = self.buffers.input_append_buf();
        let read = match &mut self.stream {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Encrypted(stream) => stream.read(buffer),
        };
        let count = match read {
            Ok(count) => count,
            // Many servers close without the farewell of TLS. Whether an answer is whole its marker says, not its end.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
            Err(error) => {
                // ureq takes a reset for the end of a body without length.
                if self.meter.phase() == Phase::Answer {
                    self.meter.fail(TransportError::Cut(words(&error)));
                }
                return Err(error.into());
            }
        };
        if count > 0 {
            self.buffers.input_appended(count);
            self.meter.answered();
        }
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        // One request is all that it is for.
        false
    }

    fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Encrypted(_))
    }
}
