use super::*;

const FILE: &str = "20250909-18.ndjson.gz";

fn spool() -> (tempfile::TempDir, Layout, MonitorName) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::at(folder.path().join("spool"));
    (folder, layout, MonitorName::parse("keyboard").unwrap())
}

#[test]
fn a_name_is_taken_by_whatever_has_it() {
    let (_folder, layout, monitor) = spool();
    let (pending, done) = (layout.monitor(&monitor), layout.done(&monitor));
    let quarantine = layout.quarantine(&monitor);
    for folder in [&pending, &done, &quarantine] {
        std::fs::create_dir_all(folder).unwrap();
    }
    // No file has any of these names, and none may get it.
    std::fs::create_dir(done.join(FILE)).unwrap();
    std::fs::create_dir(done.join("20250909-18-001.ndjson.gz")).unwrap();
    std::os::unix::fs::symlink("nowhere", quarantine.join("20250909-18-002.ndjson.gz")).unwrap();
    std::fs::write(quarantine.join("20250909-18-003.ndjson.gz.rej.ndjson"), b"").unwrap();
    std::fs::write(pending.join("20250909-18-004.ndjson.gz.part"), b"").unwrap();
    std::fs::write(pending.join(FILE), b"x").unwrap();
    assert_eq!(target(&layout, &monitor, &done, FILE).unwrap(), "20250909-18-005.ndjson.gz");
    let name = put(&layout, &monitor, &pending.join(FILE), &done, FILE).unwrap();
    assert_eq!(name, "20250909-18-005.ndjson.gz");
    assert_eq!(std::fs::read(done.join(name)).unwrap(), b"x");
    // The same for a name of somebody else, and for the rejects of a segment that is gone.
    std::fs::create_dir(done.join("a.ndjson.gz")).unwrap();
    std::fs::create_dir(done.join("a-001.ndjson.gz")).unwrap();
    assert_eq!(target(&layout, &monitor, &done, "a.ndjson.gz").unwrap(), "a-002.ndjson.gz");
    let rejects = "20250909-18-003.ndjson.gz";
    assert_eq!(target(&layout, &monitor, &done, rejects).unwrap(), "20250909-18-006.ndjson.gz");
}

#[test]
fn the_last_number_that_a_name_can_have_is_no_end() {
    let (_folder, layout, monitor) = spool();
    let done = layout.done(&monitor);
    std::fs::create_dir_all(&done).unwrap();
    for name in ["20250909-18-999999999.ndjson.gz", "20250909-18-1000000000.ndjson.gz"] {
        std::fs::write(done.join(name), b"").unwrap();
    }
    let free = Taken::of(&layout, &monitor).unwrap().free(FILE);
    assert_eq!(free.as_deref(), Some("20250909-18-1000000001.ndjson.gz"));
}
