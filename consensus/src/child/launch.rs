//! Starting a child by way of a launcher, which gives up the controlling terminal and then becomes the program.
//!
//! Only the process itself can leave its session, and only between its start and that of the program: so the launcher
//! is this program once more, which calls [`launch`]. Process id, start time, environment, folder and descriptors are
//! the program's from the beginning: becoming another program changes none of them.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::MARK;

/// What the launcher ends with when the program could not be started; with it comes the line that says why.
const NOT_STARTED: u8 = 126;
const WORDS: &str = ": could not be started: ";
const CODE: &str = " (os error ";

/// What a launcher does: leaves the session and the controlling terminal, and becomes the program. Returns only when
/// that failed: with the exit code to end with, and what to write to standard error, where the one who waits reads it.
pub fn launch(program: &OsStr, args: &[OsString]) -> (u8, Vec<u8>) {
    let error = match rustix::process::setsid() {
        Ok(_) => std::process::Command::new(program).args(args).exec(),
        Err(errno) => errno.into(),
    };
    let mut said = std::env::var_os(MARK).unwrap_or_default().into_vec();
    let code = error.raw_os_error().unwrap_or(Errno::INVAL.raw_os_error());
    said.extend_from_slice(format!("{WORDS}{}{CODE}{code})\n", Errno::from_raw_os_error(code)).as_bytes());
    (NOT_STARTED, said)
}

/// The system's error code, where this is how a launcher ended that did not start its program.
pub(super) fn refused(mark: &str, exit_code: Option<i32>, stderr: &[u8]) -> Option<i32> {
    if exit_code != Some(i32::from(NOT_STARTED)) {
        return None;
    }
    let line = stderr.strip_prefix(mark.as_bytes())?.strip_suffix(b")\n")?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix(WORDS)?;
    line.rsplit_once(CODE)?.1.parse().ok()
}

/// Whether the program is there and may be executed, as the system would find it once in the folder: what can be known
/// before the launcher is started.
pub(super) fn look_for(program: &OsStr, env: &[(OsString, OsString)], directory: &Path) -> io::Result<()> {
    // Where there is no PATH, the system looks here.
    const USUAL: &str = "/bin:/usr/bin";
    if program.is_empty() {
        return Err(Errno::NOENT.into());
    }
    if program.as_bytes().contains(&b'/') {
        return executable(&directory.join(program));
    }
    let path = env.iter().rev().find(|(name, _)| name == "PATH");
    let path = path.map_or(OsStr::new(USUAL), |(_, value)| value);
    let mut found = Err(Errno::NOENT.into());
    for folder in std::env::split_paths(path) {
        match executable(&directory.join(folder).join(program)) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => found = Err(error),
            Err(_) => {}
        }
    }
    found
}

fn executable(file: &Path) -> io::Result<()> {
    access(file, Access::EXEC_OK)?;
    if file.is_dir() { Err(Errno::ACCESS.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
