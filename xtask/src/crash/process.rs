//! A worker as its parent sees it: lines that come, and signals that go.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};

use super::work::Worker;
use crate::outcome::Outcome;

/// What a worker said; nothing where it has ended and everything was heard.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) place: usize,
    pub(crate) line: Option<String>,
}

/// A running worker. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    ear: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts the worker at its operation `first`.
    pub(crate) fn start(worker: &Worker, first: u64, heard: Sender<Said>) -> Outcome<Self> {
        let role = worker.role.to_possible_value().ok_or("a role without a word")?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["crash-worker", role.get_name()])
            .arg(&worker.folder)
            .args([worker.seed, worker.place, first].map(|number| number.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let place = usize::try_from(worker.place)?;
        let ear = std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout);
            let mut line = String::new();
            // A line without its end was cut off by the kill: nothing was acknowledged by it.
            while lines.read_line(&mut line).is_ok() && line.ends_with('\n') {
                let said = Said { place, line: Some(line.trim_end().to_owned()) };
                if heard.send(said).is_err() {
                    return;
                }
                line.clear();
            }
            // The parent is gone where nobody listens.
            let _ = heard.send(Said { place, line: None });
        });
        Ok(Self { child, ear: Some(ear) })
    }

    /// As `kill -9` does; the process may still be there when this returns.
    pub(crate) fn kill(&self) -> Outcome {
        Ok(kill_process(Pid::from_child(&self.child), Signal::KILL)?)
    }

    /// Stands still where it is, with its locks.
    pub(crate) fn stop(&self) -> Outcome {
        Ok(kill_process(Pid::from_child(&self.child), Signal::STOP)?)
    }

    /// A stopped process goes on.
    pub(crate) fn go_on(&self) -> Outcome {
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }

    /// Asks it to end after what it does.
    pub(crate) fn end(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits until it is gone and everything that it said is heard.
    pub(crate) fn wait(mut self) -> Outcome {
        self.child.wait()?;
        match self.ear.take().map(JoinHandle::join) {
            Some(Err(_)) => Err("the thread that hears a worker has panicked".into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails where the child has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
