//! Whether hosts are well, asked all at once within two seconds (R10).

use std::time::Duration;

use conclave_retry::CancelToken;

use crate::class::Class;
use crate::client::Client;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The host's name.
    pub host: String,
    /// `None` where it is well.
    pub failure: Option<(Class, String)>,
    /// The models that it says it has.
    pub models: Option<Vec<String>>,
    /// Those in memory.
    pub loaded: Option<Vec<String>>,
    /// Until it answered.
    pub took: Duration,
}

/// Asks these hosts, all at once; a host that is open and answers is tried out by its next call.
pub fn check(client: &Client, names: Option<&[String]>, cancel: &CancelToken) -> Vec<Health> {
    let _ = (client, names, cancel);
    todo!("c")
}
