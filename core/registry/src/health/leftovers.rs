//! Files that imports have put aside: nothing removes them, so that they are there when somebody wants them back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use conclave_db::Db;
use conclave_db::doctor::{Check, CheckState};

use crate::store::checking::Imported;
use crate::words::quoted;

const NAME: &str = "old-files";
/// What they are made from.
const SOURCES: &[&str] = &["state.json", "ports.json"];
/// So long nobody need think of one.
const YOUNG_MS: i64 = 30 * DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One check for each, with its size, its age and the command that removes it.
pub(super) fn checks(state: &Db, global: Option<&Db>, root: &Path, imported: &[Imported]) -> Vec<Check> {
    let mut folders: BTreeSet<PathBuf> = BTreeSet::from([root.join(".agent-farm")]);
    folders.extend(
        [Some(state), global].into_iter().flatten().filter_map(|db| Some(db.path().parent()?.to_path_buf())),
    );
    folders
        .extend(imported.iter().filter_map(|import| Some(Path::new(&import.path).parent()?.to_path_buf())));
    let mut files: BTreeSet<PathBuf> =
        imported.iter().filter_map(|import| import.kept_as.clone()).map(PathBuf::from).collect();
    files.extend(folders.iter().flat_map(|folder| put_aside(folder)));
    let now = state.clock().wall_ms();
    let checks: Vec<Check> = files.iter().filter_map(|file| check(file, now)).collect();
    if checks.is_empty() { vec![Check::ok(NAME, "none")] } else { checks }
}

/// Files in the folder that are called like a source, with `.bak` behind it.
fn put_aside(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_one = |name: &str| {
        SOURCES.iter().any(|source| name.strip_prefix(source).is_some_and(|rest| rest.starts_with(".bak")))
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(is_one))
        .map(|entry| entry.path())
        .collect()
}

fn check(file: &Path, now: i64) -> Option<Check> {
    let found = file.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    let at = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let age = now.saturating_sub(i64::try_from(at.as_millis()).unwrap_or(i64::MAX)).max(0);
    let age_in_words = match age / DAY_MS {
        0 => "less than a day old".to_owned(),
        1 => "1 day old".to_owned(),
        days => format!("{days} days old"),
    };
    Some(Check {
        name: NAME,
        state: if age > YOUNG_MS { CheckState::Warn } else { CheckState::Ok },
        detail: format!("{}: {} bytes, {age_in_words}", file.display(), found.len()),
        advice: Some(format!("an import put it aside; when you need it no more: `rm {}`", quoted(file))),
    })
}
