//! Keys: read late, shown never (R16).

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{LlmError, Result};
use crate::host::KeySource;
use crate::redact::MIN_KEY;

/// Bytes of a file of a key, at most: what is longer is none.
const MAX_BYTES: u64 = 16 * 1024;

/// A key. It can neither be printed nor serialised; its bytes are asked for where a request is built.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// For the header of a request, and for nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Reads a key; `environment` is asked for variables.
///
/// # Errors
/// A variable that is not set or empty, a file that others may read or that is not this user's, a key with control
/// characters. None repeats what stands there.
pub(crate) fn load(source: &KeySource, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<Secret> {
    match source {
        KeySource::Env(name) => {
            let Some(value) = environment(name) else {
                return Err(refused(format!("the variable {name} is not set"), format!("export {name}=…")));
            };
            let place = format!("the variable {name}");
            let text = value.into_string().map_err(|_| unusable(&place))?;
            checked(&text, &place)
        }
        KeySource::File(path) => {
            let place = format!("the key file {}", path.display());
            checked(&read(path, &place)?, &place)
        }
    }
}

fn read(path: &Path, place: &str) -> Result<String> {
    let failed =
        |what: &str, error: &std::io::Error| LlmError::invalid(format!("{place} cannot be {what}: {error}"));
    // Without waiting: what is named may be a pipe that nobody writes to.
    let not_blocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(not_blocking)
        .open(path)
        .map_err(|error| failed("opened", &error))?;
    // Of the file that is open, not of its name: that may be another one by now.
    let about = file.metadata().map_err(|error| failed("read", &error))?;
    if !about.is_file() {
        return Err(refused(format!("{place} is no file"), "name a file that holds the key".to_owned()));
    }
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(
            format!("{place} belongs to another user"),
            "copy it to a file of your own".to_owned(),
        ));
    }
    if about.mode() & 0o077 != 0 {
        return Err(refused(
            format!("{place} may be used by others (mode {:04o})", about.mode() & 0o7777),
            format!("chmod 600 {}", path.display()),
        ));
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| {
        if error.kind() == std::io::ErrorKind::InvalidData { unusable(place) } else { failed("read", &error) }
    })?;
    if text.len() as u64 > MAX_BYTES {
        return Err(refused(
            format!("{place} is too long for a key"),
            "it holds one key and nothing else".to_owned(),
        ));
    }
    Ok(text)
}

/// A key without what stands around it, fit for a header (RFC 9110 section 5.5).
fn checked(text: &str, place: &str) -> Result<Secret> {
    let key = text.trim_matches(|c: char| c.is_ascii_whitespace());
    if key.is_empty() {
        return Err(refused(format!("{place} is empty"), "put the key into it".to_owned()));
    }
    if key.len() < MIN_KEY {
        // It could be taken out of no text without spoiling it, and so would be shown where a server repeats it.
        return Err(refused(
            format!("what {place} holds is too short for a key"),
            format!("a key has {MIN_KEY} characters or more"),
        ));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(unusable(place));
    }
    Ok(Secret::new(key.to_owned()))
}

fn unusable(place: &str) -> LlmError {
    refused(
        format!(
            "{place} holds characters that no key has (a line break inside, a control character, or none of ASCII)"
        ),
        "it holds one key on one line and nothing else".to_owned(),
    )
}

fn refused(message: String, hint: String) -> LlmError {
    LlmError::Invalid { message, hint: Some(hint) }
}

#[cfg(test)]
mod tests;
