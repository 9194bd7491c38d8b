//! What is looked at tells each change.

use std::fs;

use super::Trace;

fn traces(paths: &[&std::path::Path]) -> Vec<Trace> {
    paths.iter().map(|path| Trace::of(path.to_path_buf())).collect()
}

#[test]
fn what_comes_goes_grows_or_is_replaced_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("20251112-02.ndjson.gz.part");
    let missing = folder.path().join("none/there");
    let same = |seen: &[Trace]| seen.iter().all(Trace::is_the_same);
    let before = traces(&[folder.path(), &part, &missing]);
    assert!(same(&before));
    fs::write(&part, "one").unwrap();
    assert!(!same(&before), "it came");
    let before = traces(&[&part]);
    assert!(same(&before));
    fs::write(&part, "one and two").unwrap();
    assert!(!same(&before), "it grew");
    let before = traces(&[&part]);
    let other = folder.path().join("other");
    fs::write(&other, "one and two").unwrap();
    fs::rename(&other, &part).unwrap();
    assert!(!same(&before), "it was replaced");
    let before = traces(&[&part]);
    fs::remove_file(&part).unwrap();
    assert!(!same(&before), "it went");
    let before = traces(&[&missing]);
    fs::create_dir(folder.path().join("none")).unwrap();
    assert!(same(&before));
    fs::write(&missing, "").unwrap();
    assert!(!same(&before));
}
