//! `conclave spool write`: every line of standard input that is not blank, stored as it is.
//!
//! A thread reads, so that what came is made durable in time also where nothing more comes.

use std::io::{IsTerminal as _, Read as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use conclave_spool::{Spool, SpoolError, SpoolWriter};

use super::splitter::Splitter;
use super::stored::{Stored, tell};
use crate::cli::context::Context;
use crate::cli::interrupt::{self, Heard, Listening};
use crate::cli::output::Output;
use crate::failure::{Doing as _, Exit, Failure};
use crate::text::{counted, visible};

/// How long another writer is waited for where the user says nothing.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// Chunks that may wait to be stored.
const WAITING: usize = 16;
/// The writer is not asked more often than this.
const LEAST: Duration = Duration::from_millis(1);

/// What the thread that reads tells.
enum Came {
    Chunk(Vec<u8>),
    /// Nothing more comes, and why, where that is no end of the input.
    End(Option<std::io::Error>),
    /// A signal asked for the end.
    Signal,
}

pub(super) fn run(
    context: &Context,
    monitor: &str,
    sync: bool,
    wait: Option<Duration>,
) -> Result<Exit, Failure> {
    let monitor = super::find(context, monitor)?;
    let spool = super::open(context)?;
    let writer = spool.writer(&monitor, wait.unwrap_or(PATIENCE)).doing("store events")?;
    if std::io::stdin().is_terminal() {
        context.output.notice(format!(
            "reads events of {monitor} from the terminal, one JSON object on a line; Ctrl-D on a line of its own ends"
        ));
    }
    let (sender, receiver) = sync_channel(WAITING);
    let asked_to_end = Arc::new(OnceLock::new());
    let _listening = listen(&asked_to_end, sender.clone());
    read_standard_input(sender)?;

    let mut storing = Storing::new(&context.output, &spool, writer, sync);
    let unread = storing.all(&receiver, &asked_to_end);
    let (stored, printed) = storing.finish();
    let text = (!sync).then(|| {
        let durable = stored.finished.durable;
        format!("stored {} of {monitor}\n", counted(durable, "event", "events"))
    });
    let exit = tell(context, &spool, &monitor, stored, text)?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    if let Some(error) = unread {
        let failure = Failure::io("read standard input", &error);
        return Err(if error.kind() == std::io::ErrorKind::IsADirectory {
            failure.hint("events come from a file or a pipe: `conclave spool write MONITOR < FILE`")
        } else {
            failure
        });
    }
    printed?;
    Ok(asked_to_end.get().map_or(Exit::Done, |heard| heard.exit()))
}

/// The first signal ends the input: what has come is stored. A second one ends the process.
fn listen(asked_to_end: &Arc<OnceLock<Heard>>, sender: SyncSender<Came>) -> Listening {
    let first = Arc::clone(asked_to_end);
    Listening::new(move |heard| match first.set(heard) {
        // Whoever is busy looks by itself, after the chunk that it has in hand.
        Ok(()) => drop(sender.try_send(Came::Signal)),
        Err(heard) => interrupt::end_at_once(heard),
    })
}

fn read_standard_input(sender: SyncSender<Came>) -> Result<(), Failure> {
    let read = move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut chunk = vec![0; CHUNK];
            let came = match input.read(&mut chunk) {
                Ok(0) => Came::End(None),
                Ok(bytes) => {
                    chunk.truncate(bytes);
                    Came::Chunk(chunk)
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => Came::End(Some(error)),
            };
            let ends = matches!(came, Came::End(_));
            // Nobody takes it any more: the writer was asked to end.
            if sender.send(came).is_err() || ends {
                return;
            }
        }
    };
    let started = std::thread::Builder::new().name("standard input".to_owned()).spawn(read);
    started.map(drop).map_err(|error| Failure::io("start a thread", &error))
}

/// Stores lines, and remembers what went wrong.
struct Storing<'out> {
    output: &'out Output,
    writer: SpoolWriter,
    has_warned: bool,
    sync: bool,
    limit: u64,
    /// Lines that are longer than a line may be.
    too_long: u64,
    error: Option<SpoolError>,
    /// Acknowledgements are printed until that fails.
    printed: Result<(), Failure>,
}

impl<'out> Storing<'out> {
    fn new(output: &'out Output, spool: &Spool, writer: SpoolWriter, sync: bool) -> Self {
        Self {
            output,
            writer,
            has_warned: false,
            sync,
            limit: spool.options().max_line_bytes,
            too_long: 0,
            error: None,
            printed: Ok(()),
        }
    }

    /// Everything that comes; gives why it ended, where that was no end of the input.
    fn all(&mut self, receiver: &Receiver<Came>, asked_to_end: &OnceLock<Heard>) -> Option<std::io::Error> {
        let mut splitter = Splitter::new(self.limit);
        loop {
            let came = match self.writer.due_in() {
                Some(wait) => receiver.recv_timeout(wait.max(LEAST)),
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match came {
                Ok(Came::Chunk(chunk)) => splitter.feed(&chunk, |line| self.line(line)),
                Ok(Came::End(error)) => {
                    // Without its line feed the last line is a line all the same.
                    splitter.finish(|line| self.line(line));
                    return error;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Came::Signal) | Err(RecvTimeoutError::Disconnected) => return None,
            }
            if asked_to_end.get().is_some() {
                return None;
            }
            if self.writer.due_in().is_some_and(|due| due.is_zero()) {
                let done = self.writer.tick();
                self.note(done);
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        self.too_long += u64::from(line.len() as u64 > self.limit);
        let done = self.writer.append(line);
        self.note(done);
        if self.sync {
            let synced = self.writer.sync();
            let is_synced = synced.is_ok();
            self.note(synced);
            if is_synced && !self.output.json && self.printed.is_ok() {
                // Who reads them may be gone; the events are stored all the same.
                self.printed = self.output.print(format_args!("synced={}\n", self.writer.durable()));
            }
        }
    }

    /// A failure is said once, since the lines wait and are tried again.
    fn note(&mut self, done: Result<(), SpoolError>) {
        match done {
            Ok(()) => {}
            Err(error) => {
                if !self.has_warned {
                    let what = visible(&error.to_string()).into_owned();
                    self.output.notice(format!("warning: {what}; what comes waits in memory"));
                }
                self.has_warned = true;
                self.error = Some(error);
            }
        }
    }

    /// The last sync point; gives what became of the lines, and whether the acknowledgements could be printed.
    fn finish(self) -> (Stored, Result<(), Failure>) {
        let (finished, error) = self.writer.end();
        // What could not be written at first may have been written later.
        let earlier = self.error.filter(|_| finished.dropped > self.too_long);
        (Stored { finished, error: error.or(earlier), too_long: self.too_long }, self.printed)
    }
}
