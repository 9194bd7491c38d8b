//! One look at one host: the lists that it gives, by GET, and what they say of it.

use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, Clock};

use crate::call::{CHECK, millis, of_check, with_header};
use crate::class::Class;
use crate::host::{Dialect, Host};
use crate::redact::Redactor;
use crate::secret::Secret;
use crate::transport::{self, Outgoing};
use crate::wire::{self, Failure, Heard, Listing};

/// The most bytes of a list. A host that has more models than that has also said enough.
const LIST_LIMIT: usize = 4 << 20;

/// The most models of a list that are regarded.
const MOST_MODELS: usize = 4096;

/// What a look found.
#[derive(Debug, Clone)]
pub(crate) struct Looked {
    /// `None` where the host is well.
    pub(crate) failure: Option<Failure>,
    pub(crate) listing: Listing,
    /// Whether it answered with something that nobody understands: no failure where a question may still be understood,
    /// and no sign that it is well.
    pub(crate) is_vague: bool,
    pub(crate) took_ms: u64,
}

/// How thorough a look is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// One request that tells whether it is well.
    Glance,
    /// That, and which models are in memory, or how many calls at once it takes.
    Loaded,
    /// How many calls at once it takes, and nothing else.
    Slots,
    /// Everything that it says of itself, also where that is asked for by nobody but a person.
    Whole,
}

/// Asks the host for its lists, all `within` this time, two seconds at most, and the deadline.
#[expect(clippy::too_many_arguments, reason = "what a request is made of")]
pub(crate) fn look(
    host: &Host,
    key: Option<&Secret>,
    proxy: Option<&str>,
    depth: Depth,
    within: Duration,
    deadline: Option<Duration>,
    clock: &Arc<dyn Clock>,
    cancel: &CancelToken,
) -> Looked {
    let began = clock.monotonic();
    let within = within.min(CHECK);
    let mut looked = Looked { failure: None, listing: Listing::default(), is_vague: false, took_ms: 0 };
    for (n, path) in paths(host, depth).iter().enumerate() {
        let gone = clock.monotonic().saturating_sub(began);
        let limits =
            of_check(host, within.saturating_sub(gone), deadline.map(|left| left.saturating_sub(gone)));
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
                // A list that nobody understands says nothing of models; questions may be understood all the same.
                let unread = wire::read_listing(path, &body, &mut looked.listing).err();
                looked.is_vague |= n == 0 && unread.is_some();
                None
            }
            Ok((status, headers, body)) => {
                let now_ms = clock.wall_ms();
                Some(wire::of_answer(
                    &Heard { dialect: host.dialect, status, headers: &headers, body: &body, now_ms },
                    None,
                ))
            }
            Err(error) => Some(of_transport(&error, within)),
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
    without_keys(host, key, &mut looked.listing);
    looked.took_ms = millis(clock.monotonic().saturating_sub(began));
    looked
}

/// In words of a check, which knows no limits but its own.
fn of_transport(error: &transport::TransportError, within: Duration) -> Failure {
    let failure = wire::of_transport(error);
    if failure.class != Class::Timeout {
        return failure;
    }
    let seconds = within.as_secs_f64();
    Failure { message: format!("it did not answer a check within {seconds:.0} s"), ..failure }
}

/// A server may give a key back as the name of a model, and names go everywhere: such a name is none (R16).
fn without_keys(host: &Host, key: Option<&Secret>, listing: &mut Listing) {
    let redactor = Redactor::new(key.into_iter().chain(host.endpoint.secrets()));
    let is_name = |name: &str| redactor.text(name) == name;
    for names in [&mut listing.models, &mut listing.loaded].into_iter().flatten() {
        names.truncate(MOST_MODELS);
        names.retain(|name| is_name(name));
    }
    listing.contexts.truncate(MOST_MODELS);
    listing.contexts.retain(|(name, _)| is_name(name));
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
        (Depth::Loaded | Depth::Whole, Dialect::Openai) if says_slots(host) => &["/v1/models", "/props"],
        (Depth::Slots, _) if says_slots(host) => &["/props"],
        (Depth::Slots, _) => &[],
        (Depth::Loaded | Depth::Whole, _) => paths,
    }
}

/// Whether the host may say how many calls it takes at once, and nobody else does: `total_slots` of llama.cpp (S2). A vendor
/// in the world has no such thing.
pub(crate) fn says_slots(host: &Host) -> bool {
    host.dialect == Dialect::Openai && host.max_concurrent.is_none() && host.endpoint.is_private()
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
