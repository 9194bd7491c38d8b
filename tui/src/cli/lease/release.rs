//! `conclave lease release`

use super::args::Release;
use super::line::Line;
use super::refusal::Refusal;
use super::{nobody_holds, target, token, values};
use crate::cli::context::Context;
use crate::failure::Exit;

pub(super) fn run(context: &Context, line: &Release) -> Result<Exit, Refusal> {
    let names = values::names(&line.names)?;
    let token = token::given(context, &line.token)?;
    let Some((leases, _)) = target::open_existing(context, line.place)? else {
        return Err(nobody_holds(names.first()));
    };
    let released = leases.release(&token, &names)?;
    // Of one name nothing more is to be said than that it is done.
    let line = Line::new(true);
    let line = if released.len() == 1 && !context.output.json { line } else { line.fences(&released) };
    line.print(&context.output)?;
    Ok(Exit::Done)
}
