//! A document that is printed while it is made.

use std::io::Write;

use crate::cli::output::Output;
use crate::failure::{Exit, Failure};

/// So much is held back: what fails before then has printed nothing.
const HELD: usize = 64 << 10;

/// Holds back the beginning of a document, then passes on what comes, so that memory does not grow with it.
#[derive(Debug)]
pub(super) struct Stream<W: Write> {
    out: W,
    held: Vec<u8>,
    /// Something has been printed.
    has_begun: bool,
}

impl<W: Write> Stream<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, held: Vec::with_capacity(HELD), has_begun: false }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.held.extend_from_slice(text.as_bytes());
    }

    /// Where what comes next is to be written.
    pub(super) fn held(&mut self) -> &mut Vec<u8> {
        &mut self.held
    }

    /// Prints what is held where it is enough.
    pub(super) fn pass_on(&mut self) -> Result<(), Failure> {
        if self.held.len() < HELD {
            return Ok(());
        }
        self.has_begun = true;
        self.out.write_all(&self.held).map_err(|error| Failure::io("print", &error))?;
        self.held.clear();
        Ok(())
    }

    /// Prints the rest.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.has_begun = true;
        self.out
            .write_all(&self.held)
            .and_then(|()| self.out.flush())
            .map_err(|error| Failure::io("print", &error))
    }

    /// How the command ends. A document that was begun and has failed stays without its end, so that nobody takes a part
    /// for the whole; a second one behind it would help no one.
    pub(super) fn answer(mut self, output: &Output, made: Result<(), Failure>) -> Result<Exit, Failure> {
        match made {
            Ok(()) => Ok(Exit::Done),
            Err(failure) if self.has_begun && !failure.silent => {
                // The failure that is told is the first one.
                let _ = self.out.flush();
                output.complain(&failure);
                Ok(failure.exit)
            }
            Err(failure) => Err(failure),
        }
    }
}

#[cfg(test)]
mod tests;
