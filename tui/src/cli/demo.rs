//! `conclave demo`

use std::fmt::Write as _;

use conclave_consensus::import::quoted;
use conclave_consensus::runs::{self, RunFilter};
use serde_json::json;

use super::context::Context;
use super::progress::Progress;
use super::runs::list_lines;
use crate::demo;
use crate::failure::{Doing, Exit, Failure};
use crate::import::in_words;
use crate::text::counted;
use crate::ui;

/// How the running program is called: by its name where the shell finds it, else by its path.
fn program(context: &Context) -> String {
    const NAME: &str = "conclave";
    let Ok(running) = std::env::current_exe() else { return NAME.to_owned() };
    let path = context.environment.get("PATH").cloned().unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(NAME)).find(|file| file.is_file());
    match found.and_then(|file| file.canonicalize().ok()) {
        Some(file) if file == running => NAME.to_owned(),
        _ => quoted(&running.to_string_lossy()),
    }
}

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let progress = Progress::new(&context.output);
    let demo = demo::create(&context.actor, &mut |at| progress.at(at.done_rows, at.total_rows, at.phase))?;
    drop(progress);
    let root = demo.project.root.clone();
    let place = || format!("the demo's project lies in {}", root.display());
    let further = || {
        let (folder, program) = (quoted(&root.to_string_lossy()), program(context));
        format!(
            "look around in it: cd {folder} && {program}\nnothing else needs the folder: delete it when you like"
        )
    };
    if context.output.json {
        let db = demo.project.open()?;
        let runs = runs::list(&db, &RunFilter::default(), None, None).doing("read the runs")?;
        context.output.document(&json!({
            "project": root.to_string_lossy(),
            "import": demo.report,
            "verified": demo.verified,
            "runs": runs,
        }))?;
        return Ok(Exit::Done);
    }
    if ui::refuse_without_terminal(&context.environment).is_ok() {
        let exit = context.show(demo.project)?;
        context.output.notice(place());
        context.output.notice(further());
        return Ok(exit);
    }
    let db = demo.project.open()?;
    let verified = if demo.verified.equal { "all equal" } else { "with differences" };
    let checked = counted(demo.verified.checked, "row", "rows");
    let mut text =
        format!("imported {}\nverified {checked} byte for byte: {verified}\n\n", in_words(&demo.report));
    text.push_str(&list_lines(context, &db, &RunFilter::default())?);
    let _ = writeln!(text, "\n{}\n{}", place(), further());
    context.output.print(text)?;
    Ok(Exit::Done)
}
