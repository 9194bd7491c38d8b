//! `conclave lease renew`

use super::args::Renew;
use super::line::Line;
use super::refusal::Refusal;
use super::{nobody_holds, target, token, values};
use crate::cli::context::Context;
use crate::failure::Exit;

pub(super) fn run(context: &Context, line: &Renew) -> Result<Exit, Refusal> {
    let names = values::names(&line.names)?;
    let ttl = values::ttl(line.ttl_sec.as_ref())?;
    let token = token::given(context, &line.token)?;
    let Some((leases, _)) = target::open_existing(context, line.place)? else {
        return Err(nobody_holds(names.first()));
    };
    let renewed = leases.renew(&token, &names, ttl)?;
    let line = Line::new(true).with("expires_utc_ms", renewed.expires_utc_ms).fences(&renewed.fences);
    line.print(&context.output)?;
    Ok(Exit::Done)
}
