//! What this process drives: that it is the owner of a row says nothing of its tasks.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use conclave_db::Db;

use super::PipelineId;
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;

/// What can be driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Driveable {
    Run(RunId),
    Pipeline(PipelineId),
}

impl fmt::Display for Driveable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => write!(formatter, "run {run}"),
            Self::Pipeline(pipeline) => write!(formatter, "pipeline {pipeline}"),
        }
    }
}

type Key = (PathBuf, Driveable);

static DRIVEN: Mutex<BTreeSet<Key>> = Mutex::new(BTreeSet::new());

/// That something is driven here, for as long as this lives.
#[derive(Debug)]
pub(super) struct Driving(Key);

impl Driving {
    /// Refused where a task of this process drives it already.
    pub(super) fn begin(db: &Db, what: Driveable) -> Result<Self> {
        let key = (db.path().to_path_buf(), what);
        let mut driven = DRIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if !driven.insert(key.clone()) {
            return Err(ConsensusError::refused(format!("{what} is already driven by this process"), None));
        }
        Ok(Self(key))
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        DRIVEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

pub(super) fn is_driven_here(db: &Db, what: Driveable) -> bool {
    let key = (db.path().to_path_buf(), what);
    DRIVEN.lock().unwrap_or_else(PoisonError::into_inner).contains(&key)
}
