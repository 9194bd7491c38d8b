use proptest::prelude::*;

use super::{Case, CaseAgent, CaseAnswer, Conflict, Outcome, Unusable, Verdict, judge, status};
use crate::agents::Accept;
use crate::runs::RunStatus;

mod scenarios;
mod size;
mod votes;

/// A case whose roster is exactly these agents.
pub(crate) fn case(stage: &str, roster: &[&str], answers: &[(&str, &str)]) -> Case {
    Case {
        stage: stage.to_owned(),
        expected: roster
            .iter()
            .map(|name| CaseAgent { name: (*name).to_owned(), family: None, failed: None })
            .collect(),
        answers: answers
            .iter()
            .map(|(agent, content)| CaseAnswer {
                agent: (*agent).to_owned(),
                attempt: 1,
                sequence: 1,
                content: content.as_bytes().to_vec(),
            })
            .collect(),
        quorum: None,
        accept: Accept::Majority,
    }
}

/// The verdict; the short way to its status must lead to the same.
fn verdict(case: &Case) -> Verdict {
    let verdict = judge(case);
    assert_eq!(status(case), verdict.status);
    assert_eq!(verdict.consensus_ok, verdict.status == RunStatus::Ok);
    assert_eq!(verdict.degraded, verdict.status == RunStatus::Degraded);
    verdict
}

fn bytes(case: &Case) -> String {
    serde_json::to_string(&verdict(case)).unwrap()
}

fn content() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("prose".to_owned()),
        Just(r#"{"work_breakdown":["a","b"],"acceptance_mapping":[1]}"#.to_owned()),
        Just(r#"{"work_breakdown":["a","c"],"acceptance_mapping":[1.0],"unlock_decision":"go"}"#.to_owned()),
        Just(r#"{"final_plan":{"work_breakdown":["a"],"consensus":{"conflicts":["no"]}}}"#.to_owned()),
        Just(r#"{"unlock_decision":"HOLD","risks":[{"id":"r","severity":"high"}]}"#.to_owned()),
        Just(r#"{"unlock_decision":"go","risks":[{"id":"r","severity":"low"},{"id":"s"}]}"#.to_owned()),
    ]
}

proptest! {
    /// The order in which the outputs came, and the order of their rows, are no part of the verdict.
    #[test]
    fn permuted_outputs_give_the_same_bytes(
        answers in prop::collection::vec(
            (prop::sample::select(vec!["a", "b", "c", "gemini", "gemini_flash", "claude-haiku-45"]), 1..3_i64, content()),
            0..9,
        ),
        stage in prop::sample::select(vec!["plan", "unlock", "clarify", "haiku"]),
        order in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let mut case = case(stage, &["a", "gemini", "claude", "gemini_25_pro"], &[]);
        case.answers = answers
            .iter()
            .enumerate()
            .map(|(sequence, (agent, attempt, content))| CaseAnswer {
                agent: (*agent).to_owned(),
                attempt: *attempt,
                sequence: i64::try_from(sequence).unwrap() + 1,
                content: content.clone().into_bytes(),
            })
            .collect();
        let first = bytes(&case);
        case.answers.reverse();
        prop_assert_eq!(&bytes(&case), &first);
        if !case.answers.is_empty() {
            let turn = order.index(case.answers.len());
            case.answers.rotate_left(turn);
            let other = usize::try_from(seed % case.answers.len() as u64).unwrap();
            case.answers.swap(turn, other);
        }
        prop_assert_eq!(&bytes(&case), &first);
    }
}
