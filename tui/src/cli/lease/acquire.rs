//! `conclave lease acquire`

use conclave_leases::{Grant, Leases, Request};
use conclave_retry::CancelToken;

use super::args::Acquire;
use super::line::Line;
use super::refusal::Refusal;
use super::token::NewFile;
use super::{target, values};
use crate::cli::context::Context;
use crate::failure::Exit;

pub(super) fn run(context: &Context, line: &Acquire) -> Result<Exit, Refusal> {
    let bound_to = line.bind_pid.as_deref().map(values::bound).transpose()?;
    let request = Request { bound_to, ..values::request(&line.wish)? };
    let file = line.owner_token_file.as_deref().map(|file| NewFile::plan(context, file)).transpose()?;
    let (leases, _) = target::open(context, line.wish.place)?;
    // Ctrl-C ends the process wherever it waits; whoever comes after it sees that it is gone.
    let grant = leases.acquire(&request, &CancelToken::new())?;
    hand_over(context, &grant, file.as_ref()).inspect_err(|_| give_back(&leases, &grant))?;
    Ok(Exit::Done)
}

fn hand_over(context: &Context, grant: &Grant, file: Option<&NewFile>) -> Result<(), Refusal> {
    let mut line = Line::new(true);
    match file {
        None => line = line.with("owner_token", grant.token.reveal()),
        Some(file) => file.write(&grant.token)?,
    }
    line = line.with("expires_utc_ms", grant.expires_utc_ms).fences(&grant.fences);
    Ok(line.beside("holder_id", grant.holder.as_str()).print(&context.output)?)
}

/// Nobody has the token, so nobody could.
fn give_back(leases: &Leases, grant: &Grant) {
    if let Err(error) = leases.release(&grant.token, &[]) {
        tracing::warn!(%error, "a lease stays held until its time is over: its token could not be handed over");
    }
}
