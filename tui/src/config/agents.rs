//! `[[agents]]`: who can be asked, and how.

use std::ops::Range;
use std::time::Duration;

use conclave_consensus::agents::{self, AgentDefinition, Preset};
use conclave_consensus::canonical;
use conclave_consensus::child::MARK;
use conclave_consensus::names;

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of one agent.
pub(super) const KEYS: [&str; 11] = [
    "name", "preset", "command", "role", "timeout", "retries", "copies", "family", "stages", "env_pass",
    "env",
];
/// Keys that agents will have.
const LATER: [&str; 2] = ["model", "route"];

/// How the names of Conclave's own variables begin, which agents never see.
const OWN: &str = "CONCLAVE_";

/// Time of one attempt where nobody says otherwise.
const TIMEOUT: Duration = Duration::from_mins(20);
/// Repeated attempts where nobody says otherwise.
const RETRIES: u32 = 2;

/// The agents of one file, copies counted out, in their order.
pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<Vec<AgentDefinition>, Failure> {
    let mut found: Vec<(AgentDefinition, usize)> = Vec::new();
    for table in reader.list("agents", value, "[[agents]], a list of tables")? {
        let (agent, at, copies) = one(reader, table)?;
        for copy in 1..=copies {
            let mut agent = agent.clone();
            if copies > 1 {
                agent.name = names::copy(&agent.name, copy);
            }
            if let Some((_, line)) = found.iter().find(|(other, _)| other.name == agent.name) {
                let name = &agent.name;
                return Err(reader
                    .refuse(&at, &format!("agents.name: {name:?} is the name of another agent (line {line})"))
                    .hint("every agent has a name of its own; `copies = N` asks one agent several times"));
            }
            found.push((agent, reader.line(at.start)));
        }
    }
    Ok(found.into_iter().map(|(agent, _)| agent).collect())
}

/// One agent, the place of its name, and how many copies of it there are.
fn one(reader: &Reader<'_>, value: &Value<'_>) -> Result<(AgentDefinition, Range<usize>, u32), Failure> {
    let table = reader.table("agents", value)?;
    let value_of = |name: &str| table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value);
    for (key, _) in table {
        let name = key.get_ref().as_ref();
        if LATER.contains(&name) {
            return Err(reader
                .refuse(&key.span(), &format!("agents.{name}: models come with a later version"))
                .hint("name a `command`, or a `preset` such as \"claude\""));
        }
        if !KEYS.contains(&name) {
            return Err(reader.unknown(key.span(), "agents.", name, &KEYS));
        }
    }
    let Some(named) = value_of("name") else {
        return Err(reader.refuse(&value.span(), "agents.name: is missing"));
    };
    let name = reader.name("agents.name", named)?;
    let preset = match value_of("preset") {
        Some(value) => Some(preset(reader, value)?),
        None => agents::preset(&name),
    };
    let command = value_of("command").map(|value| command(reader, value)).transpose()?;
    let mut agent = match (preset, command) {
        (Some(preset), None) => preset.definition(),
        (Some(preset), Some(command)) => AgentDefinition { command, ..preset.definition() },
        (None, Some(command)) => plain(command),
        (None, None) => {
            let what = format!("agents.command: is missing, and {name:?} is no preset");
            return Err(reader.refuse(&named.span(), &what).hint(presets()));
        }
    };
    let at = named.span();
    agent.name = name;
    if let Some(value) = value_of("role") {
        agent.role = Some(reader.filled("agents.role", value)?);
    }
    if let Some(value) = value_of("family") {
        agent.family = Some(reader.filled("agents.family", value)?);
    }
    if let Some(value) = value_of("timeout") {
        agent.timeout = reader.duration("agents.timeout", value)?;
        if agent.timeout.is_zero() {
            return Err(reader.refuse(&value.span(), "agents.timeout: is no time at all"));
        }
    }
    if let Some(value) = value_of("retries") {
        agent.retries = reader.number("agents.retries", value, 0..101)?;
    }
    if let Some(value) = value_of("stages") {
        let stages = reader.list("agents.stages", value, "a list such as [\"plan\"]")?;
        let stage =
            |value| reader.filled("agents.stages", value).map(|text| canonical::stage(&text).to_owned());
        agent.stages = stages.iter().map(stage).collect::<Result<_, _>>()?;
    }
    if let Some(value) = value_of("env_pass") {
        let names = reader.list("agents.env_pass", value, "a list such as [\"MY_TOKEN\"]")?;
        agent.env_pass =
            names.iter().map(|name| variable(reader, "agents.env_pass", name)).collect::<Result<_, _>>()?;
    }
    if let Some(value) = value_of("env") {
        for (key, value) in reader.table("agents.env", value)? {
            let name = key.get_ref().as_ref();
            refuse_variable(reader, "agents.env", name, &key.span())?;
            agent.env.push((name.to_owned(), reader.text(&format!("agents.env.{name}"), value)?));
        }
    }
    let copies = value_of("copies").map(|value| reader.number("agents.copies", value, 1..101)).transpose()?;
    Ok((agent, at, copies.unwrap_or(1)))
}

/// An agent that is a command and nothing more.
fn plain(command: Vec<String>) -> AgentDefinition {
    AgentDefinition {
        name: String::new(),
        preset: None,
        command,
        family: None,
        role: None,
        timeout: TIMEOUT,
        retries: RETRIES,
        env_pass: Vec::new(),
        env: Vec::new(),
        stages: Vec::new(),
    }
}

fn preset(reader: &Reader<'_>, value: &Value<'_>) -> Result<&'static Preset, Failure> {
    let name = reader.filled("agents.preset", value)?;
    agents::preset(&name).ok_or_else(|| {
        reader.refuse(&value.span(), &format!("agents.preset: {name:?} is no preset")).hint(presets())
    })
}

fn presets() -> String {
    let names: Vec<&str> = agents::PRESETS.iter().map(|preset| preset.name).collect();
    format!("presets: {}; anything else needs a `command`", names.join(", "))
}

fn command(reader: &Reader<'_>, value: &Value<'_>) -> Result<Vec<String>, Failure> {
    let words = reader.texts("agents.command", value, "a list such as [\"sh\", \"-c\", \"…\"]")?;
    if words.first().is_none_or(|program| program.trim().is_empty()) {
        return Err(reader.refuse(&value.span(), "agents.command: is empty, wanted a program"));
    }
    Ok(words)
}

fn variable(reader: &Reader<'_>, key: &str, value: &Value<'_>) -> Result<String, Failure> {
    let name = reader.text(key, value)?;
    refuse_variable(reader, key, &name, &value.span())?;
    if name.starts_with(OWN) {
        let what = format!("{key}: {name} is Conclave's own, and never let through");
        return Err(reader.refuse(&value.span(), &what).hint("`env` sets a variable, also this one"));
    }
    Ok(name)
}

/// What no variable can be called, and the one that is Conclave's own.
fn refuse_variable(reader: &Reader<'_>, key: &str, name: &str, span: &Range<usize>) -> Result<(), Failure> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(reader.refuse(span, &format!("{key}: {name:?} is no name of a variable")));
    }
    if name == MARK {
        return Err(reader.refuse(span, &format!("{key}: {MARK} is set by Conclave for every attempt")));
    }
    Ok(())
}
