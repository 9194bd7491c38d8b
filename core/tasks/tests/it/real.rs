//! The real files, where `CONCLAVE_BEADS` names their folder: every record is read, and stays as it is.

use std::path::Path;

use conclave_tasks::moment::Moment;
use conclave_tasks::record::{Line, Record, parse};

/// The lines of the files in the folder that `CONCLAVE_BEADS` names; none where it is not set.
fn files() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = std::env::var_os("CONCLAVE_BEADS") else {
        conclave_testkit::skipped("CONCLAVE_BEADS names no folder of real files");
        return Vec::new();
    };
    let entries = std::fs::read_dir(Path::new(&folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn real_records_are_read_and_keep_their_bytes() {
    for (path, bytes) in files() {
        let mut refused = Vec::new();
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match parse(line) {
                Ok(Line::Task(record)) => assert_eq!(record.bytes(), line, "{path}"),
                Ok(Line::Other(other)) => assert_eq!(other.bytes, line, "{path}"),
                Err(flaw) => refused.push(flaw.to_string()),
            }
        }
        let markers = refused.iter().all(|flaw| flaw.starts_with("a conflict marker of git"));
        assert!(markers && (refused.is_empty() || path.contains("CONFLICT")), "{path}: {refused:?}");
    }
}

#[test]
fn one_key_of_a_real_record_changes_alone() {
    for (path, bytes) in files() {
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"{"));
        for record in lines.map(|line| Record::read(line).unwrap()) {
            let mut edit = record.edit();
            edit.set_text("title", "another title");
            let changed = edit.finish(Moment::from_ms(0)).unwrap();
            let mut others = changed.members().zip(record.members());
            let same = others.all(|(now, before)| {
                now == before || (now.0 == before.0 && ["title", "updated_at"].contains(&&*now.0))
            });
            assert!(same && changed.members().count() == record.members().count(), "{path}: {}", record.id());
        }
    }
}
