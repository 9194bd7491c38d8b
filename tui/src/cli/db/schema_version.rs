//! `conclave db schema-version`

use serde_json::json;

use super::target::Target;
use crate::failure::{Exit, Failure};

/// Where there is no state its version is 0.
pub(super) fn run(target: &Target<'_>) -> Result<Exit, Failure> {
    let output = &target.context.output;
    let version = target.viewer()?.map_or(0, |viewer| viewer.version());
    if output.json {
        output.document(&json!({ "version": version }))?;
    } else {
        output.print(format_args!("version={version}\n"))?;
    }
    Ok(Exit::Done)
}
