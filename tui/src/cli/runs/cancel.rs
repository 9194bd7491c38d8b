//! `conclave runs cancel`

use conclave_consensus::workflow::{self, Cancel};
use serde_json::json;

use crate::cli::context::Context;
use crate::driving;
use crate::failure::{Doing, Exit, Failure};
use crate::find_run::find_one;
use crate::text::visible;

pub(super) fn run(context: &Context, name: &str) -> Result<Exit, Failure> {
    if !context.project.has_state() {
        return Err(
            Failure::not_found(format!("no run {name:?}: there is no state here")).hint("conclave init")
        );
    }
    let db = context.open()?;
    let run = find_one(&db, name)?;
    let came =
        driving::complete(workflow::cancel(&db, run, &context.actor))?.doing(format!("cancel run {run}"))?;
    let said = driving::cancelled(run, &came);
    if came == Cancel::AlreadyClosed {
        return Err(Failure::new(Exit::StateSaysNo, "closed", said));
    }
    if context.output.json {
        let (asked, verdict) = match &came {
            Cancel::Asked { pid } => (Some(pid), None),
            Cancel::Closed(verdict) => (None, Some(verdict)),
            Cancel::AlreadyClosed => (None, None),
        };
        context.output.document(&json!({ "run": run, "asked": asked, "verdict": verdict }))?;
    } else {
        context.output.print(format_args!("{}\n", visible(&said)))?;
    }
    Ok(Exit::Done)
}
