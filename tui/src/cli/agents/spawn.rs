//! `conclave spawn`

use super::args::Spawn;
use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(_context: &Context, _line: Spawn) -> Result<Exit, Failure> {
    todo!("R")
}
