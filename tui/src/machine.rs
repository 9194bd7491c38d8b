//! The machine-wide file, `global.db`: ports, and leases across projects.
//!
//! Looking for it changes nothing; only [`Machine::open`] creates what is missing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_db::{Db, DbOptions, ErrorKind, FileMark};

use crate::failure::{Doing, Failure};
use crate::project::{self, Environment, Places};
use crate::state;

/// A file that is larger was made whole: what is in the making is one page (and its log).
const FINISHED: u64 = 65_536;
/// How often an opening is tried again while others write.
const ROUNDS: u32 = 25;

/// Where the machine-wide file lies, or would lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    database: PathBuf,
}

impl Machine {
    /// Finds it: `--global-dir`, `CONCLAVE_GLOBAL_DIR`, else `$XDG_DATA_HOME/conclave`.
    pub(crate) fn find(environment: &Environment, places: &Places) -> Result<Self, Failure> {
        let mut wanted = environment.places();
        // Relative to the folder that the command runs in, which is this process's own but in tests.
        let named = places.global_dir.clone().or(wanted.global_dir.take());
        wanted.global_dir = named.map(|folder| environment.folder.join(folder));
        let folder = wanted.global_dir().doing("find the machine-wide folder")?;
        Ok(Self { database: folder.join("global.db") })
    }

    /// The file; it may not be there yet.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// Whether there is one to read. Of one that cannot be used, opening says why.
    pub(crate) fn has_state(&self) -> bool {
        match std::fs::metadata(&self.database) {
            Ok(_) => {
                let unfinished = self.options().and_then(|options| Ok(Db::is_unfinished(&options)?));
                !unfinished.unwrap_or(false)
            }
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    /// Opens it to be read; `None` where there is none. Creates and changes nothing.
    pub(crate) fn open_read_only(&self) -> Result<Option<Db>, Failure> {
        if !self.has_state() {
            return Ok(None);
        }
        Db::open_read_only(self.options()?)
            .doing("open the machine-wide file")
            .map_err(|failure| self.way_out(failure))
            .map(Some)
    }

    /// Opens it to be written, creating it where it is missing.
    pub(crate) fn open(&self) -> Result<Db, Failure> {
        Db::open(self.options()?).doing("open the machine-wide file").map_err(|failure| self.way_out(failure))
    }

    /// The same for one who can do without: a file that is there and locked for longer than `patience`, while nobody
    /// writes to it, is given up. One that is being made is waited for.
    pub(crate) fn open_within(&self, patience: Duration) -> Result<Db, Failure> {
        let mut rounds = 0;
        while std::fs::metadata(&self.database).is_ok_and(|found| found.len() > FINISHED) {
            let mark = FileMark::of(&self.database);
            match Db::open(self.options()?.busy_timeout(patience)) {
                Err(error)
                    if error.kind() == ErrorKind::Busy
                        && rounds < ROUNDS
                        && FileMark::of(&self.database) != mark =>
                {
                    rounds += 1;
                }
                opened => {
                    return opened
                        .doing("open the machine-wide file")
                        .map_err(|failure| self.way_out(failure));
                }
            }
        }
        self.open()
    }

    /// What to do about one that is no database any more.
    pub(crate) fn way_out(&self, failure: Failure) -> Failure {
        project::way_out(failure, &self.database, " --global")
    }

    /// How it is opened.
    pub(crate) fn options(&self) -> Result<DbOptions, Failure> {
        Ok(DbOptions::new(&self.database, state::global_schema()?))
    }
}
