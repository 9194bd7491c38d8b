//! `conclave db dump`

use serde_json::json;

use super::INDEXES;
use super::json::{write_row, write_text};
use super::stream::Stream;
use super::target::Target;
use crate::failure::{Exit, Failure};

/// Prints all tables as one object, row by row, from one snapshot.
pub(super) fn run(target: &Target<'_>) -> Result<Exit, Failure> {
    let output = &target.context.output;
    let Some(viewer) = target.viewer()? else {
        output.document(&json!({}))?;
        return Ok(Exit::Done);
    };
    let mut stream = Stream::new(output.writer());
    stream.text("{");
    let mut between_tables = "\n";
    let dumped = viewer.each_table(INDEXES, |table| {
        stream.text(between_tables);
        between_tables = ",\n";
        write_text(stream.held(), table.name())?;
        stream.text(":[");
        let mut between_rows = "\n";
        table.rows(|row| {
            stream.text(between_rows);
            between_rows = ",\n";
            write_row(stream.held(), row)?;
            stream.pass_on()
        })?;
        stream.text("]");
        stream.pass_on()
    });
    let dumped = dumped.and_then(|()| {
        stream.text("\n}\n");
        stream.end()
    });
    stream.answer(output, dumped.map_err(|failure: Failure| failure.doing("dump")))
}
