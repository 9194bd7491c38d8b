//! A copy in the making: a temporary file that becomes a backup, or goes away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, TransactionBehavior};

use super::carry::Carry;
use super::leftovers;
use crate::error::{DbError, ErrorKind, Result};
use crate::file::{self, beside};
use crate::options::DbOptions;
use crate::pool::Snapshot;
use crate::transaction::{ReadConn, WriteTx};
use crate::{integrity, migrations, open, pragmas, space};

/// Pages to a step: a megabyte at the usual size.
const STEP: i32 = 256;
/// Names to try before something is wrong with the folder.
const NAMES: u32 = 100;

/// A complete copy, synced, without a name of its own yet. Removed when dropped.
#[derive(Debug)]
pub(super) struct Copy {
    path: PathBuf,
    pages: u64,
}

impl Copy {
    /// Copies what `conn` sees into a temporary file in `folder`. `conn` is inside a transaction: that holds
    /// the snapshot, or each write of others would begin the copy anew.
    pub(super) fn of(conn: &Connection, folder: &Path) -> Result<Self> {
        let count = |name| pragmas::integer(conn, name).map(|value| u64::try_from(value).unwrap_or(0));
        let (pages, page_size) = (count("page_count")?, count("page_size")?);
        space::require(folder, pages * page_size, "a copy")?;
        let copy = Self { path: temporary(folder)?, pages };
        copy.fill(conn)?;
        // By its own name only: no SQLite connection of this process has it open any more.
        file::sync(&copy.path)?;
        Ok(copy)
    }

    /// A database of the current schema without a row of anyone's, as a temporary file in `folder`.
    pub(super) fn empty(options: &DbOptions, folder: &Path) -> Result<Self> {
        let mut copy = Self { path: temporary(folder)?, pages: 0 };
        copy.change(|conn| {
            // Before the first table, or it has no effect (https://sqlite.org/pragma.html#pragma_auto_vacuum).
            conn.execute_batch("PRAGMA auto_vacuum=INCREMENTAL")?;
            migrate(conn, options)
        })?;
        copy.verify(&options.path)?;
        Ok(copy)
    }

    /// Writes into the copy what is to be carried over, where there is anything; it has the current schema then.
    pub(super) fn carry<C: Carry>(&mut self, options: &DbOptions, carry: &C) -> Result<(), C::Error> {
        let is_needed = {
            let conn = open::connect_foreign(&self.path, Snapshot::Immutable)?;
            carry.is_needed(&ReadConn::new(&conn))?
        };
        if !is_needed {
            return Ok(());
        }
        self.change(|conn| {
            migrate(conn, options)?;
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let written = carry.write(&WriteTx::new(&transaction, &*options.clock));
            transaction.commit()?;
            Ok(written)
        })??;
        self.verify(&options.path)?;
        Ok(())
    }

    /// Changes the copy, and syncs it. Nobody needs one that was changed by half.
    fn change<T>(&mut self, change: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut conn = open::connect_bare(&self.path)?;
        conn.execute_batch(
            "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON",
        )?;
        let changed = change(&mut conn)?;
        self.pages = u64::try_from(pragmas::integer(&conn, "page_count")?).unwrap_or(0);
        conn.close().map_err(|(_, error)| error)?;
        file::sync(&self.path)?;
        Ok(changed)
    }

    fn fill(&self, conn: &Connection) -> Result<()> {
        let mut target = open::connect_bare(&self.path)?;
        // Nobody needs half a copy back, and the whole one is synced at the end.
        target.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")?;
        all_pages(conn, &mut target)?;
        // The copy says of itself that it has a write-ahead log, as the original has. Without, any program can
        // read it anywhere, also where nothing can be put beside it.
        let mode: String =
            target.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?;
        if mode != "delete" {
            let wanted = "delete".to_owned();
            return Err(DbError::Pragma { name: "journal_mode", found: mode, wanted });
        }
        target.close().map_err(|(_, error)| error.into())
    }

    /// Checks the copy in every respect; the error names `original`.
    pub(super) fn verify(&self, original: &Path) -> Result<()> {
        let conn = open::connect_foreign(&self.path, Snapshot::Immutable)?;
        let pages = u64::try_from(pragmas::integer(&conn, "page_count")?).unwrap_or(0);
        if pages != self.pages {
            let what = format!("the copy has {pages} of {} pages", self.pages);
            return Err(DbError::file(ErrorKind::Corrupt, original, what));
        }
        integrity::require(&conn, original)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn pages(&self) -> u64 {
        self.pages
    }

    pub(super) fn bytes(&self) -> u64 {
        file::size(&self.path)
    }

    /// Gives it the first of these names that is free. The name is durable when this returns.
    pub(super) fn keep_as(self, names: impl Iterator<Item = PathBuf>) -> Result<PathBuf> {
        for name in names {
            // Unlike a rename, a link never replaces what is there. The temporary name goes with `self`.
            match std::fs::hard_link(&self.path, &name) {
                Ok(()) => {
                    file::sync_folder(file::folder_of(&name))?;
                    return Ok(name);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(DbError::io(format!("create {}", name.display()), error)),
            }
        }
        Err(DbError::Invalid("every name for the backup is taken".to_owned()))
    }

    /// Gives it this name, in place of what has it.
    pub(super) fn replace(self, name: &Path) -> Result<PathBuf> {
        std::fs::rename(&self.path, name)
            .map_err(|error| DbError::io(format!("replace {}", name.display()), error))?;
        file::sync_folder(file::folder_of(name))?;
        Ok(name.to_path_buf())
    }
}

/// The steps that are missing. What a step rewrites is still there where the copy came from.
fn migrate(conn: &mut Connection, options: &DbOptions) -> Result<()> {
    let observer = options.migration_observer;
    migrations::migrate(conn, &options.schema, &*options.clock, observer, |_, _| Ok(())).map(drop)
}

/// Writes all pages that `from` sees over those of `to`, in one transaction of `to`.
pub(super) fn all_pages(from: &Connection, to: &mut Connection) -> Result<()> {
    let backup = Backup::new(from, to)?;
    loop {
        match backup.step(STEP)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => {
                let text = "database is locked: someone else has it open".to_owned();
                return Err(DbError::Busy { text, waited: Duration::ZERO });
            }
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What SQLite may have put beside it, if it ended in between, goes too.
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(&self.path, suffix));
        }
    }
}

/// A new empty file (0600) in the folder.
fn temporary(folder: &Path) -> Result<PathBuf> {
    for number in 0..NAMES {
        let path = folder.join(leftovers::name(number));
        if file::create(&path)? {
            return Ok(path);
        }
    }
    Err(DbError::Invalid(format!("{}: too many unfinished copies", folder.display())))
}
