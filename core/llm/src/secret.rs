//! Keys: read late, shown never (R16).

use std::ffi::OsString;

use crate::error::Result;
use crate::host::KeySource;

/// A key. It can neither be printed nor serialised; its bytes are asked for where a request is built.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

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
    let _ = (source, environment);
    todo!("t")
}
