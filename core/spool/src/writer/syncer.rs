//! Makes a file durable while something else is done: the next member is compressed meanwhile.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// One file at a time. The thread comes with the first one, and ends with this.
#[derive(Debug, Default)]
pub(super) struct Syncer {
    thread: Option<(Sender<Arc<File>>, Receiver<io::Result<()>>)>,
}

impl Syncer {
    /// Begins; [`Syncer::wait`] says what became of it. `false` where there is no thread to be had, and nothing was begun.
    pub(super) fn begin(&mut self, file: &Arc<File>) -> bool {
        let thread = match self.thread.take() {
            Some(thread) => Some(thread),
            None => start().ok(),
        };
        // The thread ends when this end of the channel does, and for no other reason.
        self.thread = thread.filter(|(files, _)| files.send(Arc::clone(file)).is_ok());
        self.thread.is_some()
    }

    /// Waits for what was begun.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        let said = self.thread.as_ref().and_then(|(_, results)| results.recv().ok());
        said.unwrap_or_else(|| {
            self.thread = None;
            Err(io::Error::other("the thread that makes segments durable has ended"))
        })
    }
}

fn start() -> io::Result<(Sender<Arc<File>>, Receiver<io::Result<()>>)> {
    let (files, asked) = channel::<Arc<File>>();
    let (says, results) = channel();
    std::thread::Builder::new().name("spool-sync".to_owned()).spawn(move || {
        while let Ok(file) = asked.recv() {
            if says.send(file.sync_data()).is_err() {
                return;
            }
        }
    })?;
    Ok((files, results))
}
