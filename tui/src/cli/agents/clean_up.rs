//! `conclave cleanup`

use std::fmt::Write as _;

use conclave_registry::agents;
use conclave_registry::worktree::{self, CleanedUp};

use super::args::Cleanup;
use super::existing;
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn run(context: &Context, line: &Cleanup) -> Result<Exit, Failure> {
    let db = existing::open(context, &line.id)?;
    agents::note_lost(&db).doing("look for lost agents")?;
    let agent = agents::find(&db, &line.id).doing("find the agent")?;
    let how = worktree::Cleanup { force: line.force, delete_branch: line.delete_branch };
    let project = &context.project;
    let done = worktree::clean_up(&db, &project.root, &agent, &project.config.worktree.hooks(), how)
        .doing(format!("clean up {}", agent.key.id))?;
    if context.output.json {
        context.output.document(&done)?;
    } else {
        context.output.print(page(&done))?;
    }
    Ok(Exit::Done)
}

fn page(done: &CleanedUp) -> String {
    let mut page = String::new();
    if !done.ended.is_empty() {
        let pids: Vec<String> = done.ended.iter().map(u32::to_string).collect();
        let _ = writeln!(page, "ended pid {}", pids.join(", "));
    }
    if let Some(folder) = &done.worktree {
        let _ = writeln!(page, "removed the worktree {}", visible(&folder.to_string_lossy()));
    }
    if let Some(branch) = &done.deleted_branch {
        let _ = writeln!(page, "deleted the branch {}", visible(branch));
    }
    if let Some(branch) = &done.kept_branch {
        let why = done.kept_because.as_deref().unwrap_or("which is not merged");
        let _ = writeln!(page, "kept the branch {}, {}", visible(branch), visible(why));
    }
    let _ = writeln!(page, "removed {}", visible(&done.id));
    page
}
