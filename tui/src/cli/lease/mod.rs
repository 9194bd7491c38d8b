//! `conclave lease …`, which is also `conclave ai lock …`.

pub(crate) mod args;

use self::args::Lease;
use super::context::Context;
use crate::failure::{Exit, Failure};

#[expect(clippy::boxed_local, reason = "as the line has it")]
pub(super) fn run(_context: &Context, command: Box<Lease>) -> Result<Exit, Failure> {
    match *command {
        Lease::List => todo!("C"),
    }
}
