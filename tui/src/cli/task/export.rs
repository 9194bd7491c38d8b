//! `conclave task export`

use std::io::{self, Write};

use conclave_tasks::exchange::{self, ExportOptions, Order};
use serde_json::json;

use super::args::Export;
use super::nothing;
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{counted, size, visible};

pub(super) fn run(context: &Context, line: &Export) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else {
        return match &line.output {
            // Nothing is no reason to touch a file.
            Some(file) if context.output.json => {
                context
                    .output
                    .document(&json!({ "file": file.to_string_lossy(), "records": 0, "bytes": 0 }))?;
                Ok(Exit::Done)
            }
            Some(_) => Ok(Exit::Done),
            None => nothing(context),
        };
    };
    let order = Order::from(line.order);
    let Some(given) = &line.output else {
        let mut out = context.output.writer();
        if context.output.json {
            let mut array = Array { out: &mut out, at_beginning: true, after_line: false };
            exchange::export(&db, order, &mut array).doing("export")?;
            let end: &[u8] = if array.at_beginning { b"[]\n" } else { b"]\n" };
            out.write_all(end).map_err(|error| Failure::io("print", &error))?;
        } else {
            exchange::export(&db, order, &mut out).doing("export")?;
        }
        out.flush().map_err(|error| Failure::io("print", &error))?;
        return Ok(Exit::Done);
    };
    let file = context.environment.folder.join(given);
    let spinner = Progress::spinning(&context.output, "exporting");
    let options = ExportOptions { order, force: line.force };
    let exported = exchange::export_to_file(&db, &file, options).doing("export")?;
    drop(spinner);
    let name = given.to_string_lossy();
    if context.output.json {
        context
            .output
            .document(&json!({ "file": name, "records": exported.records, "bytes": exported.bytes }))?;
    } else {
        context.output.print(format_args!(
            "exported {} to {} ({})\n",
            counted(exported.records, "record", "records"),
            visible(&name),
            size(exported.bytes)
        ))?;
    }
    Ok(Exit::Done)
}

/// Makes of lines the elements of an array, each with the bytes that it has. A record has no line feed in it: it came
/// as a line.
struct Array<'out, W: Write> {
    out: &'out mut W,
    at_beginning: bool,
    after_line: bool,
}

impl<W: Write> Write for Array<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.at_beginning {
                self.out.write_all(b"[")?;
                self.at_beginning = false;
            } else if self.after_line {
                self.out.write_all(b",\n")?;
            }
            let line = part.strip_suffix(b"\n");
            self.after_line = line.is_some();
            self.out.write_all(line.unwrap_or(part))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Array;

    #[test]
    fn lines_become_elements_however_they_are_cut() {
        for cuts in [
            &["{\"a\": 1}\n{\"b\":1e3}\n"][..],
            &["{\"a\"", ": 1}", "\n", "{\"b\":1e3}\n"],
            &["{\"a\": 1}\n{", "\"b\":1e3}", "\n"],
        ] {
            let mut out = Vec::new();
            let mut array = Array { out: &mut out, at_beginning: true, after_line: false };
            for cut in cuts {
                array.write_all(cut.as_bytes()).unwrap();
            }
            assert_eq!(String::from_utf8(out).unwrap(), "[{\"a\": 1},\n{\"b\":1e3}");
        }
    }
}
