//! What is said at the end of a command that stores events.

use conclave_spool::quota::{self, Why};
use conclave_spool::{Finished, MonitorName, QuotaState, Spool, SpoolError};
use serde_json::json;

use crate::cli::context::Context;
use crate::failure::{Exit, Failure};
use crate::text::{count, counted};

/// What became of the events of one command.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) finished: Finished,
    /// The last failure of the disk, where events were not stored because of it.
    pub(super) error: Option<SpoolError>,
    /// Of those that were dropped, those that were longer than a line may be.
    pub(super) too_long: u64,
}

impl Stored {
    /// Why it was not all that was wanted.
    pub(super) fn failure(self, spool: &Spool, monitor: &MonitorName) -> Option<Failure> {
        let Finished { written, dropped, .. } = self.finished;
        let what = format!("store events of {monitor}");
        let not_stored =
            format!("{} of {} not stored", count(dropped), counted(written, "event was", "events were"));
        if let Some(error) = self.error {
            let mut failure = Failure::from(error).doing(what);
            if dropped > 0 {
                failure.message = format!("{}; {not_stored}", failure.message);
            }
            return Some(failure);
        }
        if dropped == 0 {
            return None;
        }
        let (why, hint) = if self.too_long == dropped {
            let most = spool.options().max_line_bytes;
            let hint = "split what is so long, or leave its content out".to_owned();
            (format!("longer than {most} bytes"), hint)
        } else {
            (why(spool), super::room(spool, None))
        };
        let message = format!("{what}: {not_stored}: {why}");
        Some(Failure::new(Exit::StateSaysNo, "not-stored", message).hint(hint))
    }
}

/// Why there is no room: as far as that is still to be seen.
fn why(spool: &Spool) -> String {
    match quota::gauge(spool, None) {
        Ok(gauge) if gauge.why == Some(Why::KeepFree) => {
            "the disk has to keep free what is left of it".to_owned()
        }
        Ok(gauge) if gauge.state == QuotaState::Hard => {
            format!("the quota of {} MB is used up", spool.options().limits.quota_mb())
        }
        _ => "there was no room".to_owned(),
    }
}

/// Prints what was stored, and gives how the command ends. `text` is the line for people, where there is one.
pub(super) fn tell(
    context: &Context,
    spool: &Spool,
    monitor: &MonitorName,
    stored: Stored,
    text: Option<String>,
) -> Result<Exit, Failure> {
    let output = &context.output;
    let Finished { written, durable, dropped } = stored.finished;
    let failure = stored.failure(spool, monitor);
    if let Some(failure) = &failure {
        output.complain(failure);
    }
    let printed = if output.json {
        let mut document = json!({
            "monitor": monitor.as_str(), "written": written, "durable": durable, "dropped": dropped,
        });
        if let (Some(failure), Some(object)) = (&failure, document.as_object_mut()) {
            object.insert("error".to_owned(), failure.object());
        }
        output.document(&document)
    } else {
        text.map_or(Ok(()), |text| output.print(text))
    };
    match failure {
        Some(failure) => Ok(failure.exit),
        None => printed.map(|()| Exit::Done),
    }
}
