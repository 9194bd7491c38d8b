//! `conclave doctor [--fix]`, and `conclave db check`, which is the same without the cure and the agents.

use std::fmt::Write as _;

use conclave_consensus::migrate;
use conclave_db::doctor::{self, Check, CheckState};
use conclave_tasks::health;
use serde_json::json;

use super::context::Context;
use super::output::{Output, Paint};
use super::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;
use crate::{agent_checks, attention, parse_cache, registry_import};

/// What is looked over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The state and the agents.
    Everything,
    /// The state alone.
    State,
}

pub(super) fn run(context: &Context, scope: Scope, fix: bool) -> Result<Exit, Failure> {
    look(context, scope, fix).or_else(|failure| or_broken(&context.output, failure))
}

/// A file that is too broken to be opened: the one check that could be made has failed.
pub(super) fn or_broken(output: &Output, failure: Failure) -> Result<Exit, Failure> {
    match failure.kind {
        "corrupt" | "not-a-database" => broken(output, &failure),
        _ => Err(failure),
    }
}

fn broken(output: &Output, failure: &Failure) -> Result<Exit, Failure> {
    let advice = failure.hint.clone().unwrap_or_default();
    let check = Check::fail("state", failure.message.clone(), advice);
    output.complain(failure);
    if output.json {
        let document = json!({ "checks": [check], "fixed": [], "error": failure.object() });
        output.document(&document)?;
    } else {
        output.print(line(output, &check))?;
    }
    Ok(failure.exit)
}

fn look(context: &Context, scope: Scope, fix: bool) -> Result<Exit, Failure> {
    let mut fixed = Vec::new();
    if fix && context.project.has_state() {
        let db = context.open()?;
        let _spinner = Progress::spinning(&context.output, "mending what can be mended");
        fixed = doctor::fix(&db).doing("fix")?;
        fixed.extend(migrate::mend(&db, &context.actor).doing("fix the migration")?);
        fixed.extend(health::fix(&db, &context.actor).doing("fix the tasks")?);
        fixed.extend(conclave_registry::health::fix(&db).doing("fix the registry")?);
        fixed.extend(parse_cache::fix(&context.project).doing("fix the cache")?);
    }
    let db = context.open_read_only()?;
    let waiting = registry_import::waiting_checks(&context.project, db.as_ref());
    let Some(db) = db else {
        if context.output.json || !waiting.is_empty() {
            return report(&context.output, &waiting, &fixed);
        }
        return Ok(Exit::Done);
    };
    let spinner = Progress::spinning(&context.output, "checking");
    let mut checks = attention::checks(&db, &context.project, context.machine());
    checks.extend(waiting);
    if scope == Scope::Everything {
        checks.extend(parse_cache::summary(&context.project));
        checks.extend(agent_checks::checks(&context.project, &context.environment));
        checks.extend(host_checks(context));
    }
    drop(spinner);
    report(&context.output, &checks, &fixed)
}

/// Of the model hosts; of a machine-wide file that cannot be opened the registry's checks have told.
fn host_checks(context: &Context) -> Vec<Check> {
    let (project, environment) = (&context.project, &context.environment);
    let global = context.machine().and_then(|machine| machine.open_read_only()).ok().flatten();
    attention::host_checks(project, environment, &attention::hosts(project, environment, global.as_ref()))
}

/// Prints the checks and what was mended.
pub(super) fn report(output: &Output, checks: &[Check], fixed: &[String]) -> Result<Exit, Failure> {
    let failed = checks.iter().any(|check| check.state == CheckState::Fail);
    if output.json {
        output.document(&json!({ "checks": checks, "fixed": fixed }))?;
    } else {
        let mut text = String::new();
        for done in fixed {
            let _ = writeln!(text, "fixed: {}", visible(done));
        }
        for check in checks {
            text.push_str(&line(output, check));
        }
        output.print(text)?;
    }
    Ok(if failed { Exit::StateSaysNo } else { Exit::Done })
}

fn line(output: &Output, check: &Check) -> String {
    let (sign, word, paint) = match check.state {
        CheckState::Ok => (output.sign("✓", "+"), "ok", Paint::Green),
        CheckState::Warn => (output.sign("◐", "~"), "warn", Paint::Yellow),
        CheckState::Fail => (output.sign("✗", "x"), "fail", Paint::Red),
    };
    let state = output.coloured(&format!("{sign} {word:<4}"), paint);
    let mut text = format!("{state}  {:<22}  {}\n", check.name, visible(&check.detail));
    if let Some(advice) = &check.advice {
        let _ = writeln!(text, "        {:<22}  {}", "", visible(advice));
    }
    text
}
