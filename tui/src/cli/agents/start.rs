//! `conclave start`

use super::args::Start;
use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(_context: &Context, _line: Start) -> Result<Exit, Failure> {
    todo!("R")
}
