//! Names and fences that hold whatever a run contains.

use super::stem;
use crate::runs::{RunId, RunStatus, RunSummary};

fn run(spec: &str, stage: &str) -> RunSummary {
    RunSummary {
        id: RunId(7),
        run_key: String::new(),
        spec: spec.into(),
        stage: stage.into(),
        status: RunStatus::Unknown,
        interrupted: false,
        consensus_ok: None,
        degraded: None,
        recorded: None,
        output_count: 0,
        agents: Vec::new(),
        started_at: None,
        updated_at: None,
        source: None,
    }
}

#[test]
fn names_stay_in_their_folder() {
    for (spec, stage, wanted) in [
        ("SPEC-KIT-900", "plan", "run-7-SPEC-KIT-900-plan"),
        ("../../etc", "passwd\0", "run-7-.._.._etc-passwd_"),
        ("ä b", "/", "run-7-__b-_"),
        ("", "", "run-7--"),
    ] {
        assert_eq!(stem(&run(spec, stage)), wanted);
    }
    assert_eq!(stem(&run(&"x".repeat(5000), "plan")).len(), 100);
}
