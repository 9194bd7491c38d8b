//! `conclave cache check [--fix]`

use serde_json::json;

use crate::cli::context::Context;
use crate::cli::doctor;
use crate::cli::progress::Progress;
use crate::failure::{Exit, Failure};
use crate::parse_cache;

pub(super) fn run(context: &Context, fix: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    let spinner = Progress::spinning(output, "checking");
    let fixed = if fix { parse_cache::fix(&context.project)? } else { Vec::new() };
    let checks = parse_cache::checks(&context.project);
    drop(spinner);
    if checks.is_empty() {
        super::say_empty(context);
        if output.json {
            output.document(&json!({ "checks": [], "fixed": fixed }))?;
        }
        return Ok(Exit::Done);
    }
    doctor::report(output, &checks, &fixed)
}
