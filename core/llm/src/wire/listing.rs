//! What hosts say of themselves: models, what is in memory, calls at once.

use serde_json::{Map, Value};

use super::gathered::{count, is_error, parse};
use super::{Listing, Unread};
use crate::host::Dialect;

pub(super) fn read(path: &str, body: &[u8], listing: &mut Listing) -> Result<(), Unread> {
    let Value::Object(document) = parse(body)? else {
        return Err(Unread::Garbage("the answer is no JSON object".to_owned()));
    };
    if is_error(&document) {
        return Err(Unread::Reported(Value::Object(document)));
    }
    match path {
        "/api/tags" => listing.models = Some(names(&document, "models", "name")?.0),
        "/api/ps" => {
            let (loaded, contexts) = names(&document, "models", "name")?;
            listing.loaded = Some(loaded);
            listing.contexts.extend(contexts);
        }
        "/props" => {
            listing.slots = count(&document, "total_slots")
                .and_then(|slots| u32::try_from(slots).ok())
                .filter(|n| *n > 0);
        }
        _ => {
            let (models, contexts) = names(&document, "data", "id")?;
            listing.models = Some(models);
            listing.contexts.extend(contexts);
        }
    }
    Ok(())
}

type Named = (Vec<String>, Vec<(String, u64)>);

fn names(document: &Map<String, Value>, list: &str, name: &str) -> Result<Named, Unread> {
    let entries = match document.get(list) {
        Some(Value::Array(entries)) => entries.as_slice(),
        // A Go server writes an empty list so.
        Some(Value::Null) => &[],
        _ => return Err(Unread::Garbage(format!("the answer has no list {list:?}"))),
    };
    let mut named = Named::default();
    for entry in entries.iter().filter_map(Value::as_object) {
        // Runs in the vendor's cloud: nothing that this host has.
        let is_remote = entry.get("remote_host").and_then(Value::as_str).is_some_and(|host| !host.is_empty());
        let Some(name) =
            entry.get(name).and_then(Value::as_str).filter(|name| !name.is_empty() && !is_remote)
        else {
            continue;
        };
        let context = ["context_length", "max_model_len"].iter().find_map(|field| count(entry, field));
        named.1.extend(context.filter(|tokens| *tokens > 0).map(|tokens| (name.to_owned(), tokens)));
        named.0.push(name.to_owned());
    }
    Ok(named)
}

pub(super) fn is_same_model(dialect: Dialect, one: &str, other: &str) -> bool {
    match dialect {
        Dialect::Ollama => {
            let ((one, its_tag), (other, other_tag)) = (split(one), split(other));
            one.eq_ignore_ascii_case(other) && its_tag.eq_ignore_ascii_case(other_tag)
        }
        Dialect::Openai | Dialect::Anthropic => one == other,
    }
}

/// A name without the usual registry and folder, and its tag.
fn split(name: &str) -> (&str, &str) {
    let name = name.strip_prefix("registry.ollama.ai/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    match name.rsplit_once(':') {
        // The port of a registry is no tag.
        Some((name, tag)) if !tag.contains('/') => (name, if tag.is_empty() { "latest" } else { tag }),
        _ => (name, "latest"),
    }
}
