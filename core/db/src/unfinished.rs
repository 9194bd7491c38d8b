//! Files whose making was interrupted before they held anything.
//!
//! The switch to WAL writes the first page, and the tables come in the transaction after it. Whoever is killed
//! in between, or looks in between, has a file of one empty page: no state yet, and nothing to be migrated.

use crate::error::{DbError, Result};
use crate::handle::Db;
use crate::options::DbOptions;
use crate::{file, open, pragmas};

/// The largest page (<https://sqlite.org/fileformat.html#pages>): a file without tables is one page at most.
const ONE_PAGE: u64 = 65_536;

impl Db {
    /// Whether the file holds nothing yet: no bytes, or a first page without version, owner and tables. The next
    /// [`Db::open`] makes it whole. Unlike a legacy file, which has no version either, it loses nothing when it
    /// counts as absent.
    ///
    /// A larger file is not opened for this. Fails as [`Db::open_read_only`] does, for a missing file too.
    pub fn is_unfinished(options: &DbOptions) -> Result<bool> {
        file::check_is_file(&options.path)?;
        match file::size(&options.path) {
            0 => return Ok(true),
            size if size > ONE_PAGE => return Ok(false),
            _ => {}
        }
        let looked = open::look(options)?;
        if looked.version != 0 || pragmas::integer(&looked.conn, "application_id")? != 0 {
            return Ok(false);
        }
        // After the marks: whoever makes the file whole meanwhile is seen here.
        let empty = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
        looked.conn.query_row(empty, [], |row| row.get(0)).map_err(DbError::from)
    }
}
