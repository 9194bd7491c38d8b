//! Rows as JSON, with nothing lost: integers exact, and what JSON has no word for as an object or a word of ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conclave_db::query::Row;
use conclave_db::sql::ValueRef;
use serde::Serialize;

use crate::failure::Failure;

/// Writes a row as an object in the order of its columns.
pub(super) fn write_row(into: &mut Vec<u8>, row: &Row<'_>) -> Result<(), Failure> {
    into.push(b'{');
    for (position, (name, value)) in row.cells().enumerate() {
        if position > 0 {
            into.push(b',');
        }
        write_text(into, name)?;
        into.push(b':');
        write_value(into, value)?;
    }
    into.push(b'}');
    Ok(())
}

/// Writes a text with its quotes.
pub(super) fn write_text(into: &mut Vec<u8>, text: &str) -> Result<(), Failure> {
    write(into, text)
}

fn write_value(into: &mut Vec<u8>, value: ValueRef<'_>) -> Result<(), Failure> {
    match value {
        ValueRef::Null => write(into, &()),
        ValueRef::Integer(number) => write(into, &number),
        ValueRef::Real(number) if number == f64::INFINITY => write(into, "Infinity"),
        ValueRef::Real(number) if number == f64::NEG_INFINITY => write(into, "-Infinity"),
        ValueRef::Real(number) => write(into, &number),
        ValueRef::Text(bytes) => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                return write(into, text);
            }
            write_bytes(into, bytes, r#"","type":"text"}"#);
            Ok(())
        }
        ValueRef::Blob(bytes) => {
            write_bytes(into, bytes, r#""}"#);
            Ok(())
        }
    }
}

fn write_bytes(into: &mut Vec<u8>, bytes: &[u8], end: &str) {
    into.extend_from_slice(br#"{"base64":""#);
    into.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    into.extend_from_slice(end.as_bytes());
}

fn write(into: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
    serde_json::to_writer(into, value).map_err(|error| Failure::internal(format!("write JSON: {error}")))
}
