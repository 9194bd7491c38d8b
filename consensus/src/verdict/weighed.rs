//! Who answered what, and whether it counts.

use std::collections::BTreeMap;
use std::str;

use serde_json::Value;

use super::bounded::{self, Parsed};
use super::model::{Case, CaseAgent, CaseAnswer, Unusable};
use crate::stages::{self, Stage};
use crate::{answer, names};

/// A case with its answers read.
#[derive(Debug)]
pub(crate) struct Weighed<'a> {
    pub(crate) stage: Option<&'static Stage>,
    /// The expected agents in the order of the roster, then the others by name.
    pub(crate) agents: Vec<Voice<'a>>,
}

/// An agent, and its latest answer.
#[derive(Debug)]
pub(crate) struct Voice<'a> {
    pub(crate) name: &'a str,
    pub(crate) family: &'a str,
    pub(crate) expected: bool,
    pub(crate) answer: Option<&'a CaseAnswer>,
    /// Why it does not count.
    pub(crate) why: Option<Unusable>,
    /// The answer, where it counts and is JSON.
    pub(crate) value: Option<Value>,
    /// How many of its values were left out.
    pub(crate) cut: usize,
}

impl Voice<'_> {
    pub(crate) fn is_usable(&self) -> bool {
        self.why.is_none()
    }
}

impl<'a> Weighed<'a> {
    pub(crate) fn of(case: &'a Case) -> Self {
        let stage = stages::stage(&case.stage);
        let mut latest: BTreeMap<&str, &CaseAnswer> = BTreeMap::new();
        for answer in &case.answers {
            let rank = |one: &'a CaseAnswer| (one.attempt, one.sequence, &one.content);
            let found = latest.entry(&answer.agent).or_insert(answer);
            if rank(found) < rank(answer) {
                *found = answer;
            }
        }
        let expected = expected(&case.expected);
        let mut taken: Vec<Option<&CaseAnswer>> =
            expected.iter().map(|agent| latest.remove(agent.name.as_str())).collect();
        // Then other spellings of the same agent. Each answer is taken once.
        for (agent, taken) in expected.iter().zip(&mut taken) {
            let Some(name) = names::canonical(&agent.name).filter(|_| taken.is_none()) else { continue };
            let spelling = latest.keys().copied().find(|written| names::canonical(written) == Some(name));
            *taken = spelling.and_then(|written| latest.remove(written));
        }
        let mut agents: Vec<Voice<'a>> =
            expected.iter().zip(taken).map(|(agent, answer)| voice(stage, agent, answer)).collect();
        agents.extend(latest.into_iter().map(|(name, answer)| {
            weigh(
                stage,
                Voice { expected: false, ..silent(name, names::family(name, None)) },
                Some(answer),
                None,
            )
        }));
        Self { stage, agents }
    }

    /// The answers that count.
    pub(crate) fn usable(&self) -> impl Iterator<Item = &Voice<'a>> {
        self.agents.iter().filter(|voice| voice.is_usable())
    }
}

/// The roster; a name that is on it twice is expected once.
fn expected(roster: &[CaseAgent]) -> Vec<&CaseAgent> {
    let mut agents: Vec<&CaseAgent> = Vec::with_capacity(roster.len());
    for agent in roster {
        if !agents.iter().any(|known| known.name == agent.name) {
            agents.push(agent);
        }
    }
    agents
}

fn silent<'a>(name: &'a str, family: &'a str) -> Voice<'a> {
    Voice { name, family, expected: true, answer: None, why: None, value: None, cut: 0 }
}

fn voice<'a>(stage: Option<&Stage>, agent: &'a CaseAgent, answer: Option<&'a CaseAnswer>) -> Voice<'a> {
    let family = names::family(&agent.name, agent.family.as_deref());
    weigh(stage, silent(&agent.name, family), answer, agent.failed.as_deref())
}

fn weigh<'a>(
    stage: Option<&Stage>,
    voice: Voice<'a>,
    answer: Option<&'a CaseAnswer>,
    failed: Option<&str>,
) -> Voice<'a> {
    let Some(answer) = answer else {
        let why = match failed {
            None => Unusable::NoAnswer,
            Some("timed_out") => Unusable::TimedOut,
            Some("cancelled") => Unusable::Cancelled,
            Some(_) => Unusable::Failed,
        };
        return Voice { why: Some(why), ..voice };
    };
    let voice = Voice { answer: Some(answer), ..voice };
    match read(stage, voice.name, &answer.content) {
        Ok(None) => voice,
        Ok(Some(Parsed { value, cut })) => Voice { value: Some(value), cut, ..voice },
        Err(why) => Voice { why: Some(why), ..voice },
    }
}

/// Why an answer does not count at a stage, read on its own; none where it does.
pub fn unusable(stage: &str, content: &[u8]) -> Option<Unusable> {
    read(stages::stage(stage), "", content).err()
}

/// An answer as JSON where it is that, or why it does not count.
fn read(stage: Option<&Stage>, name: &str, content: &[u8]) -> Result<Option<Parsed>, Unusable> {
    let content = content.trim_ascii();
    // White space beyond ASCII is white space too.
    if content.is_empty() || str::from_utf8(content).is_ok_and(|text| text.trim().is_empty()) {
        return Err(Unusable::Empty);
    }
    if answer::is_template(content) {
        return Err(Unusable::Template);
    }
    let parsed = bounded::parse(content, &format!("… (cut from the answer of {name})"))
        .filter(|parsed| matches!(parsed.value, Value::Object(_) | Value::Array(_)));
    let why = match &parsed {
        None => Some(Unusable::NotJson),
        Some(parsed) => stub(&parsed.value),
    };
    match why {
        Some(Unusable::NotJson) if stage.is_none() => Ok(None),
        Some(why) => Err(why),
        None => Ok(parsed),
    }
}

/// What older programs stored where there was no answer: a note that the agent failed, or text wrapped into JSON.
fn stub(value: &Value) -> Option<Unusable> {
    let object = value.as_object()?;
    let only = |keys: &[&str]| object.keys().all(|key| keys.contains(&key.as_str()));
    if object.get("error").is_some_and(Value::is_string)
        && only(&["spec_id", "specId", "stage", "agent", "error", "consensus"])
    {
        return Some(Unusable::Failed);
    }
    let wrapped = object.get("format").and_then(Value::as_str) == Some("text")
        && object.get("content").is_some_and(Value::is_string);
    (wrapped && only(&["agent", "content", "format"])).then_some(Unusable::NotJson)
}
