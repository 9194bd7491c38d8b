//! Files whose making was interrupted before they held anything.
//!
//! The switch to WAL writes the first page, and all tables come in the one transaction after it. Whoever is killed
//! in between, or looks in between, has a file of one empty page: no state yet, and nothing to be migrated.

use crate::error::Result;
use crate::handle::Db;
use crate::options::DbOptions;
use crate::{file, migrations, open};

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
        migrations::is_blank(&open::look(options)?.conn)
    }
}
