//! The sentences about a verdict that the command line and the screen share.

use std::collections::BTreeSet;

use conclave_consensus::verdict::{Outcome, Verdict};

use crate::text::counted;

/// `2 of 3 answers count, quorum 2 · agents agree on 7 of 9 fields · 1 split · score 0.8333 · 2 families`, with this
/// sign between the parts.
pub(crate) fn agreement(verdict: &Verdict, dot: &str) -> String {
    let mut parts =
        vec![format!("{} of {} answers count, quorum {}", verdict.usable, verdict.expected, verdict.quorum)];
    let count = |outcome: Outcome| verdict.fields.iter().filter(|vote| vote.outcome == outcome).count();
    let agreed = count(Outcome::Unanimous) + count(Outcome::Majority);
    let (split, alone) = (count(Outcome::Split), count(Outcome::Insufficient));
    if agreed + split > 0 {
        parts.push(format!(
            "agents agree on {agreed} of {}",
            counted((agreed + split) as u64, "field", "fields")
        ));
    }
    if split > 0 {
        parts.push(format!("{split} split"));
    }
    if alone > 0 {
        parts.push(format!("{} of one agent alone", counted(alone as u64, "field", "fields")));
    }
    if let Some(score) = verdict.agreement_score {
        parts.push(format!("score {score}"));
    }
    let counting = verdict.agents.iter().filter(|agent| agent.usable);
    let families: BTreeSet<&str> = counting.map(|agent| agent.family.as_str()).collect();
    if families.len() > 1 || verdict.usable > 1 {
        parts.push(counted(families.len() as u64, "family", "families"));
    }
    parts.join(&format!(" {dot} "))
}

/// `missing: claude gave no answer · required fields found: tasks`, with this sign between the parts.
pub(crate) fn missing(verdict: &Verdict, dot: &str) -> String {
    let out: Vec<String> = verdict
        .agents
        .iter()
        .filter(|agent| agent.expected)
        .filter_map(|agent| Some(format!("{} {}", agent.agent, agent.why?.told())))
        .collect();
    let mut parts = vec![if out.is_empty() { "none".to_owned() } else { out.join(", ") }];
    for (what, fields) in
        [("required fields found", &verdict.fields_found), ("in no answer", &verdict.fields_missing)]
    {
        if !fields.is_empty() {
            parts.push(format!("{what}: {}", fields.join(", ")));
        }
    }
    format!("missing: {}", parts.join(&format!(" {dot} ")))
}
