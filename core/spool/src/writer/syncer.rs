//! Makes a file durable while something else is done: the next members are compressed meanwhile.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use crate::layout::sync_folder_of;

/// What is to become durable.
#[derive(Debug)]
pub(super) struct Job {
    /// What stands in it.
    pub(super) file: Arc<File>,
    /// And its name, where this was not done yet.
    pub(super) name: Option<PathBuf>,
}

impl Job {
    /// Does it: fdatasync(2), and fsync(2) of the folder.
    pub(super) fn run(&self) -> io::Result<()> {
        self.file.sync_data()?;
        self.name.as_deref().map_or(Ok(()), sync_folder_of)
    }
}

/// One job at a time. The thread comes with the first one, and ends with this.
#[derive(Debug, Default)]
pub(super) struct Syncer {
    thread: Option<(Sender<Job>, Receiver<io::Result<()>>)>,
}

impl Syncer {
    /// Begins; [`Syncer::poll`] and [`Syncer::wait`] say what became of it. `false` where there is no thread to be had, and
    /// nothing was begun.
    pub(super) fn begin(&mut self, job: Job) -> bool {
        let thread = match self.thread.take() {
            Some(thread) => Some(thread),
            None => start().ok(),
        };
        // The thread ends when this end of the channel does, and for no other reason.
        self.thread = thread.filter(|(jobs, _)| jobs.send(job).is_ok());
        self.thread.is_some()
    }

    /// What became of it, where that is known.
    pub(super) fn poll(&mut self) -> Option<io::Result<()>> {
        match self.thread.as_ref().map(|(_, results)| results.try_recv()) {
            Some(Ok(result)) => Some(result),
            Some(Err(TryRecvError::Empty)) => None,
            Some(Err(TryRecvError::Disconnected)) | None => Some(self.ended()),
        }
    }

    /// Waits for it.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        let said = self.thread.as_ref().and_then(|(_, results)| results.recv().ok());
        said.unwrap_or_else(|| self.ended())
    }

    fn ended(&mut self) -> io::Result<()> {
        self.thread = None;
        Err(io::Error::other("the thread that makes segments durable has ended"))
    }
}

fn start() -> io::Result<(Sender<Job>, Receiver<io::Result<()>>)> {
    let (jobs, asked) = channel::<Job>();
    let (says, results) = channel();
    std::thread::Builder::new().name("spool-sync".to_owned()).spawn(move || {
        while let Ok(job) = asked.recv() {
            if says.send(job.run()).is_err() {
                return;
            }
        }
    })?;
    Ok((jobs, results))
}
