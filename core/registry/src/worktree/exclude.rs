//! The line of `.git/info/exclude` that keeps the builders' worktrees out of the main checkout's status.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::repository::Repository;
use crate::error::{RegistryError, Result};

/// The line.
const LINE: &str = ".builders/";

/// Adds the line where it is missing. The file is replaced whole, so that whoever is killed leaves the old or the new
/// one; those who do it at the same time write the same.
pub(super) fn ensure(repository: &Repository) -> Result<()> {
    // Where git itself says: of a linked worktree it is the one of the main checkout.
    let file = repository.git().path(&["rev-parse", "--git-path", "info/exclude"])?;
    add_line(&file).map_err(|error| RegistryError::io(format!("write {}", file.display()), error))
}

fn add_line(file: &Path) -> std::io::Result<()> {
    let (file, old) = match std::fs::canonicalize(file) {
        // Somebody may keep it elsewhere: then that is what changes, and the link stays.
        Ok(file) => {
            let old = std::fs::read(&file)?;
            (file, Some(old))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => (file.to_path_buf(), None),
        Err(error) => return Err(error),
    };
    let mut text = old.clone().unwrap_or_default();
    if text.split(|byte| *byte == b'\n').any(|line| line.trim_ascii_end() == LINE.as_bytes()) {
        return Ok(());
    }
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(LINE.as_bytes());
    text.push(b'\n');
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let rights = match old {
        Some(_) => std::fs::metadata(&file)?.permissions(),
        None => std::os::unix::fs::PermissionsExt::from_mode(0o644),
    };
    let mut new = tempfile::Builder::new().prefix(".exclude-").tempfile_in(folder)?;
    new.write_all(&text)?;
    new.as_file().set_permissions(rights)?;
    new.as_file().sync_all()?;
    new.persist(&file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::add_line;

    #[test]
    fn the_line_comes_once_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("info/exclude");
        add_line(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), ".builders/\n");
        std::fs::write(&file, "# mine\n*.o").unwrap();
        add_line(&file).unwrap();
        add_line(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\n*.o\n.builders/\n");
        let others: Vec<_> = std::fs::read_dir(folder.path().join("info")).unwrap().collect();
        assert_eq!(others.len(), 1, "{others:?}");
    }

    #[test]
    fn a_file_that_is_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "*.o\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        add_line(&link).unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "*.o\n.builders/\n");
    }
}
