//! Ours and its peers as one thing to be put under load, in this process or in one of its own.

use std::path::Path;

use clap::ValueEnum;

use super::load::{self, Load, Window};
use super::peers::{mutex, pool, sqlx};
use super::store;
use crate::outcome::Outcome;

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contender {
    Ours,
    Pool,
    Mutex,
    Sqlx,
}

/// How many write at once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Workers {
    Threads(usize),
    Tasks(usize),
}

impl Contender {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Pool => pool::NAME,
            Self::Mutex => mutex::NAME,
            Self::Sqlx => sqlx::NAME,
        }
    }

    /// Creates the file, so that several processes may open it.
    pub(crate) fn create(self, path: &Path) -> Outcome {
        match self {
            Self::Ours => store::open(path, None).map(drop),
            Self::Pool => pool::Pool::create(path),
            Self::Mutex => mutex::Locked::create(path),
            // Its program makes the file as it likes.
            Self::Sqlx => Ok(()),
        }
    }

    /// Durable one-row writes for the time of the window; what ours counted goes with it.
    pub(crate) fn write(self, path: &Path, workers: Workers, window: Window) -> Outcome<(Load, String)> {
        let body = store::body();
        let mut counted = String::new();
        let load = match self {
            Self::Ours => {
                let db = store::open(path, None)?;
                let load = match workers {
                    Workers::Threads(threads) => {
                        load::on_threads(threads, window, |_| Ok(()), |()| store::write(&db, &body))
                    }
                    Workers::Tasks(tasks) => {
                        let db = db.clone();
                        load::on_tasks(tasks, window, move || {
                            let (db, body) = (db.clone(), body.clone());
                            async move { store::write_async(&db, &body).await }
                        })
                    }
                };
                counted = counters(&db);
                load
            }
            Self::Pool => {
                let pool = pool::Pool::open(path)?;
                blocking(workers, window, move || pool.write(&body))
            }
            Self::Mutex => {
                let locked = mutex::Locked::open(path)?;
                blocking(workers, window, move || locked.write(&body))
            }
            Self::Sqlx => match workers {
                Workers::Threads(workers) | Workers::Tasks(workers) => sqlx::write(path, workers, window),
            },
        }?;
        Ok((load, counted))
    }
}

/// A peer that blocks: async callers use it through `spawn_blocking`, as the original's do.
fn blocking<F>(workers: Workers, window: Window, write: F) -> Outcome<Load>
where
    F: Fn() -> Outcome + Clone + Send + Sync + 'static,
{
    match workers {
        Workers::Threads(threads) => load::on_threads(threads, window, |_| Ok(()), |()| write()),
        Workers::Tasks(tasks) => load::on_tasks(tasks, window, move || {
            let write = write.clone();
            async move { tokio::task::spawn_blocking(write).await? }
        }),
    }
}

fn counters(db: &conclave_db::Db) -> String {
    let seen = db.metrics();
    format!(
        "{} writes in {} commits, median group {}, commit p50 {} µs p99 {} µs, queue wait p50 {} µs p99 {} µs, \
         {} checkpoints, {} retries",
        seen.writes,
        seen.commits,
        seen.group_size_p50,
        seen.commit_p50,
        seen.commit_p99,
        seen.queue_wait_p50,
        seen.queue_wait_p99,
        seen.checkpoints,
        seen.retries
    )
}

#[cfg(test)]
mod tests;
