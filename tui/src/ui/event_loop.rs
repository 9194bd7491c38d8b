//! The thread that owns the terminal: it hears messages, lets the core change the model, draws what changed,
//! and carries out what only the terminal can do. It sleeps while nothing happens.

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, Sender, channel};

use conclave_retry::{Clock as _, SystemClock};
use ratatui::crossterm::event::{self, Event, KeyEventKind, MouseButton, MouseEventKind};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

use super::effect::Effect;
use super::keys::Key;
use super::message::{Mouse, Msg};
use super::model::{Model, Setting};
use super::osc52;
use super::problem::Problem;
use super::render::render;
use super::runner::Runner;
use super::terminal::{self, Screen};
use super::theme::Theme;
use super::update::update;
use crate::cli::Signs;
use crate::failure::{Exit, Failure};
use crate::project::{Environment, Project};

/// What the UI is to show, and for whom.
pub(crate) struct Wanted {
    pub(crate) environment: Environment,
    pub(crate) project: Project,
    pub(crate) actor: String,
    pub(crate) read_only: bool,
    pub(crate) colour: bool,
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
    let mut screen = Screen::take(mouse).map_err(io)?;
    let (model, effects) = Model::new(setting, size, mouse, SystemClock.wall_ms());
    let runner = Runner::start(wanted.project, wanted.actor, wanted.read_only, &sender);
    input(sender);
    let outcome = Loop { screen: &mut screen, model, runner, in_tmux }.run(&messages, effects);
    drop(screen);
    outcome.map_err(io)
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
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT])
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

/// Turns what the terminal sends into messages.
fn input(sender: Sender<Msg>) {
    let read = move || {
        loop {
            let message = match event::read() {
                Ok(event) => translate(&event),
                // The terminal is gone.
                Err(_) => Some(Msg::End(Exit::Signal(1))),
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

struct Loop<'screen> {
    screen: &'screen mut Screen,
    model: Model,
    runner: Runner,
    in_tmux: bool,
}

impl Loop<'_> {
    fn run(mut self, messages: &Receiver<Msg>, effects: Vec<Effect>) -> std::io::Result<Exit> {
        // The first frame before anything is read: it comes at once, however large the database is.
        self.draw()?;
        if self.carry_out(effects)? {
            return Ok(self.model.exit);
        }
        while let Ok(message) = messages.recv() {
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

    fn draw(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.model.dirty) {
            self.screen.terminal.draw(|frame| render(&self.model, frame))?;
        }
        Ok(())
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
            }
        }
        Ok(false)
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
        // Who leads a session has no shell that could bring it back.
        let leads = process::getsid(None).is_ok_and(|session| session == process::getpgrp());
        if leads {
            let text = "there is no shell to come back from".to_owned();
            update(&mut self.model, Msg::Copied(Err(Problem { kind: "no-shell", text, hint: None })));
            return Ok(());
        }
        let _paused = self.runner.pause();
        terminal::give_back();
        // The whole group: `cargo run` and the like must stop as well.
        process::kill_current_process_group(process::Signal::STOP)?;
        self.screen.retake(self.model.mouse)?;
        self.model.dirty = true;
        Ok(())
    }
}
