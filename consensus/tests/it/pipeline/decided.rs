//! What the agents decide at the end of the way, and what is in the way at its begin.

use std::sync::{Arc, Mutex};

use conclave_consensus::runs::{RunId, RunStatus};
use conclave_consensus::workflow::{Event, PipelineState, begin_pipeline, drive, drive_pipeline};

use super::agents::{STEPS, Scene, block_on, session};

/// All agree, so there is no conflict; what they agree on is a no.
#[test]
fn an_agreed_no_halts() {
    for (behaviour, reason, asked) in [
        ("audit) audit=fail;;", "audit: audit_verdict is \"fail\": a, b, c", STEPS.len() - 1),
        (
            "audit) audit='Not approved.';;",
            "audit: audit_verdict is \"Not approved.\": a, b, c",
            STEPS.len() - 1,
        ),
        ("unlock) unlock=BLOCK;;", "unlock: unlock_decision is \"BLOCK\": a, b, c", STEPS.len()),
        ("unlock) unlock=;;", "unlock: nobody gave unlock_decision", STEPS.len()),
    ] {
        let scene = Scene::new(behaviour);
        let end = scene.auto(None);
        assert_eq!(end.pipeline.state, PipelineState::Halted, "{behaviour}");
        assert_eq!(end.pipeline.reason.as_deref(), Some(reason));
        assert!(end.pipeline.ended_at.is_some());
        assert_eq!(scene.calls().len(), asked * 3, "{behaviour}");
        let status = end.verdict.unwrap().status;
        assert!(matches!(status, RunStatus::Ok | RunStatus::Degraded), "{behaviour}: {status}");
    }
}

#[test]
fn a_yes_in_other_words_goes_on() {
    for behaviour in
        ["audit) audit=PASS;;", "audit) audit='pass with remarks';;", "unlock) unlock=approved;;"]
    {
        let end = Scene::new(behaviour).auto(None);
        assert_eq!(end.pipeline.state, PipelineState::Done, "{behaviour}: {:?}", end.pipeline.reason);
    }
}

/// The run of a pipeline that was replaced is driven by another task: no step begins before it has ended.
#[test]
fn what_a_replaced_pipeline_left_is_waited_for() {
    let scene = Scene::new("clarify) trap '' TERM; echo up; sleep 60 & wait; sleep 60;;");
    let first = begin_pipeline(&scene.db, &scene.request(None)).unwrap().id;
    let mut interrupted = session();
    let stop = interrupted.stop.clone();
    interrupted.observer = Arc::new(move |event| {
        if matches!(event, Event::Line { .. }) {
            stop.cancel();
            stop.cancel();
        }
    });
    assert_eq!(scene.drive_with(first, &interrupted).unwrap().pipeline.state, PipelineState::Running);
    let left = RunId(scene.number("SELECT id FROM consensus_runs WHERE stage = 'clarify'"));
    // Somebody goes on with the run alone, and another pipeline takes the place of the first.
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let told = Mutex::new(Some(told));
    let mut alone = session();
    alone.observer = Arc::new(move |event| {
        if matches!(event, Event::Line { .. })
            && let Some(told) = told.lock().unwrap().take()
        {
            told.send(()).unwrap();
        }
    });
    let open_at_begin = Arc::new(Mutex::new(Vec::new()));
    let mut next = session();
    let (kept, db) = (Arc::clone(&open_at_begin), scene.db.clone());
    next.observer = Arc::new(move |event| {
        if matches!(event, Event::Begun { .. }) {
            let open = conclave_consensus::workflow::unfinished(&db).unwrap();
            kept.lock().unwrap().push(open.iter().any(|run| run.run == left));
        }
    });
    block_on(async {
        let second = async {
            heard.recv().await.unwrap();
            let second = begin_pipeline(&scene.db, &scene.request(Some("unlock"))).unwrap().id;
            drive_pipeline(&scene.db, second, &next).await.unwrap()
        };
        let (driven, end) = tokio::join!(drive(&scene.db, left, &alone), second);
        assert!(driven.unwrap().verdict.is_some(), "closed by whoever drove it");
        assert_eq!(end.pipeline.state, PipelineState::Done, "{:?}", end.pipeline.reason);
    });
    assert_eq!(*open_at_begin.lock().unwrap(), [false]);
}
