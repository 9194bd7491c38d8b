//! What happens in a run, told on stderr: a line for each event, and on a terminal who is at it now.
//!
//! A thread of its own prints, so that whoever keeps stderr does not hold up the agents.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_consensus::runs::{self, AttemptDetail, RunId};
use conclave_consensus::workflow::{AgentState, AttemptEnd, Event, Observer, RosterEntry};
use conclave_db::Db;
use conclave_retry::{Clock as _, SystemClock};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::output::{self, Output};
use crate::text::{counted, fit, visible};
use crate::times;

/// How often the line of a terminal is drawn.
const TURN: Duration = Duration::from_millis(200);

/// Events that may wait to be told. Of what comes beyond it only the number is told: whoever keeps stderr must cost
/// neither memory nor time.
const WAITING: usize = 256;
/// How long is waited at the end for a stderr that takes nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// The teller; ends when dropped, after everything was told, or when stderr has taken nothing for a while.
pub(super) struct Live {
    sender: Arc<Mutex<Option<SyncSender<Event>>>>,
    missed: Arc<AtomicU64>,
    /// Disconnected when the thread has ended.
    thread: Receiver<Infallible>,
}

impl Live {
    /// Begins to tell. With a database each run is introduced by its name.
    pub(super) fn start(output: &Output, db: Option<Db>) -> Self {
        let (sender, events) = mpsc::sync_channel(WAITING);
        let (lives, thread) = mpsc::channel();
        let missed = Arc::<AtomicU64>::default();
        let teller = Teller::new(output.clone(), db);
        let untold = Arc::clone(&missed);
        let tell = move || {
            teller.tell(&events, &untold);
            drop(lives);
        };
        // Without the thread the work goes on, untold.
        let _ = std::thread::Builder::new().name("live".to_owned()).spawn(tell);
        Self { sender: Arc::new(Mutex::new(Some(sender))), missed, thread }
    }

    /// Whom the session tells.
    pub(super) fn observer(&self) -> Observer {
        let (sender, missed) = (Arc::clone(&self.sender), Arc::clone(&self.missed));
        Arc::new(move |event| {
            // Nothing is said of these.
            if matches!(event, Event::Line { .. } | Event::Closed { .. }) {
                return;
            }
            let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
            if sender.as_ref().is_some_and(|sender| sender.try_send(event).is_err()) {
                missed.fetch_add(1, Ordering::Relaxed);
            }
        })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // The thread tells what waits, and ends.
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        if self.thread.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            output::give_up_stderr();
        }
    }
}

/// Where an agent stands.
#[derive(Debug, Clone, Copy)]
enum Standing {
    /// Not asked yet.
    NotYet,
    /// At it since this time.
    At(Duration),
    /// Asked again at this time, ms by the wall clock.
    Again(i64),
    Answered,
    Failed,
}

/// Everybody, by name.
type Board = Arc<Mutex<BTreeMap<String, Standing>>>;

struct Teller {
    output: Output,
    db: Option<Db>,
    board: Board,
    bar: Option<ProgressBar>,
    /// The run that is told of.
    run: Cell<Option<RunId>>,
}

impl Teller {
    fn new(output: Output, db: Option<Db>) -> Self {
        let board = Board::default();
        let bar = output.shows_progress().then(|| bar(&board, output.columns));
        Self { output, db, board, bar, run: Cell::new(None) }
    }

    fn tell(self, events: &Receiver<Event>, missed: &AtomicU64) {
        while let Ok(event) = events.recv() {
            if let Some(line) = self.line(event) {
                self.say(&line);
            }
            let missed = missed.swap(0, Ordering::Relaxed);
            if missed > 0 {
                self.say(&format!("… {} left out: stderr took nothing", counted(missed, "line", "lines")));
            }
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.output.notice(line)),
            None => self.output.notice(line),
        }
    }

    /// What is said of an event; the board is brought up to date.
    fn line(&self, event: Event) -> Option<String> {
        let now = SystemClock.monotonic();
        match event {
            Event::Begun { run } => {
                self.run.set(Some(run));
                let detail = runs::show(self.db.as_ref()?, run).ok()??;
                let standing = |entry: &RosterEntry| match entry.state {
                    AgentState::Answered => Standing::Answered,
                    AgentState::Failed => Standing::Failed,
                    _ => Standing::NotYet,
                };
                *self.board.lock().unwrap_or_else(PoisonError::into_inner) =
                    detail.roster.iter().map(|entry| (entry.agent.clone(), standing(entry))).collect();
                let (spec, stage) = (visible(&detail.summary.spec), visible(&detail.summary.stage));
                let agents: Vec<&str> = detail.roster.iter().map(|entry| entry.agent.as_str()).collect();
                Some(format!("run {run}: {spec} {stage}, asking {}", visible(&agents.join(", "))))
            }
            Event::Started { agent, .. } if self.has_answered(&agent) => {
                Some(format!("{}: its answer is no JSON; asked for it again", visible(&agent)))
            }
            // Whatever came of that, it has answered.
            Event::Ended { agent, end, .. } if self.has_answered(&agent) => Some(match end {
                AttemptEnd::Answered => format!("{}: answered as JSON", visible(&agent)),
                _ => format!("{}: no JSON; its first answer stays", visible(&agent)),
            }),
            Event::Started { agent, attempt, limit, .. } => {
                let line = format!("{}: started, attempt {attempt} of {limit}", visible(&agent));
                self.set(agent, Standing::At(now));
                Some(line)
            }
            Event::Ended { agent, attempt, end } => {
                let name = visible(&agent).into_owned();
                let standing =
                    if end == AttemptEnd::Answered { Standing::Answered } else { Standing::Failed };
                let took = match self.set(agent, standing) {
                    Some(Standing::At(since)) => format!(" after {}", times::took(now.saturating_sub(since))),
                    _ => String::new(),
                };
                Some(match end {
                    AttemptEnd::Answered => format!("{name}: answered{took}"),
                    AttemptEnd::Failed => {
                        let last = self.why_for_good(&name, attempt).unwrap_or_default();
                        format!("{name}: attempt {attempt} failed{took}{last}")
                    }
                    AttemptEnd::TimedOut => format!("{name}: ended, its time was over{took}"),
                    AttemptEnd::Cancelled => format!("{name}: ended{took}"),
                    AttemptEnd::Lost => format!("{name}: attempt {attempt} was lost"),
                })
            }
            Event::Waiting { agent, attempt, until, why } => {
                let wait = Duration::from_millis(u64::try_from(until - SystemClock.wall_ms()).unwrap_or(0));
                let line = format!(
                    "{}: attempt {attempt} in {}: {}",
                    visible(&agent),
                    times::took(wait),
                    visible(&why.split_whitespace().collect::<Vec<_>>().join(" "))
                );
                self.set(agent, Standing::Again(until));
                Some(line)
            }
            Event::Line { .. } | Event::Closed { .. } => None,
        }
    }

    fn has_answered(&self, agent: &str) -> bool {
        let board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(board.get(agent), Some(Standing::Answered))
    }

    /// Why an attempt failed after which there is no other; why there is another one is told when it waits.
    fn why_for_good(&self, agent: &str, attempt: u32) -> Option<String> {
        let detail = runs::show(self.db.as_ref()?, self.run.get()?).ok()??;
        let is_it = |one: &&AttemptDetail| visible(&one.agent) == agent && one.attempt == i64::from(attempt);
        let found = detail.attempts.iter().find(is_it).filter(|one| one.details.retry_at.is_none())?;
        let why = found.details.message.as_deref().or(found.extraction_error.as_deref())?;
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(format!(": {}; not tried again", visible(&why)))
    }

    fn set(&self, agent: String, standing: Standing) -> Option<Standing> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).insert(agent, standing)
    }
}

/// One line that is drawn anew several times a second.
fn bar(board: &Board, columns: Option<usize>) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let board = Arc::clone(board);
    let columns = columns.unwrap_or(80).saturating_sub(4);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {who}") {
        let who = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            let _ = text.write_str(&fit(&standings(&board), columns));
        };
        bar.set_style(style.tick_chars("|/-\\ ").with_key("who", who));
    }
    bar.enable_steady_tick(TURN);
    bar
}

/// `1 of 3 answered; b 12 s; c again in 3 s`
fn standings(board: &Board) -> String {
    let board = board.lock().unwrap_or_else(PoisonError::into_inner);
    if board.is_empty() {
        return "beginning".to_owned();
    }
    let answered = board.values().filter(|standing| matches!(standing, Standing::Answered)).count();
    let mut text = format!("{answered} of {} answered", board.len());
    for (agent, standing) in board.iter() {
        let agent = visible(agent);
        let _ = match standing {
            Standing::At(since) => {
                let seconds = SystemClock.monotonic().saturating_sub(*since).as_secs();
                write!(text, "; {agent} {seconds} s")
            }
            Standing::Again(until) => {
                let left = until.saturating_sub(SystemClock.wall_ms()).max(0).div_euclid(1000);
                write!(text, "; {agent} again in {left} s")
            }
            Standing::NotYet | Standing::Answered | Standing::Failed => Ok(()),
        };
    }
    text
}
