use std::path::PathBuf;

use tempfile::TempDir;

use super::Store;

const LINES: &str = r#"{"id":"a","title":"A","status":"open","priority":1,"created_at":"1"}
{"id":"b","title":"B","status":"open","priority":0,"created_at":"2","dependencies":[{"depends_on_id":"a","type":"blocks"}]}
{"id":"c","title":"C","status":"open","priority":0,"created_at":"3","dependencies":[{"depends_on_id":"b","type":"parent-child"}]}
{"id":"d","title":"D","status":"closed","priority":0,"created_at":"4"}
{"id":"e","title":"E","status":"open","priority":2,"created_at":"5","dependencies":[{"depends_on_id":"d","type":"blocks"}]}
"#;

fn store() -> (TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (folder.path().join("peer.db"), folder.path().join("file.jsonl"));
    std::fs::write(&file, LINES).unwrap();
    let store = Store::create(&path).unwrap();
    assert_eq!(store.import(&file).unwrap(), 5);
    (folder, path, store)
}

#[test]
fn the_peer_of_tasks_does_what_it_is_measured_for() {
    let (_folder, path, store) = store();
    assert_eq!(store.export().unwrap(), LINES.as_bytes());
    let (json, ids) = store.ready(100).unwrap();
    assert_eq!(ids, ["a", "e"], "b waits for a, c inherits it, d is closed: {json}");
    assert!(json.contains("\"dependency_count\":1"), "{json}");
    assert!(!store.depend("a", "b").unwrap(), "a cycle");
    assert!(store.depend("e", "c").unwrap());
    assert_eq!(store.ready(100).unwrap().1, ["a"]);
    store.undepend("e", "c").unwrap();
    store.update("e", "words", "6").unwrap();
    assert!(String::from_utf8(store.export().unwrap()).unwrap().contains("\"notes\":\"words\""));
    let other = Store::open(&path).unwrap();
    let claimed: Vec<_> = (0..5).filter_map(|_| other.claim("ana").unwrap()).collect();
    assert_eq!(claimed, ["b", "c", "a", "e"]);
    assert!(other.read("a").unwrap() > 0);
}

#[test]
fn the_peer_of_tasks_is_as_durable_as_ours() {
    let (_folder, _, store) = store();
    for (name, value) in [("synchronous", 2), ("foreign_keys", 1)] {
        let found: i64 = store.0.pragma_query_value(None, name, |row| row.get(0)).unwrap();
        assert_eq!(found, value, "{name}");
    }
    let journal: String = store.0.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(journal, "wal");
}
