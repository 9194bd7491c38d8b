//! Answers that say no. Scripts read the line on stdout; people read, where they did something wrong or the storage
//! failed, an error and a hint on stderr.

use conclave_leases::LeaseError;
use serde_json::Value;

use super::line::Line;
use crate::cli::output::Output;
use crate::failure::{Exit, Failure};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) failure: Failure,
    fields: Vec<(&'static str, Value)>,
}

impl Refusal {
    /// An argument that is wrong; `reason` is the word after `reason=`.
    pub(super) fn usage(reason: &'static str, message: impl Into<String>) -> Self {
        Failure::new(Exit::Usage, reason, message).into()
    }

    /// Says it: a state that says no on stdout alone, everything else on stderr too.
    pub(super) fn tell(&self, output: &Output) -> Exit {
        let failure = &self.failure;
        if failure.silent {
            return failure.exit;
        }
        if !matches!(failure.exit, Exit::StateSaysNo | Exit::WaitOver) {
            output.complain(failure);
        }
        self.print(output);
        failure.exit
    }

    /// The line alone.
    pub(super) fn print(&self, output: &Output) {
        let mut line = Line::new(false).with("reason", reason(&self.failure));
        for (key, value) in &self.fields {
            line = line.with(key, value.clone());
        }
        // Nobody may be reading any more; the exit code says it as well.
        let _ = line.beside("error", self.failure.object()).print(output);
    }
}

/// The word after `reason=`.
fn reason(failure: &Failure) -> String {
    match failure.exit {
        Exit::Storage => "storage_error".to_owned(),
        _ => failure.kind.replace('-', "_"),
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { failure, fields: Vec::new() }
    }
}

impl From<LeaseError> for Refusal {
    fn from(error: LeaseError) -> Self {
        let mut fields = Vec::new();
        if let LeaseError::Held { by, expires_utc_ms, .. } = &error {
            fields.push(("held_by", by.as_str().into()));
            // Who waits has no end that could be told: `null` in the object, nothing in the line.
            fields.push(("expires_utc_ms", (*expires_utc_ms).into()));
        }
        if let LeaseError::WaitTimeout { by: Some(by), .. } = &error {
            fields.push(("held_by", by.as_str().into()));
        }
        Self { failure: error.into(), fields }
    }
}
