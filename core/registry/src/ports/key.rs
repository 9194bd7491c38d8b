//! By what name a project stands in the machine-wide list.

use std::path::Path;

use conclave_db::paths;

use crate::error::{RegistryError, Result};

/// What names of projects begin with that are no paths here.
const OPAQUE: &str = "remote:";

/// Whether the name is no path of this machine.
pub(crate) fn is_opaque(name: &str) -> bool {
    name.starts_with(OPAQUE)
}

/// The name of the project at this root: its path without links, `.`, `..` and a slash at the end, so that one project
/// has one name. It need not exist. What begins with `remote:` is taken as it is, without slashes at the end.
pub(crate) fn of(root: &Path) -> Result<String> {
    if let Some(name) = root.to_str().filter(|name| is_opaque(name)) {
        return Ok(name.trim_end_matches('/').to_owned());
    }
    let path = paths::canonical_prefix(root)?;
    path.into_os_string().into_string().map_err(|path| {
        RegistryError::Invalid(format!(
            "{}: this path is no UTF-8, so its project can have no ports",
            Path::new(&path).display()
        ))
    })
}

/// Whether the project is there. What cannot be looked at is taken to be: its block is not given away for that.
pub(crate) fn exists(name: &str) -> bool {
    is_opaque(name) || Path::new(name).try_exists().unwrap_or(true)
}
