use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn spool() -> (tempfile::TempDir, Layout, MonitorName) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::at(folder.path().join("spool"));
    (folder, layout, MonitorName::parse("keyboard").unwrap())
}

#[test]
fn folders_are_private_and_made_once() {
    let (_folder, layout, monitor) = spool();
    let done = layout.done(&monitor);
    for _ in 0..2 {
        ensure_folder(&layout, &done).unwrap();
    }
    for at in [layout.root().to_path_buf(), layout.root().join(DONE), done] {
        assert_eq!(std::fs::metadata(&at).unwrap().permissions().mode() & 0o777, 0o700, "{}", at.display());
    }
}

#[test]
fn a_folder_that_is_a_link_is_refused_and_lists_nothing() {
    let (folder, layout, monitor) = spool();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("20250909-18.ndjson.gz"), b"x").unwrap();
    std::fs::create_dir_all(layout.root()).unwrap();
    symlink(&elsewhere, layout.monitor(&monitor)).unwrap();
    assert!(ensure_folder(&layout, &layout.monitor(&monitor)).is_err());
    assert_eq!(layout.segments(&layout.monitor(&monitor)).unwrap(), []);
    assert_eq!(layout.monitors().unwrap(), []);
    // Also where the link is further above.
    symlink(&elsewhere, layout.root().join(DONE)).unwrap();
    std::fs::create_dir_all(elsewhere.join("keyboard")).unwrap();
    assert!(ensure_folder(&layout, &layout.done(&monitor)).is_err());
}

#[test]
fn the_spool_itself_may_be_on_another_disk() {
    let (folder, layout, monitor) = spool();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    symlink(&elsewhere, layout.root()).unwrap();
    ensure_folder(&layout, &layout.monitor(&monitor)).unwrap();
    assert_eq!(layout.monitors().unwrap(), [monitor]);
}

#[test]
fn a_listing_has_regular_files_in_their_order() {
    let (_folder, layout, monitor) = spool();
    let at = layout.monitor(&monitor);
    assert_eq!(layout.segments(&at).unwrap(), []);
    ensure_folder(&layout, &at).unwrap();
    for file in [
        "20250909-18-001.ndjson.gz",
        "20250909-18.ndjson.gz",
        "a.ndjson.gz",
        "20250909-19.ndjson.gz.part",
        "20250909-18.ndjson.gz.part",
        "notes.txt",
    ] {
        std::fs::write(at.join(file), b"12345").unwrap();
    }
    std::fs::create_dir(at.join("20250909-20.ndjson.gz")).unwrap();
    symlink(at.join("notes.txt"), at.join("20250909-21.ndjson.gz")).unwrap();
    let names = |found: Vec<Found>| found.into_iter().map(|found| found.file).collect::<Vec<_>>();
    let segments = layout.segments(&at).unwrap();
    assert!(segments.iter().all(|found| found.bytes == 5 && found.path == at.join(&found.file)));
    assert_eq!(names(segments), ["20250909-18.ndjson.gz", "20250909-18-001.ndjson.gz", "a.ndjson.gz"]);
    assert_eq!(
        names(layout.parts(&at).unwrap()),
        ["20250909-18.ndjson.gz.part", "20250909-19.ndjson.gz.part"]
    );
    std::fs::create_dir(layout.root().join("_quarantine")).unwrap();
    std::fs::create_dir(layout.root().join("Not A Monitor")).unwrap();
    assert_eq!(layout.monitors().unwrap(), [monitor]);
}

#[test]
fn no_rename_replaces_a_file() {
    let (_folder, layout, monitor) = spool();
    let at = layout.monitor(&monitor);
    ensure_folder(&layout, &at).unwrap();
    type Rename = fn(&Path, &Path) -> std::io::Result<()>;
    for rename in [rename_new as Rename, link_new as Rename] {
        let (one, other, free) = (at.join("one"), at.join("other"), at.join("free"));
        std::fs::write(&one, b"one").unwrap();
        std::fs::write(&other, b"other").unwrap();
        assert_eq!(rename(&one, &other).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(
            (std::fs::read(&one).unwrap(), std::fs::read(&other).unwrap()),
            (b"one".to_vec(), b"other".to_vec())
        );
        rename(&one, &free).unwrap();
        assert_eq!(std::fs::read(&free).unwrap(), b"one");
        assert!(!one.exists());
        std::fs::remove_file(free).unwrap();
    }
}

#[test]
fn messages_name_no_path_above_the_spool() {
    let (_folder, layout, monitor) = spool();
    let at = layout.monitor(&monitor).join("x.part");
    assert_eq!(layout.what("write", &at), "write keyboard/x.part");
    assert_eq!(layout.what("write", layout.root()), "write the spool's folder");
    assert_eq!(layout.what("write", Path::new("/etc/passwd")), "write a file of the spool");
}
