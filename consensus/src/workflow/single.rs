//! One question to one agent, outside of any run: it is started, heard to its end and judged as an attempt of a run is.
//! Nothing is stored here, and nothing is tried again.

use std::path::PathBuf;
use std::time::Duration;

use conclave_db::process::ProcessIdentity;
use conclave_retry::{ErrorClass, PermanentReason};
use rustix::process::Signal;

use super::launching::{Came, Order, prepare, start};
use super::prompt::Question;
use super::retrying::{Failures, Retrying};
use super::{AttemptEnd, Session, attempt, leftovers, slots};
use crate::agents::{AgentDefinition, Failed, Judged};
use crate::answer::Answer;
use crate::child::{Capture, Leftovers, Limits, Stop};

/// How long what a dead process left has to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// A question.
#[derive(Debug, Clone)]
pub struct Single {
    /// Whom it is put to. The values of its environment are those of the session's definition of this name.
    pub definition: AgentDefinition,
    /// The question; the agent's role goes before it.
    pub prompt: Vec<u8>,
    /// Where the agent works.
    pub directory: PathBuf,
    /// What all processes of it carry in their environment, and no others of any time: what is left of it is found by
    /// that ([`end_lost`]).
    pub mark: String,
    /// What a model's statistics name it by.
    pub run: String,
    /// Bytes that are kept of each of its outputs. An answer that is longer has failed: half of one is none.
    pub kept: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct SingleEnd {
    /// How it ended.
    pub end: AttemptEnd,
    /// Nothing where it was told to stop.
    pub judged: Option<Judged>,
    /// What it wrote to standard output.
    pub stdout: Capture,
    /// What it wrote to standard error.
    pub stderr: Capture,
    /// Whether it was ended by a signal that somebody sent to end it, also where its program says so by its exit code.
    pub was_ended: bool,
}

/// Asks once. `started` is told who the process is, before anything is heard of it; what it does is waited for. The agent
/// has its own `timeout`; `stop` ends it in order, asked a second time at once. When this returns, the process and all
/// that it started have ended.
pub async fn ask_once<F: Future<Output = ()>>(
    session: &Session,
    single: Single,
    stop: &Stop,
    started: impl FnOnce(ProcessIdentity) -> F,
) -> SingleEnd {
    let Single { mut definition, prompt, directory, mark, run, kept } = single;
    definition.env = session.values_of(&definition.name);
    let (known, time) = (definition.known(), definition.timeout);
    let question = Question { role: definition.role.as_deref(), prompt: &prompt, ..Question::default() };
    let prompt = question.compose();
    let _slot = tokio::select! {
        biased;
        () = stop.cancelled() => return SingleEnd::stopped(),
        slot = slots::take() => slot,
    };
    let order = Order { definition, prompt, schema: None, directory, mark, run, time };
    let came = match prepare(session, order).await {
        Err(error) => Came::NotStarted(error),
        Ok(prepared) => match start(prepared.command).await {
            Err(error) => Came::NotStarted(error),
            Ok(running) => {
                started(running.identity().clone()).await;
                let limits = Limits { stdout: kept, stderr: kept, timeout: time, ..Limits::default() };
                let done = running.wait(&limits, stop, |_| ()).await;
                drop(prepared.scratch);
                Came::of(done)
            }
        },
    };
    // An answer may be long: it is read where that holds nobody up.
    let judging = tokio::task::spawn_blocking(move || {
        let (end, judged) = whole(attempt::judge(known, &came, false, false), kept);
        let was_ended = was_ended(came.exit());
        let (stdout, stderr) = match came {
            Came::Ended(done) => (done.stdout, done.stderr),
            Came::NotStarted(_) => Default::default(),
        };
        SingleEnd { end, judged, stdout, stderr, was_ended }
    });
    judging.await.unwrap_or_else(|error| {
        let failed = Failed::new(ErrorClass::Ambiguous, format!("its answer could not be read: {error}"));
        SingleEnd { end: AttemptEnd::Failed, judged: Some(Judged::Failed(failed)), ..SingleEnd::stopped() }
    })
}

impl SingleEnd {
    fn stopped() -> Self {
        let (stdout, stderr) = Default::default();
        Self { end: AttemptEnd::Cancelled, judged: None, stdout, stderr, was_ended: false }
    }
}

/// An answer of which a part is missing is a failure.
fn whole(ended: (AttemptEnd, Option<Judged>), kept: usize) -> (AttemptEnd, Option<Judged>) {
    let Some(Judged::Answer(Answer { is_in_parts: true, usage, session_id, .. })) = ended.1 else {
        return ended;
    };
    let class = ErrorClass::permanent(PermanentReason::InvalidInput);
    let failed = Failed::new(class, format!("its answer is longer than {} MiB", kept >> 20));
    (AttemptEnd::Failed, Some(Judged::Failed(Failed { usage, session_id, ..failed })))
}

/// Whether one that ended so was told to: shells and this program pass the signal on as 128 and its number.
fn was_ended((exit_code, signal): (Option<i32>, Option<i32>)) -> bool {
    let ends = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::KILL, Signal::TERM].map(Signal::as_raw);
    ends.iter().any(|end| signal == Some(*end) || exit_code == Some(128 + end))
}

/// How long to wait before the next attempt of an agent that has failed `before` times already and now once more, of
/// which `degraded` times it ended well and brought nothing; nothing where it is not to be asked again.
pub fn wait_before_retry(
    session: &Session,
    agent: &AgentDefinition,
    (before, degraded): (u32, u32),
    class: ErrorClass,
) -> Option<Duration> {
    let retrying = Retrying { retries: agent.retries, policy: session.retry, random: &*session.random };
    retrying.delay(Failures { all: before, degraded }, class, Duration::MAX)
}

/// Ends what still lives of a question whose asker is known to be dead, and takes its folders away.
pub async fn end_lost(mark: String, process: Option<&ProcessIdentity>) -> Leftovers {
    leftovers::end_one(mark, process, GRACE).await
}
