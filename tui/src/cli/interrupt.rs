//! Ctrl-C: ends the process at any instruction, with a word where work was under way that goes on later.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use signal_hook::consts::SIGINT;
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
