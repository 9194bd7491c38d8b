//! `conclave db reset`

use std::path::Path;

use conclave_db::backup::{self, ResetReport};
use conclave_leases::{FenceCarry, LeaseError, Leases};
use conclave_registry::ports;
use serde::Serialize;
use serde_json::json;

use super::living;
use super::target::{Target, about_users};
use crate::cli::ask;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::counted;
use crate::ui::shell::quoted;

/// What is printed with `--json`.
#[derive(Serialize)]
struct Report<'of> {
    #[serde(flatten)]
    reset: &'of ResetReport,
    /// How many projects had a block of ports; `null` for the project's state, and where they could not be counted.
    projects: Option<usize>,
    /// Names that were held, which only `--force` ends.
    ended_leases: Vec<&'of str>,
    /// Agents that run on, and that nobody knows any more.
    left_agents: Vec<serde_json::Value>,
}

pub(super) fn run(target: &Target<'_>, force: bool) -> Result<Exit, Failure> {
    let context = target.context;
    let path = target.database();
    if is_missing(path) {
        context.output.no_state();
        if context.output.json {
            context.output.document(&json!({}))?;
        }
        return Ok(Exit::Done);
    }
    target.refuse_the_machine_wide_file()?;
    let projects = projects(target);
    let losing = what_is_lost(target, projects);
    let living = living::agents(target);
    if !force {
        living::refuse(target, "reset", &living)?;
        if !ask::is_possible(&context.output) {
            let text = format!("nothing was reset: {} would begin anew{losing}", path.display());
            let hint = format!("`{}` does it, after a backup", target.in_words("reset --force"));
            return Err(Failure::usage(text).hint(hint));
        }
        refuse_held(target)?;
        let question = format!("Reset {}? A backup is made first{losing}.", path.display());
        if !ask::agrees(&question)? {
            context.output.notice("nothing was reset");
            return Ok(Exit::StateSaysNo);
        }
    }
    let spinner = Progress::spinning(&context.output, "making a backup, and an empty file in its place");
    let guard = target.guard("db reset")?;
    // Some may have come while the question stood there.
    let living = living::agents(target);
    if !force {
        living::refuse(target, "reset", &living)?;
    }
    let mut carry = FenceCarry::new(force)?;
    let reset = backup::reset(&target.options()?, &mut carry)
        .doing("reset")
        .map_err(|failure| about_users(target.about_leases(failure)))?;
    drop((guard, spinner));
    target.say_what_leases_became(&carry);
    living::say(target, &living);
    if context.output.json {
        let ended_leases = carry.ended().iter().map(conclave_leases::LeaseName::as_str).collect();
        context.output.document(&Report {
            reset: &reset,
            projects,
            ended_leases,
            left_agents: living::objects(&living),
        })?;
    } else {
        context.output.print(format_args!("reset {}, verified\n", reset.path.display()))?;
        if target.is_global() {
            context.output.notice(format!("begun anew{losing}"));
        }
        say_what_is_kept(target, &reset);
    }
    Ok(Exit::Done)
}

fn say_what_is_kept(target: &Target<'_>, reset: &ResetReport) {
    let Some(kept) = &reset.kept else { return };
    let (output, name) = (&target.context.output, kept.display());
    if reset.kept_verified {
        output.notice(format!("what was there is kept as {name}"));
        let back = target.in_words(&format!("restore {}", quoted(&kept.to_string_lossy())));
        output.notice(format!("hint: `{back}` brings it back"));
    } else {
        output.notice(format!("what was there was damaged, and is kept as it was as {name}"));
    }
}

fn is_missing(path: &Path) -> bool {
    std::fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// To agree is not to force: while somebody holds a lease nobody is asked. Looked at again with the file locked.
fn refuse_held(target: &Target<'_>) -> Result<(), Failure> {
    // It is to be reset whatever is wrong with it.
    let Ok(db) = target.open_read_only() else { return Ok(()) };
    let Ok(found) = Leases::new(db).and_then(|leases| leases.list()) else {
        return Ok(());
    };
    let mut live = found.into_iter().flat_map(|status| status.leases).filter(|lease| !lease.expired);
    let Some(lease) = live.next() else { return Ok(()) };
    let held =
        LeaseError::Held { name: lease.name, by: lease.holder, expires_utc_ms: Some(lease.expires_utc_ms) };
    Err(target.about_leases(Failure::from(held).doing("reset")))
}

/// How many projects have a block of ports in the machine-wide file, as far as it can be read.
fn projects(target: &Target<'_>) -> Option<usize> {
    let counted = target.machine()?.open_read_only().and_then(|db| match db {
        Some(db) => ports::list(&db).map(|blocks| blocks.len()).doing("count the blocks of ports"),
        None => Ok(0),
    });
    // It is to be reset whatever is wrong with it.
    counted.inspect_err(|failure| tracing::warn!(?failure, "the blocks of ports cannot be counted")).ok()
}

fn what_is_lost(target: &Target<'_>, projects: Option<usize>) -> String {
    match projects {
        _ if !target.is_global() => String::new(),
        Some(1) => "; 1 project loses its block of ports".to_owned(),
        Some(projects) => {
            let projects = counted(projects as u64, "project", "projects");
            format!("; {projects} lose their blocks of ports")
        }
        None => "; all projects lose their blocks of ports".to_owned(),
    }
}
