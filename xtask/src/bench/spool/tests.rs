use super::*;

/// What is measured must be what is claimed: events that the importer takes, no two alike, of some 200 bytes.
#[test]
fn events_are_such_as_monitors_give() {
    let lines = events::lines(MONITOR, 2_000, 1);
    let mut ids = std::collections::BTreeSet::new();
    for line in &lines {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = event["id"].as_str().unwrap();
        assert_eq!(id.len(), 26, "{line}");
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        if let Some(attributes) = event["attrs_json"].as_str() {
            assert!(serde_json::from_str::<serde_json::Value>(attributes).is_ok(), "{line}");
        }
    }
    let bytes: usize = lines.iter().map(String::len).sum();
    assert!((180..260).contains(&(bytes / lines.len())), "{} bytes each", bytes / lines.len());
    assert_eq!(lines, events::lines(MONITOR, 2_000, 1));
}
