//! `conclave migrate verify`

use std::fmt::Write as _;

use conclave_consensus::migrate::{self, Finding, VerifyReport};
use conclave_db::Db;

use crate::attention::unfinished_imports;
use crate::cli::context::Context;
use crate::cli::output::Output;
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
    let Some((db, not_kept)) = context.project.open_to_keep(context.read_only || dry_run)? else {
        return Ok(Exit::Done);
    };
    context.say_how_it_is_read(&db);
    if let Some(failure) = not_kept {
        output.notice(format!("what is found is not kept: {}", failure.message));
    }
    let progress = Progress::new(output);
    let report =
        migrate::verify(&db, &context.actor, &mut |at| progress.at(at.done_rows, at.total_rows, at.phase))
            .doing("verify")?;
    drop(progress);
    if output.json {
        output.document(&report)?;
    } else {
        output.print(verify_page(&report))?;
        for advice in report.advice() {
            output.notice(format!("hint: {advice}"));
        }
    }
    say_unfinished(output, &db);
    Ok(if report.equal { Exit::Done } else { Exit::StateSaysNo })
}

/// What a comparison says nothing of: it compares what is here.
fn say_unfinished(output: &Output, db: &Db) {
    for import in unfinished_imports(db).unwrap_or_default() {
        output.notice(visible(&import.why));
        output.notice(format!("hint: {}", visible(&import.advice)));
    }
}

fn verify_page(report: &VerifyReport) -> String {
    let checked = counted(report.checked, "row", "rows");
    if report.equal {
        return format!("{checked} compared, all equal\n");
    }
    let mut text = format!("{checked} compared, {}\n", counted(report.differences, "differs", "differ"));
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
    let legacy = match (&finding.agent_id, finding.legacy_id, finding.rowid) {
        (Some(agent_id), ..) => agent_id.clone(),
        (None, None, Some(rowid)) => format!("rowid {rowid}"),
        (None, legacy_id, _) => id(legacy_id),
    };
    let reason = finding.reason.map_or(String::new(), |reason| format!(": {reason}"));
    let field = finding.field.map_or(String::new(), |field| format!(" in {field}"));
    let text = format!(
        "{}: {} {legacy}, new {}{field}{reason}",
        finding.kind.as_str().replace('_', " "),
        finding.table,
        id(finding.output_id)
    );
    visible(&text).into_owned()
}
