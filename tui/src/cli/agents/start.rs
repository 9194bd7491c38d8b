//! `conclave start`

use conclave_registry::agents::Role;

use super::args::Start;
use super::spawn::tell;
use super::starting::{self, Wanted};
use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context, line: Start) -> Result<Exit, Failure> {
    let wanted = Wanted {
        role: Role::Architect { name: line.name },
        command: line.command,
        port: !line.no_port,
        worktree: false,
        adopt: None,
        foreground: true,
    };
    let ready = starting::register(context, &wanted)?;
    match ready.in_foreground(&wanted.command)? {
        Some(exit) => Ok(exit),
        None => tell(context, &ready.agent, None),
    }
}
