//! `conclave diag`

use super::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let _ = context;
    todo!("s4")
}
