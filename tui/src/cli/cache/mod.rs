//! `conclave cache get|put|delete|symbols|stats|clear|check`

pub(crate) mod args;

use self::args::Cache;
use super::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context, command: Cache) -> Result<Exit, Failure> {
    let _ = (context, command);
    todo!("c2")
}
