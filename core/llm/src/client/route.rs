//! Which hosts could take the question (R1), and with which model, key and proxy.

use std::ffi::OsString;

use super::Options;
use super::ledger::LAST;
use crate::admission::Candidate;
use crate::answer::{Skipped, Why};
use crate::class::Class;
use crate::error::{LlmError, Result};
use crate::host::{Dialect, Fallback, Host, Hosts};
use crate::secret::{self, Secret};
use crate::{proxy, wire};

/// A host as this question would use it.
pub(crate) struct Choice<'a> {
    pub(crate) host: &'a Host,
    /// `None` until its list is heard, where the configuration names none.
    pub(crate) model: Option<String>,
    pub(crate) key: Option<Secret>,
    pub(crate) proxy: Option<String>,
    /// The fallback's limits, where it is the fallback.
    pub(crate) fallback: Option<&'a Fallback>,
}

/// The hosts of a question, the best placed first, the fallback last.
#[derive(Default)]
pub(super) struct Route<'a> {
    pub(super) choices: Vec<Choice<'a>>,
    /// Where the fallback stands, where it may be asked after the hosts.
    pub(super) cloud: Option<usize>,
    /// Hosts that cannot be asked at all.
    pub(super) skipped: Vec<Skipped>,
    /// How many hosts it has, the fallback and those without the model not among them.
    pub(super) length: usize,
    /// The names of all, those that cannot be asked included, with their priorities, in order.
    pub(super) places: Vec<(String, i64)>,
}

type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// Finds them.
///
/// # Errors
/// Where nothing is configured, or what the caller names does not exist.
pub(super) fn of<'a>(
    hosts: &'a Hosts,
    task: &str,
    options: &Options,
    environment: Environment<'_>,
) -> Result<Route<'a>> {
    check_names(hosts)?;
    if let Some(name) = &options.host {
        return of_one(hosts, name, options, environment);
    }
    let fallback = hosts.fallback.as_ref().filter(|_| !options.local);
    if hosts.hosts.is_empty() && fallback.is_none() {
        return Err(LlmError::Invalid {
            message: "no host of models is configured".to_owned(),
            hint: Some("add one as `[[hosts]]` to the configuration".to_owned()),
        });
    }
    let mut route = Route::default();
    let mut placed = for_task(&hosts.hosts, task, options.model.as_deref());
    placed.sort_by_key(|host| host.priority);
    route.places = placed.iter().map(|host| (host.name.clone(), host.priority)).collect();
    for host in placed {
        if is_nameless(host, options) {
            route.skip(host, Why::Config, NAMELESS.to_owned());
            continue;
        }
        match model_of(host, options.model.as_deref()) {
            Ok(model) => {
                route.length += 1;
                route.add(host, model, None, environment);
            }
            Err(message) => route.skip(host, Why::NoModel, message),
        }
    }
    let is_nowhere = route.choices.is_empty() && route.skipped.iter().all(|host| host.why == Why::NoModel);
    if let (Some(model), true) = (&options.model, is_nowhere)
        && fallback.is_none_or(|fallback| model_of(&fallback.host, Some(model)).is_err())
    {
        // The cloud never takes a question for a model that nobody has under this name.
        return Err(nobody_has(hosts, model));
    }
    if let Some(fallback) = fallback {
        let before = route.choices.len();
        route.places.push((fallback.host.name.clone(), LAST));
        // It answers with its own model, which the configuration names, whatever was asked for.
        route.add(&fallback.host, fallback.host.models.first().cloned(), Some(fallback), environment);
        route.cloud = (route.choices.len() > before).then_some(before);
    }
    Ok(route)
}

fn of_one<'a>(
    hosts: &'a Hosts,
    name: &str,
    options: &Options,
    environment: Environment<'_>,
) -> Result<Route<'a>> {
    let fallback = hosts.fallback.as_ref().filter(|fallback| fallback.host.name == name);
    let named = hosts.hosts.iter().find(|host| host.name == name);
    let Some(host) = named.or(fallback.map(|fallback| &fallback.host)) else {
        let names: Vec<&str> = hosts.hosts.iter().map(|host| host.name.as_str()).collect();
        return Err(LlmError::Invalid {
            message: format!("there is no host `{name}`"),
            hint: (!names.is_empty()).then(|| format!("there are {}", names.join(", "))),
        });
    };
    if options.local && named.is_none() {
        return Err(LlmError::Invalid {
            message: format!("`{name}` is the fallback, and `--local` never asks it"),
            hint: Some("leave `--local` out, or name another host".to_owned()),
        });
    }
    if is_nameless(host, options) {
        return Err(LlmError::invalid(format!("`{name}`: {NAMELESS}")));
    }
    let model = model_of(host, options.model.as_deref()).map_err(LlmError::invalid)?;
    let places = vec![(name.to_owned(), host.priority)];
    let mut route = Route { length: 1, places, ..Route::default() };
    route.add(host, model, fallback.filter(|_| named.is_none()), environment);
    Ok(route)
}

impl<'a> Route<'a> {
    fn add(
        &mut self,
        host: &'a Host,
        model: Option<String>,
        fallback: Option<&'a Fallback>,
        environment: Environment<'_>,
    ) {
        let prepared = key_of(host, environment)
            .and_then(|key| Ok((key, proxy::of(&host.endpoint, &host.proxy, environment)?)));
        match prepared {
            Ok((key, proxy)) => self.choices.push(Choice { host, model, key, proxy, fallback }),
            Err(error) => self.skip(host, Why::Config, error.to_string()),
        }
    }

    fn skip(&mut self, host: &Host, why: Why, message: String) {
        let class = (why == Why::Config).then_some(Class::Config);
        let (host, message) = (host.name.clone(), Some(message));
        self.skipped.push(Skipped { host, why, until: None, message, class });
    }
}

impl Choice<'_> {
    /// It as a candidate for admission. `slots` is what the host has said of itself.
    pub(crate) fn candidate(&self, index: usize, slots: Option<u32>, reserved_tokens: u64) -> Candidate<'_> {
        Candidate {
            index,
            name: &self.host.name,
            endpoint: self.host.endpoint.as_str(),
            dialect: self.host.dialect.as_str(),
            model: self.model.as_deref().unwrap_or_default(),
            priority: self.host.priority,
            slots: self.host.max_concurrent.or(slots),
            breaker: self.host.breaker,
            key: self.key.as_ref().map(Secret::expose),
            calls_per_hour: self.fallback.and_then(|fallback| fallback.calls_per_hour),
            tokens_per_day: self.fallback.and_then(|fallback| fallback.tokens_per_day),
            reserved_tokens,
        }
    }
}

/// Hosts that list the task, and those that take all. A task that nobody lists goes to those that take all, else to
/// everybody: never silently to the cloud. A model that is asked for by name needs no task: where nobody who takes the
/// task can have it, everybody may.
fn for_task<'a>(hosts: &'a [Host], task: &str, model: Option<&str>) -> Vec<&'a Host> {
    if task.is_empty() && model.is_some() {
        return hosts.iter().collect();
    }
    let takes = |host: &&Host| host.tasks.is_empty() || host.tasks.iter().any(|name| name == task);
    let mut chosen: Vec<&Host> = hosts.iter().filter(takes).collect();
    if model.is_some() && chosen.iter().all(|host| model_of(host, model).is_err()) {
        chosen.clear();
    }
    if chosen.is_empty() { hosts.iter().collect() } else { chosen }
}

/// Hosts are told apart by their names, in errors and here; and the fallback's one model is what it is asked for.
fn check_names(hosts: &Hosts) -> Result<()> {
    let mut names: Vec<&str> = Vec::new();
    for host in hosts.hosts.iter().chain(hosts.fallback.as_ref().map(|fallback| &fallback.host)) {
        if names.contains(&host.name.as_str()) {
            return Err(LlmError::invalid(format!("two hosts are called `{}`", host.name)));
        }
        names.push(&host.name);
    }
    if hosts.fallback.as_ref().is_some_and(|fallback| fallback.host.models.is_empty()) {
        return Err(LlmError::invalid("the fallback names no model"));
    }
    Ok(())
}

/// Nobody says which model it is to be asked for: the list of such a host is not asked for before a question.
fn is_nameless(host: &Host, options: &Options) -> bool {
    host.dialect == Dialect::Anthropic && host.models.is_empty() && options.model.is_none()
}

const NAMELESS: &str =
    "it names no model, and its dialect is asked for no list: set `models`, or ask for one";

/// The model that the host would be asked for; `None` where its list must say it.
pub(crate) fn model_of(host: &Host, wanted: Option<&str>) -> Result<Option<String>, String> {
    let Some(wanted) = wanted else {
        return Ok(host.models.first().cloned());
    };
    let is_here = host.models.is_empty()
        || host.models.iter().any(|model| wire::is_same_model(host.dialect, model, wanted));
    if is_here { Ok(Some(wanted.to_owned())) } else { Err(format!("it has {}", host.models.join(", "))) }
}

fn nobody_has(hosts: &Hosts, model: &str) -> LlmError {
    let mut models: Vec<&str> = Vec::new();
    for name in hosts.hosts.iter().flat_map(|host| &host.models) {
        if !models.contains(&name.as_str()) {
            models.push(name);
        }
    }
    let hint = (!models.is_empty()).then(|| format!("there are {}", models.join(", ")));
    LlmError::Invalid { message: format!("no host has a model {model:?}"), hint }
}

/// The key, read now. Over plain HTTP it goes to private addresses only (R15).
pub(crate) fn key_of(host: &Host, environment: Environment<'_>) -> Result<Option<Secret>> {
    let Some(source) = &host.key else { return Ok(None) };
    let key = secret::load(source, environment)?;
    if !host.endpoint.is_https() && !host.endpoint.is_private() && !host.allow_plain_key {
        return Err(LlmError::invalid(
            "its key would go over plain HTTP through the world; `allow_plain_key = true` lets it",
        ));
    }
    Ok(Some(key))
}
