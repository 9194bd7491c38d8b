//! What the server does with a request, act by act.

use std::time::Duration;

/// One thing that the server does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Writes these bytes at once.
    Write(Vec<u8>),
    /// Writes them in pieces of this many bytes, this long apart.
    Pieces {
        /// What is written.
        bytes: Vec<u8>,
        /// Bytes of each piece; at least 1.
        size: usize,
        /// The time between two; none where zero.
        every: Duration,
    },
    /// Writes them again and again, until the client has gone.
    Repeat {
        /// What is written.
        bytes: Vec<u8>,
        /// The time between two; none where zero.
        every: Duration,
    },
    /// Does nothing for so long.
    Pause(Duration),
    /// Does nothing until [`ModelServer::release`](super::ModelServer::release), or until the client has gone.
    Hold,
    /// Closes in order.
    Close,
    /// Closes with a reset, so that the other side's next read fails.
    Reset,
}

/// Acts, one after the other. Without a close at the end the connection stays open for a next request.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub(super) acts: Vec<Act>,
}

impl Reply {
    /// One that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole answer with its length. The connection stays open.
    pub fn http(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len().to_string();
        let headers = [headers, &[("content-length", length.as_str())]].concat();
        Self::head(status, &headers).write(body)
    }

    /// The same with JSON.
    pub fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::http(status, &[("content-type", "application/json")], body)
    }

    /// Only the head of an answer; a body without length ends with the connection.
    pub fn head(status: u16, headers: &[(&str, &str)]) -> Self {
        let first = format!("HTTP/1.1 {status} {}", reason(status));
        let lines = headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let lines: Vec<String> = std::iter::once(first).chain(lines).collect();
        Self::new().write(lines.join("\r\n") + "\r\n\r\n")
    }

    /// The head of a stream: server-sent events or `application/x-ndjson`.
    pub fn stream(content_type: &str) -> Self {
        Self::head(200, &[("content-type", content_type)])
    }

    /// What a path gets that nobody has scripted.
    pub fn not_found() -> Self {
        Self::http(404, &[("content-type", "text/plain")], "404 page not found")
    }

    /// Accepts the request and never answers.
    pub fn hang() -> Self {
        Self::new().hold()
    }

    /// One more act.
    pub fn then(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }

    /// Writes these bytes at once.
    pub fn write(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Act::Write(bytes.as_ref().to_vec()))
    }

    /// Writes them as one chunk of a body with `transfer-encoding: chunked`; no bytes are its end.
    pub fn chunk(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.write(framed)
    }

    /// Writes them in pieces of `size` bytes, without a wait between.
    pub fn in_pieces(self, bytes: impl AsRef<[u8]>, size: usize) -> Self {
        self.then(Act::Pieces { bytes: bytes.as_ref().to_vec(), size, every: Duration::ZERO })
    }

    /// Writes them byte by byte, this long apart.
    pub fn trickle(self, bytes: impl AsRef<[u8]>, every: Duration) -> Self {
        self.then(Act::Pieces { bytes: bytes.as_ref().to_vec(), size: 1, every })
    }

    /// Writes them again and again until the client has gone, this long apart.
    pub fn forever(self, bytes: impl AsRef<[u8]>, every: Duration) -> Self {
        self.then(Act::Repeat { bytes: bytes.as_ref().to_vec(), every })
    }

    /// Does nothing for so long.
    pub fn pause(self, time: Duration) -> Self {
        self.then(Act::Pause(time))
    }

    /// Does nothing until it is released, or until the client has gone.
    pub fn hold(self) -> Self {
        self.then(Act::Hold)
    }

    /// Closes in order.
    pub fn close(self) -> Self {
        self.then(Act::Close)
    }

    /// Closes with a reset.
    pub fn reset(self) -> Self {
        self.then(Act::Reset)
    }

    /// The same, but each written byte comes alone, `every` apart.
    pub fn slowly(mut self, every: Duration) -> Self {
        for act in &mut self.acts {
            if let Act::Write(bytes) = act {
                *act = Act::Pieces { bytes: std::mem::take(bytes), size: 1, every };
            }
        }
        self
    }

    /// The same after a wait.
    pub fn after(mut self, time: Duration) -> Self {
        self.acts.insert(0, Act::Pause(time));
        self
    }

    /// The same, but not before it is released.
    pub fn held(mut self) -> Self {
        self.acts.insert(0, Act::Hold);
        self
    }
}

/// RFC 9110, section 15; clients do not read it.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        300..=399 => "Elsewhere",
        400..=499 => "Your Fault",
        500..=599 => "My Fault",
        _ => "Other",
    }
}
