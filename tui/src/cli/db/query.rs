//! `conclave db query`

use std::time::Duration;

use serde_json::json;

use super::json::write_row;
use super::stream::Stream;
use super::target::Target;
use crate::failure::{Exit, Failure};

/// Prints the answer as one array, row by row as it comes.
pub(super) fn run(target: &Target<'_>, sql: &str, timeout: Option<Duration>) -> Result<Exit, Failure> {
    let output = &target.context.output;
    let Some(viewer) = target.viewer()? else {
        output.document(&json!([]))?;
        return Ok(Exit::Done);
    };
    let mut stream = Stream::new(output.writer());
    stream.text("[");
    let mut between = "\n";
    let answered = viewer.query(sql, timeout, |row| {
        stream.text(between);
        between = ",\n";
        write_row(stream.held(), row)?;
        stream.pass_on()
    });
    let answered = answered.and_then(|()| {
        stream.text("\n]\n");
        stream.end()
    });
    stream.answer(output, answered.map_err(|failure: Failure| failure.doing("query")))
}
