//! The cache of a project.

use std::path::PathBuf;

use conclave_cache::{DiskCache, OnLockTimeout, OpenOptions};

use crate::failure::{Doing as _, Failure};
use crate::project::Project;

/// Where it lies, or would lie.
pub(crate) fn file(project: &Project) -> PathBuf {
    project.state_dir.join("cache.db")
}

/// How it is opened.
pub(crate) fn options(project: &Project) -> Result<OpenOptions, Failure> {
    let settings = &project.config.cache;
    let usual = OpenOptions::default();
    Ok(OpenOptions {
        limits: settings.limits()?,
        lock_timeout: settings.lock_timeout.unwrap_or(usual.lock_timeout),
        ..usual
    })
}

/// What to do when the guard of the file's life cannot be had.
pub(crate) fn on_lock_timeout(project: &Project) -> OnLockTimeout {
    project.config.cache.on_lock_timeout.unwrap_or_default()
}

/// Opens it to be read; `None` where there is none.
pub(crate) fn open_read_only(project: &Project) -> Result<Option<DiskCache>, Failure> {
    DiskCache::open_read_only(&file(project), options(project)?).doing("open the cache")
}
