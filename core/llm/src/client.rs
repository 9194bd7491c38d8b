//! Whom to ask, in which order, and when to stop (R1–R7).

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, Clock, Random, Sleeper};

use crate::answer::Answer;
use crate::error::Result;
use crate::host::Hosts;
use crate::shared::Shared;
use crate::stream::{Event, OnCut};

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
    pub environment: Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>,
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
    inner: Arc<Inner>,
}

struct Inner {
    _hosts: Hosts,
    _shared: Shared,
    _sources: Sources,
    _options: ClientOptions,
}

impl Client {
    /// Over these hosts. Reads no key and sends nothing yet.
    pub fn new(hosts: Hosts, shared: Shared, sources: Sources, options: ClientOptions) -> Self {
        Self {
            inner: Arc::new(Inner { _hosts: hosts, _shared: shared, _sources: sources, _options: options }),
        }
    }

    /// Asks, and waits for the whole answer. `prompt` is refused where it is blank, too long or no UTF-8, before anything
    /// is sent; `task` is the type of the task, which chooses the hosts.
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
        let _ = (&self.inner, prompt, task, options, cancel);
        todo!("c")
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
        let _ = (prompt, task, options, cancel, tell);
        todo!("c")
    }

    /// [`generate`](Self::generate) on a thread of its own. Dropped, the call is cancelled.
    pub fn generate_async(
        &self,
        prompt: Vec<u8>,
        task: String,
        options: Options,
    ) -> impl Future<Output = Result<Answer>> + Send + 'static {
        let _ = (prompt, task, options);
        async { todo!("c") }
    }
}
