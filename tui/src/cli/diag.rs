//! `conclave diag`: the spool and its quota, in the words of the original.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use conclave_db::Db;
use conclave_spool::{MonitorName, Spool};
use serde_json::{Map, Value, json};

use super::context::Context;
use super::spool::report::{Report, mb};
use crate::event_spool;
use crate::failure::{Exit, Failure};
use crate::text::visible;

/// The end of a finalised segment's name.
const SEGMENT: &str = ".ndjson.gz";

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let (db, mut failure) = match context.open_read_only() {
        Ok(db) => (db, None),
        // What the files say is said all the same.
        Err(failure) => (None, Some(failure)),
    };
    let spool = event_spool::of(&context.project, db.clone())?;
    let folders = Folders::look(&spool);
    let report = look(&spool, db.as_ref(), &mut failure);
    let output = &context.output;
    if let Some(failure) = &failure {
        output.complain(failure);
    }
    if output.json {
        output.document(&document(&folders, report.as_ref(), failure.as_ref()))?;
    } else {
        output.print(text(&folders, report.as_ref()))?;
        if folders.monitors.values().any(|folder| !folder.known) {
            output.notice("?? is no monitor that is known: its files are left alone; `[spool] monitors` makes more known");
        }
    }
    Ok(failure.map_or(Exit::Done, |failure| failure.exit))
}

/// With the state, and where that fails without it.
fn look(spool: &Spool, db: Option<&Db>, failure: &mut Option<Failure>) -> Option<Report> {
    let mut keep = |failed| {
        failure.get_or_insert(failed);
    };
    match (Report::look(spool, db), db) {
        (Ok(report), _) => return Some(report),
        (Err(failed), Some(_)) => keep(failed),
        (Err(failed), None) => {
            keep(failed);
            return None;
        }
    }
    Report::look(spool, None).map_err(keep).ok()
}

/// The folders of monitors, whether they are known or not.
#[derive(Debug)]
struct Folders {
    status: &'static str,
    monitors: BTreeMap<String, Folder>,
}

#[derive(Debug)]
struct Folder {
    known: bool,
    pending: u64,
    /// Those that are imported, too.
    total: u64,
}

impl Folders {
    fn look(spool: &Spool) -> Self {
        let layout = spool.layout();
        let entries = match std::fs::read_dir(layout.root()) {
            Ok(entries) => entries,
            Err(error) => {
                let status = if error.kind() == ErrorKind::NotFound { "missing" } else { "error" };
                return Self { status, monitors: BTreeMap::new() };
            }
        };
        let mut monitors = BTreeMap::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Links are followed nowhere.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if !is_folder || name.starts_with(['_', '.']) {
                continue;
            }
            let monitor = MonitorName::parse(&name).ok();
            let pending = segments(&entry.path());
            let done = monitor.as_ref().map_or(0, |monitor| segments(&layout.done(monitor)));
            let known = monitor.is_some_and(|monitor| spool.options().monitors.is_known(&monitor));
            monitors.insert(name, Folder { known, pending, total: pending + done });
        }
        Self { status: "exists", monitors }
    }

    fn pending(&self) -> u64 {
        self.monitors.values().map(|folder| folder.pending).sum()
    }
}

/// Finalised segments in a folder.
fn segments(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let is_segment = |entry: &std::fs::DirEntry| {
        entry.file_name().to_string_lossy().ends_with(SEGMENT)
            && entry.file_type().is_ok_and(|kind| kind.is_file())
    };
    entries.flatten().filter(is_segment).count() as u64
}

fn text(folders: &Folders, report: Option<&Report>) -> String {
    let mut text = String::from("Spool:\n");
    let _ = writeln!(text, "  Status: {}", folders.status);
    let _ = writeln!(text, "  Pending files: {}", folders.pending());
    if !folders.monitors.is_empty() {
        let _ = writeln!(text, "  Monitor directories:");
    }
    for (name, Folder { known, pending, total }) in &folders.monitors {
        let known = if *known { "OK" } else { "??" };
        let _ = writeln!(text, "    {known} {}: {pending} pending / {total} total", visible(name));
    }
    text.push_str("\nQuota:\n");
    let Some(report) = report else {
        text.push_str("  Usage: unknown\n");
        return text;
    };
    let _ = writeln!(text, "  Usage: {}", report.usage_words());
    let _ = writeln!(text, "  Thresholds: {}", report.threshold_words());
    if report.gauge.dropped > 0 {
        let _ = writeln!(text, "  Dropped batches: {}", report.gauge.dropped);
    }
    let largest = &report.gauge.usage.largest_done;
    if !largest.is_empty() {
        text.push_str("  Largest _done files:\n");
    }
    for file in largest {
        let (monitor, name) = (visible(&file.monitor), visible(&file.filename));
        let _ = writeln!(text, "    {monitor}/{name}: {}MB", mb(file.bytes));
    }
    text
}

fn document(folders: &Folders, report: Option<&Report>, failure: Option<&Failure>) -> Value {
    let directories: Map<String, Value> = folders
        .monitors
        .iter()
        .map(|(name, Folder { known, pending, total })| {
            let folder = json!({ "known_monitor": known, "total_files": total, "pending_files": pending });
            (name.clone(), folder)
        })
        .collect();
    let quota = report.map(|report| {
        let largest: Vec<Value> = report
            .gauge
            .usage
            .largest_done
            .iter()
            .map(|file| {
                json!({ "monitor": file.monitor, "filename": file.filename, "size_mb": mb(file.bytes) })
            })
            .collect();
        let mut quota = report.quota();
        if let Some(quota) = quota.as_object_mut() {
            quota.insert("largest_done_files".to_owned(), Value::from(largest));
        }
        quota
    });
    let mut document = json!({
        "spool": {
            "status": folders.status, "monitor_dirs": directories, "total_pending_files": folders.pending(),
        },
        "quota": quota,
    });
    if let (Some(failure), Some(document)) = (failure, document.as_object_mut()) {
        document.insert("error".to_owned(), failure.object());
    }
    document
}
