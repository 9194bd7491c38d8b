//! Gates as they are stored: recorded once, answered by whoever comes first.

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::gates::{self, Answered, GateState};
use conclave_consensus::record::{OutputRecord, RunRecord, record_output, record_run};
use conclave_consensus::runs::RunId;
use conclave_db::{Db, DbOptions};
use serde_json::json;

use crate::project::{Project, schema};

fn gate(project: &Project, stage: &str, answers: &[(&str, &str)]) -> RunId {
    let run =
        RunRecord { run_id: "r".into(), spec: "S-1".into(), stage: stage.into(), ..RunRecord::default() };
    let run = record_run(&project.db, &run).unwrap();
    for (agent, content) in answers {
        let output = OutputRecord {
            run,
            agent: (*agent).to_owned(),
            attempt: 1,
            content: content.as_bytes().to_vec(),
            response: None,
            at: None,
            write_key: None,
        };
        record_output(&project.db, &output).unwrap();
    }
    run
}

fn payload(answers: &[(&str, &str)]) -> String {
    let issues: Vec<_> = answers
        .iter()
        .map(|(id, answer)| {
            json!({"id": id, "question": "Which?", "answer": answer, "magnitude": "minor",
                "resolvability": "auto-fix"})
        })
        .collect();
    json!({"stage": "quality-gate-clarify", "issues": issues}).to_string()
}

#[test]
fn what_agents_agree_on_is_answered_and_the_rest_waits() {
    let project = Project::new();
    let yes = payload(&[("A", "yes"), ("B", "left")]);
    let run = gate(
        &project,
        "clarify",
        &[("a", &yes), ("b", &yes), ("c", &payload(&[("A", "yes"), ("B", "right")]))],
    );
    let found = gates::record(&project.db, run).unwrap();
    // Two of three are enough for something minor that can be fixed without asking.
    assert_eq!((found.state, found.payloads, found.issues.len()), (GateState::Passed, 3, 2));
    assert_eq!(
        found.issues[1].answer.as_ref().map(|answer| (&*answer.text, &*answer.by)),
        Some(("left", "agents"))
    );

    let project = Project::new();
    let run = gate(&project, "clarify", &[("a", &yes), ("b", &payload(&[("A", "no"), ("B", "left")]))]);
    let found = gates::record(&project.db, run).unwrap();
    assert_eq!((found.state, &*found.reason), (GateState::Open, "2 of 2 issues wait for a person"));
    let open = gates::open(&project.db).unwrap();
    assert_eq!(open.len(), 2);
    assert_eq!(
        (open[0].before.as_deref(), &*open[0].issue.id, &*open[0].gate),
        (Some("plan"), "A", "clarify")
    );
}

#[test]
fn a_gate_that_nobody_answered_has_failed() {
    let template = r#"{"stage":"quality-gate-clarify","issues":[{"id": string}]}"#;
    for answers in [&[][..], &[("a", ""), ("b", " ")], &[("a", template)], &[("a", "{}")]] {
        let project = Project::new();
        let run = gate(&project, "quality-gate-clarify", answers);
        let found = gates::record(&project.db, run).unwrap();
        assert_eq!((found.state, found.payloads, &*found.gate), (GateState::Failed, 0, "clarify"));
        assert_eq!(found.rejected.len(), answers.len());
        assert!(gates::open(&project.db).unwrap().is_empty());
    }
    let project = Project::new();
    let run = gate(&project, "clarify", &[("a", &payload(&[]))]);
    assert_eq!(gates::record(&project.db, run).unwrap().state, GateState::Passed);
}

#[test]
fn a_gate_is_recorded_once() {
    let project = Project::new();
    let run = gate(&project, "clarify", &[("a", &payload(&[("A", "yes")]))]);
    assert_eq!(gates::of_run(&project.db, run).unwrap(), None);
    gates::record(&project.db, run).unwrap();
    gates::answer(&project.db, run, "A", "no", "ada").unwrap();
    // An answer that comes late changes nothing, and neither does whoever records it again after a crash.
    gate(&project, "clarify", &[("b", &payload(&[("A", "yes"), ("B", "yes")]))]);
    let again = gates::record(&project.db, run).unwrap();
    assert_eq!((again.state, again.issues.len()), (GateState::Passed, 1));
    assert_eq!(again.issues[0].answer.as_ref().unwrap().text, "no");
    assert_eq!(gates::of_run(&project.db, run).unwrap(), Some(again));
}

#[test]
fn the_latest_answer_of_an_agent_counts() {
    let project = Project::new();
    let run = gate(
        &project,
        "clarify",
        &[("a", "no JSON"), ("a", &payload(&[])), ("b", &payload(&[])), ("b", "?")],
    );
    let found = gates::record(&project.db, run).unwrap();
    assert_eq!((found.payloads, found.rejected[0].agent.as_str()), (1, "b"));
}

#[test]
fn the_second_answer_is_told_whose_stands() {
    let project = Project::new();
    let run = gate(&project, "clarify", &[("a", &payload(&[("A", "yes"), ("B", "yes")]))]);
    gates::record(&project.db, run).unwrap();
    let answers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let path = project.path("state.db");
                scope.spawn(move || {
                    let db = Db::open(DbOptions::new(path, schema())).unwrap();
                    gates::answer(&db, run, "A", &format!("answer {number}"), &format!("ui-{number}"))
                        .unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let stored: Vec<usize> =
        (0..4).filter(|number| answers[*number] == Answered::Stored { left: 1 }).collect();
    assert_eq!(stored.len(), 1, "{answers:?}");
    let winner = stored[0];
    for (number, answered) in answers.iter().enumerate().filter(|(number, _)| *number != winner) {
        let Answered::Already { answer, by, .. } = answered else { panic!("{number}: {answered:?}") };
        assert_eq!((answer, by), (&format!("answer {winner}"), &format!("ui-{winner}")));
    }
    // Who repeats a write is not told of itself.
    let (text, actor) = (format!("answer {winner}"), format!("ui-{winner}"));
    assert_eq!(gates::answer(&project.db, run, "A", &text, &actor).unwrap(), Answered::Stored { left: 1 });
    assert_eq!(gates::answer(&project.db, run, "B", "x", "ada").unwrap(), Answered::Stored { left: 0 });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let project = Project::new();
    let run = gate(&project, "clarify", &[("a", &payload(&[("A", "yes")]))]);
    gates::record(&project.db, run).unwrap();
    let kind =
        |run, issue, text: &str| gates::answer(&project.db, run, issue, text, "ada").unwrap_err().kind();
    assert_eq!(kind(run, "A", " \n"), ConsensusErrorKind::Invalid);
    assert_eq!(kind(run, "A", &"x".repeat(gates::LONGEST_ANSWER + 1)), ConsensusErrorKind::Invalid);
    assert_eq!(kind(run, "B", "x"), ConsensusErrorKind::NotFound);
    assert_eq!(kind(RunId(99), "A", "x"), ConsensusErrorKind::NotFound);
    assert_eq!(kind(RunId(-1), "A", "x"), ConsensusErrorKind::NotFound);
    let plan = gate(&project, "plan", &[]);
    assert_eq!(gates::record(&project.db, plan).unwrap_err().kind(), ConsensusErrorKind::Invalid);
    assert_eq!(gates::record(&project.db, RunId(99)).unwrap_err().kind(), ConsensusErrorKind::NotFound);
}
