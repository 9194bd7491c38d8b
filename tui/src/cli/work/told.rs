//! What happens is told: a line on standard output for each task that is out of hand, all else on stderr. A thread of its
//! own prints, so that whoever keeps the output does not hold up the agents and their claims.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_consensus::child::Stop;
use conclave_retry::{Clock as _, SystemClock};
use conclave_tasks::work::dispatch::Came;
use serde_json::{Value, json};

use crate::cli::output::{self, Output, Paint};
use crate::dispatch::{Event, JobEnd, Tell};
use crate::failure::Failure;
use crate::text::visible;
use crate::times;

/// How long is waited at the end for an output that takes nothing, where somebody wants the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Everything that was told, for the document at the end.
#[derive(Debug, Default)]
pub(super) struct All {
    pub(super) tasks: Vec<Value>,
}

/// The teller.
pub(super) struct Told {
    sender: Arc<Mutex<Option<Sender<Event>>>>,
    /// What became of it, when the thread has ended.
    thread: Receiver<Result<All, Failure>>,
}

impl Told {
    /// Where nothing happens.
    pub(super) fn nothing() -> All {
        All::default()
    }

    /// Begins to tell. Where nobody reads the results any more, no more tasks are worked on.
    pub(super) fn start(output: &Output, stop: &Stop) -> Self {
        let (sender, events) = mpsc::channel();
        let (ended, thread) = mpsc::channel();
        let (output, stop) = (output.clone(), stop.clone());
        let tell = move || {
            let told = tell(&output, &events);
            if told.is_err() {
                stop.cancel();
            }
            // Whoever does not wait for it wants no word of it.
            let _ = ended.send(told);
        };
        // Without the thread the work goes on, untold.
        let _ = std::thread::Builder::new().name("work".to_owned()).spawn(tell);
        Self { sender: Arc::new(Mutex::new(Some(sender))), thread }
    }

    /// Who is to be told.
    pub(super) fn teller(&self) -> Tell {
        let sender = Arc::clone(&self.sender);
        Arc::new(move |event| {
            if let Some(sender) = &*sender.lock().unwrap_or_else(PoisonError::into_inner) {
                // Nobody hears it when nobody reads the results: then all ends.
                let _ = sender.send(event);
            }
        })
    }

    /// Waits until everything is told; not for long where that is `urgent`.
    pub(super) fn finish(self, urgent: bool) -> Result<All, Failure> {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        if !urgent {
            return self.thread.recv().unwrap_or_else(|_| Ok(All::default()));
        }
        self.thread.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            output::give_up_stderr();
            Err(Failure::closed_pipe())
        })
    }
}

fn tell(output: &Output, events: &Receiver<Event>) -> Result<All, Failure> {
    let mut all = All::default();
    while let Ok(event) = events.recv() {
        match event {
            Event::Given { task, title, agent } => {
                output.notice(format!("{} for {}: {}", visible(&task), visible(&agent), visible(&title)));
            }
            Event::Again { task, agent, why, wait } => output.notice(format!(
                "{}: {} failed, again in {}: {}",
                visible(&task),
                visible(&agent),
                times::took(wait),
                one_line(&why)
            )),
            Event::TakenBack { task, agent } => output.notice(format!(
                "{} was {}'s, whose dispatcher is gone: it is open again",
                visible(&task),
                visible(&agent)
            )),
            Event::Idle => output.notice("nothing is ready"),
            Event::Ended(end) => {
                if output.json {
                    all.tasks.push(document(&end));
                } else {
                    output.print(line(output, &end))?;
                }
                if let Some(hint) = end.hint.as_deref().filter(|_| is_failed(&end.came)) {
                    output.notice(format!("hint: {}", one_line(hint)));
                }
            }
        }
    }
    Ok(all)
}

const fn is_failed(came: &Came) -> bool {
    matches!(came, Came::Waits { .. } | Came::GivenUp | Came::PutOff { .. })
}

/// The word for what came of a task.
const fn word(came: &Came) -> &'static str {
    match came {
        Came::Closed { .. } => "done",
        Came::Open { .. } => "open",
        Came::Waits { .. } => "failed",
        Came::GivenUp => "given up",
        Came::PutOff { .. } => "put off",
        Came::Returned => "given back",
        Came::Lost { .. } => "lost",
    }
}

/// `done  t-1  Fix the import  (claude, 3 s)`
fn line(output: &Output, end: &JobEnd) -> String {
    let paint = match end.came {
        Came::Closed { .. } => Paint::Green,
        Came::Waits { .. } | Came::GivenUp => Paint::Red,
        Came::Open { .. } | Came::PutOff { .. } | Came::Returned | Came::Lost { .. } => Paint::Yellow,
    };
    let error = end.error.as_deref().map(|error| format!(": {}", one_line(error)));
    let more = match &end.came {
        Came::Closed { ready } if ready.is_empty() => String::new(),
        Came::Closed { ready } => format!("; ready now: {}", visible(&ready.join(", "))),
        Came::Waits { until } | Came::PutOff { until: Some(until) } => {
            let left = until.saturating_sub(SystemClock.wall_ms());
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            format!("{}; again in {}", error.unwrap_or_default(), times::took(left))
        }
        Came::GivenUp | Came::PutOff { until: None } => error.unwrap_or_default(),
        Came::Returned => String::new(),
        Came::Open { why } | Came::Lost { why } => format!(": {}", one_line(why)),
    };
    format!(
        "{}  {}  {}  ({}, {}){more}\n",
        output.coloured(word(&end.came), paint),
        visible(&end.task),
        visible(&end.title),
        visible(&end.agent),
        times::took(end.took)
    )
}

fn document(end: &JobEnd) -> Value {
    let (until, why) = match &end.came {
        Came::Waits { until } | Came::PutOff { until: Some(until) } => (times::rfc3339(*until), None),
        Came::Open { why } | Came::Lost { why } => (None, Some(why)),
        Came::Closed { .. } | Came::GivenUp | Came::PutOff { until: None } | Came::Returned => (None, None),
    };
    json!({
        "id": end.task,
        "title": end.title,
        "agent": end.agent,
        "attempt": end.attempt,
        "outcome": word(&end.came).replace(' ', "_"),
        "why": why,
        "error": end.error,
        "hint": end.hint,
        "retry_at": until,
        "took_ms": u64::try_from(end.took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}
