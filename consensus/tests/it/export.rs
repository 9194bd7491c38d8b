//! A run as files.

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::export::export_run;
use conclave_consensus::record::{OutputRecord, RunRecord, record_output, record_run};
use conclave_consensus::runs::{self, RunFilter, RunId};

use crate::project::Project;

#[test]
fn a_run_with_one_output_has_one_proposal() {
    let project = Project::new();
    let run = RunRecord {
        run_id: "run_SPEC-DOGFOOD-001_1766766623_d3d807a3".into(),
        spec: "SPEC-DOGFOOD-001".into(),
        stage: "spec-plan".into(),
        at: Some(1_766_766_623_000),
        ..RunRecord::default()
    };
    let id = record_run(&project.db, &run).unwrap();
    let output = OutputRecord {
        run: id,
        agent: "gemini".into(),
        attempt: 1,
        content: b"{\"text\":\"a fence: ```\"}".to_vec(),
        response: Some(b"raw".to_vec()),
        at: Some(1_766_766_624_000),
        write_key: None,
    };
    record_output(&project.db, &output).unwrap();
    let dir = project.path("out/of/here");
    let files = export_run(&project.db, id, &dir).unwrap();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["run-1-SPEC-DOGFOOD-001-plan.json", "run-1-SPEC-DOGFOOD-001-plan.md"]);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
    assert_eq!(json["run_key"], "run_SPEC-DOGFOOD-001_1766766623_d3d807a3");
    assert_eq!((&json["artifacts_count"], json["proposals"].as_array().unwrap().len()), (&1.into(), 1));
    assert_eq!(json["proposals"][0]["content"], "{\"text\":\"a fence: ```\"}");
    assert_eq!(json["started_at"], "2025-12-26T16:30:23.000Z");
    let page = std::fs::read_to_string(&files[1]).unwrap();
    assert!(page.contains("````json\n{\"text\":\"a fence: ```\"}\n````\n"), "{page}");
    // Nothing else lies there, and a second export replaces the first.
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 2);
    assert_eq!(export_run(&project.db, id, &dir).unwrap(), files);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 2);
}

#[test]
fn every_imported_run_can_be_exported() {
    let project = Project::new();
    project.import(&project.golden());
    for run in runs::list(&project.db, &RunFilter::default(), None, None).unwrap() {
        let files = export_run(&project.db, run.id, &project.path("all")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
        assert_eq!(json["proposals"].as_array().unwrap().len() as u64, run.output_count);
    }
    assert_eq!(std::fs::read_dir(project.path("all")).unwrap().count(), 20);
}

#[test]
fn what_cannot_be_exported_is_said() {
    let project = Project::new();
    let error = export_run(&project.db, RunId(1), &project.path("out")).unwrap_err();
    assert_eq!(error.kind(), ConsensusErrorKind::NotFound);
    let id = record_run(
        &project.db,
        &RunRecord { run_id: "R".into(), spec: "S".into(), stage: "p".into(), ..RunRecord::default() },
    )
    .unwrap();
    std::fs::write(project.path("file"), "").unwrap();
    let error = export_run(&project.db, id, &project.path("file")).unwrap_err();
    assert_eq!(error.kind(), ConsensusErrorKind::Io);
}

/// A file is replaced, not overwritten: whoever has the old one open reads it to its end.
#[test]
fn a_second_export_leaves_the_first_one_whole() {
    let project = Project::new();
    project.import(&project.golden());
    let dir = project.path("out");
    let id = runs::list(&project.db, &RunFilter::default(), None, None).unwrap()[0].id;
    let files = export_run(&project.db, id, &dir).unwrap();
    for (file, kept) in files.iter().zip(["kept.json", "kept.md"]) {
        std::fs::hard_link(file, project.path(kept)).unwrap();
    }
    let before = std::fs::read(&files[0]).unwrap();
    project.write("UPDATE consensus_artifacts SET content_json = 'other'");
    assert_eq!(export_run(&project.db, id, &dir).unwrap(), files);
    assert_ne!(std::fs::read(&files[0]).unwrap(), before);
    assert_eq!(std::fs::read(project.path("kept.json")).unwrap(), before);
    assert!(!std::fs::read_to_string(project.path("kept.md")).unwrap().contains("other"));
}
