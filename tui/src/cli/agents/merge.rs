//! `conclave agents merge`

use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(_context: &Context, _id: &str, _squash: bool) -> Result<Exit, Failure> {
    todo!("W")
}
