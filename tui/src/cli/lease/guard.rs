//! `conclave lease guard`: an answer for this moment. Only a check inside the transaction that the lease protects is
//! atomic with it.

use super::args::Guard;
use super::line::Line;
use super::refusal::Refusal;
use super::{nobody_holds, target, values};
use crate::cli::context::Context;
use crate::failure::Exit;

pub(super) fn run(context: &Context, line: &Guard) -> Result<Exit, Refusal> {
    let name = values::name(&line.name)?;
    let fence = values::fence(&line.fence)?;
    let Some((leases, _)) = target::open_read_only(context, line.place)? else {
        return Err(nobody_holds(Some(&name)));
    };
    leases.guard(&name, fence)?;
    Line::new(true).with("fence", fence).print(&context.output)?;
    Ok(Exit::Done)
}
