//! `conclave db backup`

use std::path::PathBuf;

use conclave_db::ErrorKind;
use conclave_db::backup::{self, BackupOptions};

use super::target::Target;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{counted, size};

pub(super) fn run(target: &Target<'_>, to: Option<PathBuf>, keep: usize) -> Result<Exit, Failure> {
    let context = target.context;
    let db = target.open_read_only()?;
    let target = match to {
        Some(to) => context.environment.folder.join(to),
        // A slash at the end says that it is a folder, also where it is not there yet.
        None => backup::default_folder(db.path()).join(""),
    };
    let folder = if backup::is_folder(&target) { &*target } else { target.parent().unwrap_or(&target) };
    let made = !folder.exists() && folder != backup::default_folder(db.path());
    // A command that only reads makes its copy, and removes nothing.
    let keep = (!context.read_only).then_some(keep);
    let options = BackupOptions { keep, ..BackupOptions::default() };
    let spinner = Progress::spinning(&context.output, "copying and checking the copy");
    let report = backup::backup(&db, &target, &options).doing("back up").map_err(about_target)?;
    drop(spinner);
    if made {
        context.output.notice(format!("made the folder {}", folder.display()));
    }
    if context.output.json {
        context.output.document(&report)?;
    } else {
        context.output.print(format_args!(
            "{}  {}, verified\n",
            report.path.display(),
            size(report.bytes)
        ))?;
        if !report.removed.is_empty() {
            context.output.notice(format!(
                "removed {}",
                counted(report.removed.len() as u64, "older backup", "older backups")
            ));
        }
    }
    Ok(Exit::Done)
}

/// What is refused is the name.
fn about_target(failure: Failure) -> Failure {
    if failure.kind == ErrorKind::Invalid.as_str() {
        return failure
            .hint("name a file that is not there yet, or a folder: a name with the time is made in it");
    }
    failure
}
