//! One connection: reads requests, and acts.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use conclave_retry::{Sleeper, SystemSleeper};

use super::reply::{Act, Reply};
use super::seen::{Request, Seen};

/// How often a server that does nothing looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(5);

/// Serves requests until one of both sides closes.
pub(super) fn serve(stream: &TcpStream, number: usize, seen: &Seen) {
    let _ = stream.set_nodelay(true);
    let mut input = Input { stream, bytes: Vec::new(), at: 0 };
    while let Some(request) = input.request(number) {
        let reply = seen.begins(&request);
        let end = Replier { stream, seen }.act(&reply);
        let resets = matches!(end, End::Reset);
        if resets {
            // Before the count, so that a test that waits for the count finds it done.
            let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
        }
        if matches!(end, End::Close) {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        seen.ends(&request, matches!(end, End::Gone));
        match end {
            End::Open => {}
            End::Gone | End::Reset => return,
            End::Close => {
                // What the client still sends would make the kernel answer with a reset.
                input.drain();
                return;
            }
        }
    }
}

enum End {
    /// All acts are done.
    Open,
    /// The client has gone.
    Gone,
    Close,
    Reset,
}

struct Replier<'a> {
    stream: &'a TcpStream,
    seen: &'a Seen,
}

impl Replier<'_> {
    fn act(&self, reply: &Reply) -> End {
        for act in &reply.acts {
            let goes_on = match act {
                Act::Write(bytes) => self.writes(bytes),
                Act::Pieces { bytes, size, every } => {
                    bytes.chunks((*size).max(1)).all(|piece| self.writes(piece) && self.waits(*every))
                }
                Act::Repeat { bytes, every } => {
                    while self.writes(bytes) && self.waits(*every) {}
                    false
                }
                Act::Pause(time) => self.waits(*time),
                Act::Hold => self.holds(),
                Act::Close => return End::Close,
                Act::Reset => return End::Reset,
            };
            if !goes_on {
                return End::Gone;
            }
        }
        End::Open
    }

    fn writes(&self, bytes: &[u8]) -> bool {
        let mut stream = self.stream;
        stream.write_all(bytes).is_ok()
    }

    fn waits(&self, time: Duration) -> bool {
        let mut left = time;
        while !left.is_zero() {
            let slice = left.min(LOOK);
            SystemSleeper.sleep(slice);
            left -= slice;
            if self.has_gone() {
                return false;
            }
        }
        true
    }

    fn holds(&self) -> bool {
        while !self.seen.takes_permit(LOOK) {
            if self.has_gone() {
                return false;
            }
        }
        true
    }

    /// A client that has closed its side is gone; none of ours closes only the half of it.
    fn has_gone(&self) -> bool {
        if self.seen.has_ended() || self.stream.set_nonblocking(true).is_err() {
            return true;
        }
        let looked = self.stream.peek(&mut [0]);
        let _ = self.stream.set_nonblocking(false);
        match looked {
            Ok(read) => read == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// What has come and is not yet read as a request.
struct Input<'a> {
    stream: &'a TcpStream,
    bytes: Vec<u8>,
    at: usize,
}

impl Input<'_> {
    fn request(&mut self, connection: usize) -> Option<Request> {
        let first = self.line()?;
        let mut words = first.split(' ');
        let method = words.next()?.to_owned();
        let target = words.next()?.to_owned();
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (target, None),
        };
        let mut request = Request { connection, method, path, query, headers, body: Vec::new() };
        request.body = self.body(&request)?;
        Some(request)
    }

    fn body(&mut self, request: &Request) -> Option<Vec<u8>> {
        if let Some(length) = request.header("content-length") {
            return self.take(length.parse().ok()?);
        }
        let mut body = Vec::new();
        if request.header("transfer-encoding").is_none() {
            return Some(body);
        }
        loop {
            let size = usize::from_str_radix(self.line()?.trim(), 16).ok()?;
            body.extend(self.take(size)?);
            self.line()?;
            if size == 0 {
                return Some(body);
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut looked = self.at;
        loop {
            if let Some(end) = self.bytes[looked..].iter().position(|byte| *byte == b'\n') {
                let line = &self.bytes[self.at..looked + end];
                let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
                self.at = looked + end + 1;
                return Some(line);
            }
            looked = self.bytes.len();
            self.more()?;
        }
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.bytes.len() - self.at < length {
            self.more()?;
        }
        let taken = self.bytes[self.at..self.at + length].to_vec();
        self.bytes.drain(..self.at + length);
        self.at = 0;
        Some(taken)
    }

    fn more(&mut self) -> Option<()> {
        let mut piece = [0; 16 << 10];
        let mut stream = self.stream;
        loop {
            match stream.read(&mut piece) {
                Ok(0) => return None,
                Ok(read) => {
                    self.bytes.extend_from_slice(&piece[..read]);
                    return Some(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Reads until the client has closed, for a short time.
    fn drain(&mut self) {
        let _ = self.stream.set_read_timeout(Some(Duration::from_secs(2)));
        while self.more().is_some() {
            self.bytes.clear();
            self.at = 0;
        }
    }
}
