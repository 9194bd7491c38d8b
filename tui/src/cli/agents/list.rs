//! `conclave agents`

use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(_context: &Context) -> Result<Exit, Failure> {
    todo!("R")
}
