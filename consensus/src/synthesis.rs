//! The synthesis of a run: what its answers come to, as JSON for the next stage and as Markdown for people.
//!
//! Nothing is made up and nothing is smoothed over: what the agents agree on, what they differ on with every
//! position, and who said what. It is a function of the same rows as the verdict, and the same bytes for them.

mod markdown;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::verdict::{Case, Outcome, Tally, Verdict, Weighed, tallies};

/// Both forms of a synthesis.
#[derive(Debug, Clone, PartialEq)]
pub struct Synthesis {
    /// `spec`, `stage`, `status`, `reason`, `agreed` (by path), `open` (fields with their positions), `texts` (of
    /// agents whose answer is no JSON), `conflicts`, `missing`, `sources`, `agreement_score`. Values are in full.
    pub json: Value,
    /// The same for people, with long values shortened.
    pub markdown: String,
}

/// Fields that it gives, as many as the verdict.
const FIELDS: usize = 1_000;

/// The synthesis of a run on this spec. `verdict` is the verdict on the same case.
pub fn of(spec: &str, case: &Case, verdict: &Verdict) -> Synthesis {
    let weighed = Weighed::of(case);
    let mut agreed = Map::new();
    let mut open = Vec::new();
    let mut count = 0_usize;
    tallies(&weighed, &mut |tally| {
        count += 1;
        if count > FIELDS {
            return;
        }
        match (tally.outcome(case.accept), tally.positions.first()) {
            (Outcome::Unanimous | Outcome::Majority, Some((value, _))) => {
                agreed.insert(tally.field.clone(), (*value).clone());
            }
            _ => open.push(positions(&weighed, &tally)),
        }
    });
    let texts: Vec<Value> = weighed
        .usable()
        .filter(|voice| voice.value.is_none())
        .filter_map(|voice| {
            let text = String::from_utf8_lossy(&voice.answer?.content).into_owned();
            Some(json!({ "agent": voice.name, "text": text }))
        })
        .collect();
    let sources: Vec<Value> = weighed
        .agents
        .iter()
        .map(|voice| {
            json!({
                "agent": voice.name,
                "family": voice.family,
                "usable": voice.is_usable(),
                "why": voice.why,
                "attempt": voice.answer.map(|answer| answer.attempt),
                "sequence": voice.answer.map(|answer| answer.sequence),
                "bytes": voice.answer.map(|answer| answer.content.len()),
            })
        })
        .collect();
    let json = json!({
        "spec": spec,
        "stage": case.stage,
        "status": verdict.status,
        "reason": verdict.reason,
        "agreed": agreed,
        "open": open,
        "texts": texts,
        "agreements": verdict.agreements,
        "conflicts": verdict.conflicts,
        "missing": verdict.missing,
        "fields_missing": verdict.fields_missing,
        "agreement_score": verdict.agreement_score,
        "sources": sources,
        "cut": verdict.cut,
    });
    let markdown = markdown::document(&json, verdict);
    Synthesis { json, markdown }
}

fn positions(weighed: &Weighed<'_>, tally: &Tally<'_>) -> Value {
    let positions: Vec<Value> = tally
        .positions
        .iter()
        .map(|(value, agents)| {
            let names: Vec<&str> = agents.iter().map(|agent| weighed.agents[*agent].name).collect();
            json!({ "agents": names, "value": value })
        })
        .collect();
    json!({ "field": tally.field, "positions": positions })
}
