//! Files that git ignores and a builder needs all the same, such as `.env`: those that `.worktreeinclude` names.
//!
//! Git itself says which they are, so the rules are exactly those of `.gitignore`. What git does not ignore is never
//! copied: it comes with the branch, or is somebody's unfinished work.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use super::git::{self, Git};
use super::repository::refused;
use crate::error::{RegistryError, Result};

/// What names them, at the top of the checkout.
const FILE: &str = ".worktreeinclude";
/// What is never copied, wherever it lies.
const NEVER: &[&str] = &[".git", ".builders", ".conclave"];

/// Copies them from one checkout into the other, with their modes, links as links; gives how many. What is in the way
/// stays, and nothing is written outside of `to`.
pub(super) fn copy(from: &Path, to: &Path) -> Result<u64> {
    let mut copied = 0;
    for name in names(from)? {
        let done = copy_one(from, to, &name);
        copied += u64::from(done.map_err(|error| {
            RegistryError::io(format!("copy {} that {FILE} names", crate::words::shown(&name)), error)
        })?);
    }
    Ok(copied)
}

/// The files that are both named and ignored, by their paths below the checkout.
fn names(top: &Path) -> Result<Vec<PathBuf>> {
    let list = top.join(FILE);
    match std::fs::metadata(&list) {
        // Git would wait for whoever writes into a pipe.
        Ok(found) if !found.is_file() => {
            return Err(refused(
                format!("{} is no regular file", list.display()),
                "make it a list of names, as .gitignore is one, or remove it",
            ));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RegistryError::io(format!("read {}", list.display()), error)),
    }
    let of = |rule: &str| {
        let words = ["ls-files", "-z", "--others", "--ignored", rule, "--", ".", ":(exclude,top).builders"];
        Git::at(top).run(&words)
    };
    let named = of(&format!("--exclude-from={FILE}"))?;
    let ignored = of("--exclude-standard")?;
    let ignored: BTreeSet<&Path> = git::paths(&ignored).collect();
    Ok(git::paths(&named)
        .filter(|name| ignored.contains(name) && may_be_copied(name))
        .map(Path::to_path_buf)
        .collect())
}

fn may_be_copied(name: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    // A repository inside of this one is listed as a folder, with a slash.
    !name.as_os_str().as_bytes().ends_with(b"/")
        && name.components().all(|part| match part {
            Component::Normal(part) => NEVER.iter().all(|never| part != *never),
            _ => false,
        })
}

/// Copies one; `false` where something is in the way, or where it is neither file nor link.
fn copy_one(from: &Path, to: &Path, name: &Path) -> std::io::Result<bool> {
    let (source, target) = (from.join(name), to.join(name));
    let kind = match source.symlink_metadata() {
        Ok(found) => found.file_type(),
        // It went since it was listed.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if !(kind.is_file() || kind.is_symlink()) || !make_folders(to, name)? {
        return Ok(false);
    }
    let done = if kind.is_symlink() {
        symlink(std::fs::read_link(&source)?, &target)
    } else {
        copy_file(&source, &target)
    };
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the folders that the file lies in. `false` where one of them is there as something else: a link could lead
/// anywhere.
fn make_folders(to: &Path, name: &Path) -> std::io::Result<bool> {
    let mut folder = to.to_path_buf();
    for part in name.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        match std::fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if !folder.symlink_metadata()?.is_dir() {
                    return Ok(false);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn copy_file(source: &Path, target: &Path) -> std::io::Result<()> {
    // Neither a link nor a pipe that took the file's place since it was looked at.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut source = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(source)?;
    let found = source.metadata()?;
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    std::io::copy(&mut source, &mut copy)?;
    copy.set_permissions(std::fs::Permissions::from_mode(found.permissions().mode() & 0o777))?;
    // Build tools compare times.
    found.modified().and_then(|at| File::set_modified(&copy, at))
}
