//! `conclave migrate verify`

use std::fmt::Write as _;

use conclave_consensus::migrate::{self, Finding, VerifyReport};
use conclave_db::Db;

use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted, visible};

pub(super) fn run(context: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    if !context.project.has_state() {
        output.no_state();
        if output.json {
            output.document(&VerifyReport { equal: true, ..VerifyReport::default() })?;
        }
        return Ok(Exit::Done);
    }
    let Some(db) = open_to_verify(context, dry_run)? else { return Ok(Exit::Done) };
    let progress = Progress::new(output);
    let report =
        migrate::verify(&db, &mut |at| progress.at(at.done_rows, at.total_rows, at.phase)).doing("verify")?;
    drop(progress);
    if output.json {
        output.document(&report)?;
    } else {
        output.print(verify_page(&report))?;
    }
    Ok(if report.equal { Exit::Done } else { Exit::StateSaysNo })
}

/// Opens the state so that what is found can be kept, where that is wanted and possible. A state that must be
/// migrated first is refused as by everything that reads.
fn open_to_verify(context: &Context, dry_run: bool) -> Result<Option<Db>, Failure> {
    let reader = context.project.open_read_only()?;
    if context.read_only || dry_run || reader.is_none() {
        return Ok(reader);
    }
    drop(reader);
    match context.project.open() {
        Ok(db) => Ok(Some(db)),
        Err(failure) => {
            context.output.notice(format!("what is found is not kept: {}", failure.message));
            context.project.open_read_only()
        }
    }
}

fn verify_page(report: &VerifyReport) -> String {
    let checked = counted(report.checked, "row", "rows");
    if report.equal {
        return format!("{checked} compared, all equal\n");
    }
    let mut text = format!("{checked} compared, {} differ\n", count(report.differences));
    for finding in &report.findings {
        let _ = writeln!(text, "{}", finding_in_words(finding));
    }
    let shown = report.findings.len() as u64;
    if shown < report.differences {
        let _ = writeln!(text, "and {} more", count(report.differences - shown));
    }
    text
}

/// A difference in one line.
pub(super) fn finding_in_words(finding: &Finding) -> String {
    let id = |id: Option<i64>| id.map_or("-".to_owned(), |id| id.to_string());
    let legacy = finding.agent_id.clone().unwrap_or_else(|| id(finding.legacy_id));
    let field = finding.field.map_or(String::new(), |field| format!(" in {field}"));
    let text = format!(
        "{}: {} {legacy}, new {}{field}",
        finding.kind.as_str().replace('_', " "),
        finding.table,
        id(finding.output_id)
    );
    visible(&text).into_owned()
}
