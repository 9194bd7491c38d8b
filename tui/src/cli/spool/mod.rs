//! `conclave spool write|generate|flush|recover|verify|trim`

pub(crate) mod args;

use self::args::Spool;
use super::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context, command: Spool) -> Result<Exit, Failure> {
    let _ = (context, command);
    todo!("s4")
}
