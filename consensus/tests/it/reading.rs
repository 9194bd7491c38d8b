//! Lists by page, runs by name, and their JSON.

use conclave_consensus::record::{RunRecord, SynthesisRecord, record_run, record_synthesis};
use conclave_consensus::runs::{self, Found, RunCursor, RunFilter, RunId, RunStatus};

use crate::project::Project;

fn record(project: &Project, key: &str, spec: &str, stage: &str, at: i64) -> RunId {
    let run = RunRecord {
        run_id: key.into(),
        spec: spec.into(),
        stage: stage.into(),
        at: Some(at),
        ..RunRecord::default()
    };
    record_run(&project.db, &run).unwrap()
}

#[test]
fn pages_join_to_the_whole_list() {
    let project = Project::new();
    project.import(&project.golden());
    // Equal times, and unknown ones: both must not confuse where a page ends.
    for n in 0..5 {
        record(&project, &format!("own{n}"), "S1", "plan", 1_762_828_400_000);
    }
    let filters = [
        RunFilter::default(),
        RunFilter { spec: Some("S2".into()), ..RunFilter::default() },
        RunFilter { stage: Some("spec-plan".into()), ..RunFilter::default() },
        RunFilter { status: Some(RunStatus::Unknown), spec: Some("S1".into()), ..RunFilter::default() },
        RunFilter { status: Some(RunStatus::Ok), ..RunFilter::default() },
        RunFilter { status: Some(RunStatus::Degraded), ..RunFilter::default() },
        RunFilter { status: Some(RunStatus::Running), ..RunFilter::default() },
    ];
    for (filter, wanted) in filters.iter().zip([15, 5, 14, 5, 0, 9, 0]) {
        let whole = runs::list(&project.db, filter, None, None).unwrap();
        assert_eq!((whole.len(), runs::count(&project.db, filter).unwrap()), (wanted, wanted as u64));
        assert!(whole.windows(2).all(|pair| pair[0].started_at >= pair[1].started_at), "newest first");
        for size in 1..4 {
            let mut pages = Vec::new();
            let mut cursor: Option<RunCursor> = None;
            loop {
                let page = runs::list(&project.db, filter, cursor.as_ref(), Some(size)).unwrap();
                assert!(page.len() <= size);
                let Some(last) = page.last() else { break };
                cursor = Some(last.into());
                pages.extend(page);
                assert!(pages.len() <= whole.len(), "a page repeats another");
            }
            assert_eq!(pages, whole, "pages of {size}");
        }
    }
}

/// A run that comes while pages are turned does not repeat or hide another.
#[test]
fn a_new_run_does_not_shift_pages() {
    let project = Project::new();
    for n in 0..6 {
        record(&project, &format!("r{n}"), "S", "plan", n);
    }
    let first = runs::list(&project.db, &RunFilter::default(), None, Some(3)).unwrap();
    record(&project, "new", "S", "plan", 100);
    let cursor = first.last().map(RunCursor::from);
    let second = runs::list(&project.db, &RunFilter::default(), cursor.as_ref(), Some(3)).unwrap();
    let keys: Vec<_> = first.iter().chain(&second).map(|run| run.run_key.clone()).collect();
    assert_eq!(keys, ["r5", "r4", "r3", "r2", "r1", "r0"]);
}

#[test]
fn runs_are_found_by_number_key_and_unique_prefix() {
    let project = Project::new();
    let a_plan = record(&project, "run_A", "S", "plan", 1);
    let a_tasks = record(&project, "run_A", "S", "tasks", 2);
    let ab = record(&project, "run_AB", "S", "plan", 3);
    let slash = record(&project, "x/plan", "S", "audit", 4);
    let digits = record(&project, "2025", "S", "plan", 5);
    let wild = record(&project, "100%_é", "S", "plan", 6);
    let find = |text: &str| runs::find(&project.db, text).unwrap();
    let one = |text: &str| match find(text) {
        Found::One(id) => Some(id),
        _ => None,
    };
    let many = |text: &str| match find(text) {
        Found::Ambiguous(runs) => runs.into_iter().map(|run| run.id).collect(),
        _ => Vec::new(),
    };
    assert_eq!(one("1"), Some(a_plan));
    assert_eq!(one("run_AB"), Some(ab));
    assert_eq!(one("run_A/plan"), Some(a_plan), "exact before prefix");
    assert_eq!(one("run_A/spec-tasks"), Some(a_tasks));
    assert_eq!(many("run_A"), [a_tasks, a_plan], "an exact key that spans stages");
    assert_eq!(many("run"), [ab, a_tasks, a_plan]);
    assert_eq!(one("run_AB/"), None);
    assert_eq!(one("x/plan"), Some(slash), "a key may hold a slash");
    assert_eq!(one("x/plan/audit"), Some(slash));
    assert_eq!(one("x/"), Some(slash));
    assert_eq!(one("20"), Some(digits));
    assert_eq!(one("2025"), Some(digits), "no run has this number");
    assert_eq!(one("100%"), Some(wild), "no wildcard");
    assert_eq!(one("100%_é"), Some(wild));
    for nothing in ["", "9", "run_B", "%", "_", "/plan", "run_AB/tasks", "\0", "+1", "-1"] {
        assert_eq!(find(nothing), Found::None, "{nothing:?}");
    }
}

#[test]
fn json_is_as_documented() {
    let project = Project::new();
    let golden = project.golden();
    conclave_db::foreign::run(
        &golden,
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, artifacts_count, degraded, run_id, created_at)
           VALUES('S1', 'spec-plan', '# A', 'degraded', 4, 1, 'run_A', '2025-11-11 02:33:25');",
    )
    .unwrap();
    project.import(&golden);
    let filter = RunFilter { spec: Some("S1".into()), stage: Some("plan".into()), ..RunFilter::default() };
    let listed = runs::list(&project.db, &filter, None, None).unwrap();
    let run = listed.iter().find(|run| run.run_key == "run_A").unwrap();
    assert_eq!(
        serde_json::to_value(run).unwrap(),
        serde_json::json!({
            "id": 1,
            "interrupted": false, "run_key": "run_A", "spec": "S1", "stage": "plan", "status": "degraded",
            "consensus_ok": false, "degraded": true, "recorded": "degraded", "output_count": 4,
            "agents": ["claude", "gemini", "gpt_pro"],
            "started_at": "2025-11-11T02:33:20.000Z", "updated_at": "2025-11-11T02:33:25.000Z",
            "source": golden.canonicalize().unwrap().to_str().unwrap(),
        })
    );
    let shown = serde_json::to_value(runs::show(&project.db, run.id).unwrap().unwrap()).unwrap();
    assert_eq!(shown["run_key"], "run_A");
    assert_eq!(shown["verdict"]["status"], "degraded");
    assert_eq!(shown["verdict"]["missing"], serde_json::json!(["gpt_pro"]));
    assert_eq!(shown["synthesis"]["status"], "degraded");
    let outputs = shown["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 4);
    assert_eq!(
        outputs[0],
        serde_json::json!({
            "id": 1, "agent": "gemini", "model_version": "gemini-2.5-pro", "attempt": 1, "sequence": 1,
            "state": "completed", "bytes": 43, "valid_json": true,
            "content": "{\"agent\":\"gemini\",\"model\":\"gemini-2.5-pro\"}", "response_text": "raw",
            "completed_at": "2025-11-11T02:33:20.000Z",
        })
    );
    let unknown = listed.iter().find(|run| run.run_key == "run_B").unwrap();
    let unknown = serde_json::to_value(unknown).unwrap();
    assert_eq!((&unknown["status"], &unknown["recorded"]), (&"degraded".into(), &serde_json::Value::Null));
    assert!(runs::show(&project.db, RunId(99)).unwrap().is_none());
    assert!(runs::output(&project.db, RunId(1), "nobody", None, None).unwrap().is_none());
}

#[test]
fn the_newest_synthesis_is_that_of_the_newest_run() {
    let project = Project::new();
    let synthesis = |run, text: &str| {
        let record =
            SynthesisRecord { output_markdown: text.into(), status: "ok".into(), ..Default::default() };
        record_synthesis(&project.db, run, &record).unwrap();
    };
    let newer = record(&project, "newer", "S", "plan", 200);
    synthesis(newer, "# newer");
    // Recorded later, of an older run; of another stage; of another spec.
    synthesis(record(&project, "older", "S", "plan", 100), "# older");
    synthesis(record(&project, "newer", "S", "tasks", 300), "# tasks");
    synthesis(record(&project, "newer", "T", "plan", 300), "# T");
    let found = |stage| runs::latest_synthesis(&project.db, "S", stage).unwrap();
    let (run, text) = found("plan").unwrap();
    assert_eq!(run, newer);
    assert!(text.contains("# newer"), "{text}");
    assert_eq!(found("audit"), None);
}
