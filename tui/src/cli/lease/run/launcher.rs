//! What the command of `lease run` is started through: only the process itself can ask to be killed with its parent, and
//! only between its start and that of the program. So the launcher is this program once more, and becomes the command.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use crate::cli::launched;
use crate::text::visible;

/// As a shell ends where there is no such program, and where it is there and cannot be started.
const NO_PROGRAM: u8 = 127;
const NOT_STARTED: u8 = 126;

/// How the command is started.
pub(super) fn command(words: &[OsString]) -> io::Result<Command> {
    let [program, args @ ..] = words else { return Err(io::ErrorKind::InvalidInput.into()) };
    let launcher = launched::held_launcher();
    let [itself, word] = launcher.as_slice() else {
        // A test, or another program: without its help the command may outlive us.
        let mut command = Command::new(program);
        command.args(args);
        return Ok(command);
    };
    let mut command = Command::new(itself);
    command.arg(word).arg(std::process::id().to_string()).arg(program).args(args);
    Ok(command)
}

/// What a launcher does with the number of its parent and the command. Comes back only where the command could not be started.
pub(crate) fn become_program(words: &[OsString]) -> ExitCode {
    let [parent, program, args @ ..] = words else { return ExitCode::from(NOT_STARTED) };
    if let Err(error) = die_with(parent) {
        return failed(program, &error, NOT_STARTED);
    }
    let error = Command::new(program).args(args).exec();
    let code = if error.kind() == io::ErrorKind::NotFound { NO_PROGRAM } else { NOT_STARTED };
    failed(program, &error, code)
}

/// Asks to be killed when the parent dies; fails where it has died already.
fn die_with(parent: &OsString) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    if now.is_some_and(|now| parent == now.as_str()) {
        Ok(())
    } else {
        Err(io::Error::other("the process that holds the lease is gone"))
    }
}

fn failed(program: &OsString, error: &io::Error, code: u8) -> ExitCode {
    let program = program.to_string_lossy();
    // Where nobody listens the exit code says it.
    let _ = writeln!(io::stderr(), "error: {}: could not be started: {error}", visible(&program));
    ExitCode::from(code)
}
