//! `conclave cache symbols FILE…`: what stands in source files, parsed once for all processes.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use conclave_cache::{Cache, CacheStatus, Language, Looked, Lookup, OnLockTimeout, SymbolsView, Telemetry};
use serde::{Serialize, Serializer};

use super::values::is_lock_timeout;
use crate::cli::context::Context;
use crate::cli::table::{Column, Table, left, right};
use crate::failure::{Exit, Failure};
use crate::parse_cache::{self, Logged};
use crate::text::{counted, size, visible};

const COLUMNS: &[Column] = &[right("lines"), left("kind"), left("name"), left("signature")];

/// A file with a syntax error is shown as far as it goes, and ends with 0; one that there is nothing to be had of with 1,
/// when all others are shown.
pub(super) fn run(context: &Context, files: &[PathBuf]) -> Result<Exit, Failure> {
    let cache = open(context)?;
    let lookup = Lookup::new(cache.as_deref(), &context.project.root);
    let shown = if context.output.json {
        documents(context, &lookup, files)
    } else {
        tables(context, &lookup, files)
    };
    say_what_was_not_kept(context, &lookup)?;
    Ok(if shown? { Exit::Done } else { Exit::StateSaysNo })
}

/// Why the next one will parse again what was parsed now.
fn say_what_was_not_kept(context: &Context, lookup: &Lookup<'_>) -> Result<(), Failure> {
    let output = &context.output;
    if let Some(error) = lookup.unwritten() {
        let why = error.to_string();
        let why = visible(&why);
        output.notice(format!("warning: the cache is read, but nothing more is kept in it: {why}"));
    } else if let Some(error) = lookup.failure() {
        output.notice(format!("warning: the cache is not used: {}", visible(&error.to_string())));
    }
    let too_large = lookup.too_large();
    if too_large > 0 {
        let files = counted(too_large, "file was", "files were");
        let most = size(context.project.config.cache.limits()?.max_bytes());
        output.notice(format!("{files} not kept: larger than the whole cache may be ({most})"));
        output.notice("hint: raise `max_bytes` of `[cache]` in .conclave/config.toml");
    }
    if !context.read_only && !context.project.state_dir.is_dir() {
        output.notice("nothing was kept: no state here");
        output.notice("hint: conclave init");
    }
    Ok(())
}

/// The cache, where there is one to be used: not without state, not under `--read-only`, and not when it cannot be opened.
fn open(context: &Context) -> Result<Option<Box<dyn Cache>>, Failure> {
    if context.read_only || !context.project.state_dir.is_dir() {
        return Ok(None);
    }
    match parse_cache::open(&context.project) {
        Ok(cache) => Ok(Some(Box::new(Telemetry::new(cache, "sqlite", std::sync::Arc::new(Logged))))),
        Err(failure)
            if is_lock_timeout(&failure)
                && parse_cache::on_lock_timeout(&context.project) == OnLockTimeout::Fail =>
        {
            Err(failure)
        }
        Err(failure) => {
            context.output.notice(format!("warning: the cache is not used: {}", visible(&failure.message)));
            Ok(None)
        }
    }
}

/// One file as JSON. The symbols are written while they are read, in place.
#[derive(Debug, Serialize)]
struct Document<'look> {
    file: &'look str,
    language: Option<Language>,
    cache_status: CacheStatus,
    cached: bool,
    error: Option<&'look str>,
    symbols: &'look serde_json::value::RawValue,
}

struct Symbols<'v>(SymbolsView<'v>);

impl Serialize for Symbols<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

/// Prints the array as it grows; whether all files were usable.
fn documents(context: &Context, lookup: &Lookup<'_>, files: &[PathBuf]) -> Result<bool, Failure> {
    let internal = |error: serde_json::Error| Failure::internal(format!("write JSON: {error}"));
    let mut out = context.output.writer();
    let print = |error: std::io::Error| Failure::io("print", &error);
    let mut all = true;
    for (at, file) in files.iter().enumerate() {
        let mut symbols = Ok("[]".to_owned());
        let looked = lookup.file(&context.environment.folder.join(file), &mut |view| {
            symbols = serde_json::to_string(&Symbols(view));
        });
        all &= looked.usable;
        let symbols = symbols.and_then(serde_json::value::RawValue::from_string).map_err(internal)?;
        let document = Document {
            file: &file.to_string_lossy(),
            language: looked.language,
            cache_status: looked.status,
            cached: looked.cached,
            error: looked.error.as_deref(),
            symbols: &symbols,
        };
        let text = serde_json::to_string(&document).map_err(internal)?;
        write!(out, "{}{text}", if at == 0 { "[" } else { ",\n" }).map_err(print)?;
    }
    out.write_all(b"]\n").and_then(|()| out.flush()).map_err(print)?;
    Ok(all)
}

fn tables(context: &Context, lookup: &Lookup<'_>, files: &[PathBuf]) -> Result<bool, Failure> {
    let mut all = true;
    for (at, file) in files.iter().enumerate() {
        let mut rows = Vec::new();
        let looked = lookup.file(&context.environment.folder.join(file), &mut |view| {
            rows = view.iter().map(row).collect();
        });
        all &= looked.usable;
        context.output.print(heading(file, &looked, at == 0))?;
        if !rows.is_empty() {
            context.output.print(Table::new(COLUMNS, context.output.columns).lines(&rows, true))?;
        }
    }
    Ok(all)
}

fn heading(file: &Path, looked: &Looked, is_first: bool) -> String {
    let language = looked.language.map_or("unknown", Language::as_str);
    let status = match (&looked.error, looked.cached) {
        (Some(error), true) => format!("error, cached: {error}"),
        (Some(error), false) => format!("error: {error}"),
        (None, _) => looked.status.as_str().to_owned(),
    };
    let gap = if is_first { "" } else { "\n" };
    format!("{gap}{}  {language}  {}\n", visible(&file.to_string_lossy()), visible(&status))
}

fn row(symbol: conclave_cache::Symbol<'_>) -> Vec<String> {
    vec![
        format!("{}-{}", symbol.start_line, symbol.end_line),
        symbol.kind.as_str().to_owned(),
        symbol.qualified_name.to_owned(),
        symbol.signature.to_owned(),
    ]
}
