//! Ctrl-C: ends the process at any instruction, with a word where work was under way that goes on later. While a run
//! is driven, it and its relatives end the agents first; while a lease is held for a command, the command has them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once, OnceLock, PoisonError};

use conclave_consensus::child::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::iterator::{Signals, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Origin};

use super::output::Output;
use crate::failure::Exit;

/// Whether nothing is to be said: then the handler itself ends the process.
static SILENT: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));
/// What is to be said, and how.
static WORD: Mutex<Option<(Output, String)>> = Mutex::new(None);
/// The thread that says it, since a handler must not print.
static SPEAKER: Once = Once::new();

/// Everything acknowledged survives `kill -9`, so Ctrl-C may end the process wherever it is.
pub(super) fn watch() {
    let number = i32::from(Exit::Interrupted.code());
    if let Err(error) = signal_hook::flag::register_conditional_shutdown(SIGINT, number, Arc::clone(&SILENT))
    {
        tracing::warn!(%error, "Ctrl-C ends the program without its exit code");
    }
}

/// A word that Ctrl-C says until this is dropped.
#[derive(Debug)]
pub(super) struct Word(());

impl Word {
    pub(super) fn new(output: &Output, text: String) -> Self {
        *WORD.lock().unwrap_or_else(PoisonError::into_inner) = Some((output.clone(), text));
        let mut speaks = true;
        SPEAKER.call_once(|| speaks = start());
        // Without the thread nobody would end the process.
        SILENT.store(!speaks, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        SILENT.store(true, Ordering::SeqCst);
        *WORD.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Starts the thread; gives whether it runs.
fn start() -> bool {
    let Ok(mut signals) = Signals::new([SIGINT]) else { return false };
    let speaker = std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            // A second one does not wait for whoever keeps standard error.
            SILENT.store(true, Ordering::SeqCst);
            if let Some((output, text)) = WORD.lock().unwrap_or_else(PoisonError::into_inner).take() {
                output.interrupted(&text);
            }
            signal_hook::low_level::exit(i32::from(Exit::Interrupted.code()));
        }
    });
    speaker.is_ok()
}

/// While this is there, nothing here ends the process: somebody else listens to signals.
#[derive(Debug)]
pub(crate) struct Elsewhere(());

impl Elsewhere {
    pub(crate) fn new() -> Self {
        SILENT.store(false, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        SILENT.store(true, Ordering::SeqCst);
    }
}

/// Who is told of signals in place of the process's end.
type Listener = Arc<dyn Fn(Heard) + Send + Sync>;
static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);
/// The thread that tells.
static TELLER: Once = Once::new();

/// A signal that asks a program to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// Its number.
    pub(crate) signal: i32,
    /// Whether it came from the terminal, which sent it to the whole process group.
    pub(crate) from_terminal: bool,
}

impl Heard {
    /// How a process that it ends is seen by the shell.
    pub(crate) fn exit(self) -> Exit {
        match self.signal {
            SIGINT => Exit::Interrupted,
            other => Exit::Signal(u8::try_from(other).unwrap_or(u8::MAX)),
        }
    }
}

/// While this is there, Ctrl-C, Ctrl-\\, SIGTERM and SIGHUP are told to its owner and do not end the process.
pub(crate) struct Listening(());

impl Listening {
    pub(crate) fn new(listener: impl Fn(Heard) + Send + Sync + 'static) -> Self {
        *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(listener));
        let mut tells = true;
        TELLER.call_once(|| tells = start_telling());
        // Without the thread nobody would end the process.
        SILENT.store(!tells, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = None;
        SILENT.store(true, Ordering::SeqCst);
    }
}

/// Ends the process as a signal does that nobody listens to: for the second one, when the first was not heeded.
pub(crate) fn end_at_once(heard: Heard) {
    signal_hook::low_level::exit(i32::from(heard.exit().code()));
}

/// Starts the thread; gives whether it runs.
fn start_telling() -> bool {
    // `nohup` is meant for whatever is started here, too.
    let wanted = [SIGINT, SIGTERM, SIGQUIT, SIGHUP]
        .into_iter()
        .filter(|signal| *signal != SIGHUP || !is_ignored(SIGHUP));
    let Ok(mut signals) = SignalsInfo::<WithOrigin>::new(wanted) else { return false };
    let teller = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for Origin { signal, cause, .. } in signals.forever() {
            let listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(listener) = listener {
                listener(Heard { signal, from_terminal: matches!(cause, Cause::Kernel) });
            } else {
                // Of SIGINT the handler has taken care.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        }
    });
    teller.is_ok()
}

/// Whether this process was started with the signal ignored, as proc(5) says.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    u32::try_from(signal - 1).ok().and_then(|bit| mask.checked_shr(bit)).is_some_and(|mask| mask & 1 == 1)
}

/// While this is there, such signals end somebody's agents instead of the process; a second one at once.
pub(crate) struct Ending {
    first: Arc<OnceLock<Heard>>,
    _listening: Listening,
}

impl Ending {
    pub(crate) fn new(stop: Stop) -> Self {
        let first = Arc::<OnceLock<Heard>>::default();
        // The first says how the process ends; after a second the agents are given no more time.
        let seen = Arc::clone(&first);
        let listening = Listening::new(move |heard| match seen.set(heard) {
            Ok(()) => stop.cancel(),
            Err(_) => stop.kill(),
        });
        Self { first, _listening: listening }
    }

    /// How the process is to end, where it was asked to.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.first.get().map(|heard| heard.exit())
    }
}
