//! The cache of a project.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_cache::{
    CacheErrorKind, CacheEvent, CacheObserver, DiskCache, OnLockTimeout, OpenOptions, Stats, check,
};
use conclave_db::ErrorKind;
use conclave_db::doctor::{Check, CheckState};
use conclave_db::paths;
use conclave_leases::file_guard::{GuardEvent, GuardObserver};

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
        guard_observer: Some(Arc::new(Logged)),
        observer: Some(Arc::new(Logged)),
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

/// Opens it to be written; makes it, and its folder, where they are missing.
pub(crate) fn open(project: &Project) -> Result<DiskCache, Failure> {
    paths::ensure_state_dir(&project.state_dir).doing("make the state folder")?;
    DiskCache::open(&file(project), options(project)?).doing("open the cache")
}

/// Opens it to be written; `None` where there is none.
pub(crate) fn open_existing(project: &Project) -> Result<Option<DiskCache>, Failure> {
    if is_there(&file(project)) { open(project).map(Some) } else { Ok(None) }
}

/// Whether there is a file. Of one that cannot be looked at, opening says why.
fn is_there(file: &Path) -> bool {
    file.symlink_metadata().map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |_| true)
}

/// Its counters; those of an empty one where there is none.
pub(crate) fn stats(project: &Project) -> Result<Stats, Failure> {
    match open_read_only(project)? {
        Some(cache) => conclave_cache::Cache::stats(&cache).doing("read the cache's counters"),
        None => empty(project),
    }
}

/// The counters of a cache that is not there.
fn empty(project: &Project) -> Result<Stats, Failure> {
    let limits = project.config.cache.limits()?;
    Ok(Stats { max_entries: limits.max_entries(), max_bytes: limits.max_bytes(), ..Stats::default() })
}

/// What `doctor` says of it: what is not as it should be, or that all is. Nothing where there is no cache.
pub(crate) fn summary(project: &Project) -> Vec<Check> {
    const NAME: &str = "cache";
    let checks = checks(project);
    if !checks.is_empty() && checks.iter().all(|check| check.state == CheckState::Ok) {
        return vec![Check::ok(NAME, "sound")];
    }
    let wrong = checks.into_iter().filter(|check| check.state != CheckState::Ok);
    wrong
        .map(|check| Check { detail: format!("{}: {}", check.name, check.detail), name: NAME, ..check })
        .collect()
}

/// The checks of its file: none where there is none.
pub(crate) fn checks(project: &Project) -> Vec<Check> {
    let checks = options(project).and_then(|options| Ok(check::checks(&file(project), options)?));
    checks.unwrap_or_else(|failure| {
        let advice = failure.hint.unwrap_or_else(|| "look at the log with `--log-stderr -v`".into());
        vec![Check::fail("file", failure.message, advice)]
    })
}

/// Puts right what can be put right; says what was done.
pub(crate) fn fix(project: &Project) -> Result<Vec<String>, Failure> {
    let Some(cache) = open_existing(project)? else { return Ok(Vec::new()) };
    let removed = cache.mend().doing("look after the cache")?;
    let mut done = put_aside_in_words(&cache);
    match removed {
        0 => {}
        1 => done.push("cache: 1 entry removed".to_owned()),
        more => done.push(format!("cache: {more} entries removed")),
    }
    Ok(done)
}

/// Whether a cache that cannot be used is gone around: one of a newer program, and one whose guard cannot be had where the
/// settings say so.
pub(crate) fn is_gone_around(project: &Project, failure: &Failure) -> bool {
    failure.kind == ErrorKind::Newer.as_str()
        || failure.kind == CacheErrorKind::LockTimeout.as_str()
            && on_lock_timeout(project) == OnLockTimeout::Bypass
}

/// What a cache put aside, in words; one line for each file.
pub(crate) fn put_aside_in_words(cache: &DiskCache) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let names = cache.put_aside().iter().filter_map(name).collect::<Vec<_>>();
    let words = |name| format!("the cache was damaged: put aside as {name}, and an empty one begun");
    names.into_iter().map(words).collect()
}

/// Writes what happens to the log; no path and no content stand in it.
#[derive(Debug)]
pub(crate) struct Logged;

impl CacheObserver for Logged {
    fn event(&self, backend: &'static str, event: &CacheEvent) {
        match event {
            CacheEvent::CorruptionDetected | CacheEvent::Error { .. } => {
                tracing::warn!(backend, event = event.name(), detail = ?event);
            }
            _ => tracing::debug!(backend, event = event.name(), detail = ?event),
        }
    }
}

impl GuardObserver for Logged {
    fn event(&self, event: &GuardEvent) {
        let (GuardEvent::LockWait { operation, waited } | GuardEvent::LockTimeout { operation, waited, .. }) =
            event
        else {
            return;
        };
        tracing::info!(event = %format_args!("ast.cache.{}", event.name()), operation, ?waited);
    }
}
