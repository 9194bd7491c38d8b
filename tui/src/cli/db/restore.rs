//! `conclave db restore`

use std::path::{Path, PathBuf};

use conclave_db::{ErrorKind, Source, backup};
use conclave_leases::FenceCarry;
use conclave_registry::agents::Agent;

use super::living;
use super::target::{Target, about_users};
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};

pub(super) fn run(target: &Target<'_>, from: Option<PathBuf>, force: bool) -> Result<Exit, Failure> {
    let context = target.context;
    let from = match from {
        Some(from) => context.environment.folder.join(from),
        None => newest_backup(target.database())?,
    };
    // What cannot be read is refused before a folder is made for it.
    drop(Source::open(&from).doing("read the backup").map_err(about_backup)?);
    let living = living::agents(target);
    if !force {
        living::refuse(target, "restore", &living)?;
    }
    if !target.has_state() {
        target.ensure_folder()?;
    }
    let spinner =
        Progress::spinning(&context.output, "checking the backup, keeping what is there, restoring");
    let guard = target.guard("db restore")?;
    let mut carry = FenceCarry::new(force)?;
    let report = backup::restore(&target.options()?, &from, &mut carry)
        .doing("restore")
        .map_err(|failure| about_users(target.about_leases(about_backup(failure))))?;
    drop((guard, spinner));
    target.say_what_leases_became(&carry);
    living::say(target, &unknown(target, living));
    if context.output.json {
        context.output.document(&report)?;
    } else {
        context.output.print(format_args!(
            "restored {} from {}, verified\n",
            report.path.display(),
            report.from.display()
        ))?;
        if let Some(kept) = &report.kept {
            context.output.notice(format!("what was there before is kept as {}", kept.display()));
        }
    }
    Ok(Exit::Done)
}

/// Those that the backup does not know as what they are.
fn unknown(target: &Target<'_>, living: Vec<Agent>) -> Vec<Agent> {
    let known = living::agents(target);
    let is_known = |agent: &Agent| {
        known
            .iter()
            .any(|other| (&other.key, other.pid, &other.process) == (&agent.key, agent.pid, &agent.process))
    };
    living.into_iter().filter(|agent| !is_known(agent)).collect()
}

/// What is damaged is the backup, and restoring "the newest" again would not help.
fn about_backup(failure: Failure) -> Failure {
    if failure.kind == ErrorKind::Corrupt.as_str() {
        return failure.hint("this backup is damaged; name another one: `conclave db restore FILE`");
    }
    if failure.kind == ErrorKind::Invalid.as_str() {
        return failure.hint("name a backup: `conclave db restore FILE`, or nothing for the newest one");
    }
    failure
}

fn newest_backup(database: &Path) -> Result<PathBuf, Failure> {
    let folder = backup::default_folder(database);
    let newest = backup::list(&folder, database).doing("look for backups")?.into_iter().next();
    newest.map(|file| file.path).ok_or_else(|| {
        Failure::not_found(format!("no backup in {}", folder.display()))
            .hint("name one: conclave db restore FILE")
    })
}
