//! What the working thread does to spool and cache.

use conclave_cache::{Cache as _, DiskCache};
use conclave_db::Db;
use conclave_spool::import;
use conclave_spool::trim::{When, trim};

use crate::failure::{Doing as _, Failure};
use crate::project::Project;
use crate::text::{counted, size};
use crate::ui::message::Outcome;
use crate::{event_spool, parse_cache};

/// Takes what waits in the spool into the state.
pub(super) fn flush(project: &Project, db: &Db) -> Result<Outcome, Failure> {
    let spool = event_spool::of(project, Some(db.clone()))?;
    let flushed = import::flush(&spool, db, None).doing("flush the spool")?;
    let mut said = format!(
        "spool: {} taken in from {}",
        counted(flushed.imported, "event", "events"),
        counted(flushed.files, "file", "files")
    );
    for (number, what) in [
        (flushed.duplicates, ("was there already", "were there already")),
        (flushed.quarantined, ("line is put aside", "lines are put aside")),
        (flushed.recovered.segments, ("file recovered", "files recovered")),
        (flushed.trimmed.files.len() as u64, ("file trimmed", "files trimmed")),
        (flushed.deferred, ("file waits for the database", "files wait for the database")),
    ] {
        if number > 0 {
            said = format!("{said}, {}", counted(number, what.0, what.1));
        }
    }
    match flushed.errors.as_slice() {
        [] => Ok(Outcome::Said(said)),
        errors => Err(Failure::not_found(format!("{said}; not read: {}", errors.join(", ")))
            .hint("`conclave spool verify` says what is wrong with them")),
    }
}

/// Removes imported files until there is room; with `dry_run` gives what would go.
pub(super) fn trim_spool(project: &Project, db: &Db, dry_run: bool) -> Result<Outcome, Failure> {
    let spool = event_spool::of(project, Some(db.clone()))?;
    let trimmed = trim(&spool, When::Asked, dry_run).doing("trim the spool")?;
    if dry_run {
        return Ok(Outcome::TrimPlan(Box::new(trimmed)));
    }
    let files = counted(trimmed.files.len() as u64, "file", "files");
    let (bytes, used) = (size(trimmed.bytes), size(trimmed.used));
    let more = if trimmed.untrimmable { ", and nothing more may go" } else { "" };
    Ok(Outcome::Said(format!("spool: {files} removed, {bytes}; {used} are used now{more}")))
}

/// Takes everything out of the cache, where there is one.
pub(super) fn clear_cache(project: &Project) -> Result<Outcome, Failure> {
    let file = parse_cache::file(project);
    if file.symlink_metadata().is_err() {
        return Ok(Outcome::Said("nothing to clear: there is no cache yet".to_owned()));
    }
    let cache = DiskCache::open(&file, parse_cache::options(project)?).doing("open the cache")?;
    let cleared = cache.clear().doing("clear the cache")?;
    Ok(Outcome::Said(format!("cache: {} taken out", counted(cleared, "entry", "entries"))))
}
