//! The verdict itself.

use std::fmt::Write as _;

use serde_json::Value;

use super::conflicts;
use super::model::{AgentVerdict, Case, Conflict, Unusable, Verdict};
use super::vote::vote;
use super::weighed::Weighed;
use crate::runs::RunStatus;
use crate::stages::Required;

/// Names and the like that a reason gives of each kind.
const NAMED: usize = 8;

/// The verdict on a run.
pub fn judge(case: &Case) -> Verdict {
    let weighed = Weighed::of(case);
    let standing = Standing::of(case, &weighed);
    let mut cut = Vec::new();
    for voice in weighed.usable().filter(|voice| voice.cut > 0) {
        cut.push(format!("{} values of {}: too many or too deep", voice.cut, voice.name));
    }
    let conflicts = conflicts::conflicts(&weighed, &mut cut);
    let agreements = conflicts::agreements(&weighed, &mut cut);
    let (fields, agreement_score) = vote(&weighed, case.accept, &mut cut);
    let status = standing.status(!conflicts.is_empty());
    let names = |fields: &[&'static Required]| fields.iter().map(|field| field.name.to_owned()).collect();
    Verdict {
        status,
        reason: reason(status, &standing, &weighed, &conflicts),
        consensus_ok: status == RunStatus::Ok,
        degraded: status == RunStatus::Degraded,
        usable: standing.usable,
        expected: standing.expected,
        quorum: standing.quorum,
        accept: case.accept,
        agents: weighed
            .agents
            .iter()
            .map(|voice| AgentVerdict {
                agent: voice.name.to_owned(),
                answered_as: voice
                    .answer
                    .map(|answer| answer.agent.clone())
                    .filter(|written| written != voice.name),
                family: voice.family.to_owned(),
                expected: voice.expected,
                usable: voice.is_usable(),
                why: voice.why,
            })
            .collect(),
        agreements,
        conflicts,
        missing: standing.missing.iter().map(|agent| (*agent).to_owned()).collect(),
        fields_found: names(&standing.found),
        fields_missing: names(&standing.absent),
        agreement_score,
        fields,
        cut,
    }
}

/// The status of the same verdict alone, for lists: without the vote.
pub fn status(case: &Case) -> RunStatus {
    let weighed = Weighed::of(case);
    Standing::of(case, &weighed).status(conflicts::exist(&weighed))
}

/// What the status depends on beside conflicts.
struct Standing<'a> {
    usable: usize,
    expected: usize,
    quorum: usize,
    missing: Vec<&'a str>,
    found: Vec<&'static Required>,
    absent: Vec<&'static Required>,
}

impl<'a> Standing<'a> {
    fn of(case: &Case, weighed: &Weighed<'a>) -> Self {
        let expected: Vec<_> = weighed.agents.iter().filter(|voice| voice.expected).collect();
        let required = weighed.stage.map_or(&[][..], |stage| stage.required).iter();
        let (found, absent) = required.partition(|field| {
            weighed.usable().filter_map(|voice| voice.value.as_ref()).any(|one| has(one, field))
        });
        Self {
            usable: expected.iter().filter(|voice| voice.is_usable()).count(),
            expected: expected.len(),
            quorum: case.quorum.unwrap_or(default_quorum(expected.len())).max(1),
            missing: expected.iter().filter(|voice| !voice.is_usable()).map(|voice| voice.name).collect(),
            found,
            absent,
        }
    }

    fn status(&self, conflict: bool) -> RunStatus {
        if self.usable < self.quorum {
            RunStatus::Insufficient
        } else if conflict {
            RunStatus::Conflict
        } else if !self.missing.is_empty() || !self.absent.is_empty() {
            RunStatus::Degraded
        } else {
            RunStatus::Ok
        }
    }
}

/// All of one or two, the majority of three or more: more than half is all of them.
pub(crate) const fn default_quorum(expected: usize) -> usize {
    expected / 2 + 1
}

/// Whether an answer has a field, at its top or in its final plan. A list or an object may be empty: somebody said
/// that there is nothing.
fn has(answer: &Value, field: &Required) -> bool {
    let places = [Some(answer), answer.get("final_plan")];
    places.into_iter().flatten().any(|place| {
        field.keys.iter().filter_map(|key| place.get(key)).any(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            _ => true,
        })
    })
}

fn reason(
    status: RunStatus,
    standing: &Standing<'_>,
    weighed: &Weighed<'_>,
    conflicts: &[Conflict],
) -> String {
    let Standing { usable, expected, quorum, .. } = standing;
    let mut parts = Vec::new();
    match status {
        RunStatus::Insufficient => {
            parts.push(format!("{usable} of {expected} answers can be used, {quorum} needed"));
            parts.extend(left_out(weighed));
        }
        RunStatus::Conflict => parts.extend(contradictions(conflicts)),
        RunStatus::Degraded => {
            parts.push(format!("{usable} of {expected} answers can be used"));
            parts.extend(left_out(weighed));
            if !standing.absent.is_empty() {
                let names = standing.absent.iter().map(|field| field.name);
                parts.push(format!("no answer has {}", joined(names)));
            }
        }
        _ => parts.push(format!("{usable} of {expected} answers can be used, and none names a conflict")),
    }
    parts.join("; ")
}

/// Who is missing, and why.
fn left_out(weighed: &Weighed<'_>) -> Option<String> {
    let out: Vec<String> = weighed
        .agents
        .iter()
        .filter(|voice| voice.expected)
        .filter_map(|voice| Some(format!("{} {}", voice.name, voice.why?.told())))
        .collect();
    (!out.is_empty()).then(|| joined(out.iter().map(String::as_str)))
}

fn contradictions(conflicts: &[Conflict]) -> Vec<String> {
    let mut said: Vec<(&str, usize)> = Vec::new();
    let mut parts = Vec::new();
    for conflict in conflicts {
        match conflict {
            Conflict::Said { agent, .. } => match said.iter_mut().find(|(known, _)| known == agent) {
                Some((_, count)) => *count += 1,
                None => said.push((agent, 1)),
            },
            Conflict::Decision { field, .. } => parts.push(field.as_str()),
        }
    }
    let mut told = Vec::new();
    if !parts.is_empty() {
        told.push(format!("agents differ on {}", joined(parts.into_iter())));
    }
    if !said.is_empty() {
        let counted: Vec<String> = said
            .iter()
            .map(|(agent, count)| {
                format!("{agent} names {count} {}", if *count == 1 { "conflict" } else { "conflicts" })
            })
            .collect();
        told.push(joined(counted.iter().map(String::as_str)));
    }
    told
}

/// Some names, and how many more there are.
fn joined<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let mut text = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}

impl Unusable {
    /// What became of the answer, in words that follow the agent's name.
    pub const fn told(self) -> &'static str {
        match self {
            Self::NoAnswer => "gave no answer",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Cancelled => "was cancelled",
            Self::Empty => "answered nothing",
            Self::Template => "gave the prompt's template back",
            Self::NotJson => "answered no JSON",
        }
    }
}
