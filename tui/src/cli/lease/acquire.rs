//! `conclave lease acquire`

use std::sync::{Arc, OnceLock};

use conclave_leases::{Grant, LeaseErrorKind, Leases, Request};
use conclave_retry::CancelToken;

use super::args::Acquire;
use super::line::Line;
use super::refusal::Refusal;
use super::token::NewFile;
use super::{patience, target, values};
use crate::cli::context::Context;
use crate::cli::interrupt::{Heard, Listening};
use crate::failure::Exit;

pub(super) fn run(context: &Context, line: &Acquire) -> Result<Exit, Refusal> {
    let bound_to = line.bind_pid.as_deref().map(values::bound).transpose()?;
    let request = Request { bound_to, ..values::request(&line.wish)? };
    let file = line.owner_token_file.as_deref().map(|file| NewFile::plan(context, file)).transpose()?;
    let (leases, _) = target::open(context, line.wish.place)?;
    // A process that ended between the grant and its line would leave a lease that nobody has the token of.
    let signals = Signals::listen();
    patience::tell(context, &leases, &request);
    let grant = match leases.acquire(&request, &signals.cancel) {
        Err(error) if error.kind() == LeaseErrorKind::Interrupted => return Ok(signals.exit()),
        other => other?,
    };
    if signals.first.get().is_some() {
        give_back(&leases, &grant);
        return Ok(signals.exit());
    }
    hand_over(context, &leases, &grant, file.as_ref())?;
    Ok(Exit::Done)
}

/// While this is there the first signal that asks the process to end ends the wait, and a second one the process.
struct Signals {
    first: Arc<OnceLock<Heard>>,
    cancel: CancelToken,
    _listening: Listening,
}

impl Signals {
    fn listen() -> Self {
        let (first, cancel) = (Arc::<OnceLock<Heard>>::default(), CancelToken::new());
        let (seen, waiting) = (Arc::clone(&first), cancel.clone());
        let listening = Listening::new(move |heard| match seen.set(heard) {
            Ok(()) => waiting.cancel(),
            Err(_) => signal_hook::low_level::exit(i32::from(heard.exit().code())),
        });
        Self { first, cancel, _listening: listening }
    }

    fn exit(&self) -> Exit {
        self.first.get().map_or(Exit::Interrupted, |heard| heard.exit())
    }
}

/// Tells the token. Where nobody took it, the lease is given back, nothing is left of the file, and it is no success.
fn hand_over(
    context: &Context,
    leases: &Leases,
    grant: &Grant,
    file: Option<&NewFile>,
) -> Result<(), Refusal> {
    let mut line = Line::new(true);
    if let Some(file) = file {
        file.write(&grant.token).inspect_err(|_| _ = give_back(leases, grant))?;
    } else {
        line = line.with("owner_token", grant.token.reveal());
    }
    line = line.with("expires_utc_ms", grant.expires_utc_ms).fences(&grant.fences);
    let printed = line.beside("holder_id", grant.holder.as_str()).print(&context.output);
    printed.map_err(|mut failure| {
        // A lease that could not be given back still has its token there.
        if give_back(leases, grant)
            && let Some(file) = file
        {
            file.remove();
        }
        if failure.silent {
            failure.exit = Exit::Storage;
        }
        failure.into()
    })
}

/// Nobody has the token, so nobody else could; whether it is done.
fn give_back(leases: &Leases, grant: &Grant) -> bool {
    let released = leases.release(&grant.token, &[]);
    if let Err(error) = &released {
        tracing::warn!(%error, "a lease stays held until its time is over: its token could not be handed over");
    }
    released.is_ok()
}
