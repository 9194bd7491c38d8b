//! The thread that owns the terminal: it hears messages, lets the core change the model, draws what changed,
//! and carries out what only the terminal can do. It sleeps while nothing happens.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use conclave_consensus::runs::RunId;
use conclave_retry::{Clock as _, SystemClock};
use ratatui::crossterm::event::{self, Event, KeyEventKind, MouseButton, MouseEventKind};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

use super::effect::Effect;
use super::keys::Key;
use super::message::{Mouse, Msg};
use super::model::{Model, Setting};
use super::osc52;
use super::problem::Problem;
use super::render::render;
use super::runner::{self, Runner, editor};
use super::terminal::{self, Screen};
use super::theme::Theme;
use super::update::update;
use crate::cli::Signs;
use crate::failure::{Exit, Failure};
use crate::project::{Environment, Places, Project};

/// How often times that change are drawn anew.
const TICK: Duration = Duration::from_secs(1);

/// The number of the signal that says that the terminal is gone.
const HANGUP: u8 = 1;

/// What the UI is to show, and for whom.
pub(crate) struct Wanted {
    pub(crate) environment: Environment,
    pub(crate) project: Project,
    /// What the command line says about places.
    pub(crate) places: Places,
    pub(crate) actor: String,
    pub(crate) read_only: bool,
    pub(crate) colour: bool,
    /// A run that was begun: it is driven from here, and shown.
    pub(crate) drive: Option<RunId>,
}

/// Refuses to start where there is no terminal.
pub(crate) fn refuse_without_terminal(environment: &Environment) -> Result<(), Failure> {
    let is_dumb = environment.text("TERM") == Some("dumb");
    if is_dumb || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        let text = "the terminal UI needs a terminal; `conclave status` works without one";
        return Err(Failure::new(Exit::Usage, "no-terminal", text));
    }
    Ok(())
}

/// Runs the UI until the user leaves it. Refused where there is no terminal.
pub(crate) fn run(wanted: Wanted) -> Result<Exit, Failure> {
    refuse_without_terminal(&wanted.environment)?;
    let (sender, messages) = channel();
    let setting = Setting {
        root: wanted.project.root.display().to_string(),
        database: wanted.project.database.display().to_string(),
        actor: wanted.actor.clone(),
        read_only: wanted.read_only,
        theme: Theme { colour: wanted.colour, signs: Signs::of(&wanted.environment) },
    };
    let mouse = wanted.project.config.mouse.unwrap_or(true);
    let in_tmux = wanted.environment.get("TMUX").is_some();
    // Before the terminal is taken, so that a signal never meets a terminal that nobody would give back.
    signals(sender.clone())?;
    hook_panics();
    let io = |error: std::io::Error| Failure::io("use the terminal", &error);
    let size = event_size();
    let screen = match Screen::take(mouse) {
        Ok(screen) => screen,
        Err(_) if is_gone() => return Ok(Exit::Signal(HANGUP)),
        Err(error) => return Err(io(error)),
    };
    let (mut model, mut effects) = Model::new(setting, size, mouse, SystemClock.wall_ms());
    if let Some(run) = wanted.drive {
        model.first = Some(run);
        effects.push(Effect::GoOn(run));
    }
    let environment = wanted.environment.clone();
    let runner = Runner::start(
        runner::On { project: wanted.project, places: wanted.places, environment: wanted.environment },
        wanted.actor,
        wanted.read_only,
        &sender,
    );
    let keys = Arc::new(Keys::default());
    hangup(sender.clone());
    input(sender, Arc::clone(&keys));
    let mut ui = Loop { screen, model, keys, environment, in_tmux, runner };
    let outcome = ui.run(&messages, effects);
    // First the terminal, then the agents that are still at work: ending them may take a while.
    drop(ui);
    match outcome {
        // The terminal is gone, and nobody has told us yet.
        Err(_) if is_gone() => Ok(Exit::Signal(HANGUP)),
        outcome => outcome.map_err(io),
    }
}

/// Whether the other end of the terminal is closed. What fails then fails in many ways: a write, but also the question
/// for its size, which is answered by another program or by nobody.
fn is_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    let mut terminal = [PollFd::new(&stdin, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut terminal, Some(&at_once)).is_ok()
        && terminal[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

fn event_size() -> (u16, u16) {
    ratatui::crossterm::terminal::size().unwrap_or((80, 24))
}

/// A defect gives the terminal back before anything is said about it.
fn hook_panics() {
    let next = std::panic::take_hook();
    let owner = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        // Other threads' defects become messages; the terminal stays with the thread that draws.
        if std::thread::current().id() == owner {
            terminal::give_back();
        }
        next(panic);
    }));
}

/// Turns signals into messages.
fn signals(sender: Sender<Msg>) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])
        .map_err(|error| Failure::io("listen to signals", &error))?;
    spawn("signals", move || {
        for signal in signals.forever() {
            let message = match signal {
                SIGTSTP => Msg::Suspend,
                SIGCONT => Msg::Continue,
                SIGINT => Msg::End(Exit::Interrupted),
                other => Msg::End(Exit::Signal(u8::try_from(other).unwrap_or(0))),
            };
            if sender.send(message).is_err() {
                return;
            }
        }
    })
}

/// The thread that reads keys, as far as it must leave them to an editor.
#[derive(Debug, Default)]
struct Keys {
    /// Whether it may have to soon: it looks now and then instead of waiting for a key.
    watched: AtomicBool,
    state: Mutex<Reading>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reading {
    #[default]
    Reads,
    /// It is to stop.
    Asked,
    Rests,
}

/// The keys are left to somebody else until this is dropped.
struct Resting<'keys> {
    keys: &'keys Keys,
}

impl Keys {
    /// How often it looks while it is watched.
    const LOOK: Duration = Duration::from_millis(50);
    /// How long is waited for it. Where a key was waited for since before it was watched, that key is still its own.
    const PATIENCE: Duration = Duration::from_millis(500);

    fn rest(&self) -> Resting<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = Reading::Asked;
        let rests = |state: &mut Reading| *state != Reading::Rests;
        let waited = self.changed.wait_timeout_while(state, Self::PATIENCE, rests);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        Resting { keys: self }
    }

    /// Returns when there is something to read, and it may be read.
    fn wait(&self) -> std::io::Result<()> {
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            while *state != Reading::Reads {
                *state = Reading::Rests;
                self.changed.notify_all();
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            if !self.watched.load(Ordering::Relaxed) || event::poll(Self::LOOK)? {
                return Ok(());
            }
        }
    }
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        *self.keys.state.lock().unwrap_or_else(PoisonError::into_inner) = Reading::Reads;
        self.keys.changed.notify_all();
    }
}

/// Hears of it when the terminal goes. Only who has it as the controlling terminal gets a signal then, and reading
/// keys from it finds their end again and again.
fn hangup(sender: Sender<Msg>) {
    use rustix::event::{PollFd, PollFlags, poll};
    let watch = move || {
        let stdin = std::io::stdin();
        // Nothing is asked for: that the other end is closed is always told.
        let mut terminal = [PollFd::new(&stdin, PollFlags::empty())];
        while let Err(rustix::io::Errno::INTR) = poll(&mut terminal, None) {}
        if terminal[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) {
            // Nobody listens any more: the program ends already.
            let _ = sender.send(Msg::End(Exit::Signal(HANGUP)));
        }
    };
    if let Err(failure) = spawn("hangup", watch) {
        tracing::error!("{}", failure.message);
    }
}

/// Turns what the terminal sends into messages.
fn input(sender: Sender<Msg>, keys: Arc<Keys>) {
    let read = move || {
        loop {
            let message = match keys.wait().and_then(|()| event::read()) {
                Ok(event) => translate(&event),
                // The terminal is gone.
                Err(_) => Some(Msg::End(Exit::Signal(HANGUP))),
            };
            let ends = matches!(message, Some(Msg::End(_)));
            if message.is_some_and(|message| sender.send(message).is_err()) || ends {
                return;
            }
        }
    };
    if let Err(failure) = spawn("input", read) {
        tracing::error!("{}", failure.message);
    }
}

pub(super) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    thread.map(drop).map_err(|error| Failure::io(format!("start the thread {name}"), &error))
}

fn translate(event: &Event) -> Option<Msg> {
    Some(match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Msg::Key(Key::pressed(key)),
        Event::Paste(text) => Msg::Paste(text.clone()),
        Event::Resize(columns, lines) => Msg::Resize(*columns, *lines),
        Event::FocusGained => Msg::Focus(true),
        Event::FocusLost => Msg::Focus(false),
        Event::Mouse(mouse) => Msg::Mouse(match mouse.kind {
            MouseEventKind::ScrollUp => Mouse::WheelUp,
            MouseEventKind::ScrollDown => Mouse::WheelDown,
            MouseEventKind::Down(MouseButton::Left) => Mouse::Click { column: mouse.column, row: mouse.row },
            _ => return None,
        }),
        Event::Key(_) => return None,
    })
}

/// The parts are dropped in this order.
struct Loop {
    screen: Screen,
    model: Model,
    keys: Arc<Keys>,
    environment: Environment,
    in_tmux: bool,
    runner: Runner,
}

impl Loop {
    fn run(&mut self, messages: &Receiver<Msg>, effects: Vec<Effect>) -> std::io::Result<Exit> {
        // The first frame before anything is read: it comes at once, however large the database is.
        self.draw()?;
        if self.carry_out(effects)? {
            return Ok(self.model.exit);
        }
        while let Some(message) = self.next(messages) {
            let mut next = Some(message);
            while let Some(message) = next {
                update(&mut self.model, Msg::Clock(SystemClock.wall_ms()));
                let effects = update(&mut self.model, message);
                if self.carry_out(effects)? {
                    return Ok(self.model.exit);
                }
                // Everything that has come is taken before the next frame.
                next = messages.try_recv().ok();
            }
            self.draw()?;
        }
        Ok(self.model.exit)
    }

    /// The next message; where something runs, a tick once a second. `None` when nobody sends any more.
    fn next(&mut self, messages: &Receiver<Msg>) -> Option<Msg> {
        let edits = self.model.form.is_some() || self.model.hosts.form.is_some();
        self.keys.watched.store(edits, Ordering::Relaxed);
        if !self.model.ticks() {
            return messages.recv().ok();
        }
        match messages.recv_timeout(TICK) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => Some(Msg::Tick),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn draw(&mut self) -> std::io::Result<()> {
        if !std::mem::take(&mut self.model.dirty) {
            return Ok(());
        }
        let drawn = self.screen.terminal.draw(|frame| render(&self.model, frame)).map(drop);
        match drawn {
            // A frame that failed for a moment is no reason to end: the next one is drawn whole.
            Err(error) if !is_gone() => {
                tracing::warn!(%error, "a frame was not drawn");
                self.screen.retake(self.model.mouse)?;
                self.screen.terminal.draw(|frame| render(&self.model, frame)).map(drop)
            }
            drawn => drawn,
        }
    }

    /// Gives whether the program ends.
    fn carry_out(&mut self, effects: Vec<Effect>) -> std::io::Result<bool> {
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(true),
                Effect::Suspend => self.suspend()?,
                Effect::Retake => self.screen.retake(self.model.mouse)?,
                Effect::Mouse(taken) => terminal::mouse(taken)?,
                Effect::Copy { text, what } => {
                    let copied = self.copy(&text, &what);
                    update(&mut self.model, Msg::Copied(copied));
                }
                Effect::Focus(focused) => self.runner.focus(focused),
                Effect::Read(read) => self.runner.read(read),
                Effect::Work(work) => self.runner.work(work),
                Effect::Write(write) => self.runner.write(write),
                Effect::Host(deed) => self.runner.do_to_host(deed),
                Effect::Ask { number, asked } => self.runner.ask(number, *asked),
                Effect::StopAsking => self.runner.stop_asking(),
                Effect::Edit(text) => {
                    let edited = self.edit(&text)?;
                    update(&mut self.model, Msg::Edited(edited));
                }
                Effect::Begin(_)
                | Effect::GoOn(_)
                | Effect::GoOnAll
                | Effect::Auto(_)
                | Effect::Cancel(_)
                | Effect::Answer { .. } => self.runner.drive(effect),
            }
        }
        Ok(false)
    }

    /// Gives the terminal to the user's editor for a while.
    fn edit(&mut self, text: &str) -> std::io::Result<Result<String, Problem>> {
        let _resting = self.keys.rest();
        terminal::give_back();
        let edited = editor::edit(&self.environment, text);
        self.screen.retake(self.model.mouse)?;
        self.model.dirty = true;
        Ok(edited.map_err(Into::into))
    }

    fn copy(&self, text: &str, what: &str) -> Result<String, Problem> {
        let failed = |error: std::io::Error| Problem::from(Failure::io("copy", &error));
        if let Some(bytes) = osc52::sequence(text, self.in_tmux) {
            terminal::send(&bytes).map_err(failed)?;
            return Ok(format!("sent to the terminal: {what}"));
        }
        // tempfile makes it 0600.
        let (mut file, path) = tempfile::Builder::new()
            .prefix("conclave-copy-")
            .suffix(".txt")
            .tempfile()
            .and_then(|file| file.keep().map_err(|error| error.error))
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(format!("too large for the terminal; written to {}", path.display()))
    }

    /// Stops until someone sends SIGCONT. Writes that go on end first, so that nobody waits for a stopped
    /// process.
    fn suspend(&mut self) -> std::io::Result<()> {
        use rustix::process;
        // The group that leads a session has no shell that could bring it back. Where the session began outside of
        // our pid namespace it is 0, and only a group from outside is 0 too.
        let leads = nix::unistd::getsid(None).is_ok_and(|session| session == nix::unistd::getpgrp());
        if leads {
            let text = "there is no shell to come back from".to_owned();
            update(&mut self.model, Msg::Copied(Err(Problem { kind: "no-shell", text, hint: None })));
            return Ok(());
        }
        // The agents go on: they have groups of their own.
        self.runner.between_writes(|| {
            terminal::give_back();
            // The whole group: `cargo run` and the like must stop as well.
            process::kill_current_process_group(process::Signal::STOP)
        })?;
        self.screen.retake(self.model.mouse)?;
        self.model.dirty = true;
        Ok(())
    }
}
