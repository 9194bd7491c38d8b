//! `conclave agents set`

use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(
    _context: &Context,
    _id: &str,
    _status: Option<&str>,
    _phase: Option<&str>,
) -> Result<Exit, Failure> {
    todo!("R")
}
