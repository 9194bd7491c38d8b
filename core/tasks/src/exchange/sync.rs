//! Sync with a file: three ways into one, with the file as it was at the last sync as their base.
//!
//! The file is locked in its folder while that goes on, and what others (editors, git) do to it meanwhile is found
//! before it is replaced. Three steps are durable one after the other:
//!
//! 1. One transaction: the store is what came of the merge, and the base is the file as it was read, for all that is
//!    in it is in the store now.
//! 2. The file is what came of the merge.
//! 3. The base is, too.
//!
//! A process that ends after the first step leaves a store with changes that the file does not have: the next sync
//! writes them. After the second one the file shows what the first had noted as coming, also where others have changed it
//! since; see [`base`].

mod base;
mod guard;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_db::{Db, ReadConn, WriteTx};

use super::atomic::{self, FolderLock, Replaced};
use super::lines::{Limits, Lines};
use super::order::{arrange, join};
use crate::error::Result;
use crate::json;
use crate::merge::{Combined, Conflict, Entry, MergeOptions, Sided, TOMBSTONE_DAYS, combine, refuse_longer};
use crate::record::Record;
use crate::store::lines::StoredLine;
use crate::store::raw::Raw;
use crate::store::tasks::Touched;
use crate::store::{audit, bases, blocked, lines, raw, tasks};

/// Times that a file may be changed by others between a look and the next.
const TRIES: u32 = 20;

/// How to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncOptions {
    /// Days that a tombstone wins over an edit; see [`MergeOptions`]. The moment of the merge is the store's clock's.
    pub tombstone_days: u32,
    /// Texts that both have changed: put one after the other instead of taking the later one.
    pub concat: bool,
    /// What is let in.
    pub limits: Limits,
    /// The order of the lines that are written.
    pub order: super::Order,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Also with a file that has no task of its last sync, or would remove most of them.
    pub force: bool,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            tombstone_days: TOMBSTONE_DAYS,
            concat: false,
            limits: Limits::default(),
            order: super::Order::default(),
            dry_run: false,
            force: false,
        }
    }
}

/// What a sync has done.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct SyncReport {
    /// The file.
    pub path: String,
    /// Tasks that came from the file.
    pub created: u64,
    /// Tasks that have changed here.
    pub updated: u64,
    /// Tasks that were removed here because they were removed there.
    pub removed: u64,
    /// Lines of the file that have changed, come or gone.
    pub written: u64,
    /// Records in the file now.
    pub records: u64,
    /// Ids that stood several times in the file: the latest instant was taken, of equals the later line.
    pub duplicates: Vec<String>,
    /// What both sides had changed differently: decided by the rules, and kept in the audit log.
    pub conflicts: Vec<Conflict>,
    /// Nothing was done.
    pub dry_run: bool,
}

/// Merges a file and the store: the store first (durable), then the file (durable), then the base of the next sync. A
/// crash between any of them is made good by the next sync, without a conflict. A file that does not exist, or holds no
/// line, is made anew: nothing is removed because of it. Refused, unless forced, where the file has none of the tasks
/// that it had at the last sync, or where more than half of them, and at least three, would be removed. A file with a line that is refused: nothing is done. The
/// moment of the merge is that of the store's clock.
pub fn sync(db: &Db, who: &str, path: &Path, options: &SyncOptions) -> Result<SyncReport> {
    let path = atomic::resolve(path)?;
    let rules = Rules {
        merge: MergeOptions {
            tombstone_days: options.tombstone_days,
            concat: options.concat,
            line_bytes: options.limits.line_bytes,
            ..MergeOptions::new(db.clock().wall_ms())
        },
        order: options.order,
        force: options.force,
    };
    if options.dry_run {
        let file = Seen::read(&path, options.limits)?;
        let merged = db.read(|conn| merge_in(conn, &file, rules))?;
        return Ok(SyncReport { dry_run: true, ..merged.report });
    }
    atomic::make_folder(&path)?;
    let lock = FolderLock::of(&path, &**db.sleeper())?;
    let mut total = SyncReport::default();
    for _ in 0..TRIES {
        let file = Arc::new(Seen::read(&path, options.limits)?);
        let merged = take_in(db, who, &file, rules)?;
        total.add(merged.report);
        if write_out(&lock, &file, &merged.bytes)? {
            settle(db, &file, merged.bytes)?;
            return Ok(total);
        }
    }
    Err(atomic::keeps_changing(&path))
}

/// How the lines become those of the file.
#[derive(Debug, Clone, Copy)]
struct Rules {
    merge: MergeOptions,
    order: super::Order,
    /// Whatever would be lost.
    force: bool,
}

impl SyncReport {
    /// What came of one more try.
    fn add(&mut self, more: Self) {
        self.created += more.created;
        self.updated += more.updated;
        self.removed += more.removed;
        self.conflicts.extend(more.conflicts);
        self.duplicates = more.duplicates;
        self.path = more.path;
        self.written = more.written;
        self.records = more.records;
    }
}

/// The file as it was read.
#[derive(Debug)]
struct Seen {
    path: PathBuf,
    /// Its name as a key of the store.
    key: String,
    /// `None` where there is none.
    bytes: Option<Vec<u8>>,
    side: Sided,
    /// Good lines, also those that were repeated.
    lines: u64,
}

impl Seen {
    fn read(path: &Path, limits: Limits) -> Result<Self> {
        let bytes = atomic::read(path)?;
        let lines = Lines::of_bytes(bytes.as_deref().unwrap_or_default(), path, limits)?;
        lines.refuse_bad()?;
        let key = key(path);
        let side = Sided::of_lines(&lines);
        Ok(Self { path: path.to_path_buf(), key, bytes, side, lines: lines.good.len() as u64 })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }
}

/// A path as a text, another one for each. One that is none by itself is written with escapes and no slash in front.
fn key(path: &Path) -> String {
    path.to_str().map_or_else(
        || format!("bytes:{}", path.as_os_str().as_encoded_bytes().escape_ascii()),
        str::to_owned,
    )
}

/// Whether these bytes are all in the store: a sync has taken the file in as it is, or was about to write it.
pub(super) fn is_base(conn: &ReadConn<'_>, path: &Path, bytes: &[u8]) -> Result<bool> {
    let found = bases::find(conn, &key(path))?;
    Ok(found.is_some_and(|base| base.taken == bytes || base.next.as_deref() == Some(bytes)))
}

/// What came of a merge.
struct Merged {
    combined: Combined,
    tasks: HashMap<String, Raw>,
    lines: Vec<StoredLine>,
    report: SyncReport,
    /// The file as it is to be.
    bytes: Vec<u8>,
}

/// Merges the file and the store. Nothing is written.
fn merge_in(conn: &ReadConn<'_>, file: &Seen, rules: Rules) -> Result<Merged> {
    let base = base::of(conn, file)?;
    let (tasks, lines) = (raw::all(conn)?, lines::all(conn)?);
    let mut placed = Vec::with_capacity(tasks.len() + lines.len());
    for (_, raw) in &tasks {
        placed.push((raw.place, Entry::Task(raw.read()?.record)));
    }
    placed.extend(lines.iter().map(|line| (line.place, Entry::Other(line.other.clone()))));
    placed.sort_by_key(|(place, _)| *place);
    let here = Sided::of(placed.into_iter().map(|(_, entry)| entry));
    let combined = combine(&base, &here, &file.side, &rules.merge);
    refuse_longer(&combined.entries, &here, &file.side, &rules.merge)?;
    let tasks: HashMap<String, Raw> = tasks.into_iter().collect();
    let after = Sided::of(combined.entries.iter().cloned());
    let removed = removed(&tasks, &after);
    if !rules.force {
        guard::refuse_loss(&base, file, &removed)?;
    }
    let mut report = report(&combined, &after, file, &tasks);
    report.removed = removed.len() as u64;
    let mut entries: Vec<&Entry> = combined.entries.iter().collect();
    arrange(&mut entries, rules.order);
    let bytes = join(entries.into_iter().map(Entry::bytes));
    report.conflicts.clone_from(&combined.conflicts);
    Ok(Merged { combined, tasks, lines, report, bytes })
}

/// The tasks that are no more, sorted.
fn removed<'tasks>(tasks: &'tasks HashMap<String, Raw>, after: &Sided) -> Vec<&'tasks str> {
    let stays = |id: &str| matches!(after.get(id), Some(Entry::Task(_)));
    let mut removed: Vec<&str> = tasks.keys().map(String::as_str).filter(|id| !stays(id)).collect();
    removed.sort_unstable();
    removed
}

/// All but what is removed.
fn report(combined: &Combined, after: &Sided, file: &Seen, tasks: &HashMap<String, Raw>) -> SyncReport {
    let mut report = SyncReport {
        path: file.path.display().to_string(),
        records: combined.entries.len() as u64,
        duplicates: file.side.duplicates.clone(),
        ..SyncReport::default()
    };
    for entry in &combined.entries {
        if let Entry::Task(record) = entry {
            match tasks.get(record.id()) {
                None => report.created += 1,
                Some(raw) if raw.bytes != record.bytes() => report.updated += 1,
                Some(_) => {}
            }
        }
        let there = file.side.find(entry.identity()).is_some_and(|there| there.bytes() == entry.bytes());
        report.written += u64::from(!there);
    }
    let gone = file.side.entries.iter().filter(|entry| !after.has(entry)).count() as u64;
    report.written += gone + file.lines - file.side.entries.len() as u64;
    report
}

/// The first step: all of the file is in the store, and it is the base.
fn take_in(db: &Db, who: &str, file: &Arc<Seen>, rules: Rules) -> Result<Merged> {
    let (file, who) = (Arc::clone(file), who.to_owned());
    db.write("sync tasks", move |tx| {
        let merged = merge_in(tx, &file, rules)?;
        merged.carry_out(tx, &who)?;
        let next = Some(merged.bytes.as_slice()).filter(|next| *next != file.bytes());
        bases::set(tx, &file.key, file.bytes(), next)?;
        Ok(merged)
    })
}

/// The second step; `false` where others have changed the file since it was read. Nothing is written where it has the
/// bytes already.
fn write_out(lock: &FolderLock, file: &Seen, bytes: &[u8]) -> Result<bool> {
    if file.bytes.as_deref() == Some(bytes) {
        return Ok(true);
    }
    Ok(lock.replace(&file.path, file.bytes.as_deref(), bytes)? == Replaced::Yes)
}

/// The last step.
fn settle(db: &Db, file: &Arc<Seen>, bytes: Vec<u8>) -> Result<()> {
    if file.bytes() == bytes {
        return Ok(());
    }
    let file = Arc::clone(file);
    db.write("sync tasks: settle", move |tx| bases::set(tx, &file.key, &bytes, None))
}

impl Merged {
    fn carry_out(&self, tx: &WriteTx<'_>, who: &str) -> Result<()> {
        let mut touched = Touched::of_many();
        self.rename(tx)?;
        self.remove(tx, who, &mut touched)?;
        let lines = lines::by_identity(&self.lines);
        let mut place = tasks::next_place(tx)?;
        for entry in &self.combined.entries {
            match entry {
                Entry::Task(record) => {
                    if self.put(tx, who, record, place, &mut touched)? {
                        place += 1;
                    }
                }
                Entry::Other(other) => match lines.get(&other.identity()) {
                    Some(line) if line.other.bytes == other.bytes => {}
                    Some(line) => lines::replace(tx, line.number, other)?,
                    None => {
                        lines::insert(tx, other, place)?;
                        place += 1;
                    }
                },
            }
        }
        touched.write_words(tx)?;
        for conflict in &self.combined.conflicts {
            audit::note(tx, who, audit::Operation::Conflict, &conflict.id, &as_changes(conflict))?;
        }
        // Whoever looks at either of the two finds what became of the other.
        for (old, new) in &self.combined.renamed {
            if let Some(conflict) = self.combined.conflicts.iter().find(|conflict| conflict.id == *old) {
                let decided = format!("two tasks had the id {old}: this one is the later one");
                let conflict = Conflict { decided, ..conflict.clone() };
                audit::note(tx, who, audit::Operation::Conflict, new, &as_changes(&conflict))?;
            }
        }
        if !touched.ids.is_empty() {
            blocked::rebuild(tx)?;
        }
        Ok(())
    }

    /// What was done with a task follows it to its new id.
    fn rename(&self, tx: &WriteTx<'_>) -> Result<()> {
        self.combined.renamed.iter().try_for_each(|(old, new)| audit::rename(tx, old, new))
    }

    /// The task whose history an id has now: of a new id that of the old one, which has none.
    fn former(&self, id: &str) -> Option<&Raw> {
        let renamed = &self.combined.renamed;
        if let Some((old, _)) = renamed.iter().find(|(_, new)| new == id) {
            return self.tasks.get(old);
        }
        self.tasks.get(id).filter(|_| !renamed.iter().any(|(old, _)| old == id))
    }

    /// Writes a task that has changed; `true` for one that is new.
    fn put(
        &self,
        tx: &WriteTx<'_>,
        who: &str,
        record: &Record,
        place: i64,
        touched: &mut Touched,
    ) -> Result<bool> {
        let there = self.tasks.get(record.id());
        if there.is_some_and(|raw| raw.bytes == record.bytes()) {
            return Ok(false);
        }
        match there {
            Some(raw) => tasks::replace(tx, &raw.read()?, record, touched)?,
            None => {
                tasks::insert(tx, record, place, touched)?;
            }
        }
        let before = self.former(record.id()).map(Raw::read).transpose()?.map(|stored| stored.record);
        audit::write(tx, who, audit::Operation::Synced, before.as_ref(), Some(record), false)?;
        Ok(there.is_none())
    }

    /// Takes away what is gone, or is a line of another kind now: first, for ids stand once.
    fn remove(&self, tx: &WriteTx<'_>, who: &str, touched: &mut Touched) -> Result<()> {
        let after = Sided::of(self.combined.entries.iter().cloned());
        for id in removed(&self.tasks, &after) {
            if let Some(raw) = self.tasks.get(id) {
                let before = raw.read()?;
                tasks::remove(tx, &before, touched)?;
                audit::write(tx, who, audit::Operation::Removed, Some(&before.record), None, true)?;
            }
        }
        for line in &self.lines {
            let stays = matches!(after.find(line.other.identity()), Some(Entry::Other(_)));
            if !stays {
                lines::remove(tx, line.number)?;
            }
        }
        Ok(())
    }
}

/// A conflict as the changes of an audit row: `{"KEY": {"base": VALUE, "left": VALUE, "right": VALUE, "decided": TEXT}}`.
/// Values stand as they are spelled; an absent one is an absent key. The key is empty for the record as a whole.
fn as_changes(conflict: &Conflict) -> String {
    let values = [("base", &conflict.base), ("left", &conflict.left), ("right", &conflict.right)];
    let mut changes = format!("{{{}:{{", json::encode(&conflict.key));
    for (side, value) in values {
        if let Some(value) = value {
            changes.extend(["\"", side, "\":", value, ","]);
        }
    }
    changes.extend(["\"decided\":", &json::encode(&conflict.decided), "}}"]);
    changes
}

#[cfg(test)]
mod tests;
