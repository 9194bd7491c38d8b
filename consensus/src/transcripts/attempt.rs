//! One attempt, event by event.

use std::fmt::Debug;
use std::sync::Arc;

use conclave_retry::{Clock, Random};
use serde::Serialize;

use super::MONITOR;
use super::text::Text;
use super::ulid::ulid;
use crate::child::Output;
use crate::workflow::AttemptEnd;

/// Where events go.
pub(super) trait Sink: Debug + Send + Sync {
    /// Takes an event, a line without its newline. Never blocks for long.
    fn take(&self, line: Vec<u8>);
    /// What was taken is to be written soon.
    fn write_soon(&self);
}

/// Whose attempt it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct About {
    pub(crate) run: i64,
    pub(crate) spec: String,
    pub(crate) stage: String,
    pub(crate) agent: String,
    pub(crate) attempt: i64,
}

/// The events of an attempt.
#[derive(Debug)]
pub(crate) struct Transcript {
    about: About,
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// The attempt's own id.
    session: String,
    pid: Option<u32>,
    stdout: Text,
    stderr: Text,
}

/// An event as it is stored, by the names of its keys there.
#[derive(Serialize)]
struct Event<'a> {
    id: String,
    ts_utc: i64,
    monitor: &'a str,
    action: &'a str,
    subject_type: &'a str,
    session_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    /// JSON in a string, as the format has it.
    attrs_json: String,
}

/// What is told of it beside.
#[derive(Serialize)]
struct Attributes<'a> {
    #[serde(flatten)]
    about: &'a About,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize, Default)]
struct What<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<AttemptEnd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
}

impl Transcript {
    pub(super) fn begin(
        about: About,
        sink: Arc<dyn Sink>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let session = ulid(clock.wall_ms(), &*random);
        Self {
            about,
            sink,
            clock,
            random,
            session,
            pid: None,
            stdout: Text::default(),
            stderr: Text::default(),
        }
    }

    /// Its process runs.
    pub(crate) fn started(&mut self, pid: u32) {
        self.pid = Some(pid);
        self.tell("started", What::default());
    }

    /// It wrote this.
    pub(crate) fn heard(&mut self, output: Output, piece: &[u8]) {
        let text = match output {
            Output::Stdout => self.stdout.take(piece),
            Output::Stderr => self.stderr.take(piece),
        };
        self.tell_text(output, text);
    }

    /// It has ended like this, with this exit code and signal.
    pub(crate) fn ended(mut self, end: AttemptEnd, (exit_code, signal): (Option<i32>, Option<i32>)) {
        self.tell_rest();
        self.tell("ended", What { end: Some(end), exit_code, signal, ..What::default() });
    }

    fn tell_rest(&mut self) {
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        self.tell_text(Output::Stdout, stdout);
        self.tell_text(Output::Stderr, stderr);
    }

    fn tell_text(&self, output: Output, text: Option<String>) {
        let Some(text) = text else { return };
        let stream = match output {
            Output::Stdout => "stdout",
            Output::Stderr => "stderr",
        };
        self.tell("output", What { stream: Some(stream), text: Some(&text), ..What::default() });
    }

    fn tell(&self, action: &str, what: What<'_>) {
        let ts_utc = self.clock.wall_ms();
        let line = serde_json::to_string(&Attributes { about: &self.about, what }).and_then(|attrs_json| {
            serde_json::to_vec(&Event {
                id: ulid(ts_utc, &*self.random),
                ts_utc,
                monitor: MONITOR,
                action,
                subject_type: "none",
                session_id: &self.session,
                pid: self.pid,
                attrs_json,
            })
        });
        match line {
            Ok(line) => self.sink.take(line),
            Err(error) => tracing::warn!(%error, "an event of a transcript"),
        }
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        // Also where nobody came to tell the end.
        self.tell_rest();
        self.sink.write_soon();
    }
}

#[cfg(test)]
mod tests;
