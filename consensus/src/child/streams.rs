//! The three pipes of a child, all moved along in one poll: none waits for another, so no prompt and no answer is
//! too long for the two of them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::capture::{Capture, Keeping};
use super::progress::{Lines, Progress};

/// How much is read at a time, on the stack: a child that is silent holds no buffer.
const PIECE: usize = 16 << 10;

/// Which of its two streams a child wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What goes into a child and what comes out of it.
pub(super) struct Streams<F, H> {
    pub(super) stdin: Feed,
    pub(super) stdout: Heard<ChildStdout>,
    pub(super) stderr: Heard<ChildStderr>,
    pub(super) progress: Progress<F>,
    /// Gets every piece as it comes.
    pub(super) pieces: H,
}

impl<F: FnMut(&str), H: FnMut(Output, &[u8])> Streams<F, H> {
    /// Completes when nobody holds the writing end of either output any more.
    pub(super) async fn closed(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    /// Moves the streams along for as long as it is polled.
    pub(super) async fn pump(&mut self) -> Infallible {
        poll_fn(|context| {
            let _ = self.poll(context);
            Poll::Pending
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.stdin.poll(context);
        self.stdout.poll(context, &mut self.progress, &mut |piece| (self.pieces)(Output::Stdout, piece));
        self.stderr.poll(context, &mut self.progress, &mut |piece| (self.pieces)(Output::Stderr, piece));
        self.progress.poll(context);
        if self.stdout.pipe.is_none() && self.stderr.pipe.is_none() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// What was heard.
    pub(super) fn finish(mut self) -> (Capture, Capture) {
        self.stdout.lines.end(&mut self.progress);
        self.stderr.lines.end(&mut self.progress);
        self.progress.finish();
        (self.stdout.kept.finish(), self.stderr.kept.finish())
    }
}

/// What a child is given to read.
#[derive(Debug)]
pub(super) struct Feed {
    pipe: Option<ChildStdin>,
    bytes: Vec<u8>,
    written: usize,
}

impl Feed {
    pub(super) const fn new(pipe: Option<ChildStdin>, bytes: Vec<u8>) -> Self {
        Self { pipe, bytes, written: 0 }
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        while let Some(pipe) = &mut self.pipe {
            let rest = self.bytes.get(self.written..).unwrap_or_default();
            if !rest.is_empty() {
                match Pin::new(pipe).poll_write(context, rest) {
                    Poll::Pending => return,
                    Poll::Ready(Ok(written)) if written > 0 => {
                        self.written += written;
                        continue;
                    }
                    // It does not read (any more), which is its own affair: its answer counts.
                    Poll::Ready(_) => {}
                }
            }
            self.pipe = None;
            self.bytes = Vec::new();
        }
    }
}

/// One of the streams that a child writes.
#[derive(Debug)]
pub(super) struct Heard<R> {
    pipe: Option<R>,
    limit: usize,
    kept: Keeping,
    lines: Lines,
}

impl<R: AsyncRead + Unpin> Heard<R> {
    pub(super) fn new(pipe: Option<R>, limit: usize) -> Self {
        Self { pipe, limit, kept: Keeping::default(), lines: Lines::default() }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        progress: &mut Progress<impl FnMut(&str)>,
        whole: &mut impl FnMut(&[u8]),
    ) {
        while let Some(pipe) = &mut self.pipe {
            let mut space = [0; PIECE];
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(pipe).poll_read(context, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.kept.take(buffer.filled(), self.limit);
                    self.lines.take(buffer.filled(), progress);
                    whole(buffer.filled());
                    continue;
                }
                Poll::Ready(Ok(())) => {}
                // Pipes do not fail; if one does, what it would have said is missing.
                Poll::Ready(Err(_)) => self.kept.lose(),
            }
            self.pipe = None;
            self.lines.end(progress);
        }
    }
}
