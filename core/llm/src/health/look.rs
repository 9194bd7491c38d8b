//! One look at one host: the lists that it gives, by GET, and what they say of it.

use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, Clock};

use crate::call::{CHECK, millis, of_check, with_header};
use crate::class::Class;
use crate::host::{Dialect, Host};
use crate::secret::Secret;
use crate::transport::{self, Outgoing};
use crate::wire::{self, Failure, Heard, Listing};

/// The most bytes of a list. A host that has more models than that has also said enough.
const LIST_LIMIT: usize = 4 << 20;

/// What a look found.
#[derive(Debug, Clone)]
pub(crate) struct Looked {
    /// `None` where the host is well.
    pub(crate) failure: Option<Failure>,
    pub(crate) listing: Listing,
    pub(crate) took_ms: u64,
}

/// How thorough a look is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// One request that tells whether it is well.
    Glance,
    /// That, and which models are in memory.
    Loaded,
    /// Everything that it says of itself, also where that is asked for by nobody but a person.
    Whole,
}

/// Asks the host for its lists, all within two seconds and the deadline.
pub(crate) fn look(
    host: &Host,
    key: Option<&Secret>,
    proxy: Option<&str>,
    depth: Depth,
    deadline: Option<Duration>,
    clock: &Arc<dyn Clock>,
    cancel: &CancelToken,
) -> Looked {
    let began = clock.monotonic();
    let mut looked = Looked { failure: None, listing: Listing::default(), took_ms: 0 };
    for (n, path) in paths(host, depth).iter().enumerate() {
        let gone = clock.monotonic().saturating_sub(began);
        let limits =
            of_check(host, CHECK.saturating_sub(gone), deadline.map(|left| left.saturating_sub(gone)));
        let outgoing = Outgoing {
            endpoint: &host.endpoint,
            body: None,
            path,
            headers: vec![("accept", "application/json".to_owned())],
            key: key.map(|key| with_header(host, key)),
            proxy,
            ca_file: host.ca_file.as_deref(),
        };
        let heard = transport::send(&outgoing, &limits, clock, cancel).and_then(|mut incoming| {
            let body = incoming.body.read_up_to(LIST_LIMIT)?;
            Ok((incoming.status, incoming.headers, body))
        });
        let failure = match heard {
            Ok((200, _, body)) => {
                // A list that nobody understands says nothing of models; the host is there.
                let _ = wire::read_listing(path, &body, &mut looked.listing);
                None
            }
            Ok((status, headers, body)) => {
                let now_ms = clock.wall_ms();
                Some(wire::of_answer(
                    &Heard { dialect: host.dialect, status, headers: &headers, body: &body, now_ms },
                    None,
                ))
            }
            Err(error) => Some(wire::of_transport(&error)),
        };
        // Only the first says whether it is well; the others are asked for what more they know.
        if n == 0 && failure.as_ref().is_some_and(|failure| !is_there(failure.class)) {
            looked.failure = failure;
            break;
        }
        if failure.is_some_and(|failure| failure.status.is_none()) {
            break;
        }
    }
    looked.took_ms = millis(clock.monotonic().saturating_sub(began));
    looked
}

/// A host that has no such list is there all the same.
const fn is_there(class: Class) -> bool {
    matches!(class, Class::WrongPath | Class::NoModel | Class::BadRequest | Class::TooLong | Class::Empty)
}

fn paths(host: &Host, depth: Depth) -> &'static [&'static str] {
    let paths = wire::health_paths(host.dialect);
    match (depth, host.dialect) {
        (Depth::Glance, _) => paths.get(..1).unwrap_or(paths),
        // Nobody asks the vendor whether it is well before each call; a person may.
        (Depth::Whole, Dialect::Anthropic) => &["/v1/models"],
        // `total_slots` of llama.cpp (S2). A vendor in the world has no such thing.
        (Depth::Whole, Dialect::Openai) if host.max_concurrent.is_none() && host.endpoint.is_private() => {
            &["/v1/models", "/props"]
        }
        (Depth::Loaded | Depth::Whole, _) => paths,
    }
}

/// Whether the model may have to be loaded before the first byte comes: Ollama says nothing while it loads.
pub(crate) fn is_loaded(
    host: &Host,
    model: &str,
    key: Option<&Secret>,
    proxy: Option<&str>,
    deadline: Option<Duration>,
    clock: &Arc<dyn Clock>,
    cancel: &CancelToken,
) -> Option<bool> {
    let limits = of_check(host, CHECK, deadline);
    let path = "/api/ps";
    let outgoing = Outgoing {
        endpoint: &host.endpoint,
        body: None,
        path,
        headers: vec![("accept", "application/json".to_owned())],
        key: key.map(|key| with_header(host, key)),
        proxy,
        ca_file: host.ca_file.as_deref(),
    };
    let mut incoming = transport::send(&outgoing, &limits, clock, cancel).ok()?;
    if incoming.status != 200 {
        return None;
    }
    let mut listing = Listing::default();
    wire::read_listing(path, &incoming.body.read_up_to(LIST_LIMIT).ok()?, &mut listing).ok()?;
    loads(host, model, &listing)
}

/// Whether the list says that the model is in memory; `None` where it does not say.
pub(crate) fn loads(host: &Host, model: &str, listing: &Listing) -> Option<bool> {
    let loaded = listing.loaded.as_ref()?;
    Some(loaded.iter().any(|name| wire::is_same_model(host.dialect, name, model)))
}

/// Whether the list says that the host has the model; `None` where it does not say.
///
/// Ollama's list is all that it has. Servers that speak like OpenAI list aliases, or what is loaded now, or one name for
/// whatever they serve: where the configuration names the model, that counts.
pub(crate) fn has(host: &Host, model: &str, listing: &Listing) -> Option<bool> {
    let models = listing.models.as_ref()?;
    let is_listed = models.iter().any(|name| wire::is_same_model(host.dialect, name, model));
    (is_listed || host.dialect == Dialect::Ollama || host.models.is_empty()).then_some(is_listed)
}
