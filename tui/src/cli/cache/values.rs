//! `conclave cache get|put|delete|clear`: values of users, by keys of their own.

use std::io::Read as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use conclave_cache::{Cache, CacheErrorKind, CacheKey, DiskCache, Put};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::failure::{Doing as _, Exit, Failure};
use crate::parse_cache;
use crate::text::{counted, size, visible};

/// What SQLite keeps in one row, whatever the limits are, with room for the rest of it.
/// <https://sqlite.org/limits.html> (`SQLITE_MAX_LENGTH`)
const MOST: u64 = 900_000_000;

/// Its bytes as they are; with `--json` as text, or in base64 where they are none.
pub(super) fn get(context: &Context, key: &str) -> Result<Exit, Failure> {
    let known = CacheKey::user(key)?;
    let mut value = None;
    if let Some(cache) = to_look_up(context)? {
        cache.get(&known, &mut |bytes| value = Some(bytes.to_vec())).doing("read the cache")?;
        say_put_aside(context, &cache);
    }
    let Some(value) = value else { return Err(absent(key)) };
    if !context.output.json {
        context.output.bytes(&value)?;
        return Ok(Exit::Done);
    }
    let value = match String::from_utf8(value) {
        Ok(text) => Value::String(text),
        Err(bytes) => json!({ "base64": BASE64_STANDARD.encode(bytes.as_bytes()) }),
    };
    context.output.document(&json!({ "key": key, "value": value }))?;
    Ok(Exit::Done)
}

/// The cache, to be read. Where it may be written, too, the lookup is counted.
fn to_look_up(context: &Context) -> Result<Option<DiskCache>, Failure> {
    let project = &context.project;
    let opened = if context.read_only {
        parse_cache::open_read_only(project)
    } else {
        parse_cache::open_existing(project)
    };
    opened.or_else(|failure| {
        if !parse_cache::is_gone_around(project, &failure) {
            return Err(failure);
        }
        context.output.notice(format!("warning: the cache is not used: {}", visible(&failure.message)));
        Ok(None)
    })
}

/// Says that a damaged file was put aside, where it was.
fn say_put_aside(context: &Context, cache: &DiskCache) {
    for words in parse_cache::put_aside_in_words(cache) {
        context.output.notice(format!("warning: {words}"));
    }
}

fn absent(key: &str) -> Failure {
    Failure::not_found(format!("the cache has no key {key:?}"))
}

pub(super) fn put(context: &Context, key: &str) -> Result<Exit, Failure> {
    let known = CacheKey::user(key)?;
    let most = context.project.config.cache.limits()?.max_bytes().min(MOST);
    let mut value = Vec::new();
    let read = std::io::stdin().lock().take(most.saturating_add(1)).read_to_end(&mut value);
    read.map_err(|error| Failure::io("read standard input", &error))?;
    let bytes = value.len() as u64;
    if bytes > most {
        return Err(too_large(most));
    }
    let is_new = !context.project.state_dir.exists();
    let cache = parse_cache::open(&context.project).map_err(|failure| not_kept(context, failure))?;
    if is_new {
        context.output.notice(format!("created {}", parse_cache::file(&context.project).display()));
    }
    let put = cache.put(&known, &value).doing("write to the cache")?;
    say_put_aside(context, &cache);
    match put {
        Put::TooLarge => Err(too_large(most)),
        Put::Stored { evicted } => {
            if context.output.json {
                let object = json!({ "key": key, "stored": true, "bytes": bytes, "evicted": evicted });
                context.output.document(&object)?;
            }
            Ok(Exit::Done)
        }
    }
}

/// Gone around is not kept, which whoever counts on it must hear of: the state says no, and nothing is broken.
fn not_kept(context: &Context, failure: Failure) -> Failure {
    if !parse_cache::is_gone_around(&context.project, &failure) {
        return failure;
    }
    Failure { exit: Exit::StateSaysNo, ..failure.doing("the value was not kept") }
}

fn too_large(most: u64) -> Failure {
    if most == MOST {
        let message = format!("the value is larger than one value may be ({})", size(most));
        return Failure::new(Exit::StateSaysNo, "too_large", message).hint("keep it in a file");
    }
    let message = format!("the value is larger than the whole cache may be ({})", size(most));
    Failure::new(Exit::StateSaysNo, "too_large", message)
        .hint("raise `max_bytes` in [cache], or keep it in a file")
}

pub(super) fn delete(context: &Context, key: &str) -> Result<Exit, Failure> {
    let known = CacheKey::user(key)?;
    let deleted = match parse_cache::open_existing(&context.project)? {
        Some(cache) => cache.delete(&known).doing("write to the cache")?,
        None => false,
    };
    if !deleted {
        return Err(absent(key));
    }
    if context.output.json {
        context.output.document(&json!({ "key": key, "deleted": true }))?;
    }
    Ok(Exit::Done)
}

/// Symbols and values of users: all there is.
pub(super) fn clear(context: &Context) -> Result<Exit, Failure> {
    let entries = match parse_cache::open_existing(&context.project)? {
        Some(cache) => {
            let damaged = DiskCache::damaged_files(&parse_cache::file(&context.project))?;
            let entries = cache.clear().doing("clear the cache")?;
            if !damaged.is_empty() {
                let files = counted(damaged.len() as u64, "damaged file", "damaged files");
                context.output.notice(format!("{files} that had been put aside went too"));
            }
            entries
        }
        None => 0,
    };
    if context.output.json {
        context.output.document(&json!({ "entries": entries }))?;
    } else {
        context.output.print(format_args!("{} removed\n", counted(entries, "entry", "entries")))?;
    }
    Ok(Exit::Done)
}

/// Whether somebody else had the guard of the file's life all the time.
pub(super) fn is_lock_timeout(failure: &Failure) -> bool {
    failure.kind == CacheErrorKind::LockTimeout.as_str()
}
