//! What is told of pipelines that have not ended, and how old rows are read.

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::gates;
use conclave_consensus::workflow::{
    Owner, PipelineState, begin_pipeline, drive_pipeline, pipeline, unfinished, unfinished_pipelines,
};

use super::agents::{Scene, block_on, session};

fn can_go_on(scene: &Scene) -> Vec<bool> {
    unfinished_pipelines(&scene.db).unwrap().iter().map(|pipeline| pipeline.can_go_on).collect()
}

#[test]
fn it_is_told_which_pipelines_can_go_on() {
    let scene = Scene::new(r#"clarify) issues='{"id":"Q-1","question":"Which?","answer":"'$NAME'"}';;"#);
    let id = begin_pipeline(&scene.db, &scene.request(None)).unwrap().id;
    assert_eq!(can_go_on(&scene), [true], "nobody drives it");
    scene.write("UPDATE pipelines SET owner = '{\"pid\": 77}'");
    assert_eq!(can_go_on(&scene), [false]);
    assert_eq!(unfinished_pipelines(&scene.db).unwrap()[0].owner, Owner::Unknown { pid: 77 });
    let refused = scene.drive_with(id, &session()).unwrap_err();
    assert_eq!(refused.kind(), ConsensusErrorKind::Refused);
    scene.write("UPDATE pipelines SET owner = NULL");
    let waits = scene.drive(id);
    assert_eq!((waits.pipeline.state, can_go_on(&scene)), (PipelineState::Waiting, vec![false]));
    gates::answer(&scene.db, waits.open[0].run, "Q-1", "left", "ada").unwrap();
    assert_eq!(can_go_on(&scene), [true], "the last question was answered");
    let done = scene.drive(id).pipeline;
    assert_eq!((done.state, done.can_go_on), (PipelineState::Done, false));
}

#[test]
fn what_this_process_drives_is_left_alone() {
    let scene = Scene::new("clarify) sleep 60;;");
    let id = begin_pipeline(&scene.db, &scene.request(None)).unwrap().id;
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut session = session();
    session.observer = std::sync::Arc::new(move |_| {
        let _ = told.send(());
    });
    let stop = session.stop.clone();
    let (end, ()) = block_on(async {
        tokio::join!(drive_pipeline(&scene.db, id, &session), async {
            heard.recv().await.unwrap();
            assert_eq!(can_go_on(&scene), [false]);
            let replaced = begin_pipeline(&scene.db, &scene.request(Some("audit"))).unwrap_err();
            assert_eq!(replaced.kind(), ConsensusErrorKind::Refused, "{replaced}");
            stop.cancel();
        })
    });
    assert_eq!((end.unwrap().pipeline.state, can_go_on(&scene)), (PipelineState::Running, vec![true]));
}

/// A row as the first version wrote it, before there was a `version`, and without what came later.
#[test]
fn a_row_of_the_first_version_is_read() {
    let scene = Scene::new("");
    let id = begin_pipeline(&scene.db, &scene.request(Some("unlock"))).unwrap().id;
    scene.write(
        r#"UPDATE pipelines SET request = json_set('{"first":"unlock","brief":null,
          "agents":[{"name":"a","preset":null,"command":["sh","-c","echo ''{\"unlock_decision\":\"UNLOCK\"}''"],
            "timeout":60000}],
          "quorum":null,"stage_timeout_ms":60000,"gate_timeout_ms":60000}',
          '$.directory', json_extract(request, '$.directory'))"#,
    );
    let end = scene.drive(id).pipeline;
    assert_eq!((end.state, end.unreadable), (PipelineState::Done, None), "{:?}", end.reason);
}

#[test]
fn one_row_that_cannot_be_read_stops_no_other() {
    let changes = [
        "request = '{}'",
        "request = json_set(request, '$.first', 'deploy')",
        "request = json_set(request, '$.version', 99)",
    ];
    for change in changes {
        let scene = Scene::new("");
        let broken = begin_pipeline(&scene.db, &scene.request(None)).unwrap().id;
        let mut other = scene.request(None);
        other.spec = "S-2".into();
        let sound = begin_pipeline(&scene.db, &other).unwrap().id;
        scene.write(&format!("UPDATE pipelines SET {change} WHERE id = {broken}"));
        let all = unfinished_pipelines(&scene.db).unwrap();
        assert_eq!(all.len(), 2);
        let why = all[0].unreadable.clone().unwrap();
        assert!(why.contains(&format!("pipeline {broken}")), "{why}");
        assert_eq!((all[0].can_go_on, all[1].can_go_on), (false, true), "{change}");
        assert_eq!(pipeline(&scene.db, broken).unwrap().as_ref(), Some(&all[0]));
        let refused = scene.drive_with(broken, &session()).unwrap_err();
        assert_eq!(refused.kind(), ConsensusErrorKind::Refused);
        assert_eq!(unfinished_pipelines(&scene.db).unwrap()[0].owner, Owner::Nobody, "and is given up");
        assert_eq!(scene.drive(sound).pipeline.state, PipelineState::Done);
        // Begun anew it goes its way.
        let again = begin_pipeline(&scene.db, &scene.request(Some("clarify"))).unwrap();
        assert!(!again.resumed);
        assert_eq!(pipeline(&scene.db, broken).unwrap().unwrap().state, PipelineState::Replaced);
    }
}

#[test]
fn an_owner_that_cannot_be_read_hides_no_run() {
    let scene = Scene::new("plan) sleep 60;;");
    let id = begin_pipeline(&scene.db, &scene.request(Some("audit"))).unwrap().id;
    scene.drive(id);
    scene.write("UPDATE run_settings SET owner = '[1]', ended_at = NULL");
    let runs = unfinished(&scene.db).unwrap();
    assert!(runs.iter().all(|run| run.owner == Owner::Unknown { pid: 0 }), "{runs:?}");
    assert_eq!(runs.len(), 2);
}
