//! Imported files go, the oldest first, until there is room.

use std::io::ErrorKind;

use crate::error::{Result, SpoolError};
use crate::layout::shown;
use crate::names::{Hour, SegmentName};
use crate::notices;
use crate::quota::{Done, QuotaState, look};
use crate::spool::{Shared, Spool};
use crate::store::trimmed as store;

/// What was trimmed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Trimmed {
    /// Files, as `monitor/filename`.
    pub files: Vec<String>,
    /// Bytes that they had.
    pub bytes: u64,
    /// Used bytes afterwards.
    pub used: u64,
    /// It is still not below `resume_pct`, and nothing is left that may go.
    pub untrimmable: bool,
}

/// When to trim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When the state in force is not normal: what `flush` does.
    UnderPressure,
    /// When `resume_pct` or more is used: what `spool trim` does.
    Asked,
}

/// Removes files of `_done`, by the hour in their names (then by time of change), until less than `resume_pct` is used.
/// Never one of the current hour, a `.part`, a pending or a quarantined one. With `dry_run` says what would go, and changes
/// nothing.
///
/// A file's row in the catalogue goes before the file: its name is free once it is gone, and a later file with that name must
/// not pass for imported.
///
/// # Errors
/// The database cannot be written, or a file not be removed. What is gone is gone; another trim goes on.
pub fn trim(spool: &Spool, when: When, dry_run: bool) -> Result<Trimmed> {
    let shared = spool.shared();
    let limits = &shared.options.limits;
    let now_ms = shared.clock.wall_ms();
    let state = if dry_run { None } else { Some(shared.gate.refresh(shared)?) };
    let (usage, mut done) = look(&shared.layout, now_ms)?;
    let mut trimmed = Trimmed { used: usage.used, ..Trimmed::default() };
    if when == When::UnderPressure {
        let state = match state {
            Some(state) => state,
            None => crate::quota::gauge(spool, shared.state.as_ref())?.state,
        };
        if state == QuotaState::Normal {
            return Ok(trimmed);
        }
    }
    let current = Hour::of_ms(now_ms);
    done.retain(|file| file.hour < current);
    done.sort_by_cached_key(order);
    let wanted = done.iter().scan(usage.used, |used, file| {
        let goes = *used >= limits.resume();
        *used = used.saturating_sub(file.bytes);
        goes.then_some(())
    });
    done.truncate(wanted.count());
    if !done.is_empty() && !dry_run {
        notices::trimming(usage.used, limits);
        forget(shared, &done)?;
    }
    for file in &done {
        if !dry_run {
            remove(shared, file)?;
        }
        trimmed.files.push(shown(&file.monitor, &file.file));
        trimmed.bytes = trimmed.bytes.saturating_add(file.bytes);
        trimmed.used = trimmed.used.saturating_sub(file.bytes);
    }
    trimmed.untrimmable = trimmed.used >= limits.resume();
    if !done.is_empty() && !dry_run {
        notices::trimmed(trimmed.bytes, done.len());
        shared.gate.refresh(shared)?;
    }
    Ok(trimmed)
}

/// The oldest first: by the hour in the name, then by when it was changed, then by the rest of the name.
fn order(file: &Done) -> (Hour, i64, Option<SegmentName>, String) {
    (file.hour, file.modified_ms, SegmentName::parse(&file.file), shown(&file.monitor, &file.file))
}

/// Takes files out of the catalogue.
fn forget(shared: &Shared, files: &[Done]) -> Result<()> {
    let Some(state) = &shared.state else { return Ok(()) };
    let files = files.to_vec();
    state.write("forget trimmed segments", move |tx| {
        files.iter().try_for_each(|file| store::forget(tx, &file.monitor, &file.file, file.bytes))
    })
}

/// Removes a file. It may come back with a power cut, and is trimmed again then: that costs less than to wait for the disk.
fn remove(shared: &Shared, file: &Done) -> Result<()> {
    match std::fs::remove_file(&file.path) {
        // Another process trims too.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(SpoolError::io(shared.layout.what("remove", &file.path), file.path.clone(), error));
        }
        Ok(()) => shared.gate.moved(0_i64.saturating_sub_unsigned(file.bytes), 0),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
