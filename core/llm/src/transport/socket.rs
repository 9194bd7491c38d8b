//! A socket that keeps the limits of its request, and can be told to stop between two slices.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::limits::Meter;

/// A connection. Dropped, it is closed.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    meter: Arc<Meter>,
    /// Whether what comes in is of the answer, and not of the encryption.
    is_plain: bool,
    /// The server takes no more: what is written is thrown away, and its answer is read.
    is_refused: bool,
    read_slice: Option<Duration>,
    write_slice: Option<Duration>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, meter: Arc<Meter>, is_plain: bool) -> Self {
        Self { stream, meter, is_plain, is_refused: false, read_slice: None, write_slice: None }
    }

    /// Whether the server has begun to answer while we still write: it will not read the rest.
    fn has_answer(&mut self) -> bool {
        let brief = Duration::from_millis(1);
        self.read_slice = Some(brief);
        self.is_plain
            && self.stream.set_read_timeout(Some(brief)).is_ok()
            && matches!(self.stream.peek(&mut [0]), Ok(1..))
    }

    fn refuse(&mut self, why: &str) {
        self.is_refused = true;
        self.meter.refused(why);
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let slice = self.meter.io_slice()?;
            if self.read_slice != Some(slice) {
                self.stream.set_read_timeout(Some(slice))?;
                self.read_slice = Some(slice);
            }
            match self.stream.read(buffer) {
                Err(error) if is_pause(&error) => {}
                Ok(count) => {
                    if count > 0 {
                        self.meter.alive();
                    }
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let slice = self.meter.io_slice()?;
            if self.is_refused {
                return Ok(bytes.len());
            }
            if self.write_slice != Some(slice) {
                self.stream.set_write_timeout(Some(slice))?;
                self.write_slice = Some(slice);
            }
            match self.stream.write(bytes) {
                // A server that refuses a long request answers at once (RFC 9112 section 9.3): its reason is worth more
                // than that it did not read all of it.
                Err(error) if is_pause(&error) => {
                    if self.has_answer() {
                        self.refuse("the server answered before it had read the request");
                    }
                }
                Err(error) if is_gone(&error) => {
                    self.refuse(&format!("the request was not taken: {}", error.kind()));
                }
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The slice is over, or a signal came.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The other side has closed.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}
