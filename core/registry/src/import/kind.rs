//! Which of the two files it is.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{RegistryError, Result};

/// What a database begins with (<https://sqlite.org/fileformat.html#magic_header_string>).
const HEADER: &[u8] = b"SQLite format 3\0";

/// Which of the two a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `state.json`: agents of a project.
    State,
    /// `ports.json`: blocks of the machine.
    Ports,
}

/// Tells by its content which of the two a file is; `None` for neither (such as a database). What is no JSON any more is
/// told by the keys that can be found in it, and what has none by its name.
pub fn kind_of(file: &Path) -> Result<Option<Kind>> {
    if starts_as_database(file)? {
        return Ok(None);
    }
    let bytes = match super::read(file) {
        // Far too large for either.
        Err(RegistryError::Input { .. }) => return Ok(None),
        bytes => bytes?,
    };
    Ok(kind_of_bytes(file, &bytes))
}

fn kind_of_bytes(file: &Path, bytes: &[u8]) -> Option<Kind> {
    let named = match file.file_name().and_then(|name| name.to_str()) {
        Some("state.json") => Some(Kind::State),
        Some("ports.json") => Some(Kind::Ports),
        _ => None,
    };
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('{') {
        return named;
    }
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(top) => {
            let is_entry = |value: &Value| value.get("basePort").is_some();
            if STATE_KEYS.iter().any(|key| top.contains_key(*key)) {
                Some(Kind::State)
            } else if top.contains_key("entries") || top.values().any(is_entry) {
                Some(Kind::Ports)
            } else {
                named
            }
        }
        // One object in each line: tasks, or nothing that is known.
        Err(_) if text.lines().next().is_some_and(is_object) => named,
        Err(_) => {
            let names = |keys: &[&str]| keys.iter().any(|key| text.contains(&format!("\"{key}\"")));
            if names(&PORTS_KEYS) {
                Some(Kind::Ports)
            } else if names(&STATE_KEYS) {
                Some(Kind::State)
            } else {
                named
            }
        }
    }
}

const STATE_KEYS: [&str; 4] = ["architect", "builders", "utils", "annotations"];
const PORTS_KEYS: [&str; 2] = ["basePort", "entries"];

fn is_object(line: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(line).is_ok()
}

/// Whether the file has the header of SQLite, without reading all of it.
fn starts_as_database(file: &Path) -> Result<bool> {
    super::refuse_irregular(file)?;
    let mut start = Vec::new();
    let read = File::open(file).and_then(|file| file.take(HEADER.len() as u64).read_to_end(&mut start));
    read.map_err(|error| super::unreadable(file, error))?;
    Ok(start == HEADER)
}
