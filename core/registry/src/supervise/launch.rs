//! The launcher: it waits for the word to go on, and becomes the program.
//!
//! Two pipes lie between it and whoever started it. On one it reads a single byte; the end of the pipe before that byte
//! means that nobody recorded it, and it ends. On the other it says why the program could not be started; a program that
//! is started closes it without a word. Both are inherited by number, and opened anew by that number: whatever has a
//! number without an owner cannot be used otherwise.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};

use conclave_db::process::{self, ProcessIdentity};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use super::program::not_started;
use super::{Command, code_of};
use crate::error::{RegistryError, Result};

/// What a launcher ends with when nobody told it to go on.
const NOT_WANTED: u8 = 125;
/// What a shell ends with for a program that may not be executed, and for one that is not there.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// What the hidden word does: the numbers of the two pipes, then the program with its arguments. Gives the exit code to
/// end with; returns only where the program was not started.
pub fn become_program(words: &[OsString]) -> u8 {
    let [go, result, program, args @ ..] = words else { return NOT_WANTED };
    let Ok(mut result) = inherited(result, false) else { return NOT_WANTED };
    if !matches!(inherited(go, true).and_then(told), Ok(true)) {
        return NOT_WANTED;
    }
    let error = std::process::Command::new(program).args(args).exec();
    let code = error.raw_os_error().unwrap_or(Errno::INVAL.raw_os_error());
    // Where nobody listens the exit code says it.
    let _ = result.write_all(&code.to_ne_bytes());
    code_for(&error)
}

/// The exit code for a program that was not started, as shells have it.
pub(super) fn code_for(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// A pipe that was inherited by its number. It never waits for somebody at the other end, who may be dead.
fn inherited(number: &OsStr, reads: bool) -> io::Result<File> {
    let number: i32 = number
        .to_str()
        .and_then(|number| number.parse().ok())
        .filter(|number| *number > 2)
        .ok_or(Errno::BADF)?;
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).map_err(|_| Errno::INVAL)?;
    let opened =
        File::options().read(reads).write(!reads).custom_flags(flags).open(format!("/proc/self/fd/{number}"));
    // The program is not to inherit it.
    nix::unistd::close(number)?;
    opened
}

/// Waits for the byte; false when the pipe ends without one.
fn told(mut go: File) -> io::Result<bool> {
    let mut byte = [0];
    loop {
        match go.read(&mut byte) {
            Ok(length) => return Ok(length == 1),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        match poll(&mut [PollFd::new(&go, PollFlags::IN)], None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// A launcher that waits for the word. Dropped without it, the launcher ends.
#[derive(Debug)]
pub(super) struct Launched {
    /// Who it is, and who its program will be.
    pub(super) process: ProcessIdentity,
    child: Child,
    program: OsString,
    go: File,
    result: File,
}

/// Starts the launcher. It leads a group of its own.
pub(super) fn launch(launcher: &[OsString], command: &Command, stdio: [Stdio; 3]) -> Result<Launched> {
    let failed = |error: io::Error| not_started(&command.program, &error);
    let Some((program, words)) = launcher.split_first() else {
        return Err(RegistryError::Invalid("agents are started by the program itself".to_owned()));
    };
    let (go_read, go) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
    let (result, result_write) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
    for passed in [&go_read, &result_write] {
        fcntl_setfd(passed, FdFlags::empty()).map_err(|errno| failed(errno.into()))?;
    }
    let number = |end: &OwnedFd| end.as_raw_fd().to_string();
    let [stdin, stdout, stderr] = stdio;
    let child = std::process::Command::new(program)
        .args(words)
        .args([number(&go_read), number(&result_write)])
        .arg(&command.program)
        .args(&command.args)
        .current_dir(&command.directory)
        .env_clear()
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .spawn()
        .map_err(|error| in_folder(command, error))
        .map_err(failed)?;
    drop((go_read, result_write));
    let mut launched = Launched {
        process: ProcessIdentity { boot_id: String::new(), pid_namespace: 0, pid: child.id(), start_time: 0 },
        child,
        program: command.program.clone(),
        go: File::from(go),
        result: File::from(result),
    };
    match process::of(launched.process.pid) {
        Ok(Some(process)) => launched.process = process,
        // It cannot be signalled by what is known of it, and goes with its pipe.
        Ok(None) => return Err(launched.never_mind(failed(Errno::SRCH.into()))),
        Err(error) => return Err(launched.never_mind(error.into())),
    }
    Ok(launched)
}

/// The system says the same of a missing folder as of a missing program.
fn in_folder(command: &Command, error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::NotFound && !command.directory.is_dir() {
        return io::Error::new(
            io::ErrorKind::NotFound,
            format!("{}: no such folder", command.directory.display()),
        );
    }
    error
}

impl Launched {
    /// Tells the launcher to go on, which becomes its program.
    pub(super) fn go_on(mut self) -> Going {
        let waiting = Waiting { pid: self.pid() };
        // One that was killed meanwhile has its end like any other.
        let _ = self.go.write_all(&[1]);
        Going { waiting, program: self.program, result: self.result }
    }

    /// Lets the launcher end, and waits until it has; gives the error back.
    pub(super) fn never_mind(self, error: RegistryError) -> RegistryError {
        let waiting = Waiting { pid: self.pid() };
        drop(self);
        waiting.for_end();
        error
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

/// A launcher that was told to go on. It can be stopped before it is the program: on a terminal Ctrl-Z is for whoever
/// has it, so one who waits there must not wait for the program alone.
#[derive(Debug)]
pub(super) struct Going {
    pub(super) waiting: Waiting,
    program: OsString,
    result: File,
}

impl Going {
    /// Waits until it is the program. Fails where that cannot be started; then it has ended, and with the error comes
    /// the exit code that a shell would give it.
    pub(super) fn started(mut self) -> Result<Waiting, (RegistryError, u8)> {
        match self.failure() {
            None => Ok(self.waiting),
            Some(failure) => {
                self.waiting.for_end();
                Err(failure)
            }
        }
    }

    /// Why the program could not be started, and the code that a shell would end with; `None` where it was started.
    /// Waits until either is known, which it is where the process has ended.
    pub(super) fn failure(&mut self) -> Option<(RegistryError, u8)> {
        let mut said = Vec::new();
        let code = match self.result.read_to_end(&mut said) {
            Ok(1..) => said.try_into().map_or(Errno::INVAL.raw_os_error(), i32::from_ne_bytes),
            // It runs; or it was killed meanwhile, which is its end like any other.
            Ok(0) | Err(_) => return None,
        };
        let error = io::Error::from_raw_os_error(code);
        Some((not_started(&self.program, &error), code_for(&error)))
    }
}

/// A child that runs, and is waited for.
#[derive(Debug)]
pub(super) struct Waiting {
    pid: Pid,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It was stopped, as Ctrl-Z does.
    Stopped,
    /// It was stopped because it wanted the terminal, which its group has not.
    WantsTerminal,
    /// It has ended, with this code; its number may be another's from now on. `None` where the end was not for us to
    /// see, as for a process that ignores SIGCHLD: that is no code, and never 0.
    Ended(Option<i32>),
}

impl Waiting {
    /// Waits until it is stopped or has ended.
    pub(super) fn news(&self) -> News {
        match self.wait(WaitOptions::UNTRACED) {
            Some(status) if status.stopped() => match status.stopping_signal() {
                Some(signal_hook::consts::SIGTTIN | signal_hook::consts::SIGTTOU) => News::WantsTerminal,
                _ => News::Stopped,
            },
            status => News::Ended(status.map(code_of)),
        }
    }

    /// Waits until it has ended; gives its code, `None` as with the news.
    pub(super) fn for_end(&self) -> Option<i32> {
        self.wait(WaitOptions::empty()).map(code_of)
    }

    /// `None` where the system kept no end for us, which it does for nobody who ignores SIGCHLD; it has ended then, too.
    fn wait(&self, options: WaitOptions) -> Option<WaitStatus> {
        loop {
            match waitpid(Some(self.pid), options) {
                Ok(found) => return found.map(|(_, status)| status),
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
    }
}
