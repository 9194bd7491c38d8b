//! Members of any origin, inflated one after the other.

use std::io::{ErrorKind, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::header::{Header, Taken};
use super::member::TRAILER;
use super::read::End;
use crate::error::{Result, SpoolError};

/// Bytes that are read and inflated at once.
const BUFFER: usize = 64 << 10;

/// What the next step has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Inflated bytes, in [`Inflate::data`].
    Data,
    /// A member ended, and is whole: its checksum and its size are right.
    Member,
    /// It is over.
    End(End),
}

#[derive(Debug)]
enum State {
    Header(Header),
    Data,
    Trailer { bytes: [u8; TRAILER], have: usize },
    End(End),
}

/// Inflates.
#[derive(Debug)]
pub(super) struct Inflate<R> {
    source: R,
    state: State,
    input: Box<[u8]>,
    /// What of `input` is still to be taken.
    from: usize,
    to: usize,
    /// Bytes of the source that were taken, and those up to the end of the last whole member.
    taken: u64,
    whole: u64,
    inflate: Decompress,
    crc: Crc,
    output: Box<[u8]>,
    filled: usize,
}

impl<R: Read> Inflate<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            state: State::Header(Header::new()),
            input: vec![0; BUFFER].into_boxed_slice(),
            from: 0,
            to: 0,
            taken: 0,
            whole: 0,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            output: vec![0; BUFFER].into_boxed_slice(),
            filled: 0,
        }
    }

    /// What the last [`Step::Data`] brought.
    pub(super) fn data(&self) -> &[u8] {
        self.output.get(..self.filled).unwrap_or_default()
    }

    /// Bytes of the source up to the end of the last whole member.
    pub(super) const fn whole_bytes(&self) -> u64 {
        self.whole
    }

    /// Goes on until there is something to tell. After an end there is only that end.
    pub(super) fn step(&mut self) -> Result<Step> {
        loop {
            if let State::End(end) = self.state {
                return Ok(Step::End(end));
            }
            let is_over = self.from == self.to && !self.refill()?;
            let step = match self.state {
                State::Header(_) => self.header(is_over),
                State::Data => self.inflate(is_over),
                State::Trailer { .. } => self.trailer(is_over),
                State::End(end) => Some(Step::End(end)),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// Whether more has come.
    fn refill(&mut self) -> Result<bool> {
        loop {
            match self.source.read(&mut self.input) {
                Ok(bytes) => {
                    (self.from, self.to) = (0, bytes);
                    return Ok(bytes > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(SpoolError::io("read a segment", None, error)),
            }
        }
    }

    fn end(&mut self, end: End) -> Option<Step> {
        self.state = State::End(end);
        Some(Step::End(end))
    }

    fn take_byte(&mut self) -> Option<u8> {
        let byte = self.input.get(self.from..self.to)?.first().copied()?;
        self.from += 1;
        self.taken += 1;
        Some(byte)
    }

    fn header(&mut self, is_over: bool) -> Option<Step> {
        let is_first = self.whole == 0;
        let State::Header(header) = &self.state else { return None };
        if is_over {
            let end = match (header.is_new(), is_first) {
                (true, true) => End::Empty,
                (true, false) => End::Clean,
                (false, _) => End::Truncated,
            };
            return self.end(end);
        }
        while let Some(byte) = self.take_byte() {
            let State::Header(header) = &mut self.state else { return None };
            match header.take(byte) {
                Taken::More => {}
                Taken::Whole => {
                    self.inflate.reset(false);
                    self.crc.reset();
                    self.state = State::Data;
                    return None;
                }
                Taken::Not => return self.end(if is_first { End::NotGzip } else { End::Garbage }),
                Taken::Wrong => return self.end(End::Corrupt),
            }
        }
        None
    }

    fn inflate(&mut self, is_over: bool) -> Option<Step> {
        let (taken, made) = (self.inflate.total_in(), self.inflate.total_out());
        let input = self.input.get(self.from..self.to).unwrap_or_default();
        let result = self.inflate.decompress(input, &mut self.output, FlushDecompress::None);
        // Both are counted before a failure is told, and what was inflated before it is still good.
        let bytes = |now: u64, before: u64| usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX);
        let used = bytes(self.inflate.total_in(), taken);
        self.filled = bytes(self.inflate.total_out(), made);
        self.from = self.from.saturating_add(used).min(self.to);
        self.taken += used as u64;
        let filled = self.filled;
        self.crc.update(self.output.get(..filled).unwrap_or_default());
        match result {
            Ok(Status::StreamEnd) => self.state = State::Trailer { bytes: [0; TRAILER], have: 0 },
            Ok(_) if used == 0 && filled == 0 => {
                return self.end(if is_over { End::Truncated } else { End::Corrupt });
            }
            Ok(_) => {}
            Err(_) => self.state = State::End(End::Corrupt),
        }
        (filled > 0).then_some(Step::Data)
    }

    fn trailer(&mut self, is_over: bool) -> Option<Step> {
        if is_over {
            return self.end(End::Truncated);
        }
        while let Some(byte) = self.take_byte() {
            let State::Trailer { bytes, have } = &mut self.state else { return None };
            if let Some(place) = bytes.get_mut(*have) {
                *place = byte;
            }
            *have += 1;
            if *have < TRAILER {
                continue;
            }
            let said = u64::from_le_bytes(*bytes);
            let found = u64::from(self.crc.sum()) | u64::from(self.crc.amount()) << 32;
            if said != found {
                return self.end(End::Corrupt);
            }
            self.whole = self.taken;
            self.state = State::Header(Header::new());
            return Some(Step::Member);
        }
        None
    }
}
