//! What keeps a file in order, and imports.

use std::path::PathBuf;

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::import::{ImportOptions, import_file};
use conclave_db::backup::{self, BackupOptions};
use conclave_db::checkpoint::{self, CheckpointMode};
use conclave_db::vacuum::{self, VacuumBudget};
use conclave_db::{Db, ErrorKind, foreign};

use super::older::{TABLES, insert};
use super::{Effect, Work, Worker};
use crate::chance::Chance;
use crate::crash::row::{Author, Kind, Row};
use crate::outcome::Outcome;

#[derive(Debug)]
pub(crate) enum Operation {
    Vacuum,
    Checkpoint(CheckpointMode),
    Backup,
    /// The file that this operation makes, or an earlier one made.
    Import(u64),
}

impl Operation {
    pub(crate) fn of(worker: &Worker, number: u64) -> Self {
        let mut chance = Chance::of(worker.seed, &[worker.place, number]);
        match chance.below(20) {
            0..6 => Self::Vacuum,
            6..10 => Self::Checkpoint(CheckpointMode::Passive),
            10..12 => Self::Checkpoint(CheckpointMode::Truncate),
            12..14 => Self::Backup,
            14..18 => Self::Import(number),
            _ => Self::Import(number.saturating_sub(chance.below(12))),
        }
    }

    pub(crate) fn effects(self, worker: &Worker) -> Vec<Effect> {
        match self {
            Self::Import(file) => rows(worker, file).into_iter().map(Effect::Insert).collect(),
            _ => Vec::new(),
        }
    }
}

/// The rows of a file.
fn rows(worker: &Worker, file: u64) -> Vec<Row> {
    let mut chance = Chance::of(worker.seed, &[worker.place, file, 1]);
    (0..2 + chance.below(7))
        .map(|number| {
            let kind = Kind::any(&mut chance);
            Row::any(&mut chance, kind, format!("import{file}-{number}"), Author::Import)
        })
        .collect()
}

/// A process that takes care.
#[derive(Debug)]
pub(crate) struct Caretaker {
    worker: Worker,
    db: Db,
}

impl Caretaker {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let db = super::open(&worker.folder)?;
        Ok(Self { worker, db })
    }

    /// Makes the file, whole or not at all, unless it is there.
    fn file(&self, number: u64) -> Outcome<PathBuf> {
        let path = self.worker.folder.join(format!("import-{number}.db"));
        if !path.exists() {
            let begun = path.with_extension("begun");
            for left in [begun.clone(), begun.with_extension("begun-journal")] {
                if left.exists() {
                    std::fs::remove_file(left)?;
                }
            }
            let inserts: Vec<String> = rows(&self.worker, number).iter().map(|row| insert(row).sql).collect();
            foreign::create(&begun, &format!("BEGIN; {TABLES}; {}; COMMIT", inserts.join(";")))?;
            std::fs::rename(&begun, &path)?;
        }
        Ok(path)
    }
}

impl Work for Caretaker {
    fn act(&mut self, number: u64) -> Outcome<String> {
        let word = match Operation::of(&self.worker, number) {
            Operation::Vacuum => {
                match vacuum::cycle(&self.db, VacuumBudget::default()) {
                    // A legacy file in place has its pages where they are until somebody converts it.
                    Err(error) if error.kind() == ErrorKind::NeedsConversion => "vacuum-refused",
                    outcome => outcome.map(|_| "vacuum")?,
                }
            }
            Operation::Checkpoint(mode) => {
                checkpoint::checkpoint(&self.db, mode)?;
                "checkpoint"
            }
            Operation::Backup => {
                let folder = self.worker.folder.join("kept").join("");
                backup::backup(&self.db, &folder, &BackupOptions { keep: Some(2), replace: false })?;
                "backup"
            }
            Operation::Import(file) => {
                let path = self.file(file)?;
                let options = ImportOptions { actor: "caretaker".into(), ..ImportOptions::default() };
                match import_file(&self.db, &path, &options, &mut |_| {}) {
                    // Legacy rows that are not copied yet come first, and nothing of the file while they may not.
                    Err(error) if error.kind() == ConsensusErrorKind::Paused => "paused",
                    outcome => outcome.map(|_| "import")?,
                }
            }
        };
        Ok(word.to_owned())
    }
}
