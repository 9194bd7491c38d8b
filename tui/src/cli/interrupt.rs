//! Ctrl-C: ends the process at any instruction, with a word where work was under way that goes on later. While a run
//! is driven, it and its relatives end the agents first.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use conclave_consensus::child::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

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

/// What a signal ends while a run is driven.
static AGENTS: Mutex<Option<Agents>> = Mutex::new(None);
/// The thread that passes signals on to them.
static PASSER: Once = Once::new();

/// Somebody's agents.
#[derive(Debug, Clone)]
struct Agents {
    stop: Stop,
    signal: Arc<AtomicI32>,
}

/// While this is there, Ctrl-C, Ctrl-\\, SIGTERM and SIGHUP end the agents instead of the process; a second one at once.
#[derive(Debug)]
pub(crate) struct Ending {
    agents: Agents,
}

impl Ending {
    pub(crate) fn new(stop: Stop) -> Self {
        let agents = Agents { stop, signal: Arc::new(AtomicI32::new(0)) };
        *AGENTS.lock().unwrap_or_else(PoisonError::into_inner) = Some(agents.clone());
        let mut passes = true;
        PASSER.call_once(|| passes = pass_on());
        // Without the thread nobody would end the process.
        SILENT.store(!passes, Ordering::SeqCst);
        Self { agents }
    }

    /// How the process is to end, where it was asked to.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self.agents.signal.load(Ordering::SeqCst) {
            0 => None,
            SIGINT => Some(Exit::Interrupted),
            other => Some(Exit::Signal(u8::try_from(other).unwrap_or(u8::MAX))),
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        *AGENTS.lock().unwrap_or_else(PoisonError::into_inner) = None;
        SILENT.store(true, Ordering::SeqCst);
    }
}

/// Starts the thread; gives whether it runs.
fn pass_on() -> bool {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]) else { return false };
    let passer = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let agents = AGENTS.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(agents) = agents {
                // The first says how the process ends; after a second the agents are given no more time.
                match agents.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst) {
                    Ok(_) => agents.stop.cancel(),
                    Err(_) => agents.stop.kill(),
                }
            } else {
                // Of SIGINT the handler has taken care.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        }
    });
    passer.is_ok()
}
