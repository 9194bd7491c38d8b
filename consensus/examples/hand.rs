//! Hand check.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::disallowed_methods
)]
use conclave_consensus::import::{ImportOptions, import_file};
use conclave_consensus::*;
use conclave_db::*;
fn main() {
    let mut args = std::env::args().skip(1);
    let (state, source) = (args.next().unwrap(), args.next().unwrap());
    let db =
        Db::open(DbOptions::new(&state, Schema::assemble(&[MIGRATIONS], LEGACY_TABLES).unwrap())).unwrap();
    let t = std::time::Instant::now();
    let report = import_file(
        &db,
        source.as_ref(),
        &ImportOptions {
            chunk_time: std::time::Duration::from_millis(
                std::env::var("CT").map_or(10, |t| t.parse().unwrap()),
            ),
            ..Default::default()
        },
        &mut |_| {},
    )
    .unwrap();
    let took = t.elapsed();
    let locks = report.locks.clone();
    let mut short = serde_json::to_value(&report).unwrap();
    for (k, v) in short.as_object_mut().unwrap() {
        if v.is_array() {
            *v = format!("{} rows", v.as_array().unwrap().len()).into();
            let _ = k;
        }
    }
    println!("{}", serde_json::to_string_pretty(&short).unwrap());
    println!("took {took:?} chunks {} longest {:?} p99 {:?}", locks.chunks(), locks.longest(), locks.p99());
}
