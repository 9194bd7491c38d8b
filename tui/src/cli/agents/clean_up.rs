//! `conclave cleanup`

use super::args::Cleanup;
use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(_context: &Context, _line: Cleanup) -> Result<Exit, Failure> {
    todo!("W")
}
