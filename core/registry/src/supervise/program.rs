//! Whether a program is there, and how a command line is written down.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::Command;
use crate::error::{RegistryError, Result};
use crate::words::quoted;

/// Refuses a command whose program is not there or may not be executed, as far as can be known before it is started.
pub fn look_for(command: &Command) -> Result<()> {
    found(&command.program, &command.env, &command.directory)
        .map_err(|error| not_started(&command.program, &error))
}

/// The error of a command that the system did not start.
pub(super) fn not_started(program: &OsStr, error: &io::Error) -> RegistryError {
    RegistryError::Command {
        what: format!("start {}", program.display()),
        said: error.to_string(),
        hint: (error.kind() == io::ErrorKind::NotFound)
            .then(|| "a program is named by its path, or by a name that PATH leads to".to_owned()),
    }
}

/// As the system would find it once in the folder.
fn found(program: &OsStr, env: &[(OsString, OsString)], directory: &Path) -> io::Result<()> {
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

/// The words as a shell would take them; what is no UTF-8 is shown as well as it can be.
pub fn line_of(words: &[OsString]) -> String {
    words.iter().map(|word| quoted(Path::new(word))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_a_shell_takes_it() {
        let words = ["sh", "-c", "echo it's", "", "a=b"].map(OsString::from);
        assert_eq!(line_of(&words), r"sh -c 'echo it'\''s' '' 'a=b'");
    }

    #[test]
    fn a_program_is_found_as_the_system_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plain"), "").unwrap();
        let look = |program: &str, path: &str| {
            let env = [("PATH".into(), path.into())];
            found(OsStr::new(program), &env, folder.path()).map_err(|error| error.kind())
        };
        assert_eq!(look("sh", "/nowhere:/bin:/usr/bin"), Ok(()));
        assert_eq!(look("sh", "/nowhere"), Err(io::ErrorKind::NotFound));
        assert_eq!(look("plain", "."), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(look("./plain", ""), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(look("", "/bin"), Err(io::ErrorKind::NotFound));
        assert_eq!(look("/", "/bin"), Err(io::ErrorKind::PermissionDenied));
    }
}
