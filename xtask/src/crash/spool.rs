//! What a spool must be: acknowledged lines stored, each once, and a ledger that balances.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_db::Db;
use conclave_db::foreign::Client;
use conclave_db::sql::Value;
use conclave_spool::ledger::{Entry, Ledger};
use conclave_spool::{Spool, import, ledger, verify};
use flate2::read::MultiGzDecoder;

use super::look::number;
use super::work::Worker;
use super::work::spooler::{Fate, Given, Jumping, LATER, Operation, spool};
use crate::outcome::Outcome;

/// A line, and what is to become of it.
type Lines = BTreeMap<String, Fate>;

/// Everything that was said about events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spooled {
    /// Durable lines.
    known: Lines,
    /// Lines that were given and not acknowledged since the last check: each is there or not.
    perhaps: Lines,
    /// Pairs of which both lines were acknowledged.
    pairs: u64,
}

impl Spooled {
    /// A worker begins: from here on its lines may be there.
    pub(crate) fn begun(&mut self, worker: &Worker, number: u64) {
        self.perhaps.extend(lines(Operation::of(worker, number).lines));
    }

    /// A worker has acknowledged.
    pub(crate) fn done(&mut self, worker: &Worker, number: u64, words: &[&str]) -> Outcome {
        let acknowledged = match words {
            ["spool-append" | "spool-dropped"] => Vec::new(),
            // Nothing of it was stored: not even perhaps.
            ["spool-busy"] => {
                for line in Operation::of(worker, number).lines {
                    self.perhaps.remove(&line.id);
                }
                Vec::new()
            }
            ["spool-shared"] => Operation::of(worker, number).lines,
            ["spool-sync", from] => {
                let own = (from.parse()?..=number).map(|number| Operation::of(worker, number));
                own.filter(|operation| !operation.shared).flat_map(|operation| operation.lines).collect()
            }
            words => return Err(format!("of events: {words:?}").into()),
        };
        for (id, fate) in lines(acknowledged) {
            self.perhaps.remove(&id);
            if self.known.insert(id, fate).is_none() && fate == Fate::Twice {
                self.pairs += 1;
            }
        }
        Ok(())
    }

    /// When nobody writes: the ledger balances, everything that was acknowledged is imported, and nothing twice.
    pub(crate) fn check(&mut self, worker: &Worker, db: &Db, client: &Client) -> Outcome<usize> {
        let clock = Arc::new(Jumping::default());
        clock.to(LATER);
        let spool = spool(&worker.folder, db, clock)?;
        let before = ledger::ledger(&spool, Some(db))?;
        balances("after the kill", &before)?;
        segments_are_gzip(spool.layout().root())?;
        let flushed = import::flush(&spool, db, None)?;
        if flushed.deferred > 0 || !flushed.errors.is_empty() {
            return Err(format!("a flush with nobody beside it: {flushed:?}").into());
        }
        let after = ledger::ledger(&spool, Some(db))?;
        balances("after the flush", &after)?;
        self.settle(&after.total, client)?;
        self.quarantine(&spool)?;
        let (_, findings) = verify::verify(&spool, Some(db))?;
        if !findings.is_empty() {
            return Err(format!("verify: {findings:?}").into());
        }
        // Once more changes nothing.
        import::flush(&spool, db, None)?;
        if ledger::ledger(&spool, Some(db))? != after {
            return Err(format!("a second flush has changed the ledger: {after:?}").into());
        }
        Ok(self.known.len())
    }

    /// The rows decide what of the unacknowledged lines is there; it is so for ever.
    fn settle(&mut self, total: &Entry, client: &Client) -> Outcome {
        let mut rows = 0;
        for row in client.rows("SELECT id FROM events")? {
            let [Value::Text(id)] = &row[..] else { return Err(format!("an event: {row:?}").into()) };
            if let Some(fate) = self.perhaps.remove(id) {
                self.known.insert(id.clone(), fate);
            }
            match self.known.get(id) {
                Some(Fate::Event | Fate::Twice) => rows += 1,
                other => return Err(format!("{id} is among the events, and is {other:?}").into()),
            }
        }
        let events = self.known.iter().filter(|(_, fate)| **fate != Fate::NoEvent).count();
        if rows != events {
            let is_there = |id: &str| client.rows(&format!("SELECT 1 FROM events WHERE id = '{id}'"));
            for (id, fate) in &self.known {
                if *fate != Fate::NoEvent && is_there(id)?.is_empty() {
                    return Err(format!("{id} was acknowledged and is not among the events").into());
                }
            }
        }
        // A pair may be cut in two where it lies across a sync point, and the second alone be lost.
        let twice = self.known.values().filter(|fate| **fate == Fate::Twice).count() as u64;
        let duplicates =
            u64::try_from(number(client, "SELECT ifnull(sum(duplicates), 0) FROM spool_monitors")?)?;
        let rows = u64::try_from(rows)?;
        if !(self.pairs..=twice).contains(&duplicates)
            || total.imported != rows + duplicates
            || total.pending != 0
        {
            return Err(format!(
                "{rows} rows, {duplicates} duplicates of {} to {twice} pairs: {total:?}",
                self.pairs
            )
            .into());
        }
        Ok(())
    }

    /// Each line that is no event stands in quarantine, once.
    fn quarantine(&mut self, spool: &Spool) -> Outcome {
        let mut refused: BTreeMap<String, u64> = BTreeMap::new();
        for file in files(&spool.layout().root().join("_quarantine"))? {
            if !file.to_string_lossy().ends_with(".rej.ndjson") {
                return Err(format!("{} is in quarantine", file.display()).into());
            }
            for line in std::fs::read_to_string(&file)?.lines() {
                let found: serde_json::Value = serde_json::from_str(line)?;
                let raw = found["raw"].as_str().ok_or_else(|| format!("a refused line: {line}"))?;
                let id = raw.strip_prefix("no event: ").ok_or_else(|| format!("{raw:?} was refused"))?;
                *refused.entry(id.to_owned()).or_default() += 1;
            }
        }
        for (id, times) in &refused {
            if let Some(fate) = self.perhaps.remove(id) {
                self.known.insert(id.clone(), fate);
            }
            if self.known.get(id) != Some(&Fate::NoEvent) || *times != 1 {
                return Err(format!("{id} is in quarantine {times} times").into());
            }
        }
        let lost = self.known.iter().find(|(id, fate)| **fate == Fate::NoEvent && !refused.contains_key(*id));
        if let Some((id, _)) = lost {
            return Err(format!("{id} was acknowledged, is no event, and not in quarantine").into());
        }
        // What is nowhere now is lost: it must not come back.
        self.perhaps.clear();
        Ok(())
    }
}

fn lines(given: Vec<Given>) -> Lines {
    given.into_iter().map(|line| (line.id, line.fate)).collect()
}

fn balances(when: &str, ledger: &Ledger) -> Outcome {
    for (monitor, entry) in ledger.monitors.iter().chain([(&"all".to_owned(), &ledger.total)]) {
        if !entry.balances() {
            return Err(format!("{when} the ledger of {monitor} does not balance: {entry:?}").into());
        }
    }
    Ok(())
}

/// Every finalised segment is whole gzip, wherever it lies; of one that was being written the end may be torn.
fn segments_are_gzip(root: &Path) -> Outcome {
    for file in files(root)? {
        if !file.to_string_lossy().ends_with(".ndjson.gz") {
            continue;
        }
        let mut text = Vec::new();
        if let Err(error) = MultiGzDecoder::new(File::open(&file)?).read_to_end(&mut text) {
            return Err(format!("{} is no gzip: {error}", file.display()).into());
        }
        if text.last() != Some(&b'\n') {
            return Err(format!("{} does not end with a line", file.display()).into());
        }
    }
    Ok(())
}

/// All files below a folder that may not be there.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
