//! The log: a file that rolls, never the screen unless asked. It begins with its first line, so that a command
//! with nothing to say leaves no file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::failure::Failure;
use crate::project::Environment;

/// A file of this size is followed by a new one.
const ROLL_BYTES: u64 = 4 * 1024 * 1024;
/// Files kept beside the current one.
const KEPT: u32 = 3;

/// What is to be logged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// How often `-v` was given.
    pub(crate) verbose: u8,
    /// Whether the log goes to stderr as well.
    pub(crate) stderr: bool,
    /// Whether the command only reads: then a file is written only with `-v`.
    pub(crate) reads: bool,
}

/// Starts logging for this process. `CONCLAVE_LOG` is a level or a list of `target=level`.
pub(crate) fn start(wanted: Wanted, environment: &Environment) -> Result<(), Failure> {
    let level = match wanted.verbose {
        0 if wanted.reads => LevelFilter::WARN,
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = match environment.text("CONCLAVE_LOG") {
        None => Targets::new().with_default(level),
        Some(text) => text.parse::<Targets>().map_err(|error| {
            Failure::configuration(format!("CONCLAVE_LOG={text:?}: {error}"))
                .hint("a level (error, warn, info, debug, trace, off) or target=level,…")
        })?,
    };
    let writes_file = !wanted.reads || wanted.verbose > 0;
    // Without a home there is no place for a log.
    let folder = environment.places().log_dir().ok().filter(|_| writes_file);
    let file = folder.map(|folder| {
        let writer = Mutex::new(Rolling::new(folder));
        fmt::layer().with_ansi(false).with_writer(writer).with_filter(filter.clone())
    });
    let stderr = wanted.stderr.then(|| {
        fmt::layer().with_ansi(false).with_target(false).with_writer(io::stderr).with_filter(filter)
    });
    // A second start in one process (only tests do that) keeps the first.
    let _ = tracing_subscriber::registry().with(file).with(stderr).try_init();
    Ok(())
}

/// Appends to `conclave.log`; begins a new file when it is large.
#[derive(Debug)]
struct Rolling {
    folder: PathBuf,
    open: Option<(File, u64)>,
}

impl Rolling {
    const fn new(folder: PathBuf) -> Self {
        Self { folder, open: None }
    }

    fn file(&mut self) -> io::Result<&mut (File, u64)> {
        let current = self.folder.join("conclave.log");
        if self.open.as_ref().is_some_and(|(_, bytes)| *bytes >= ROLL_BYTES) {
            self.open = None;
        }
        if self.open.is_none() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            if std::fs::metadata(&current).is_ok_and(|found| found.len() >= ROLL_BYTES) {
                roll(&current)?;
            }
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&current)?;
            let bytes = file.metadata()?.len();
            self.open = Some((file, bytes));
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("no log file"))
    }
}

impl Write for Rolling {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (file, bytes) = self.file()?;
        // One call per line: lines of several processes do not mix in a file opened for appending.
        let written = file.write(line)?;
        *bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `conclave.log` becomes `conclave.log.1`, that one `.2`, …; the oldest is gone.
fn roll(current: &Path) -> io::Result<()> {
    let numbered = |number: u32| {
        let mut name = current.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    for number in (1..KEPT).rev() {
        // Two processes may roll at once: what is not there any more has been moved already.
        let _ = std::fs::rename(numbered(number), numbered(number + 1));
    }
    match std::fs::rename(current, numbered(1)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
