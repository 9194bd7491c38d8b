//! `[ports]`: where the machine's blocks of ports begin.

use conclave_registry::ports::FirstBase;
use toml::de::DeValue;

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of the table.
pub(super) const KEYS: [&str; 1] = ["base"];

pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<Option<FirstBase>, Failure> {
    let mut base = None;
    for (key, value) in reader.table("ports", value)? {
        match key.get_ref().as_ref() {
            "base" => base = Some(first_base(reader, value)?),
            other => return Err(reader.unknown(key.span(), "ports.", other, &KEYS)),
        }
    }
    Ok(base)
}

fn first_base(reader: &Reader<'_>, value: &Value<'_>) -> Result<FirstBase, Failure> {
    let key = "ports.base";
    let text = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', ""),
        DeValue::Integer(number) => number.to_string(),
        other => return Err(reader.wrong(key, value.span(), "a number such as 4200", other)),
    };
    FirstBase::parse(&text).map_err(|wrong| reader.refuse(&value.span(), &format!("{key}: {wrong}")))
}
