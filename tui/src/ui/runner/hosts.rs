//! What the threads read of the hosts of models, do to them, and ask them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_consensus::migrate::Attention;
use conclave_llm::{CallView, Event, Health, Host, LlmError, LlmErrorKind, OnCut, Options};
use conclave_retry::CancelToken;

use super::Shared;
use super::coordination::Global;
use super::deeds::AtWork;
use crate::attention;
use crate::failure::{Doing as _, Exit, Failure};
use crate::machine::Machine;
use crate::model_client;
use crate::project::Project;
use crate::text::counted;
use crate::times;
use crate::ui::event_loop::spawn;
use crate::ui::message::Msg;
use crate::ui::problem::Problem;
use crate::ui::screens::hosts::{Asked, Budget, Deed, DeedKind, Found, MOST, Piece, Reply};

/// How long the end of the program waits for a call that is taken back: it is to free its slot.
const PATIENCE: Duration = Duration::from_millis(500);

/// The hosts of the configuration as it is now, and how they stand. What cannot be read is told beside the rest.
pub(super) fn read(global: &mut Global, shared: &Shared) -> Found {
    let project = match shared.project_read_again() {
        Ok(project) => project,
        Err(failure) => return Found { problem: Some(failure.into()), ..Found::default() },
    };
    let hosts = model_client::hosts(&project, &shared.environment);
    let fallback = hosts.fallback.as_ref();
    let budget = Budget {
        calls_per_hour: fallback.and_then(|fallback| fallback.calls_per_hour),
        tokens_per_day: fallback.and_then(|fallback| fallback.tokens_per_day),
    };
    let opened = match &shared.machine {
        Some(machine) => global.opened(machine),
        None => Ok(None),
    };
    let (db, mut problem) = match opened {
        Ok(db) => (db, None),
        Err(failure) => (None, Some(Problem::from(failure))),
    };
    // Of the file or without it: which hosts there are is worth to be seen.
    let overview = conclave_llm::overview(db.as_ref(), &hosts).or_else(|error| {
        problem = Some(Problem::from(("read how the hosts stand", error)));
        conclave_llm::overview(None, &hosts)
    });
    match overview {
        Ok(hosts) => Found { hosts, budget, problem },
        Err(error) => {
            Found { problem: Some(Problem::from(("read the hosts", error))), budget, ..Found::default() }
        }
    }
}

/// The hosts that need somebody. Of what cannot be read the screen of hosts tells.
pub(super) fn needs(global: &mut Global, shared: &Shared, project: &Project) -> Vec<Attention> {
    let opened = shared.machine.as_ref().map(|machine| global.opened(machine)).transpose();
    let db = opened.ok().flatten().flatten();
    let known = attention::hosts(project, &shared.environment, db.as_ref());
    known.map_or_else(|_| Vec::new(), |known| attention::of_hosts(&known))
}

/// The last calls of a host, the newest first.
pub(super) fn calls(global: &mut Global, shared: &Shared, name: &str) -> Result<Vec<CallView>, Failure> {
    let host = named(&shared.project(), shared, name)?;
    let Some(machine) = &shared.machine else { return Ok(Vec::new()) };
    let Some(db) = global.opened(machine)? else { return Ok(Vec::new()) };
    conclave_llm::calls(&db, &host, MOST).doing("read the calls")
}

/// The host of this name, the fallback among them.
fn named(project: &Project, shared: &Shared, name: &str) -> Result<Host, Failure> {
    let found = model_client::named(project, &shared.environment, &[name.to_owned()])?;
    found.into_iter().next().ok_or_else(|| Failure::not_found(format!("no host is called {name:?}")))
}

fn machine(shared: &Shared) -> Result<Machine, Failure> {
    shared.machine.clone().ok_or_else(|| Failure::not_found("no machine-wide file"))
}

/// Does something to a host on a thread of its own: nothing waits for it.
pub(super) fn begin_deed(shared: &Arc<Shared>, messages: &Sender<Msg>, deed: Deed) {
    let (with, tell, asked) = (Arc::clone(shared), messages.clone(), deed.clone());
    let started = spawn("host", move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| carry_out(&with, &asked)));
        let outcome =
            outcome.unwrap_or_else(|_| Err(Failure::internal("it failed by a defect; the log has more")));
        // Nobody listens any more: the program ends.
        let _ = tell.send(Msg::HostDone { deed: asked, outcome: outcome.map_err(Into::into) });
    });
    if let Err(failure) = started {
        let _ = messages.send(Msg::HostDone { deed, outcome: Err(failure.into()) });
    }
}

fn carry_out(shared: &Shared, deed: &Deed) -> Result<String, Failure> {
    let project = shared.project_read_again()?;
    if deed.kind == DeedKind::Check {
        let _at_work = at_work(shared);
        let made = model_client::of(&project, machine(shared), &shared.environment, !shared.read_only)?;
        let all = model_client::everybody(&project, &shared.environment);
        let hosts = if deed.host.is_empty() { all } else { vec![named(&project, shared, &deed.host)?] };
        let names: Vec<String> = hosts.into_iter().map(|host| host.name).collect();
        let found = conclave_llm::check(&made.client, Some(&names), &CancelToken::new());
        return told(&found);
    }
    let host = named(&project, shared, &deed.host)?;
    // A suspension waits until it is written.
    let _writing = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
    let db = machine(shared)?.open()?;
    let name = &deed.host;
    let (done, said) = match deed.kind {
        DeedKind::Check => return Err(Failure::internal("a check writes nothing here")),
        DeedKind::Open => {
            (conclave_llm::force_open(&db, &host), "is open: no process asks it until it is closed")
        }
        DeedKind::Close => (conclave_llm::close(&db, &host), "is closed: it is asked again"),
        DeedKind::Reset => (conclave_llm::reset(&db, &host), "is reset: it is asked again"),
    };
    done.doing(format!("{} {name}", deed.kind.word()))?;
    Ok(format!("{name} {said}"))
}

/// What checks found: one line of them, or a failure that names those who do not answer.
fn told(found: &[Health]) -> Result<String, Failure> {
    let ill: Vec<String> = found
        .iter()
        .filter_map(|health| {
            let (class, why) = health.failure.as_ref()?;
            Some(format!("{}: {}: {why}", health.host, class.as_str()))
        })
        .collect();
    if !ill.is_empty() {
        let text = format!("{} of {} not well: {}", ill.len(), found.len(), ill.join("; "));
        return Err(Failure::new(Exit::StateSaysNo, "unhealthy", text));
    }
    Ok(match found {
        [one] => {
            let count = |models: &Option<Vec<String>>| models.as_ref().map(|models| models.len() as u64);
            let models = count(&one.models).map(|models| counted(models, "model", "models"));
            let loaded = count(&one.loaded).map(|loaded| format!("{loaded} in memory"));
            let facts: Vec<String> = models.into_iter().chain(loaded).collect();
            let facts = if facts.is_empty() { String::new() } else { format!(": {}", facts.join(", ")) };
            format!("{} is well, it answered in {}{facts}", one.host, times::took(one.took))
        }
        many => format!("{} are well", counted(many.len() as u64, "host", "hosts")),
    })
}

/// The machine-wide file, as something that is at work on it: a suspension waits for its writes alone. All handles of a
/// process on one file share one writer, so this one stands for the client's.
fn at_work(shared: &Shared) -> Option<AtWork<'_>> {
    let machine = shared.machine.as_ref().filter(|_| !shared.read_only)?;
    Some(AtWork::begin(&shared.at_work, machine.open().ok()?))
}

/// The question that is being answered.
#[derive(Debug, Default)]
pub(super) struct Asking {
    now: Mutex<Option<(CancelToken, Receiver<()>)>>,
}

impl Asking {
    /// Asks on a thread of its own; what comes is told with the number of the question.
    pub(super) fn ask(&self, shared: &Arc<Shared>, messages: &Sender<Msg>, number: u64, asked: Asked) {
        let cancel = CancelToken::new();
        let (ended, end) = channel();
        let (with, tell, token) = (Arc::clone(shared), messages.clone(), cancel.clone());
        let started = spawn("ask", move || {
            let told = catch_unwind(AssertUnwindSafe(|| answer(&with, &tell, number, &asked, &token)));
            let failure = match told {
                Ok(Ok(())) => None,
                Ok(Err(failure)) => Some(failure),
                Err(_) => Some(Failure::internal("asking failed by a defect; the log has more")),
            };
            if let Some(failure) = failure {
                let reply =
                    Reply::Failed { problem: failure.into(), partial: String::new(), cancelled: false };
                let _ = tell.send(Msg::Answering { number, piece: Piece::Ended(reply) });
            }
            drop(ended);
        });
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Some((cancel, end));
        if let Err(failure) = started {
            let reply = Reply::Failed { problem: failure.into(), partial: String::new(), cancelled: false };
            let _ = messages.send(Msg::Answering { number, piece: Piece::Ended(reply) });
        }
    }

    /// Takes the question back. That it has ended is told as any end is.
    pub(super) fn stop(&self) {
        if let Some((cancel, _)) = &*self.now.lock().unwrap_or_else(PoisonError::into_inner) {
            cancel.cancel();
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.stop();
        let now = self.now.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((_, end)) = now {
            // Its end closes the channel; where that takes longer, others see that this process is gone.
            let _ = end.recv_timeout(PATIENCE);
        }
    }
}

/// Asks, and tells what comes until the end.
fn answer(
    shared: &Shared,
    messages: &Sender<Msg>,
    number: u64,
    asked: &Asked,
    cancel: &CancelToken,
) -> Result<(), Failure> {
    let project = shared.project_read_again()?;
    let _at_work = at_work(shared);
    if let Some(name) = &asked.host {
        named(&project, shared, name)?;
    }
    let made = model_client::of(&project, machine(shared), &shared.environment, !shared.read_only)?;
    let options = Options {
        model: asked.model.clone(),
        host: asked.host.clone(),
        local: asked.local,
        // What is shown is seen to be replaced.
        on_cut: OnCut::Restart,
        ..Options::default()
    };
    let task = asked.task.as_deref().unwrap_or_default();
    let mut tell = |event| {
        let piece = match event {
            Event::Text(text) => Piece::Text(text),
            Event::Thinking(_) => return,
            Event::Restarted { host } => Piece::Restarted { host },
            Event::Done(mut answer) => {
                // What a call could not share, the client says once.
                let warning = made.warning().filter(|text| !answer.warnings.contains(text));
                answer.warnings.extend(warning);
                Piece::Ended(Reply::Answered(answer))
            }
            Event::Failed(error) => Piece::Ended(failed(*error)),
        };
        // Nobody listens any more: the program ends, and has taken the question back.
        let _ = messages.send(Msg::Answering { number, piece });
    };
    made.client.generate_stream(asked.prompt.as_bytes(), task, &options, cancel, &mut tell);
    Ok(())
}

fn failed(error: LlmError) -> Reply {
    let cancelled = error.kind() == LlmErrorKind::Cancelled;
    let partial = match &error {
        LlmError::Failed(failed) => failed.partial.clone(),
        _ => String::new(),
    };
    // Every host with why: a page has room for it.
    let text = error.to_string();
    Reply::Failed { problem: Problem { text, ..Failure::from(error).into() }, partial, cancelled }
}
