//! `conclave agents diff`

use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(_context: &Context, _id: &str) -> Result<Exit, Failure> {
    todo!("W")
}
