//! The vote of the agents, field by field.
//!
//! Objects are walked together, key by key. A list on which all agree is one field; lists that differ are walked
//! too, by the ids of their items where these have any, else by position where they are of one length. Everything
//! else is compared as a whole. What only one agent has is not walked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::canonical;
use super::model::{FieldVote, Outcome, Position};
use super::weighed::Weighed;
use crate::agents::Accept;
use crate::stages::DECISIONS;

/// Fields that a verdict lists.
const FIELDS: usize = 1_000;
/// Bytes of JSON up to which a value is given as it is.
const SHOWN: usize = 2_048;
/// Characters that are given of a longer one.
const BEGINNING: usize = 200;
/// Characters of a path that are given.
const PATH: usize = 300;

/// What an answer says of itself, of the run or of the agreement is no field of its subject.
const ASIDE: [&str; 12] = [
    "agent",
    "agreements",
    "conflicts",
    "consensus",
    "model",
    "model_release",
    "prompt_version",
    "reasoning_mode",
    "run_id",
    "specId",
    "spec_id",
    "stage",
];

/// The votes on one field, with the values in full.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    pub(crate) field: String,
    /// The different values, most votes first, then in the order of the roster; agents by their place in it.
    pub(crate) positions: Vec<(&'a Value, Vec<usize>)>,
    /// How many gave any.
    pub(crate) n: usize,
}

impl<'a> Tally<'a> {
    fn of(field: String, ballots: &[(usize, &'a Value)]) -> Self {
        let mut positions: Vec<(String, &'a Value, Vec<usize>)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let decides = is_decision(&field);
        for (agent, value) in ballots {
            // What is one decision where contradictions are looked for is one here.
            let form = if decides { canonical::decision(value) } else { canonical::value(value) };
            if let Some(place) = known.get(&form) {
                positions[*place].2.push(*agent);
            } else {
                known.insert(form.clone(), positions.len());
                positions.push((form, value, vec![*agent]));
            }
        }
        positions.sort_by_key(|(_, _, agents)| std::cmp::Reverse(agents.len()));
        let positions = positions.into_iter().map(|(_, value, agents)| (value, agents)).collect();
        Self { field, positions, n: ballots.len() }
    }

    /// How many gave the value of the most.
    pub(crate) fn k(&self) -> usize {
        self.positions.first().map_or(0, |(_, agents)| agents.len())
    }

    fn is_tie(&self) -> bool {
        self.positions.get(1).is_some_and(|(_, agents)| agents.len() == self.k())
    }

    pub(crate) fn outcome(&self, accept: Accept) -> Outcome {
        match (self.k(), self.n) {
            (_, 0 | 1) => Outcome::Insufficient,
            (k, n) if k == n => Outcome::Unanimous,
            // However little is asked, it is more than half: no tie meets it.
            (k, n) if accept.is_met(k, n) => Outcome::Majority,
            _ => Outcome::Split,
        }
    }

    fn told(&self, weighed: &Weighed<'_>, accept: Accept) -> FieldVote {
        let voice = |agent: &usize| &weighed.agents[*agent];
        let families =
            |agents: &[usize]| agents.iter().map(|agent| voice(agent).family).collect::<BTreeSet<_>>().len();
        let positions: Vec<Position> = self
            .positions
            .iter()
            .map(|(value, agents)| Position {
                value: shown(value),
                agents: agents.iter().map(|agent| voice(agent).name.to_owned()).collect(),
                families: families(agents),
            })
            .collect();
        let outcome = self.outcome(accept);
        let leads = self.n > 1 && !self.is_tie();
        let spoke: BTreeSet<usize> = self.positions.iter().flat_map(|(_, agents)| agents).copied().collect();
        FieldVote {
            field: self.field.clone(),
            value: positions.first().filter(|_| leads).map(|position| position.value.clone()),
            k: self.k(),
            n: self.n,
            families: self.positions.first().map_or(0, |(_, agents)| families(agents)),
            outcome,
            tie: self.is_tie(),
            positions,
            abstained: (0..weighed.agents.len())
                .filter(|agent| voice(agent).is_usable() && !spoke.contains(agent))
                .map(|agent| voice(&agent).name.to_owned())
                .collect(),
        }
    }
}

/// The vote as a verdict tells it, and the mean of k/n over the fields that several agents have, to four digits.
pub(super) fn vote(
    weighed: &Weighed<'_>,
    accept: Accept,
    cut: &mut Vec<String>,
) -> (Vec<FieldVote>, Option<f64>) {
    let (mut fields, mut total, mut voted, mut sum) = (Vec::new(), 0_usize, 0_u32, 0.0_f64);
    tallies(weighed, &mut |tally| {
        total += 1;
        if tally.n > 1 {
            voted += 1;
            sum += ratio(tally.k(), tally.n);
        }
        if fields.len() < FIELDS {
            fields.push(tally.told(weighed, accept));
        }
    });
    if total > fields.len() {
        cut.push(format!("the first {} of {total} fields are listed; the score counts all", fields.len()));
    }
    let score = (voted > 0).then(|| (sum / f64::from(voted) * 10_000.0).round() / 10_000.0);
    (fields, score)
}

fn ratio(k: usize, n: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(k) / number(n)
}

/// The votes on all fields, in the order of their paths.
pub(crate) fn tallies<'a>(weighed: &'a Weighed<'_>, each: &mut dyn FnMut(Tally<'a>)) {
    let ballots: Vec<(usize, &Value)> = weighed
        .agents
        .iter()
        .enumerate()
        .filter(|(_, voice)| voice.is_usable())
        .filter_map(|(agent, voice)| Some((agent, voice.value.as_ref()?)))
        .filter(|(_, value)| value.is_object())
        .collect();
    if !ballots.is_empty() {
        walk(&Path(String::new()), true, &ballots, each);
    }
}

fn walk<'a>(path: &Path, top: bool, ballots: &[(usize, &'a Value)], each: &mut dyn FnMut(Tally<'a>)) {
    // At the top even a lone answer is told key by key.
    if ballots.len() > 1 || top {
        if let Some(objects) = all(ballots, Value::as_object) {
            return members(path, top, &objects, each);
        }
        if let Some(lists) = all(ballots, Value::as_array)
            && differ(ballots)
        {
            if let Some(items) = by_id(&lists) {
                for (id, ballots) in items {
                    walk(&path.item(&id), false, &ballots, each);
                }
                return;
            }
            let length = lists[0].1.len();
            if length > 0 && lists.iter().all(|(_, list)| list.len() == length) {
                for index in 0..length {
                    let ballots: Vec<(usize, &Value)> =
                        lists.iter().map(|(agent, list)| (*agent, &list[index])).collect();
                    walk(&path.item(&index.to_string()), false, &spoken(&ballots), each);
                }
                return;
            }
        }
    }
    if !ballots.is_empty() {
        each(Tally::of(path.told(), ballots));
    }
}

fn members<'a>(
    path: &Path,
    top: bool,
    objects: &[(usize, &'a Map<String, Value>)],
    each: &mut dyn FnMut(Tally<'a>),
) {
    let keys: BTreeSet<&String> = objects.iter().flat_map(|(_, object)| object.keys()).collect();
    if keys.is_empty() {
        return;
    }
    for key in keys {
        let inside_plan = path.0 == "final_plan";
        if (top || inside_plan) && ASIDE.contains(&key.as_str()) {
            continue;
        }
        let ballots: Vec<(usize, &Value)> =
            objects.iter().filter_map(|(agent, object)| Some((*agent, object.get(key)?))).collect();
        walk(&path.key(key), false, &spoken(&ballots), each);
    }
}

/// Whether a field is what a stage decides, or the answer to an issue of a gate.
fn is_decision(field: &str) -> bool {
    let key = field.rsplit_once('.').map_or(field, |(_, key)| key);
    let issue = field.starts_with("issues[") || field.starts_with("requirements[");
    DECISIONS.contains(&key) || (issue && key == "answer")
}

/// Those who say anything.
fn spoken<'a>(ballots: &[(usize, &'a Value)]) -> Vec<(usize, &'a Value)> {
    ballots.iter().copied().filter(|(_, value)| !canonical::is_silent(value)).collect()
}

/// All values as something, if every one is that.
fn all<'a, T: ?Sized>(
    ballots: &[(usize, &'a Value)],
    kind: impl Fn(&'a Value) -> Option<&'a T>,
) -> Option<Vec<(usize, &'a T)>> {
    ballots.iter().map(|(agent, value)| Some((*agent, kind(value)?))).collect()
}

fn differ(ballots: &[(usize, &Value)]) -> bool {
    let mut forms = ballots.iter().map(|(_, value)| canonical::value(value));
    let first = forms.next();
    forms.any(|form| Some(form) != first)
}

type Ballots<'a> = Vec<(usize, &'a Value)>;

/// The items of lists by their `id`, in the order in which the ids come first; nothing where an item has none or
/// one comes twice in a list.
fn by_id<'a>(lists: &[(usize, &'a Vec<Value>)]) -> Option<Vec<(String, Ballots<'a>)>> {
    let mut items: Vec<(String, Ballots<'a>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (agent, list) in lists {
        for item in *list {
            let id = item.get("id")?.as_str()?;
            let place = *places.entry(id).or_insert_with(|| {
                items.push((id.to_owned(), Vec::new()));
                items.len() - 1
            });
            let ballots = &mut items[place].1;
            if ballots.last().is_some_and(|(last, _)| last == agent) {
                return None;
            }
            ballots.push((*agent, item));
        }
    }
    (!items.is_empty()).then_some(items)
}

/// Where a field stands: `final_plan.risks[0].severity`. A key that would be mistaken for more than one is quoted.
struct Path(String);

impl Path {
    fn key(&self, key: &str) -> Self {
        let plain =
            !key.is_empty() && key.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '-'));
        let mut path = self.0.clone();
        if !plain {
            let _ = write!(path, "[{}]", Value::String(key.to_owned()));
        } else if path.is_empty() {
            path.push_str(key);
        } else {
            let _ = write!(path, ".{key}");
        }
        Self(path)
    }

    fn item(&self, item: &str) -> Self {
        let plain = !item.contains(['[', ']', '"']) && !item.chars().any(char::is_control);
        let item = if plain { item.to_owned() } else { Value::String(item.to_owned()).to_string() };
        Self(format!("{}[{item}]", self.0))
    }

    fn told(&self) -> String {
        shortened(&self.0, PATH)
    }
}

fn shortened(text: &str, limit: usize) -> String {
    let mut short: String = text.chars().take(limit).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A value as a verdict gives it: itself, or how much it is and how it begins.
pub(super) fn shown(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= SHOWN {
        return value.clone();
    }
    let what = match value {
        Value::Array(items) => format!("{} items, ", items.len()),
        Value::Object(object) => format!("{} keys, ", object.len()),
        _ => String::new(),
    };
    Value::String(format!("({what}{} bytes) {}", text.len(), shortened(&text, BEGINNING)))
}
