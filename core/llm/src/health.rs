//! Whether hosts are well, asked all at once within two seconds (R10).

pub(crate) mod look;

use std::sync::mpsc;
use std::time::Duration;

use conclave_retry::CancelToken;

use self::look::{Depth, Looked, look};
use crate::call::CHECK;
use crate::class::Class;
use crate::client::{Client, key_of};
use crate::error::LlmError;
use crate::host::Host;
use crate::redact::Redactor;
use crate::{proxy, wire};

/// Characters of a message.
const MESSAGE: usize = 200;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The host's name.
    pub host: String,
    /// `None` where it is well.
    pub failure: Option<(Class, String)>,
    /// The models that it says it has.
    pub models: Option<Vec<String>>,
    /// Those in memory.
    pub loaded: Option<Vec<String>>,
    /// Until it answered.
    pub took: Duration,
}

/// Asks these hosts, all at once; a host that is open and answers is tried out by its next call. All hosts and the
/// fallback where no names are given; a name that no host has is passed over. What it finds is noted for all processes.
pub fn check(client: &Client, names: Option<&[String]>, cancel: &CancelToken) -> Vec<Health> {
    let hosts = client.hosts();
    let fallback = hosts.fallback.as_ref().map(|fallback| &fallback.host);
    let is_meant = |host: &&Host| names.is_none_or(|names| names.contains(&host.name));
    let meant: Vec<&Host> = hosts.hosts.iter().chain(fallback).filter(is_meant).collect();
    let (sender, found) = mpsc::channel();
    std::thread::scope(|scope| {
        for (n, host) in meant.iter().enumerate() {
            let sender = sender.clone();
            let one = move || {
                let _ = sender.send((n, check_one(client, host, cancel)));
            };
            if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, one) {
                tracing::warn!(%error, host = host.name, "no thread for a check");
            }
        }
    });
    drop(sender);
    let mut found: Vec<(usize, Health)> = found.into_iter().collect();
    found.sort_by_key(|(n, _)| *n);
    found.into_iter().map(|(_, health)| health).collect()
}

fn check_one(client: &Client, host: &Host, cancel: &CancelToken) -> Health {
    let sources = &client.inner.sources;
    let prepared = key_of(host, &*sources.environment)
        .and_then(|key| Ok((key, proxy::of(&host.endpoint, &host.proxy, &*sources.environment)?)));
    let (key, proxy) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return unusable(host, &error),
    };
    let of_proxy = proxy::secrets(proxy.as_deref());
    let redactor = Redactor::new(key.iter().chain(host.endpoint.secrets()).chain(&of_proxy));
    let looked =
        look(host, key.as_ref(), proxy.as_deref(), Depth::Whole, CHECK, None, &sources.clock, cancel);
    client.inner.known.hear(host, sources.clock.monotonic(), &looked.listing);
    let is_at_work = client.inner.shared.is_at_work(host.endpoint.as_str());
    note(client, host, &looked, &redactor, is_at_work);
    let safe = |names: Option<Vec<String>>| {
        names.map(|names| names.iter().map(|name| redactor.line(name, MESSAGE)).collect())
    };
    let garbage = || {
        let what = "its list of models cannot be understood: is it a server of this dialect?";
        looked.is_vague.then(|| (Class::Garbage, what.to_owned()))
    };
    let said = looked.failure.map(|failure| {
        let work = if failure.class == Class::Timeout && is_at_work {
            "; a question of this machine is being answered there"
        } else {
            ""
        };
        (failure.class, redactor.line(&format!("{}{work}", failure.message), MESSAGE))
    });
    let failure = said.or_else(garbage);
    Health {
        host: host.name.clone(),
        failure,
        models: safe(looked.listing.models),
        loaded: safe(looked.listing.loaded),
        took: Duration::from_millis(looked.took_ms),
    }
}

fn unusable(host: &Host, error: &LlmError) -> Health {
    let failure = Some((Class::Config, error.to_string()));
    Health { host: host.name.clone(), failure, models: None, loaded: None, took: Duration::ZERO }
}

/// For all processes: whether it is well, and which of its models it has.
fn note(client: &Client, host: &Host, looked: &Looked, redactor: &Redactor, is_at_work: bool) {
    let shared = &client.inner.shared;
    let endpoint = host.endpoint.as_str();
    match &looked.failure {
        // What it is asked, it may understand; what it has said is no sign that it is well.
        None if looked.is_vague => return,
        None => shared.checked(endpoint, host.dialect.as_str(), &host.name, None, looked.listing.slots),
        Some(failure) => {
            let is_nobodys = match failure.class {
                Class::Cancelled | Class::Deadline => true,
                // It answers one connection at a time, and that one is ours.
                Class::Timeout => is_at_work,
                _ => false,
            };
            if is_nobodys {
                return;
            }
            let message = redactor.line(&failure.message, MESSAGE);
            let failure = Some((failure.class, message.as_str()));
            shared.checked(endpoint, host.dialect.as_str(), &host.name, failure, looked.listing.slots);
        }
    }
    let Some(listed) = &looked.listing.models else { return };
    // A model that is back is asked for again at once; one that is away says so itself. The configuration may write a name
    // otherwise than the list does.
    let is_listed =
        |model: &&String| listed.iter().any(|name| wire::is_same_model(host.dialect, name, model));
    let present: Vec<String> = host.models.iter().filter(is_listed).chain(listed).cloned().collect();
    shared.mark_present(endpoint, &present);
}
