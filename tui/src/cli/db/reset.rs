//! `conclave db reset`

use super::target::Target;
use crate::failure::{Exit, Failure};

pub(super) fn run(_target: &Target<'_>, _force: bool) -> Result<Exit, Failure> {
    todo!("L2")
}
