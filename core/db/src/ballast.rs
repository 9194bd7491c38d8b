//! A file that is given up when the disk is full, so that the last writes and deletes can go through.
//!
//! In a full file system SQLite cannot even delete: a DELETE needs room in the log first. One mebibyte held
//! back beside the database and released at the first `SQLITE_FULL` is room for the writes that end what is
//! going on, and for the deletes that make more.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::Db;
use crate::error::{DbError, ErrorKind, Result};
use crate::file::{beside, folder_of};
use crate::space;

/// Bytes of the ballast.
pub const BYTES: u64 = 1 << 20;
/// Only where there is this much room is some of it held back.
const COMFORT: u64 = 64 * BYTES;
/// Bytes of a block as `stat` counts them, on every file system.
const BLOCK: u64 = 512;

/// What became of a ballast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ballast {
    /// It is there, and takes up real room.
    Present,
    /// It was made just now.
    Created,
    /// It is not there, and there is too little room to hold any back.
    NoRoom,
    /// It is not there.
    Absent,
}

/// Where the ballast of the database at `path` lies: `state.db-ballast`.
pub fn path_of(path: &Path) -> PathBuf {
    beside(path, "-ballast")
}

/// Makes the ballast (1 MiB, 0600) unless it is there; not where less than 64 MiB are free. Meant for each open
/// for writing: when it is there this costs one `stat`.
pub fn ensure(db: &Db) -> Result<Ballast> {
    if db.is_read_only() {
        return Err(DbError::file(ErrorKind::ReadOnly, db.path(), "opened read-only: no ballast is made"));
    }
    ensure_beside(db.path())
}

/// Whether it is there.
pub(crate) fn look(path: &Path) -> Ballast {
    // A file with holes gives nothing back when it goes, so blocks count, not bytes.
    let holds = std::fs::metadata(path_of(path)).is_ok_and(|found| found.blocks() * BLOCK >= BYTES);
    if holds { Ballast::Present } else { Ballast::Absent }
}

pub(crate) fn ensure_beside(path: &Path) -> Result<Ballast> {
    if look(path) == Ballast::Present {
        return Ok(Ballast::Present);
    }
    if space::free(folder_of(path))? < COMFORT {
        return Ok(Ballast::NoRoom);
    }
    let (ballast, unfinished) = (path_of(path), beside(path, &format!("-ballast-{}", std::process::id())));
    let made = fill(&unfinished).and_then(|()| std::fs::rename(&unfinished, &ballast));
    made.map_err(|error| {
        let _ = std::fs::remove_file(&unfinished);
        DbError::io(format!("make {}", ballast.display()), error)
    })?;
    Ok(Ballast::Created)
}

fn fill(path: &Path) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut written = 0;
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    while written < BYTES {
        let block = noise.block();
        file.write_all(&block)?;
        written += block.len() as u64;
    }
    // Space that is only promised (delayed allocation) would not be there to be given back.
    file.sync_all()
}

/// Bytes that no file system can compress away or store as a hole: xorshift64.
struct Noise(u64);

impl Noise {
    fn block(&mut self) -> [u8; 4096] {
        let mut block = [0; 4096];
        for bytes in block.chunks_exact_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            bytes.copy_from_slice(&self.0.to_le_bytes());
        }
        block
    }
}

/// Gives the ballast of the database at `path` back to the disk, if there is one.
pub fn release(path: &Path) {
    if std::fs::remove_file(path_of(path)).is_ok() {
        tracing::warn!(file = %path.display(), "the disk is full: 1 MiB that was held back is free now");
    }
}
