//! Export: the bytes of every record, one line each.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use conclave_db::Db;

use super::atomic::{self, FolderLock, Replaced};
use super::lines::{Limits, Lines};
use super::order::{Order, Ranked, arrange, join, rank};
use super::sync;
use crate::error::{Result, TaskError};
use crate::merge::{Entry, Sided};
use crate::moment::Moment;
use crate::record::{Identity, OtherKind, parse};
use crate::store::lines::{self, Row};

/// Times that a file may be changed by others between a look and the next.
const TRIES: u32 = 20;

/// What a person can do where a file has more than the store.
const IMPORT: &str = "import the file first (`conclave task import`, or `conclave task sync`, which merges), or replace it all the same with --force";

/// What a person can do where both have changed a task at the same time: an import would keep the one that is here.
const BOTH: &str = "`conclave task sync` merges both; or replace it all the same with --force";

/// Ids that a message names, at most.
const NAMED: usize = 5;

/// How to export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// The order.
    pub order: Order,
    /// Also over a file that holds what the store lacks.
    pub force: bool,
}

/// What was exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// Lines.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Writes all records, of one snapshot.
pub fn export(db: &Db, order: Order, out: &mut dyn Write) -> Result<Exported> {
    let rows = arranged(db, order)?;
    let mut exported = Exported::default();
    for row in &rows {
        out.write_all(&row.bytes)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(|error| TaskError::io("write the export", error))?;
        exported.records += 1;
        exported.bytes += row.bytes.len() as u64 + 1;
    }
    out.flush().map_err(|error| TaskError::io("write the export", error))?;
    Ok(exported)
}

/// Replaces a file by all records. Refused where the file holds an id that the store lacks, a task that was updated
/// later than it was here, one of the same time that differs (unless the file is as the last sync with it knew it), or lines
/// that cannot be read, unless forced. The same holds for other lines, but for headers. When it returns, the file is durable; it is never torn.
pub fn export_to_file(db: &Db, path: &Path, options: ExportOptions) -> Result<Exported> {
    let path = atomic::resolve(path)?;
    atomic::make_folder(&path)?;
    let lock = FolderLock::of(&path, &**db.sleeper())?;
    for _ in 0..TRIES {
        let before = atomic::read(&path)?;
        let rows = arranged(db, options.order)?;
        if let Some(before) = before.as_deref().filter(|_| !options.force) {
            refuse_loss(db, &path, before, &rows)?;
        }
        let bytes = join(rows.iter().map(|row| row.bytes.as_slice()));
        if before.as_deref() == Some(&bytes)
            || lock.replace(&path, before.as_deref(), &bytes)? == Replaced::Yes
        {
            return Ok(Exported { records: rows.len() as u64, bytes: bytes.len() as u64 });
        }
    }
    Err(atomic::keeps_changing(&path))
}

/// All rows of one snapshot.
fn arranged(db: &Db, order: Order) -> Result<Vec<Row>> {
    let mut rows = db.read(lines::rows)?;
    arrange(&mut rows, order);
    Ok(rows)
}

impl Ranked for Row {
    fn rank(&self) -> (u8, &str) {
        rank(self.schema.is_some(), self.id.as_deref())
    }
}

/// Refuses to replace a file that holds what the store does not.
fn refuse_loss(db: &Db, path: &Path, before: &[u8], rows: &[Row]) -> Result<()> {
    let lines = Lines::of_bytes(before, path, Limits { line_bytes: u64::MAX })?;
    if let Some(bad) = lines.bad.first() {
        let why = format!("{}: line {}: {}; it would be lost", path.display(), bad.number, bad.cause);
        return Err(TaskError::refused(why, Some(IMPORT)));
    }
    let here: HashMap<Identity<'_>, &Row> = rows.iter().map(|row| (row.identity(), row)).collect();
    let side = Sided::of_lines(&lines);
    let lacking = |entry: &Entry| !here.contains_key(&entry.identity());
    let lost: Vec<&Entry> = side.entries.iter().filter(|entry| lacking(entry)).collect();
    refuse(path, "that are not here", &lost, IMPORT)?;
    let (mut later, mut differing) = (Vec::new(), Vec::new());
    for entry in side.entries.iter().filter(|entry| !is_header(entry)) {
        let Some(row) = here.get(&entry.identity()).filter(|row| row.bytes != entry.bytes()) else {
            continue;
        };
        match entry.updated_at().cmp(&updated_at(row)) {
            Ordering::Greater => later.push(entry),
            Ordering::Equal => differing.push(entry),
            Ordering::Less => {}
        }
    }
    refuse(path, "that are later than here", &later, IMPORT)?;
    // What a sync has taken in is here, and has only been changed since.
    if !differing.is_empty() && db.read(|conn| sync::is_base(conn, path, before))? {
        return Ok(());
    }
    refuse(path, "that differ from what is here", &differing, BOTH)
}

/// A header says when and of what the file was made: it is written anew with it.
fn is_header(entry: &Entry) -> bool {
    matches!(entry, Entry::Other(other) if other.kind == OtherKind::Header)
}

fn updated_at(row: &Row) -> Option<Moment> {
    parse(&row.bytes).ok().and_then(|line| Entry::from(line).updated_at())
}

/// Names what would be lost, if anything.
fn refuse(path: &Path, what: &str, lost: &[&Entry], hint: &'static str) -> Result<()> {
    if lost.is_empty() {
        return Ok(());
    }
    let mut named: Vec<&str> =
        lost.iter().take(NAMED).map(|entry| entry.id().unwrap_or("a line without an id")).collect();
    if lost.len() > NAMED {
        named.push("…");
    }
    let why = format!("{} holds {} record(s) {what}: {}", path.display(), lost.len(), named.join(", "));
    Err(TaskError::refused(why, Some(hint)))
}
