//! Durable one-row writes through a pool of sqlx: says `ready`, waits for `go`, answers with its load as JSON.
//!
//! The same table, row, pragmas and `BEGIN IMMEDIATE` as the other peers of `cargo xtask bench`, whose
//! `child.rs` speaks the other side. Arguments: the database, how many tasks write, for how many milliseconds.

mod clock;

use std::error::Error;
use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::SqlitePool;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS log(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT";
const INSERT: &str = "INSERT INTO log(body) VALUES(?1)";

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, tasks, millis] = &arguments[..] else { return Err("DATABASE TASKS MILLISECONDS".into()) };
    let (tasks, measured) = (tasks.parse()?, Duration::from_millis(millis.parse()?));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(path, tasks, measured))
}

async fn run(path: &str, tasks: usize, measured: Duration) -> Outcome {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("recursive_triggers", "ON")
        .pragma("cache_size", "-32000")
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", "67108864");
    // The file first, on one connection: ten that switch to WAL at once would race.
    let first = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    sqlx::query(TABLE).execute(&first).await?;
    first.close().await;
    let pool = SqlitePoolOptions::new()
        .max_connections(10)
        .min_connections(10)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    println!("ready");
    let mut go = String::new();
    std::io::stdin().lock().read_line(&mut go)?;
    if go.trim() != "go" {
        return Err("the parent is gone".into());
    }
    let from = clock::now() + measured / 10;
    let body = body();
    let started: Vec<_> =
        (0..tasks).map(|_| tokio::spawn(work(pool.clone(), body.clone(), from, from + measured))).collect();
    let mut records = Vec::new();
    for task in started {
        records.push(task.await?);
    }
    println!("{}", answer(&records, measured));
    pool.close().await;
    Ok(())
}

/// What one task did inside the window.
#[derive(Default)]
struct Record {
    done: u64,
    waits_us: Vec<u128>,
    errors: u64,
    first_error: Option<String>,
}

async fn work(pool: SqlitePool, body: Arc<[u8]>, from: Instant, until: Instant) -> Record {
    let mut record = Record::default();
    loop {
        let begun = clock::now();
        if begun >= until {
            return record;
        }
        let outcome = write(&pool, &body).await;
        let ended = clock::now();
        if begun < from {
            continue;
        }
        record.waits_us.push(ended.duration_since(begun).as_micros());
        match outcome {
            Ok(()) if ended <= until => record.done += 1,
            Ok(()) => {}
            Err(error) => {
                record.errors += 1;
                record.first_error.get_or_insert_with(|| error.to_string());
            }
        }
    }
}

async fn write(pool: &SqlitePool, body: &[u8]) -> Outcome {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(INSERT).bind(body).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// 2 KiB, as the others write.
fn body() -> Arc<[u8]> {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()[0]
    };
    (0..2048).map(|_| next()).collect()
}

fn answer(records: &[Record], measured: Duration) -> String {
    let mut waits: Vec<u128> = records.iter().flat_map(|record| record.waits_us.iter().copied()).collect();
    waits.sort_unstable();
    let quantile = |permille: usize| {
        waits.get((waits.len() * permille).div_ceil(1000).saturating_sub(1)).copied().unwrap_or(0)
    };
    let done: Vec<u64> = records.iter().map(|record| record.done).collect();
    let errors: u64 = records.iter().map(|record| record.errors).sum();
    let first_error = records.iter().find_map(|record| record.first_error.as_deref());
    // Quotes and backslashes are all that an SQLite message may hold of what JSON escapes.
    let first_error = first_error.map_or_else(
        || "null".to_owned(),
        |text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ")),
    );
    format!(
        "{{\"done\":{done:?},\"seconds\":{},\"p50_us\":{},\"p99_us\":{},\"worst_us\":{},\"errors\":{errors},\
         \"first_error\":{first_error}}}",
        measured.as_secs_f64(),
        quantile(500),
        quantile(990),
        quantile(1000)
    )
}
