//! The one word that a supervisor says to whoever started it: that its agent runs, or why not, as a line of JSON.

use std::io::{self, Read as _, Write};
use std::process::ChildStdout;
use std::time::Duration;

use conclave_retry::{Clock as _, SystemClock};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::error::{RegistryError, RegistryErrorKind};

/// What is longer is no word of ours.
const LONGEST: usize = 64 << 10;

/// What it says.
#[derive(Debug)]
pub(super) enum Word {
    /// The agent runs, with this pid.
    Started(u32),
    /// It does not.
    Failed(RegistryError),
}

/// The same on its way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Started(u32),
    /// `storage` tells kinds of a database from those of this crate with the same word.
    Failed {
        storage: bool,
        kind: String,
        text: String,
        hint: Option<String>,
    },
}

/// Says it to whoever started us, who may be gone.
pub(super) fn say(parent: &mut dyn Write, word: &Word) {
    let line = match word {
        Word::Started(pid) => Line::Started(*pid),
        Word::Failed(error) => Line::Failed {
            storage: matches!(error.kind(), RegistryErrorKind::Storage(_)),
            kind: error.kind().as_str().to_owned(),
            text: error.to_string(),
            hint: error.hint().map(str::to_owned),
        },
    };
    let Ok(mut line) = serde_json::to_vec(&line) else { return };
    line.push(b'\n');
    let _ = parent.write_all(&line).and_then(|()| parent.flush());
}

/// Waits for it, so long at most; `None` where it ends without one. Beyond the time it is the error `TimedOut`.
pub(super) fn hear(mut says: ChildStdout, patience: Duration) -> io::Result<Option<Word>> {
    let until = SystemClock.monotonic() + patience;
    let mut line = Vec::new();
    let mut piece = [0; 4096];
    while !line.contains(&b'\n') && line.len() < LONGEST {
        let left = until.saturating_sub(SystemClock.monotonic());
        let left = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match poll(&mut [PollFd::new(&says, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        match says.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => line.extend_from_slice(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(serde_json::from_slice(&line).ok().map(|line| match line {
        Line::Started(pid) => Word::Started(pid),
        Line::Failed { storage, kind, text, hint } => Word::Failed(RegistryError::Told {
            // A word that is none of ours is a newer program's, put in place meanwhile.
            kind: RegistryErrorKind::of(storage, &kind).unwrap_or(RegistryErrorKind::Command),
            text,
            hint,
        }),
    }))
}
