use super::*;
use crate::monitor::Monitors;

#[test]
fn a_batch_gives_the_events_that_it_got() {
    let lines = [
        r#"{"id":"1","ts_utc":1,"monitor":"keyboard","action":"a","subject_type":"none","session_id":"s"}"#,
        r#"{"id":"2","ts_utc":-2,"monitor":"mouse","action":"","subject_type":"url","session_id":"","subject_id":"si","batch_id":"b","pid":9,"exe_name":"e","exe_path_hash":"ep","window_title_hash":"w","url_hash":"u","file_path_hash":"f","attrs_json":"{\"ü\": \"\\n\"}"}"#,
        r#"{"id":"3","ts_utc":3,"monitor":"file","action":"c","subject_type":"app","session_id":"s","url_hash":"","pid":null}"#,
    ];
    let monitors = Monitors::default();
    let mut batch = Batch::default();
    let events: Vec<_> = lines.iter().map(|line| Event::parse(line.as_bytes(), &monitors).unwrap()).collect();
    for event in &events {
        batch.push(event);
    }
    assert_eq!(batch.events().collect::<Vec<_>>(), events);
    assert_eq!(batch.len(), 3);
    assert!(batch.bytes() > 50);
}
