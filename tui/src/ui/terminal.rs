//! The terminal: taken at the start, and given back as it was whatever happens.

use std::io::{self, Stdout, Write as _, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// Whether the terminal is ours now: the panic hook asks.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal: raw, on its alternate screen.
    pub(super) fn take(mouse: bool) -> io::Result<Self> {
        let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        let screen = Self { terminal };
        enter(mouse)?;
        Ok(screen)
    }

    /// Takes it again after it was given back for a while, or after someone else changed its modes.
    pub(super) fn retake(&mut self, mouse: bool) -> io::Result<()> {
        give_back();
        enter(mouse)?;
        execute!(stdout(), Clear(ClearType::All))?;
        // A new one draws everything. `Terminal::clear` would ask the terminal for its cursor, and the answer
        // would go to the thread that reads the keys.
        self.terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(())
    }
}

/// Takes the mouse, or leaves it to the terminal.
pub(super) fn mouse(taken: bool) -> io::Result<()> {
    if taken { execute!(stdout(), EnableMouseCapture) } else { execute!(stdout(), DisableMouseCapture) }
}

/// Sends bytes past the drawing, such as a text for the clipboard.
pub(super) fn send(bytes: &[u8]) -> io::Result<()> {
    stdout().write_all(bytes)?;
    stdout().flush()
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, Hide)?;
    if mouse { execute!(stdout(), EnableMouseCapture) } else { Ok(()) }
}

/// Gives the terminal back. Also called by the panic hook; a second time does nothing.
pub(super) fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // A terminal that is gone cannot be put in order; everything that still works is done.
    let _ = execute!(stdout(), DisableMouseCapture);
    let _ = execute!(stdout(), DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
