//! The events of an attempt are what its agent wrote.

use std::sync::{Arc, Mutex};

use conclave_retry::SeededRandom;
use conclave_testkit::ManualClock;
use serde_json::{Value, json};

use super::{About, Sink, Transcript};
use crate::child::Output;
use crate::workflow::AttemptEnd;

#[derive(Debug, Default)]
struct Taken(Mutex<(Vec<Vec<u8>>, u32)>);

impl Sink for Taken {
    fn take(&self, line: Vec<u8>) {
        self.0.lock().unwrap().0.push(line);
    }

    fn write_soon(&self) {
        self.0.lock().unwrap().1 += 1;
    }
}

fn begin(sink: &Arc<Taken>) -> Transcript {
    let about = About { run: 7, spec: "S-1".into(), stage: "plan".into(), agent: "a".into(), attempt: 2 };
    let clock = Arc::new(ManualClock::new());
    Transcript::begin(about, Arc::clone(sink) as Arc<dyn Sink>, clock, Arc::new(SeededRandom::new(1)))
}

fn events(sink: &Taken) -> Vec<(Value, Value)> {
    let taken = sink.0.lock().unwrap();
    let parsed = taken.0.iter().map(|line| {
        assert!(!line.contains(&b'\n'), "one line");
        let event: Value = serde_json::from_slice(line).unwrap();
        let attributes = serde_json::from_str(event["attrs_json"].as_str().unwrap()).unwrap();
        (event, attributes)
    });
    parsed.collect()
}

#[test]
fn an_attempt_is_a_session_of_its_own() {
    let sink = Arc::<Taken>::default();
    let mut transcript = begin(&sink);
    transcript.started(41);
    transcript.heard(Output::Stdout, b"one\ntw");
    transcript.heard(Output::Stderr, b"oops\n");
    transcript.heard(Output::Stdout, b"o");
    transcript.ended(AttemptEnd::Failed, (Some(3), None));
    let events = events(&sink);
    let actions: Vec<&Value> = events.iter().map(|(event, _)| &event["action"]).collect();
    assert_eq!(actions, ["started", "output", "output", "output", "ended"]);
    let about = json!({ "run": 7, "spec": "S-1", "stage": "plan", "agent": "a", "attempt": 2 });
    let with = |more: Value| {
        let mut all = about.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let wanted = [
        json!({}),
        json!({ "stream": "stdout", "text": "one\n" }),
        json!({ "stream": "stderr", "text": "oops\n" }),
        json!({ "stream": "stdout", "text": "two" }),
        json!({ "end": "failed", "exit_code": 3 }),
    ];
    for ((event, attributes), more) in events.iter().zip(wanted) {
        assert_eq!(*attributes, with(more));
        assert_eq!(event["monitor"], "agent");
        assert_eq!(event["subject_type"], "none");
        assert_eq!(event["session_id"], events[0].0["session_id"]);
        assert_eq!(event["pid"], 41);
        assert!(event["ts_utc"].is_i64());
    }
    let ids: Vec<&str> = events.iter().map(|(event, _)| event["id"].as_str().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    assert!(events[0].0["session_id"].as_str().unwrap() < ids[0]);
    assert_eq!(sink.0.lock().unwrap().1, 1, "written at its end");
    let other = begin(&sink);
    assert_ne!(Some(other.session.as_str()), events[0].0["session_id"].as_str());
}

#[test]
fn what_was_begun_is_told_also_where_nobody_tells_the_end() {
    let sink = Arc::<Taken>::default();
    let mut transcript = begin(&sink);
    transcript.heard(Output::Stderr, b"\xffhalf");
    drop(transcript);
    let events = events(&sink);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1["text"], "\u{fffd}half");
    assert_eq!(events[0].0.get("pid"), None);
}
