//! `conclave doctor [--fix]`, and `conclave db check`, which is the same without the cure.

use std::fmt::Write as _;

use conclave_consensus::migrate;
use conclave_db::doctor::{self, Check, CheckState};
use serde_json::json;

use super::context::Context;
use super::output::{Output, Paint};
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn run(context: &Context, fix: bool) -> Result<Exit, Failure> {
    let mut fixed = Vec::new();
    if fix && context.project.has_state() {
        let db = context.open()?;
        fixed = doctor::fix(&db).doing("fix")?;
        fixed.extend(migrate::mend(&db, &context.actor).doing("fix the migration")?);
    }
    let Some(db) = context.open_read_only()? else {
        if context.output.json {
            context.output.document(&json!({ "checks": [], "fixed": [] }))?;
        }
        return Ok(Exit::Done);
    };
    let mut checks = doctor::checks(&db);
    checks.extend(migrate::checks(&db));
    let failed = checks.iter().any(|check| check.state == CheckState::Fail);
    if context.output.json {
        context.output.document(&json!({ "checks": checks, "fixed": fixed }))?;
    } else {
        let mut text = String::new();
        for done in &fixed {
            let _ = writeln!(text, "fixed: {}", visible(done));
        }
        for check in &checks {
            text.push_str(&line(&context.output, check));
        }
        context.output.print(text)?;
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
    let mut text = format!("{state}  {:<20}  {}\n", check.name, visible(&check.detail));
    if let Some(advice) = &check.advice {
        let _ = writeln!(text, "        {:<20}  {}", "", visible(advice));
    }
    text
}
