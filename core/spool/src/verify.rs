//! Reads every file of the spool and says what is wrong with it.

use std::collections::BTreeMap;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use conclave_db::Db;

use crate::catalogue::{self, Known};
use crate::error::{Result, SpoolError};
use crate::flock::Flock;
use crate::frame::{End, Lines, tally};
use crate::layout::{Found, WRITER_LOCK, shown};
use crate::ledger::ledger;
use crate::monitor::MonitorName;
use crate::spool::Spool;
use crate::store::segments::{self, Segment, State};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// `monitor/filename`, or `ledger` with the monitor.
    pub what: String,
    /// Such as `corrupt`, `truncated`, `missing`, `miscounted`, `unbalanced`, `abandoned`, `unreadable`,
    /// `unknown` (it is in `_done`, and the state has not heard of it).
    pub kind: &'static str,
    /// In words.
    pub detail: String,
}

/// Inflates every segment that is pending or done, compares its members with what their headers say and with the catalogue,
/// and adds the ledger up. What is in quarantine is known to be damaged and left out. Writes nothing. Gives how many files
/// were read, too.
pub fn verify(spool: &Spool, state: Option<&Db>) -> Result<(u64, Vec<Finding>)> {
    let layout = spool.layout();
    let mut verify = Verify { max_line: spool.options().max_line_bytes, read: 0, findings: Vec::new() };
    for monitor in layout.monitors()? {
        match verify.monitor(spool, state, &monitor) {
            Ok(()) => {}
            Err(error @ SpoolError::Storage(_)) => return Err(error),
            Err(error) => {
                let finding =
                    Finding { what: monitor.to_string(), kind: "unreadable", detail: error.to_string() };
                verify.findings.push(finding);
            }
        }
    }
    let found = ledger(spool, state)?;
    let entries: BTreeMap<_, _> = found.monitors.iter().filter(|(_, entry)| !entry.balances()).collect();
    for (monitor, entry) in entries {
        let dropped: u64 = entry.dropped.values().sum();
        let detail = format!(
            "{} written, but {} pending, {} imported, {} quarantined and {dropped} dropped",
            entry.written, entry.pending, entry.imported, entry.quarantined
        );
        verify.findings.push(Finding { what: format!("ledger {monitor}"), kind: "unbalanced", detail });
    }
    Ok((verify.read, verify.findings))
}

/// Whether a row is still there as it was: an import may have ended meanwhile.
fn is_still_pending(state: Option<&Db>, row: &Segment) -> Result<bool> {
    let Some(state) = state else { return Ok(false) };
    let now = state.read(|conn| segments::of_file(conn, &row.monitor, &row.file))?;
    Ok(now.iter().any(|now| now.state == State::Pending && now.bytes == row.bytes))
}

struct Verify {
    max_line: u64,
    read: u64,
    findings: Vec<Finding>,
}

impl Verify {
    fn monitor(&mut self, spool: &Spool, state: Option<&Db>, monitor: &MonitorName) -> Result<()> {
        let layout = spool.layout();
        let folder = layout.monitor(monitor);
        let rows = state.map(|state| catalogue::rows(state, monitor)).transpose()?.unwrap_or_default();
        let pending = layout.segments(&folder)?;
        for found in &pending {
            self.pending(monitor, &rows, found)?;
        }
        for found in layout.segments(&layout.done(monitor))? {
            let row = rows.iter().find(|row| row.file == found.file && row.bytes == found.bytes);
            let counted = self.segment(monitor, &found, row.filter(|row| row.state != State::Pending))?;
            if let (Some(state), None, Some(lines)) = (state, row, counted) {
                self.unknown(state, monitor, &found, lines)?;
            }
        }
        for name in layout.strangers(&folder)? {
            self.find(monitor, &name, "unreadable", "it is no regular file");
        }
        self.parts(spool, monitor)?;
        for row in rows.iter().filter(|row| row.state == State::Pending) {
            if pending.iter().all(|found| found.file != row.file) && is_still_pending(state, row)? {
                self.missing(&folder, row);
            }
        }
        Ok(())
    }

    fn find(&mut self, monitor: &MonitorName, file: &str, kind: &'static str, detail: impl Into<String>) {
        self.findings.push(Finding { what: shown(monitor, file), kind, detail: detail.into() });
    }

    fn pending(&mut self, monitor: &MonitorName, rows: &[Segment], found: &Found) -> Result<()> {
        let row = match catalogue::look(rows, found) {
            Ok(Known::Pending(row) | Known::Settled(row)) => Some(row),
            Ok(Known::New | Known::Clash) => None,
            // It was imported meanwhile.
            Err(_) if !found.path.exists() => return Ok(()),
            Err(error) => {
                self.find(monitor, &found.file, "unreadable", error.to_string());
                return Ok(());
            }
        };
        self.segment(monitor, found, row).map(drop)
    }

    /// Reads a file to its end; gives how many lines it has, where it can be opened.
    fn segment(
        &mut self,
        monitor: &MonitorName,
        found: &Found,
        row: Option<&Segment>,
    ) -> Result<Option<u64>> {
        let file = match catalogue::open(&found.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                self.find(monitor, &found.file, "unreadable", error.to_string());
                return Ok(None);
            }
        };
        self.read += 1;
        let mut lines = Lines::new(BufReader::new(&file), self.max_line);
        let (mut line, mut count) = (Vec::new(), 0_u64);
        loop {
            match lines.next(&mut line) {
                Ok(Some(_)) => count += 1,
                Ok(None) => break,
                Err(error) => {
                    self.find(monitor, &found.file, "unreadable", error.to_string());
                    return Ok(None);
                }
            }
        }
        let whole = lines.whole_bytes();
        let kind = match lines.end() {
            End::Clean => None,
            End::Truncated => Some(("truncated", "it ends within a member")),
            End::Corrupt => Some(("corrupt", "a member is damaged")),
            End::Garbage => Some(("garbage", "something that is no gzip comes after its members")),
            End::NotGzip => Some(("not_gzip", "it is no gzip")),
            End::Empty => Some(("empty", "there is nothing in it")),
        };
        if let Some((kind, what)) = kind {
            let detail = format!("{what}: {count} lines can be read, {whole} bytes are whole");
            self.find(monitor, &found.file, kind, detail);
        } else {
            let said = tally(&file, false)?;
            if said.lines != count {
                let detail = format!("its headers say {} lines, and it has {count}", said.lines);
                self.find(monitor, &found.file, "miscounted", detail);
            }
        }
        if let Some(row) = row.filter(|row| row.lines != count) {
            let detail = format!("the catalogue has {} lines, and {count} can be read", row.lines);
            self.find(monitor, &found.file, "miscounted", detail);
        }
        Ok(Some(count))
    }

    /// A file that should have been imported, but this state does not have it: it is older than the file, or another one,
    /// or somebody wrote to the file later.
    fn unknown(&mut self, state: &Db, monitor: &MonitorName, found: &Found, lines: u64) -> Result<()> {
        let rows = state.read(|conn| segments::of_file(conn, monitor.as_str(), &found.file))?;
        // It was trimmed or imported meanwhile.
        if !found.path.exists() || rows.iter().any(|row| row.bytes == found.bytes) {
            return Ok(());
        }
        let known = match rows.first() {
            Some(row) => format!("the state has {} lines in {} bytes of it", row.lines, row.bytes),
            None => "the state knows nothing of it, as after a restore".to_owned(),
        };
        let detail = format!(
            "{known}, and it has {lines} lines in {} bytes: move it to the folder of its monitor, and \
             `conclave spool flush` imports what is not there yet",
            found.bytes
        );
        self.find(monitor, &found.file, "unknown", detail);
        Ok(())
    }

    /// What a writer left that is gone.
    fn parts(&mut self, spool: &Spool, monitor: &MonitorName) -> Result<()> {
        let layout = spool.layout();
        let folder = layout.monitor(monitor);
        let parts = layout.parts(&folder)?;
        if parts.is_empty() || is_live(&folder)? {
            return Ok(());
        }
        for part in parts {
            let Ok(file) = catalogue::open(&part.path) else { continue };
            self.read += 1;
            let counted = tally(&file, true)?;
            let lines = counted.lines + counted.rest_lines;
            let detail = format!("its writer is gone; `conclave spool recover` finds {lines} lines in it");
            self.find(monitor, &part.file, "abandoned", detail);
        }
        Ok(())
    }

    fn missing(&mut self, folder: &Path, row: &Segment) {
        if folder.join(&row.file).symlink_metadata().is_ok_and(|about| about.is_file()) {
            return;
        }
        let detail = format!("it is pending, and not there; {} lines", row.lines);
        self.findings.push(Finding { what: row.shown(), kind: "missing", detail });
    }
}

/// Whether somebody writes there. Nothing is made for that: without a lock file there was no writer of ours.
pub(crate) fn is_live(folder: &Path) -> Result<bool> {
    let lock = folder.join(WRITER_LOCK);
    if !lock.exists() {
        return Ok(false);
    }
    match Flock::try_take(&lock) {
        Ok(taken) => Ok(taken.is_none()),
        // It cannot be asked, as in a folder that can only be read.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            Ok(false)
        }
        Err(error) => Err(SpoolError::io("look at a writer's lock", lock, error)),
    }
}
