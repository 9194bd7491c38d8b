//! `conclave db check`

use conclave_db::doctor as file_doctor;
use serde_json::json;

use super::target::Target;
use crate::cli::doctor;
use crate::cli::progress::Progress;
use crate::failure::{Exit, Failure};

/// The state is looked over as by `doctor`; of the machine-wide file the file itself.
pub(super) fn run(target: &Target<'_>) -> Result<Exit, Failure> {
    if !target.is_global() {
        return doctor::run(target.context, doctor::Scope::State, false);
    }
    let output = &target.context.output;
    if !target.has_state() {
        output.no_state();
        if output.json {
            output.document(&json!({ "checks": [], "fixed": [] }))?;
        }
        return Ok(Exit::Done);
    }
    match target.open_read_only() {
        Ok(db) => {
            let spinner = Progress::spinning(output, "checking");
            let checks = file_doctor::checks(&db);
            drop(spinner);
            doctor::report(output, &checks, &[])
        }
        Err(failure) => doctor::or_broken(output, failure),
    }
}
