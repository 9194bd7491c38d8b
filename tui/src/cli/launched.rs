//! Words by which this program starts itself again. They are nobody else's business, so they stand in no help and no
//! completions.
//!
//! `conclave launch-agent PROGRAM [ARGUMENT…]` gives up the terminal and becomes the program: what a run asks is started
//! through it. `conclave launch-child …` waits for a word and becomes the program: agents of the registry are.
//! `conclave supervise-agent …` starts one of those in the background and waits for its end. `conclave launch-held …`
//! becomes a program that dies with its parent: the command of `lease run` is started through it.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use conclave_consensus::child;
use conclave_db::{Db, DbOptions};
use conclave_registry::supervise;

use super::lease;
use crate::state;

const WORD: &str = "launch-agent";
const CHILD: &str = "launch-child";
const SUPERVISOR: &str = "supervise-agent";
const HELD: &str = "launch-held";

/// Whether this process is the program `conclave`, which knows the word. A test is not.
static IS_PROGRAM: AtomicBool = AtomicBool::new(false);

/// Answers a line with the word; gives back only where the program could not be started.
pub(super) fn answer(line: &[OsString]) -> Option<ExitCode> {
    IS_PROGRAM.store(true, Ordering::Relaxed);
    let [_, word, rest @ ..] = line else { return None };
    match word.to_str()? {
        WORD => {
            let [program, args @ ..] = rest else { return None };
            let (code, said) = child::launch(program, args);
            // Where nobody listens the exit code says it.
            let _ = std::io::stderr().write_all(&said);
            Some(ExitCode::from(code))
        }
        CHILD => Some(ExitCode::from(supervise::become_program(rest))),
        SUPERVISOR => {
            supervise::supervise(rest, &child_launcher(), &mut std::io::stdout(), |database| {
                Ok(Db::open(DbOptions::new(database, state::schema()?))?)
            });
            Some(ExitCode::SUCCESS)
        }
        HELD => Some(lease::launcher::become_program(rest)),
        _ => None,
    }
}

/// What agents are started through; nothing where this is another program.
pub(crate) fn launcher() -> Vec<OsString> {
    again(WORD)
}

/// The same for agents of the registry.
pub(super) fn child_launcher() -> Vec<OsString> {
    again(CHILD)
}

/// What waits for those that run in the background.
pub(super) fn supervisor() -> Vec<OsString> {
    again(SUPERVISOR)
}

/// What the command of `lease run` is started through.
pub(super) fn held_launcher() -> Vec<OsString> {
    again(HELD)
}

/// This program with a word.
fn again(word: &str) -> Vec<OsString> {
    itself().map_or_else(Vec::new, |program| vec![program, word.into()])
}

/// This program, as whatever it starts itself again with finds it; nothing where this is another one.
pub(crate) fn itself() -> Option<OsString> {
    // It is still this program when its file was replaced by a newer one.
    const RUNNING: &str = "/proc/self/exe";
    if !IS_PROGRAM.load(Ordering::Relaxed) {
        return None;
    }
    if Path::new(RUNNING).exists() {
        return Some(RUNNING.into());
    }
    std::env::current_exe().ok().map(PathBuf::into_os_string)
}
