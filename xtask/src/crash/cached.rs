//! What a cache must be: sound, counted right, within its limits, and nothing gone that nothing drove out.

use std::collections::BTreeSet;
use std::path::Path;

use conclave_cache::{Cache, DiskCache, OpenOptions, check};
use conclave_db::doctor::CheckState;
use conclave_db::foreign::Client;

use super::check::whole;
use super::look::number;
use super::work::Worker;
use super::work::cacher::{MOST_BYTES, MOST_ENTRIES, is_kept, kept, large, options_of_small, small};
use crate::outcome::Outcome;

/// Everything that was said about the cache from which nothing goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cached {
    kept: BTreeSet<String>,
}

impl Cached {
    /// A worker has acknowledged.
    pub(crate) fn done(&mut self, worker: &Worker, number: u64, words: &[&str]) -> Outcome {
        match (words, kept(worker, number)) {
            (["cache-keep"], Some(key)) => {
                self.kept.insert(key);
                Ok(())
            }
            (["cache-keep"], None) | (_, Some(_)) => Err(format!("of the cache: {words:?}").into()),
            _ => Ok(()),
        }
    }

    /// When nobody writes.
    pub(crate) fn check(&self, folder: &Path) -> Outcome<usize> {
        if small(folder).exists() {
            sound(&small(folder), options_of_small()?, MOST_ENTRIES, MOST_BYTES)?;
        }
        if large(folder).exists() {
            sound(&large(folder), OpenOptions::default(), u64::MAX, u64::MAX)?;
            let cache = DiskCache::open(&large(folder), OpenOptions::default())?;
            for key in &self.kept {
                if !is_kept(&cache, key)? {
                    return Err(format!("{key} was put into the cache, and is gone").into());
                }
            }
        } else if !self.kept.is_empty() {
            return Err("the cache is gone".into());
        }
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.contains(".db.corrupt-") {
                return Err(format!("nobody has damaged a cache, and there is {name}").into());
            }
        }
        Ok(self.kept.len())
    }
}

fn sound(file: &Path, options: OpenOptions, entries: u64, bytes: u64) -> Outcome {
    whole(&Client::open(file)?)?;
    for check in check::checks(file, options.clone())? {
        if check.state != CheckState::Ok {
            return Err(format!("{}: {check:?}", file.display()).into());
        }
    }
    let stats = DiskCache::open(file, options)?.stats()?;
    let client = Client::open(file)?;
    let count = u64::try_from(number(&client, "SELECT count(*) FROM entries")?)?;
    let sum = u64::try_from(number(&client, "SELECT ifnull(sum(length(value)), 0) FROM entries")?)?;
    if (stats.entries, stats.bytes) != (count, sum) || count > entries || sum > bytes {
        return Err(format!("{}: {count} entries of {sum} bytes: {stats:?}", file.display()).into());
    }
    Ok(())
}
