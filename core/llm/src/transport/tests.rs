//! The transport against servers on loopback that fail on purpose.

mod answers;
mod encryption;
mod proxies;
mod server;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, Clock, SystemClock};

use super::{Incoming, Limit, Limits, Outgoing, TransportError, send};
use crate::endpoint::Endpoint;
use crate::host::Dialect;
use crate::secret::Secret;

/// No limit that a slow machine reaches.
const LONG: Duration = Duration::from_mins(1);

/// What a test scales its limits to.
const SHORT: Duration = Duration::from_millis(300);

fn limits() -> Limits {
    Limits { connect: LONG, first_byte: LONG, idle: LONG, total: LONG, deadline: None }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// One request, with what most tests do not care for.
struct Request {
    endpoint: Endpoint,
    body: Option<Vec<u8>>,
    key: Option<(&'static str, Secret)>,
    proxy: Option<String>,
    ca_file: Option<std::path::PathBuf>,
    limits: Limits,
    cancel: CancelToken,
}

impl Request {
    fn to(url: &str) -> Self {
        Self {
            endpoint: Endpoint::parse(url, Dialect::Openai).expect("a URL"),
            body: Some(br#"{"model":"m"}"#.to_vec()),
            key: None,
            proxy: None,
            ca_file: None,
            limits: limits(),
            cancel: CancelToken::new(),
        }
    }

    fn outgoing<T>(&self, with: impl FnOnce(&Outgoing<'_>) -> T) -> T {
        with(&Outgoing {
            endpoint: &self.endpoint,
            body: self.body.as_deref(),
            path: "/v1/chat/completions",
            headers: vec![("content-type", "application/json".to_owned())],
            key: self.key.clone(),
            proxy: self.proxy.as_deref(),
            ca_file: self.ca_file.as_deref(),
        })
    }

    fn send(&self) -> Result<Incoming, TransportError> {
        self.outgoing(|outgoing| send(outgoing, &self.limits, &clock(), &self.cancel))
    }

    /// The status and all of the body.
    fn whole(&self) -> Result<(u16, String), TransportError> {
        let mut incoming = self.send()?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 100];
        loop {
            match incoming.body.read(&mut buffer)? {
                0 => return Ok((incoming.status, String::from_utf8_lossy(&bytes).into_owned())),
                count => bytes.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn error(&self) -> TransportError {
        match self.whole() {
            Ok(answer) => panic!("it answered {answer:?}"),
            Err(error) => error,
        }
    }
}
