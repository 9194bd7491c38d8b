//! The full vacuum, and with it the conversion of a file that was created without `auto_vacuum`.
//!
//! `auto_vacuum` cannot be changed in a file that has tables, except by VACUUM, which writes the whole
//! database anew (<https://sqlite.org/pragma.html#pragma_auto_vacuum>). So both are one operation. It needs
//! the database alone, and room, up to twice its content (<https://sqlite.org/lang_vacuum.html>): for the new
//! database, built as a temporary one, and for the log that it goes through into the file (without a log: for the
//! journal of what it replaces).

use std::path::Path;

use rusqlite::Connection;

use super::{VacuumStats, timed};
use crate::checkpoint::{self, CheckpointMode};
use crate::error::{DbError, Result};
use crate::file::folder_of;
use crate::stats::{AutoVacuum, FileStats};
use crate::{Db, integrity, pragmas, space, stats};

/// VACUUM builds the new database in a temporary one, which with `temp_store=MEMORY` is in memory as a whole,
/// however large. So beyond this size it is put into a file of SQLite's temporary folder, which disappears with
/// its process (<https://sqlite.org/tempfiles.html>).
const IN_MEMORY: u64 = 64 << 20;
/// Room that must be left besides what the vacuum itself needs.
const MARGIN: u64 = 16 << 20;

/// Converts a file without `auto_vacuum` to `INCREMENTAL`, by a full vacuum. `None` when it has it already.
/// Integrity is checked afterwards; durable when this returns.
pub fn convert(db: &Db) -> Result<Option<VacuumStats>> {
    if stats(db)?.auto_vacuum == AutoVacuum::Incremental {
        return Ok(None);
    }
    full(db).map(Some)
}

/// Writes the whole file anew, without gaps and with `auto_vacuum` `INCREMENTAL`. Everyone else waits
/// meanwhile. Refused as [`ErrorKind::Full`](crate::ErrorKind::Full) before it has begun where the disk has no
/// room for it; a disk that fills up in between leaves the database as it was. Integrity is checked
/// afterwards; durable when this returns.
pub fn full(db: &Db) -> Result<VacuumStats> {
    let clock = &**db.clock();
    let started = clock.monotonic();
    let before = stats(db)?;
    require_room(db.path(), &before)?;
    let mut done = VacuumStats {
        size_before: before.total_bytes(),
        pages_freed: before.freelist_count,
        ..VacuumStats::default()
    };
    let cut = db.exclusive(|conn| {
        timed(clock, &mut done.longest_stall, || {
            rewrite(conn, &before)?;
            checkpoint::on(conn, db.path(), CheckpointMode::Truncate, clock)
        })
    })?;
    done.held_up_by = cut.held_up_by;
    // By a reader, so that writers go on meanwhile.
    db.read(|conn| integrity::require(conn.conn, db.path()))?;
    let after = stats(db)?;
    done.size_after = after.total_bytes();
    done.pages_left = after.freelist_count;
    done.took = clock.monotonic().saturating_sub(started);
    Ok(done)
}

/// Whether the temporary database is a file.
const fn is_in_file(before: &FileStats) -> bool {
    before.live_bytes() > IN_MEMORY
}

fn require_room(path: &Path, before: &FileStats) -> Result<()> {
    let folder = folder_of(path);
    // A journal keeps every page that is overwritten or cut off, a log gets those that hold something.
    let written = if before.journal_mode == "wal" { before.live_bytes() } else { before.file_bytes };
    let beside = written + written / 8 + MARGIN;
    if !is_in_file(before) {
        return space::require(folder, beside, "a full vacuum");
    }
    let copy = before.live_bytes() + MARGIN;
    let temporary = space::sqlite_temporary_folder();
    if space::is_one_disk(folder, &temporary) {
        return space::require(folder, beside + copy, "a full vacuum with its temporary copy");
    }
    space::require(folder, beside, "a full vacuum")?;
    let what = "the temporary copy of a full vacuum (SQLITE_TMPDIR names another folder)";
    space::require(&temporary, copy, what)
}

fn rewrite(conn: &Connection, before: &FileStats) -> Result<()> {
    let in_file = is_in_file(before);
    if in_file {
        conn.execute_batch("PRAGMA temp_store=FILE")?;
    }
    let vacuumed = conn.execute_batch("PRAGMA auto_vacuum=INCREMENTAL; VACUUM");
    if in_file {
        conn.execute_batch("PRAGMA temp_store=MEMORY")?;
    }
    vacuumed?;
    match pragmas::integer(conn, "auto_vacuum")? {
        2 => Ok(()),
        found => {
            Err(DbError::Pragma { name: "auto_vacuum", found: found.to_string(), wanted: "2".to_owned() })
        }
    }
}
