//! When two values are the same: white space, the order of keys and the spelling of numbers do not count.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// A value in canonical form: equal texts are equal values.
pub(super) fn value(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

/// A decision in canonical form: upper and lower case and a full stop at its end do not count either.
pub(super) fn decision(written: &Value) -> String {
    match written {
        Value::String(text) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            Value::String(words.join(" ").trim_end_matches(['.', ' ']).to_lowercase()).to_string()
        }
        other => value(other),
    }
}

/// Whether it says nothing: no value, or a text of white space.
pub(super) fn is_silent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn write(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => write_number(text, number),
        Value::String(words) => {
            let words: Vec<&str> = words.split_whitespace().collect();
            let _ = write!(text, "{}", Value::String(words.join(" ")));
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write(text, item);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(object) => {
            let mut keys: Vec<&String> = object.keys().collect();
            keys.sort_unstable();
            text.push('{');
            for key in keys {
                let _ = write!(text, "{}:", Value::String(key.clone()));
                write(text, &object[key]);
                text.push(',');
            }
            text.push('}');
        }
    }
}

/// `1.0` is `1`, and `-0.0` is `0`.
fn write_number(text: &mut String, number: &Number) {
    /// Up to here a float holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => {
            let sign = if float < 0.0 { "-" } else { "" };
            let _ = write!(text, "{sign}{}", float.abs());
        }
        _ => {
            let _ = write!(text, "{number}");
        }
    }
}
