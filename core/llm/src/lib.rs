//! One client for models on several hosts.
//!
//! A question goes to the first host that can take it, and to the next where that fails; at the end to the cloud,
//! where that is configured. What is known of the hosts (breakers, blocks, calls that run, how fast they answer)
//! stands in `global.db`, so that ten short commands in a row meet what the first one found out.
//!
//! | module | what it knows |
//! |---|---|
//! | `endpoint`, `host`, `secret`, `proxy` | where a host is and how it is reached |
//! | `transport` | bytes over HTTP/1.1, with limits for connecting, the first byte, silence and the whole call |
//! | `wire` | what the three dialects say and understand |
//! | `class` | what a failure means: the one table |
//! | `shared`, `store` | what all processes know together |
//! | `breaker`, `choose`, `change`, `ledger` | what is decided from it, wherever it lies |
//! | `client` | whom to ask, in which order, and when to stop |
//!
//! # What it promises
//!
//! - An answer is whole only where its end marker came; a part of one is never given as a whole.
//! - After the first shown byte nothing is switched silently.
//! - A key is in no error, no log, no answer and no row.
//! - What is wrong with statistics or the machine-wide file never fails a call.

#![expect(dead_code, unused_imports, reason = "the shape of the crate; its parts are being built")]

mod admission;
mod answer;
mod beats;
mod breaker;
mod call;
mod change;
mod choose;
mod class;
mod client;
mod commands;
mod endpoint;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod health;
mod host;
mod ledger;
mod overview;
mod presence;
mod proxy;
mod redact;
mod secret;
mod shared;
mod store;
mod stream;
mod transport;
mod twin;
mod wire;

pub use self::answer::{Answer, AttemptReport, Finish, Skipped, Tokens, Why};
pub use self::class::Class;
pub use self::client::{Client, ClientOptions, Environment, Options, Sources};
pub use self::commands::{close, force_open, reset};
pub use self::endpoint::Endpoint;
pub use self::error::{Failed, LlmError, LlmErrorKind, Result};
pub use self::health::{Health, check};
pub use self::host::{Dialect, Fallback, Host, Hosts, KeySource, ProxySetting, Timeouts};
pub use self::overview::{BreakerView, CallView, HostView, calls, overview};
pub use self::shared::Shared;
pub use self::store::GLOBAL_MIGRATIONS;
pub use self::stream::{Event, OnCut};
