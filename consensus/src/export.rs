//! A run as files for people and programs: one JSON document, one Markdown page.

mod markdown;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use conclave_db::Db;
use serde::Serialize;

use crate::error::{ConsensusError, Result};
use crate::runs::{self, AttemptDetail, OutputDetail, RunDetail, RunId, RunSummary};
use crate::verdict::Verdict;

/// Most characters of a file's name before its ending.
const NAME: usize = 100;

/// The JSON document. `proposals` are the outputs, one element each.
#[derive(Debug, Serialize)]
struct Document<'run> {
    #[serde(flatten)]
    summary: &'run RunSummary,
    artifacts_count: usize,
    proposals: &'run [OutputDetail],
    synthesis: &'run Option<serde_json::Value>,
    attempts: &'run [AttemptDetail],
    verdict: &'run Option<Verdict>,
}

/// Writes the run's JSON and Markdown into `dir` (created where it is missing); gives both paths. Each file
/// is written beside its place, synced and renamed, so that nobody ever sees half of one; durable when this
/// returns.
pub fn export_run(db: &Db, id: RunId, dir: &Path) -> Result<Vec<PathBuf>> {
    let run =
        runs::show(db, id)?.ok_or_else(|| ConsensusError::NotFound { what: "run", name: id.to_string() })?;
    std::fs::create_dir_all(dir)
        .map_err(|error| ConsensusError::io(format!("create {}", dir.display()), error))?;
    let stem = stem(&run.summary);
    let files = [("json", json(&run)?), ("md", markdown::page(&run).into_bytes())];
    let mut written = Vec::new();
    for (ending, bytes) in files {
        let path = dir.join(format!("{stem}.{ending}"));
        replace(dir, &path, &bytes)
            .map_err(|error| ConsensusError::io(format!("write {}", path.display()), error))?;
        written.push(path);
    }
    // The renames themselves are durable only when the folder is synced.
    File::open(dir)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| ConsensusError::io(format!("sync {}", dir.display()), error))?;
    Ok(written)
}

fn json(run: &RunDetail) -> Result<Vec<u8>> {
    let document = Document {
        summary: &run.summary,
        artifacts_count: run.outputs.len(),
        proposals: &run.outputs,
        synthesis: &run.synthesis,
        attempts: &run.attempts,
        verdict: &run.verdict,
    };
    let mut bytes = serde_json::to_vec_pretty(&document)
        .map_err(|error| ConsensusError::io("write JSON", error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A failure names the file that was to be written, not this one.
    let mut file = tempfile::Builder::new()
        .prefix(".export-")
        .tempfile_in(dir)
        .map_err(|error| std::io::Error::from(error.kind()))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A file name that no spec, stage or key can lead out of the folder or make unreadable.
fn stem(run: &RunSummary) -> String {
    let named = format!("run-{}-{}-{}", run.id, run.spec, run.stage);
    named
        .chars()
        .take(NAME)
        .map(|char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests;
