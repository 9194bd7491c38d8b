//! One client for models on several hosts.
//!
//! A question goes to the first host that can take it, and to the next where that fails; at the end to the cloud,
//! where that is configured. What is known of the hosts (breakers, blocks, calls that run, how fast they answer)
//! stands in `global.db`, so that ten short commands in a row meet what the first one found out.
//!
//! | module | what it knows |
//! |---|---|
//! | `client` | whom to ask, in which order, and when to stop |
//! | `answer`, `stream`, `error` | what comes of it: whole, piece by piece, or in words why not |
//! | `call` | one request to one host, to its marker |
//! | `wire` | what the three dialects say and understand |
//! | `transport` | bytes over HTTP/1.1, with limits for connecting, the first byte, silence and the whole call |
//! | `endpoint`, `host`, `secret`, `proxy` | where a host is and how it is reached |
//! | `redact` | keys, taken out of whatever leaves the crate |
//! | `class` | what a failure means: the one table |
//! | `health` | how hosts are and what they have, asked all at once |
//! | `shared`, `admission` | what all processes know together, and a call's place in it |
//! | `breaker`, `choose`, `change`, `ledger` | what is decided from it, wherever it lies |
//! | `store`, `twin` | where it lies: in `global.db`, or in this process alone |
//! | `presence`, `beats` | whether the process of a call still runs |
//! | `overview`, `commands` | what people see of it, and what they do to it |
//!
//! # What it promises
//!
//! - An answer is whole only where its end marker came; a part of one is never given as a whole.
//! - After the first shown byte nothing is switched silently.
//! - A key is in no error, no log, no answer and no row.
//! - What is wrong with statistics or the machine-wide file never fails a call.
//!
//! # How it fails
//!
//! A question ends with [`LlmError::Failed`] where nobody answered: every request that was sent and every host that was
//! passed over, in order, with what decided as its kind (nobody may be asked now, the caller's own fault, all failed, the
//! deadline, cancelled). A question that makes no sense is [`LlmError::Invalid`], before anything is sent. Only commands that
//! change or read the machine-wide file fail for that ([`LlmError::Storage`]); a question goes on without it, with a warning.

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
