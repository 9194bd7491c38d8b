//! What the agents may settle among themselves, and what a person is asked.

use std::collections::BTreeSet;

use super::model::{Confidence, Decision, Issue, Magnitude, Resolvability};
use crate::names;

/// The agents' answer where the table allows it and more than one agent stands behind it; else a question.
pub(super) fn decide(issue: &Issue) -> Decision {
    let ask = |why: String| Decision::Ask { why };
    let Some(first) = issue.answers.first() else {
        return ask("no agent knows an answer".to_owned());
    };
    if issue.tie {
        return ask(format!("tie: {} against {} of {}", issue.k, issue.k, issue.n));
    }
    let voices: BTreeSet<&str> = first.agents.iter().map(|agent| names::without_copy(agent)).collect();
    if voices.len() < 2 {
        return ask(format!("only {} says so", voices.first().copied().unwrap_or("one agent")));
    }
    if is_allowed(issue.confidence, issue.magnitude, issue.resolvability) {
        return Decision::Apply { answer: first.answer.clone() };
    }
    ask(match (issue.resolvability, issue.magnitude) {
        (Resolvability::NeedHuman, _) => "an agent asks for a person".to_owned(),
        (_, Magnitude::Critical) => "too much hangs on it".to_owned(),
        _ => format!("{} of {} agree", issue.k, issue.n),
    })
}

/// The table: the more hangs on an answer, the surer it must be.
pub(super) const fn is_allowed(
    confidence: Confidence,
    magnitude: Magnitude,
    resolvability: Resolvability,
) -> bool {
    use Resolvability::{AutoFix, SuggestFix};
    matches!(
        (confidence, magnitude, resolvability),
        (Confidence::High, Magnitude::Minor, AutoFix | SuggestFix)
            | (Confidence::High, Magnitude::Important, AutoFix)
            | (Confidence::Medium, Magnitude::Minor, AutoFix)
    )
}
