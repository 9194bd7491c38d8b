//! `conclave ports get|list|cleanup|release`

pub(crate) mod args;

use self::args::Ports;
use super::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(_context: &Context, _command: Ports) -> Result<Exit, Failure> {
    todo!("P")
}
