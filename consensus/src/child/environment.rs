//! Which of the caller's environment a child sees.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What every program may know.
const USUAL: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TERM", "TMPDIR"];

/// The environment of a child: of the caller's only the usual names (`LC_*` too) and those of `pass`, then the
/// values of `set`. This program's own variables are never passed on; they would steer one that a child starts.
/// Sorted by name, each name once.
pub fn environment(
    caller: impl IntoIterator<Item = (OsString, OsString)>,
    pass: &[&str],
    set: &[(String, String)],
) -> Vec<(OsString, OsString)> {
    let is_passed = |name: &OsStr| {
        let text = name.to_string_lossy();
        let is_wanted = USUAL.contains(&&*text) || pass.contains(&&*text) || text.starts_with("LC_");
        is_wanted && !text.starts_with("CONCLAVE_")
    };
    let passed = caller.into_iter().filter(|(name, _)| is_passed(name));
    let set = set.iter().map(|(name, value)| (name.into(), value.into()));
    passed.chain(set).collect::<BTreeMap<_, _>>().into_iter().collect()
}

#[cfg(test)]
mod tests;
