//! The folder of one attempt: prompt and schema for agents that read files. Named so that what a killed process left
//! behind is found again.

use std::io;

use conclave_db::Db;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::stage::mark;

fn prefix(mark: &str) -> String {
    use std::fmt::Write as _;
    let mut name = String::from("conclave-");
    for byte in Sha256::digest(mark.as_bytes()).iter().take(8) {
        // Writing into a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push('-');
    name
}

/// A new folder for the attempt with this mark, that this user alone may enter. It goes when dropped.
pub(super) fn folder(mark: &str) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(&prefix(mark)).tempdir()
}

/// Takes away the folders of the attempt with this mark, whose process is gone. What is not ours stays.
pub(super) fn clear(mark: &str) {
    clear_all(&[prefix(mark)]);
}

/// Takes away the folders that these attempts left, which nobody drives any more.
pub(crate) fn clear_of(db: &Db, agent_ids: &[String]) {
    let prefixes: Vec<String> = agent_ids.iter().map(|id| prefix(&mark(db, id))).collect();
    if !prefixes.is_empty() {
        clear_all(&prefixes);
    }
}

fn clear_all(prefixes: &[String]) {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if prefixes.iter().any(|prefix| name.starts_with(prefix))
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::debug!(%error, path = %entry.path().display(), "a folder of a lost attempt stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{clear, folder};

    #[test]
    fn what_a_lost_attempt_left_goes_and_others_stay() {
        let (left, other) = (folder("a lost one").unwrap().keep(), folder("another").unwrap());
        std::fs::write(left.join("prompt.md"), "do it").unwrap();
        clear("a lost one");
        assert!(!left.exists() && other.path().exists());
    }
}
