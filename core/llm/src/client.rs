//! Whom to ask, in which order, and when to stop (R1–R7).
//!
//! | module | its one reason |
//! |---|---|
//! | `prompt` | what is refused before anything is sent |
//! | `route` | which hosts could take the question |
//! | `checks` | which of them are well |
//! | `asking` | one question: rounds, waits, the end |
//! | `attempt` | one request and what follows from its failure |
//! | `queue` | waiting for a free slot |
//! | `cloud` | the fallback |
//! | `ledger` | what is told afterwards |
//! | `ear` | what is shown while it comes |

mod asking;
mod attempt;
mod background;
mod checks;
mod cloud;
mod ear;
mod known;
mod ledger;
mod prompt;
mod queue;
mod route;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, Clock, Random, Sleeper};

use self::asking::Asking;
use self::known::Known;
pub(crate) use self::route::key_of;
use crate::answer::Answer;
use crate::error::Result;
use crate::host::Hosts;
use crate::shared::Shared;
use crate::stream::{Event, OnCut};

/// Where variables are looked up.
pub type Environment = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Time, chance and environment, handed in.
#[derive(Clone)]
pub struct Sources {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The waits.
    pub sleeper: Arc<dyn Sleeper>,
    /// The jitter.
    pub random: Arc<dyn Random>,
    /// Variables: proxies and keys.
    pub environment: Environment,
}

/// How a client behaves.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// Requests of one question, at most; 3 where `None`. The fallback's are not among them.
    pub max_attempts: Option<u32>,
}

/// How one question is asked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The model; any that serves the task where `None`.
    pub model: Option<String>,
    /// This host and no other, not the fallback either.
    pub host: Option<String>,
    /// What the model is to be.
    pub system: Option<String>,
    /// The caller's deadline, from now.
    pub timeout: Option<Duration>,
    /// Never the fallback.
    pub local: bool,
    /// Where all hosts are open: wait for the first that may be tried out, within the deadline.
    pub wait: bool,
    /// Whether thinking is shown.
    pub thinking: bool,
    /// What a stream does when it is cut.
    pub on_cut: OnCut,
    /// The run that asks, for statistics.
    pub run: Option<String>,
    /// Between 0 and 2; the host's own where `None`.
    pub temperature: Option<f64>,
}

/// The client. Clones are the same; calls from many threads at once are fine.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) hosts: Hosts,
    pub(crate) shared: Shared,
    pub(crate) sources: Sources,
    pub(crate) known: Known,
    options: ClientOptions,
}

impl Client {
    /// Over these hosts. Reads no key and sends nothing yet.
    pub fn new(hosts: Hosts, shared: Shared, sources: Sources, options: ClientOptions) -> Self {
        let known = Known::default();
        Self { inner: Arc::new(Inner { hosts, shared, sources, known, options }) }
    }

    /// The hosts that it was made for.
    pub fn hosts(&self) -> &Hosts {
        &self.inner.hosts
    }

    /// Asks, and waits for the whole answer. `prompt` is refused where it is blank, too long or no UTF-8, before anything
    /// is sent; `task` is the type of the task, which chooses the hosts (empty: none in particular).
    ///
    /// # Errors
    /// Every host that was tried or passed over, in order; never an answer that is not whole.
    pub fn generate(
        &self,
        prompt: &[u8],
        task: &str,
        options: &Options,
        cancel: &CancelToken,
    ) -> Result<Answer> {
        Asking::new(&self.inner, prompt, task, options, cancel, None)?.run()
    }

    /// The same, each piece told as it comes. Returns when the last event was told.
    pub fn generate_stream(
        &self,
        prompt: &[u8],
        task: &str,
        options: &Options,
        cancel: &CancelToken,
        tell: &mut dyn FnMut(Event),
    ) {
        let answer =
            Asking::new(&self.inner, prompt, task, options, cancel, Some(&mut *tell)).and_then(Asking::run);
        tell(match answer {
            Ok(answer) => Event::Done(Box::new(answer)),
            Err(error) => Event::Failed(Box::new(error)),
        });
    }

    /// [`generate`](Self::generate) on a thread of its own, which begins at once. Dropped, the call is cancelled.
    pub fn generate_async(
        &self,
        prompt: Vec<u8>,
        task: String,
        options: Options,
    ) -> impl Future<Output = Result<Answer>> + Send + use<> {
        let client = self.clone();
        background::run(move |cancel| client.generate(&prompt, &task, &options, cancel))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("hosts", &self.inner.hosts).finish_non_exhaustive()
    }
}
