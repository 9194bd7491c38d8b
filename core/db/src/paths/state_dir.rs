//! Creating the folder that holds a project's state.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{STATE_DIR, canonical};
use crate::error::{DbError, Result};
use crate::file;

/// State belongs to this machine; the configuration may be shared.
const GITIGNORE: &[u8] = b"*\n!.gitignore\n!config.toml\n!prompts/\n!prompts/*.md\n";

/// A state folder that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    /// The folder, resolved.
    pub path: PathBuf,
    /// Whether this call made it; the caller tells the user.
    pub created: bool,
}

/// Makes the state folder with its parents, 0700, and a `.gitignore` in it that keeps everything but the
/// configuration and the prompts out of git. Two processes may do so at once. An existing folder of another name than
/// `.conclave` is somebody's choice and gets no `.gitignore`; rights of an existing folder are not changed.
pub fn ensure_state_dir(folder: &Path) -> Result<StateDir> {
    let created = !folder.is_dir();
    if created {
        file::create_folder(folder)?;
    }
    let path = canonical(folder)?;
    // Also in a folder that is already there: whoever made it may have been killed in between.
    if created || folder.file_name().is_some_and(|name| name == STATE_DIR) {
        write_gitignore(&path)?;
    }
    Ok(StateDir { path, created })
}

/// One that is there stays as it is, unless it is empty: that says nothing to git, and is what a process leaves
/// that is killed between making it and writing it. Two who mend it at once write the same bytes.
fn write_gitignore(folder: &Path) -> Result<()> {
    let path = folder.join(".gitignore");
    let mut options = OpenOptions::new();
    match std::fs::symlink_metadata(&path) {
        Ok(found) if !found.is_file() || found.len() > 0 => return Ok(()),
        Ok(_) => options.write(true),
        Err(_) => options.write(true).create_new(true).mode(0o600),
    };
    match options.open(&path).and_then(|mut file| file.write_all(GITIGNORE)) {
        // Another process makes the folder too.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        written => written.map_err(|error| DbError::io(format!("write {}", path.display()), error)),
    }
}
