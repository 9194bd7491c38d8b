//! `conclave stop`

use super::args::StopLine;
use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(_context: &Context, _line: StopLine) -> Result<Exit, Failure> {
    todo!("R")
}
