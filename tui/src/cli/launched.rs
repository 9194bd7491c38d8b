//! `conclave launch-agent PROGRAM [ARGUMENT…]`: gives up the terminal and becomes the program. Agents are started
//! through it, and the command of `lease run` through a word of its own; they are nobody else's business, so they stand
//! in no help and no completions.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use conclave_consensus::child;

use super::lease;

const WORD: &str = "launch-agent";

/// Whether this process is the program `conclave`, which knows the word. A test is not.
static IS_PROGRAM: AtomicBool = AtomicBool::new(false);

/// Answers a line with the word; gives back only where the program could not be started.
pub(super) fn answer(line: &[OsString]) -> Option<ExitCode> {
    IS_PROGRAM.store(true, Ordering::Relaxed);
    let [_, word, program, args @ ..] = line else { return None };
    if word == lease::launcher::WORD {
        return Some(lease::launcher::become_program(&line[2..]));
    }
    (word == WORD).then(|| {
        let (code, said) = child::launch(program, args);
        // Where nobody listens the exit code says it.
        let _ = std::io::stderr().write_all(&said);
        ExitCode::from(code)
    })
}

/// What agents are started through; nothing where this is another program.
pub(crate) fn launcher() -> Vec<OsString> {
    itself().map_or_else(Vec::new, |program| vec![program.into_os_string(), WORD.into()])
}

/// The file of this program; nothing where this is another one.
pub(crate) fn itself() -> Option<PathBuf> {
    // It is still this program when its file was replaced by a newer one.
    const RUNNING: &str = "/proc/self/exe";
    if !IS_PROGRAM.load(Ordering::Relaxed) {
        return None;
    }
    if Path::new(RUNNING).exists() { Some(RUNNING.into()) } else { std::env::current_exe().ok() }
}
