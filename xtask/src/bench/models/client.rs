//! Clients as the program makes them, over hosts of a benchmark.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_db::clock::SystemBootClock;
use conclave_db::{Db, DbOptions};
use conclave_llm::{
    Client, ClientOptions, Dialect, Endpoint, Host, Hosts, ProxySetting, Shared, Sources, Timeouts,
};
use conclave_retry::{SystemClock, SystemRandom, SystemSleeper};
use conclave_testkit::ModelServer;

use super::MODEL;
use crate::outcome::Outcome;

/// One host that speaks as Ollama does.
pub(super) fn host(name: &str, server: &ModelServer, slots: u32) -> Outcome<Host> {
    Ok(Host {
        name: name.to_owned(),
        endpoint: Endpoint::parse(&server.url(), Dialect::Ollama)?,
        dialect: Dialect::Ollama,
        models: vec![MODEL.to_owned()],
        tasks: Vec::new(),
        priority: 1,
        max_concurrent: Some(slots),
        timeouts: Timeouts::default(),
        key: None,
        breaker: true,
        proxy: ProxySetting::Direct,
        ca_file: None,
        allow_plain_key: false,
        stream: true,
        api_version: None,
        max_tokens: None,
        max_completion_tokens: false,
        context: None,
        billed: false,
    })
}

/// A client of these hosts; what it knows stands in `global.db` of the folder, or in this process alone.
pub(super) fn client(hosts: Vec<Host>, folder: Option<&Path>) -> Outcome<Client> {
    let global = match folder {
        Some(folder) => {
            let schema = conclave::state::global_schema()?;
            Some(Db::open(DbOptions::new(folder.join("global.db"), schema))?)
        }
        None => None,
    };
    let random = Arc::new(SystemRandom);
    let shared = Shared::new(global, Arc::new(SystemClock), Arc::new(SystemBootClock), random.clone());
    let sources = Sources {
        clock: Arc::new(SystemClock),
        sleeper: Arc::new(SystemSleeper),
        random,
        environment: Arc::new(|_| None),
    };
    let hosts =
        Hosts { hosts, fallback: None, queue_timeout: Some(Duration::from_mins(1)), max_prompt_bytes: None };
    Ok(Client::new(hosts, shared, sources, ClientOptions::default()))
}
