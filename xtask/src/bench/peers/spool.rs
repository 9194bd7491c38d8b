//! What somebody would write who needs neither crash safety nor an account: one stream, one transaction.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use rusqlite::{Connection, TransactionBehavior};
use serde::Deserialize;

use super::pool::CONNECTION;
use crate::outcome::Outcome;

pub(crate) const STREAM: &str = "one flate2 stream of the same level, synced at its end";
pub(crate) const LOOP: &str = "flate2, serde_json, one prepared INSERT OR IGNORE, one transaction";

/// Writes the lines as one gzip stream, durable when this returns.
pub(crate) fn append(file: &Path, lines: &[String], level: u32) -> Outcome {
    let mut stream = GzEncoder::new(File::create_new(file)?, Compression::new(level));
    for line in lines {
        stream.write_all(line.as_bytes())?;
        stream.write_all(b"\n")?;
    }
    Ok(stream.finish()?.sync_data()?)
}

/// An event, borrowed from its line where it has no escapes.
#[derive(Debug, Deserialize)]
struct Event<'l> {
    #[serde(borrow)]
    id: Cow<'l, str>,
    ts_utc: i64,
    #[serde(borrow)]
    monitor: Cow<'l, str>,
    #[serde(borrow)]
    action: Cow<'l, str>,
    #[serde(borrow)]
    subject_type: Cow<'l, str>,
    #[serde(borrow)]
    session_id: Cow<'l, str>,
    #[serde(borrow)]
    subject_id: Option<Cow<'l, str>>,
    #[serde(borrow)]
    batch_id: Option<Cow<'l, str>>,
    pid: Option<i64>,
    #[serde(borrow)]
    exe_name: Option<Cow<'l, str>>,
    #[serde(borrow)]
    exe_path_hash: Option<Cow<'l, str>>,
    #[serde(borrow)]
    window_title_hash: Option<Cow<'l, str>>,
    #[serde(borrow)]
    url_hash: Option<Cow<'l, str>>,
    #[serde(borrow)]
    file_path_hash: Option<Cow<'l, str>>,
    #[serde(borrow)]
    attrs_json: Option<Cow<'l, str>>,
}

const INSERT: &str =
    "INSERT OR IGNORE INTO events(id, ts_utc, monitor, action, subject_type, session_id, subject_id,
    batch_id, pid, exe_name, exe_path_hash, window_title_hash, url_hash, file_path_hash, attrs_json)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

/// Takes the files into the table `events` of this database, which is there; gives how many rows are new.
#[expect(clippy::disallowed_methods, reason = "a peer of core/db")]
pub(crate) fn import(database: &Path, files: &[PathBuf]) -> Outcome<usize> {
    let mut conn = Connection::open(database)?;
    conn.execute_batch(CONNECTION)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut rows = 0;
    let mut insert = tx.prepare(INSERT)?;
    for file in files {
        let mut source =
            BufReader::with_capacity(64 << 10, MultiGzDecoder::new(BufReader::new(File::open(file)?)));
        let mut line = Vec::new();
        while source.read_until(b'\n', &mut line)? > 0 {
            let event: Event<'_> = serde_json::from_slice(&line)?;
            rows += insert.execute(rusqlite::params![
                event.id,
                event.ts_utc,
                event.monitor,
                event.action,
                event.subject_type,
                event.session_id,
                event.subject_id,
                event.batch_id,
                event.pid,
                event.exe_name,
                event.exe_path_hash,
                event.window_title_hash,
                event.url_hash,
                event.file_path_hash,
                event.attrs_json,
            ])?;
            line.clear();
        }
    }
    drop(insert);
    tx.commit()?;
    Ok(rows)
}
