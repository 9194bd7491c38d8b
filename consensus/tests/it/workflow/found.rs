//! A run is found by the key that it was begun with.

use conclave_consensus::runs;
use conclave_consensus::workflow::{self, RunRequest};

use super::{good, request, run};
use crate::project::Project;

#[test]
fn a_run_is_found_by_the_key_that_it_was_begun_with() {
    let project = Project::new();
    for key in ["R1", "@x", "a/b", "ä"] {
        let asked = RunRequest { run_key: Some(key.into()), ..request(&project, vec![good("a")]) };
        let id = workflow::begin(&project.db, &asked).unwrap();
        for stage in ["plan", "spec-plan", "Plan"] {
            assert_eq!(workflow::find(&project.db, key, "S-1", stage).unwrap(), Some(id), "{key} {stage}");
        }
        assert_eq!(workflow::find(&project.db, key, "S-1", "tasks").unwrap(), None);
        assert_eq!(workflow::find(&project.db, key, "S-2", "plan").unwrap(), None);
    }
    assert_eq!(workflow::find(&project.db, "R", "S-1", "plan").unwrap(), None, "no prefix");
    assert_eq!(workflow::find(&project.db, "@id:@x", "S-1", "plan").unwrap(), None, "no stored form");
}

#[test]
fn a_gate_is_one_in_any_spelling() {
    for (written, name) in [
        ("Clarify", "clarify"),
        ("before-specify", "clarify"),
        ("quality-gate-checklist", "checklist"),
        ("spec-analyze", "analyze"),
    ] {
        let project = Project::new();
        let answer = r#"{"issues":[],"requirements":[]}"#;
        let agents = vec![super::agent("a", &format!("echo '{answer}'"))];
        let asked = RunRequest { stage: written.into(), ..request(&project, agents) };
        let id = run(&project, &asked).run;
        let shown = runs::show(&project.db, id).unwrap().unwrap();
        assert_eq!(shown.summary.stage, name);
        assert_eq!(shown.settings.unwrap().phase_type, "quality_gate", "{written}");
        let gate = conclave_consensus::gates::of_run(&project.db, id).unwrap().unwrap();
        assert_eq!((gate.gate.as_str(), gate.payloads), (name, 1), "{written}");
    }
}
