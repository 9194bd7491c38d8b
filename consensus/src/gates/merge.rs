//! The agents' payloads made one list of issues, in an order that does not depend on who answered first.

use std::collections::{BTreeMap, BTreeSet};

use super::decide;
use super::model::{Choice, Confidence, GateAnswer, Issue, Judged, Magnitude, Rejected, Resolvability};
use super::payload::{self, Raised, canonical};
use crate::names;

/// Reads the payloads of the agents of a gate, merges their issues by id, and decides each.
pub fn judge(gate: &str, answers: &[GateAnswer<'_>]) -> Judged {
    let mut families = BTreeMap::new();
    let mut rejected = BTreeSet::new();
    let mut readable = BTreeSet::new();
    let mut issues: BTreeMap<String, BTreeMap<&str, Vec<Raised>>> = BTreeMap::new();
    for answer in answers {
        families.insert(answer.agent, names::family(answer.agent, answer.family));
        match payload::parse(gate, answer.content) {
            Ok(raised) => {
                readable.insert(answer.agent);
                for raised in raised {
                    let voices = issues.entry(raised.id.clone()).or_default();
                    voices.entry(answer.agent).or_default().push(raised);
                }
            }
            Err(why) => {
                rejected.insert((answer.agent, why));
            }
        }
    }
    let issues = issues
        .into_iter()
        // What everybody finds fine is no issue.
        .filter(|(_, voices)| voices.values().flatten().any(|raised| !raised.fine))
        .map(|(id, voices)| merge(id, &voices, &families));
    Judged {
        payloads: readable.len(),
        issues: issues.collect(),
        rejected: rejected
            .into_iter()
            .map(|(agent, why)| Rejected { agent: agent.to_owned(), why })
            .collect(),
    }
}

fn merge(id: String, voices: &BTreeMap<&str, Vec<Raised>>, families: &BTreeMap<&str, &str>) -> Issue {
    let mut abstained = Vec::new();
    let mut by_answer: BTreeMap<String, (BTreeSet<&str>, Vec<&str>)> = BTreeMap::new();
    for (agent, raised) in voices {
        match own_answer(raised) {
            Some(answer) => {
                let (words, agents) = by_answer.entry(canonical(answer)).or_default();
                words.insert(answer);
                agents.push(agent);
            }
            None => abstained.push((*agent).to_owned()),
        }
    }
    let mut answers: Vec<Choice> = by_answer
        .into_values()
        .map(|(words, agents)| Choice {
            answer: words.first().copied().unwrap_or_default().to_owned(),
            families: agents.iter().filter_map(|agent| families.get(agent)).collect::<BTreeSet<_>>().len(),
            agents: agents.into_iter().map(str::to_owned).collect(),
        })
        .collect();
    // Stable: among equals the order of their canonical form stays.
    answers.sort_by_key(|choice| std::cmp::Reverse(choice.agents.len()));
    let n = answers.iter().map(|choice| choice.agents.len()).sum();
    let k = answers.first().map_or(0, |choice| choice.agents.len());
    let tie = answers.get(1).is_some_and(|second| second.agents.len() == k);
    let all = || voices.values().flatten();
    let mut issue = Issue {
        id,
        questions: each_once(all().filter_map(|raised| raised.question.as_deref())),
        context: each_once(all().flat_map(|raised| raised.context.iter().map(String::as_str))),
        answers,
        abstained,
        k,
        n,
        tie,
        confidence: agreement(k, n, tie),
        magnitude: all().map(|raised| raised.magnitude).max().unwrap_or(Magnitude::Critical),
        resolvability: all().map(|raised| raised.resolvability).max().unwrap_or(Resolvability::NeedHuman),
        decision: super::Decision::Ask { why: String::new() },
    };
    issue.decision = decide::decide(&issue);
    issue
}

/// What an agent answers; nothing where it contradicts itself.
fn own_answer(raised: &[Raised]) -> Option<&str> {
    let mut answers = raised.iter().filter_map(|raised| raised.answer.as_deref());
    let first = answers.next()?;
    // Of several spellings of one answer the same is taken, whichever comes first.
    answers.try_fold(first, |chosen, next| (canonical(next) == canonical(first)).then(|| chosen.min(next)))
}

/// How far `n` answers agree of which the most frequent was given `k` times.
pub(super) const fn agreement(k: usize, n: usize, tie: bool) -> Confidence {
    if n < 3 || tie || 2 * k <= n {
        Confidence::Low
    } else if k == n {
        Confidence::High
    } else {
        Confidence::Medium
    }
}

fn each_once<'text>(texts: impl Iterator<Item = &'text str>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}
