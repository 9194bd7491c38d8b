//! Import: one transaction, nothing is ever deleted, nothing that is newer here is replaced.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use conclave_db::{Db, ReadConn, WriteTx};

use super::lines::Lines;
use crate::error::Result;
use crate::merge::{Entry, Sided};
use crate::moment::Moment;
use crate::record::{Identity, Other, OtherKind, Record};
use crate::store::lines::StoredLine;
use crate::store::raw::Raw;
use crate::store::tasks::{Stored, Touched};
use crate::store::{audit, blocked, lines, raw, tasks};

/// Up to so many tasks are looked up one by one; for more all are read at once.
const FEW: usize = 200;

/// How to import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Lines that are refused are kept elsewhere, as [`keep`](super::keep) does: import the others. Else a single one
    /// refuses the whole file.
    pub quarantined: bool,
}

/// What an import has done. Each list of ids is in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// Where from.
    pub source: String,
    /// Tasks and other lines that are new here.
    pub created: u64,
    /// Tasks and other lines that were replaced by a later record.
    pub updated: u64,
    /// Tasks and other lines whose bytes are the same.
    pub unchanged: u64,
    /// Tasks that are later here: kept.
    pub older: Vec<String>,
    /// Tasks that differ though they are of the same instant: kept; `sync` merges them.
    pub conflicts: Vec<String>,
    /// Ids that stood several times in the file: the latest instant was taken, of equals the later line.
    pub duplicates: Vec<String>,
    /// Edges to tasks that do not exist, kept: `ISSUE -> TARGET (type)`.
    pub dangling: Vec<String>,
    /// Lines that are no tasks, kept; each is counted among the created, updated, unchanged, older or conflicts too.
    pub opaque: u64,
    /// Lines that were refused and kept aside.
    pub quarantined: u64,
    /// Records that break a rule, by reason.
    pub irregular: BTreeMap<String, u64>,
    /// Nothing was done.
    pub dry_run: bool,
}

/// Imports a file, all or nothing. An error names its first bad line, unless the options say that those were kept
/// aside: then the good ones are imported, and the ids of the bad ones are reserved. When it returns, all of it is
/// durable.
pub fn import(db: &Db, who: &str, lines: Lines, options: ImportOptions) -> Result<ImportReport> {
    if !options.quarantined {
        lines.refuse_bad()?;
    }
    let file = Arc::new(Parsed::new(lines));
    if options.dry_run {
        let plan = db.read(|conn| Plan::make(conn, &file))?;
        return Ok(ImportReport { dry_run: true, ..plan.report });
    }
    let who = who.to_owned();
    db.write("import tasks", move |tx| {
        let plan = Plan::make(tx, &file)?;
        plan.carry_out(tx, &who, &file)?;
        Ok(plan.report)
    })
}

/// A file as it is imported.
#[derive(Debug)]
struct Parsed {
    side: Sided,
    /// Ids of lines that were refused.
    reserved: Vec<String>,
    /// What can be said without the store.
    report: ImportReport,
}

impl Parsed {
    fn new(lines: Lines) -> Self {
        let side = Sided::of(lines.good.into_iter().map(|(_, line)| Entry::from(line)));
        let mut report = ImportReport {
            source: lines.path.display().to_string(),
            duplicates: side.duplicates.clone(),
            quarantined: lines.bad.len() as u64,
            ..ImportReport::default()
        };
        for entry in &side.entries {
            match entry {
                Entry::Task(record) => {
                    for oddity in &record.projection().oddities {
                        *report.irregular.entry(oddity.reason()).or_default() += 1;
                    }
                }
                Entry::Other(_) => report.opaque += 1,
            }
        }
        let reserved = lines.bad.into_iter().filter_map(|bad| bad.id).collect();
        Self { side, reserved, report }
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.side.entries.iter().filter_map(|entry| match entry {
            Entry::Task(record) => Some(record),
            Entry::Other(_) => None,
        })
    }
}

/// What is in the store of what a file names.
struct Held {
    tasks: HashMap<String, Raw>,
    /// Whether `tasks` are all that there are.
    all: bool,
    lines: Vec<StoredLine>,
}

impl Held {
    fn read(conn: &ReadConn<'_>, file: &Parsed) -> Result<Self> {
        let all = file.side.entries.len() > FEW;
        let tasks = if all {
            raw::all(conn)?.into_iter().collect()
        } else {
            let mut tasks = HashMap::new();
            for id in file.side.entries.iter().filter_map(Entry::id) {
                if let Some(raw) = raw::find(conn, id)? {
                    tasks.insert(id.to_owned(), raw);
                }
            }
            tasks
        };
        Ok(Self { tasks, all, lines: lines::all(conn)? })
    }

    fn has_task(&self, conn: &ReadConn<'_>, id: &str) -> Result<bool> {
        Ok(self.tasks.contains_key(id) || !self.all && raw::find(conn, id)?.is_some())
    }
}

/// The lines of the store that are no tasks.
type LinesHere<'held> = HashMap<Identity<'held>, &'held StoredLine>;

/// What is written for a line of the file.
enum Write<'file> {
    Task(&'file Record),
    Replace(Box<Stored>, &'file Record),
    Line(&'file Other),
    ReplaceLine(i64, &'file Other),
}

/// What an import does, in the order of the file.
struct Plan<'file> {
    writes: Vec<Write<'file>>,
    report: ImportReport,
}

impl<'file> Plan<'file> {
    fn make(conn: &ReadConn<'_>, file: &'file Parsed) -> Result<Self> {
        let held = Held::read(conn, file)?;
        let lines = lines::by_identity(&held.lines);
        let mut plan = Self { writes: Vec::new(), report: file.report.clone() };
        for entry in &file.side.entries {
            match entry {
                Entry::Task(record) => plan.task(record, &held, &lines)?,
                Entry::Other(other) => plan.line(other, &held, &lines),
            }
        }
        plan.report.dangling = dangling(conn, file, &held)?;
        Ok(plan)
    }

    fn task(&mut self, record: &'file Record, held: &Held, lines: &LinesHere<'_>) -> Result<()> {
        let Some(raw) = held.tasks.get(record.id()) else {
            if lines.contains_key(&Identity::Id(record.id())) {
                // A task here and something else there: which of them it is, no time can say.
                self.report.conflicts.push(record.id().to_owned());
            } else {
                self.report.created += 1;
                self.writes.push(Write::Task(record));
            }
            return Ok(());
        };
        if raw.bytes == record.bytes() {
            self.report.unchanged += 1;
            return Ok(());
        }
        let before = raw.read()?;
        if self.is_later(record.id(), record.projection().updated_at, before.record.projection().updated_at) {
            self.writes.push(Write::Replace(Box::new(before), record));
        }
        Ok(())
    }

    fn line(&mut self, other: &'file Other, held: &Held, lines: &LinesHere<'_>) {
        let id = other.id.as_deref().unwrap_or_default();
        match lines.get(&other.identity()) {
            None if held.tasks.contains_key(id) => self.report.conflicts.push(id.to_owned()),
            None => {
                self.report.created += 1;
                self.writes.push(Write::Line(other));
            }
            Some(before) if before.other.bytes == other.bytes => self.report.unchanged += 1,
            // A header without a time says what the file is now; one with a time may be of an older file.
            Some(before) if other.kind == OtherKind::Header && other.id.is_none() => {
                if other.updated_at >= before.other.updated_at {
                    self.report.updated += 1;
                    self.writes.push(Write::ReplaceLine(before.number, other));
                } else {
                    self.report.older.push(other.schema.clone().unwrap_or_default());
                }
            }
            Some(before) => {
                if self.is_later(id, other.updated_at, before.other.updated_at) {
                    self.writes.push(Write::ReplaceLine(before.number, other));
                }
            }
        }
    }

    /// Whether a line of other bytes replaces what is here; counts it. No time is earlier than any.
    fn is_later(&mut self, id: &str, there: Option<Moment>, here: Option<Moment>) -> bool {
        match there.cmp(&here) {
            Ordering::Greater => self.report.updated += 1,
            Ordering::Less => self.report.older.push(id.to_owned()),
            Ordering::Equal => self.report.conflicts.push(id.to_owned()),
        }
        there > here
    }

    fn carry_out(&self, tx: &WriteTx<'_>, who: &str, file: &Parsed) -> Result<()> {
        let mut place = tasks::next_place(tx)?;
        let mut touched = Touched::of_many();
        for write in &self.writes {
            match write {
                Write::Task(record) => {
                    tasks::insert(tx, record, place, &mut touched)?;
                    audit::write(tx, who, audit::Operation::Imported, None, Some(record), false)?;
                    place += 1;
                }
                Write::Replace(before, record) => {
                    tasks::replace(tx, before, record, &mut touched)?;
                    audit::write(
                        tx,
                        who,
                        audit::Operation::Replaced,
                        Some(&before.record),
                        Some(record),
                        true,
                    )?;
                }
                Write::Line(other) => {
                    lines::insert(tx, other, place)?;
                    place += 1;
                }
                Write::ReplaceLine(number, other) => lines::replace(tx, *number, other)?,
            }
        }
        touched.write_words(tx)?;
        for id in &file.reserved {
            tasks::reserve(tx, id)?;
        }
        if !touched.ids.is_empty() {
            blocked::rebuild(tx)?;
        }
        Ok(())
    }
}

/// Edges of the file's tasks to tasks that are neither in it nor in the store.
fn dangling(conn: &ReadConn<'_>, file: &Parsed, held: &Held) -> Result<Vec<String>> {
    let mut dangling = Vec::new();
    for record in file.records() {
        for edge in &record.projection().dependencies {
            let in_file = matches!(file.side.get(&edge.target), Some(Entry::Task(_)));
            if !in_file && !held.has_task(conn, &edge.target)? {
                dangling.push(format!("{} -> {} ({})", record.id(), edge.target, edge.kind));
            }
        }
    }
    Ok(dangling)
}
