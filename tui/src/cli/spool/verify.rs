//! `conclave spool verify`: reads every file, and says what is wrong with it.

use std::fmt::Write as _;

use conclave_spool::verify::{self, Finding};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::output::Paint;
use crate::cli::progress::Progress;
use crate::event_spool;
use crate::failure::{Doing as _, Exit, Failure};
use crate::text::{counted, visible};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let db = context.open_read_only()?;
    let spool = event_spool::of(&context.project, db.clone())?;
    let spinner = Progress::spinning(&context.output, "reading every file");
    let (files, findings) = verify::verify(&spool, db.as_ref()).doing("verify")?;
    drop(spinner);
    if context.output.json {
        context.output.document(&json!({ "files": files, "findings": findings }))?;
    } else {
        context.output.print(text(context, files, &findings))?;
    }
    Ok(if findings.is_empty() { Exit::Done } else { Exit::StateSaysNo })
}

fn text(context: &Context, files: u64, findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { what, kind, detail } in findings {
        let kind = context.output.coloured(kind, Paint::Red);
        let _ = writeln!(text, "{}: {kind}: {}", visible(what), visible(detail));
    }
    let files = counted(files, "file", "files");
    let found = match findings.len() as u64 {
        0 => "nothing is wrong".to_owned(),
        some => counted(some, "difference", "differences"),
    };
    let _ = writeln!(text, "read {files}: {found}");
    text
}
