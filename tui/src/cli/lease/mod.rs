//! `conclave lease …`, which is also `conclave ai lock …`.
//!
//! Scripts read the answers, so each is one line (or with `--json` one object), refusals too, and stands on stdout.
//! `lease run` says nothing there: its stdout is the command's.

mod acquire;
pub(crate) mod args;
mod guard;
mod line;
mod list;
mod patience;
mod refusal;
mod release;
mod renew;
mod run;
mod shape;
mod status;
mod target;
mod token;
mod values;

use conclave_leases::LeaseName;

use self::args::Lease;
use self::refusal::Refusal;
pub(super) use self::run::launcher;
use super::context::Context;
use super::output::Output;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context, command: &Lease) -> Exit {
    let done = match command {
        Lease::Acquire(line) => acquire::run(context, line),
        Lease::Renew(line) => renew::run(context, line),
        Lease::Release(line) => release::run(context, line),
        Lease::Status(line) => status::run(context, line),
        Lease::List(line) => list::run(context, line),
        Lease::Guard(line) => guard::run(context, line),
        Lease::Run(line) => return run::run(context, line),
    };
    done.unwrap_or_else(|refusal| refusal.tell(&context.output))
}

/// Tells a failure from before or around one of these commands as they tell their own. `command` is it in the words of
/// the user; gives whether it was one of them.
pub(super) fn tell(command: &str, output: &Output, failure: &Failure) -> bool {
    let words = command.strip_prefix("conclave ").unwrap_or(command);
    let word = words.strip_prefix("lease").or_else(|| words.strip_prefix("ai lock"));
    match word {
        None | Some(" run") => false,
        Some(_) => {
            Refusal::from(failure.clone()).tell(output);
            true
        }
    }
}

/// What is held where there is no file: nothing.
fn nobody_holds(name: Option<&LeaseName>) -> Refusal {
    let what = name.map_or_else(|| "any name".to_owned(), ToString::to_string);
    Failure::not_found(format!("nobody holds {what}: there is no state here")).into()
}
