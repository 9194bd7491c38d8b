//! How an agent stands, as a sign, a word and a colour.

use conclave_registry::agents::{End, Life};
use ratatui::style::Style;

use super::row::Row;
use crate::ui::theme::Theme;

/// Sign, word and colour of how an agent stands: what it says of itself while it runs, else how it ended.
pub(crate) fn state(theme: Theme, row: &Row) -> (&'static str, String, Style) {
    let running = theme.sign("●", "*");
    match row.life {
        Life::Running => match row.status.as_deref() {
            Some("blocked") => (theme.sign("✗", "x"), "blocked".to_owned(), theme.bad()),
            Some("pr-ready") => (theme.sign("◐", "~"), "pr-ready".to_owned(), theme.warning()),
            Some("complete") => (theme.sign("✓", "+"), "complete".to_owned(), theme.good()),
            Some(status) => (running, status.to_owned(), theme.accent()),
            None => (running, "running".to_owned(), theme.accent()),
        },
        Life::Unsupervised => (theme.sign("◌", "!"), "unsupervised".to_owned(), theme.warning()),
        Life::Lost => ("?", "lost".to_owned(), theme.warning()),
        Life::Unknown => ("?", "unknown".to_owned(), theme.dim()),
        Life::None => (theme.nothing(), "no process".to_owned(), theme.dim()),
        Life::Ended => ended(theme, row),
    }
}

fn ended(theme: Theme, row: &Row) -> (&'static str, String, Style) {
    match row.ended {
        Some(end) if end.how == End::Stopped => (theme.sign("○", "o"), "stopped".to_owned(), theme.dim()),
        Some(end) => match end.exit_status {
            Some(0) => (theme.sign("✓", "+"), "ended".to_owned(), theme.good()),
            Some(status) => (theme.sign("✗", "x"), format!("exit {status}"), theme.bad()),
            None => (theme.sign("○", "o"), "ended".to_owned(), theme.dim()),
        },
        None => (theme.sign("○", "o"), "ended".to_owned(), theme.dim()),
    }
}

/// The number of a process in brackets, where it is known.
pub(crate) fn pid_in_brackets(pid: Option<i64>) -> String {
    pid.map_or_else(String::new, |pid| format!(" ({pid})"))
}
