//! From a command line to an agent that runs: what `start` and `spawn` have in common.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_consensus::child::MARK;
use conclave_db::Db;
use conclave_registry::RegistryError;
use conclave_registry::agents::{self, Agent, NewAgent, Removal, Role, Stopping, Wish};
use conclave_registry::ports::{self, Block, FirstBase, SystemProbe};
use conclave_registry::supervise::{self, Command, Failed};
use conclave_registry::worktree::{self, Hooks};

use crate::cli::context::Context;
use crate::cli::interrupt::Elsewhere;
use crate::cli::launched;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

/// The folder of the builders' worktrees, in the root.
const WORKTREES: &str = ".builders";
/// The folder of the log files, in the state's.
const LOGS: &str = "agents";
/// How often a block is asked for that is released meanwhile.
const TRIES: usize = 8;
/// What is tried.
const REGISTERING: &str = "register the agent";
/// What an agent is told; none of it is handed down from an agent that starts another.
const TOLD: [&str; 7] = [
    "CONCLAVE_AGENT_ID",
    "CONCLAVE_PORT",
    "CONCLAVE_PORT_BASE",
    "CONCLAVE_WORKTREE",
    "CONCLAVE_ROOT",
    "CONCLAVE_STATE_DIR",
    "CONCLAVE_ACTOR",
];

/// What git tells its hooks of the repository that they are for. The agent may work in another worktree.
const REPOSITORY: [&str; 9] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// What is wanted.
pub(super) struct Wanted {
    pub(super) role: Role,
    pub(super) command: Vec<OsString>,
    pub(super) port: bool,
    pub(super) worktree: bool,
    pub(super) adopt: Option<u32>,
    pub(super) foreground: bool,
}

/// An agent that is registered, and what it takes to start it.
pub(super) struct Ready<'context> {
    context: &'context Context,
    state: Db,
    pub(super) agent: Agent,
    /// The first port of the project's block.
    base: Option<u16>,
    hooks: Hooks,
}

/// Registers it, with its port and its worktree. What fails leaves neither row nor worktree.
pub(super) fn register<'context>(
    context: &'context Context,
    wanted: &Wanted,
) -> Result<Ready<'context>, Failure> {
    let project = &context.project;
    // A program that is not there is found before anything is made; below a worktree it may be yet to come.
    if let Some(command) = command(context, &wanted.command, &project.root)
        && !(wanted.worktree && is_relative(&command.program))
    {
        supervise::look_for(&command).map_err(|error| not_started(error.into(), wanted.foreground, None))?;
    }
    // A wrong base is refused before anything is made.
    let first = if wanted.port { Some(context.first_base()?) } else { None };
    let state = context.open_registry()?;
    let new = NewAgent {
        role: wanted.role.clone(),
        cmd: supervise::line_of(&wanted.command),
        worktrees: wanted.worktree.then(|| project.root.join(WORKTREES)),
        adopt: wanted.adopt,
    };
    let (agent, base) = match first {
        Some(first) => with_port(context, &state, &new, first)?,
        None => (agents::register(&state, &new, None).doing(REGISTERING)?, None),
    };
    let mut ready = Ready { context, state, agent, base, hooks: project.config.worktree.hooks() };
    if wanted.worktree {
        ready.make_worktree()?;
    }
    Ok(ready)
}

fn is_relative(program: &OsString) -> bool {
    let path = Path::new(program);
    path.is_relative() && path.components().count() > 1
}

/// Registers it with a port of the project's block, which is recorded first. The block may be released in between; then
/// the row goes again, and there is another block.
fn with_port(
    context: &Context,
    state: &Db,
    new: &NewAgent,
    first: FirstBase,
) -> Result<(Agent, Option<u16>), Failure> {
    const DOING: &str = "find a block of ports";
    let owner = context.project.owner();
    let machine = context.open_machine()?;
    for _ in 0..TRIES {
        let others = agents::list(state).doing(DOING)?;
        let ports: Vec<u16> = others.iter().filter_map(|agent| agent.port).collect();
        let block = ports::block_with(&machine, owner, first, &ports).doing(DOING)?;
        let wish = Wish { block, probe: Arc::new(SystemProbe) };
        let agent = agents::register(state, new, Some(&wish)).doing(REGISTERING)?;
        let confirmed = ports::confirm(&machine, owner, block).doing(DOING);
        if matches!(confirmed, Ok(true)) {
            say_what_is_outside(context, &others, block);
            return Ok((agent, Some(block.base)));
        }
        agents::remove(state, &agent, Removal::Whatever).doing(REGISTERING)?;
        confirmed?;
    }
    let text = "the project's block of ports was released each time that it had got one";
    Err(Failure::new(Exit::StateSaysNo, "refused", text.to_owned()).hint("try again").doing(DOING))
}

/// Ports that the rows of others have in no block of this project may be handed out to another one.
fn say_what_is_outside(context: &Context, others: &[Agent], block: Block) {
    for other in others {
        if let Some(port) = other.port.filter(|port| !block.ports().contains(port)) {
            let (id, last) = (visible(&other.key.id), u32::from(block.base) + u32::from(ports::BLOCK) - 1);
            context.output.notice(format!(
                "{id} has the port {port}, and the project's block is {}-{last}: another project may get it; \
                 `conclave stop {id}` frees it",
                block.base
            ));
        }
    }
}

/// What is to be run, in a folder, with the caller's environment.
fn command(context: &Context, words: &[OsString], directory: &Path) -> Option<Command> {
    let (program, args) = words.split_first()?;
    let env = context.environment.variables().to_vec();
    Some(Command { program: program.clone(), args: args.to_vec(), directory: directory.to_owned(), env })
}

/// A command that did not start: in the foreground as a shell says it.
fn not_started(failure: Failure, foreground: bool, code: Option<u8>) -> Failure {
    const NOT_FOUND: u8 = 127;
    let exit = if foreground { Exit::Child(code.unwrap_or(NOT_FOUND)) } else { failure.exit };
    Failure { exit, ..failure }
}

impl Ready<'_> {
    fn make_worktree(&mut self) -> Result<(), Failure> {
        let made = worktree::create(&self.state, &self.context.project.root, &self.agent, &self.hooks);
        match made {
            Ok(made) => {
                self.agent.worktree = Some(made.folder);
                self.agent.branch = Some(made.branch);
                self.agent.base_commit = Some(made.base_commit);
                Ok(())
            }
            Err(error) => {
                // Where it could not be taken back the row still has it, for `conclave cleanup` to find.
                let own = self.agent.registration;
                let is_left = |agent: &Agent| agent.registration == own && agent.worktree.is_some();
                if !agents::list(&self.state).is_ok_and(|agents| agents.iter().any(is_left)) {
                    self.forget();
                }
                Err(Failure::from(error).doing("make the worktree"))
            }
        }
    }

    /// Takes back what was made for an agent that did not start. Where it did, because whoever started it was ended
    /// before it could say so, its process is ended first; where that cannot be done the row stays, and says it.
    fn forget(&self) {
        if let Err(failure) = self.take_back() {
            let id = visible(&self.agent.key.id);
            self.context.output.notice(format!("{id} could not be taken back: {failure}"));
        }
    }

    fn take_back(&self) -> Result<(), RegistryError> {
        let same = |agent: &Agent| agent.registration == self.agent.registration;
        // Somebody was faster, and the id may be another agent's: then nothing here is ours any more.
        let Some(now) = agents::list(&self.state)?.into_iter().find(same) else { return Ok(()) };
        agents::stop(&self.state, &now, Stopping::default())?;
        if now.worktree.is_some() {
            let how = worktree::Cleanup { force: true, delete_branch: true };
            let root = &self.context.project.root;
            return worktree::clean_up(&self.state, root, &now, &self.hooks, how).map(drop);
        }
        agents::remove(&self.state, &now, Removal::Ended).map(drop)
    }

    /// What it runs, and where.
    fn command(&self, words: &[OsString]) -> Option<Command> {
        let root = &self.context.project.root;
        let directory = self.agent.worktree.as_ref().unwrap_or(root);
        let mut command = command(self.context, words, directory)?;
        command
            .env
            .retain(|(name, _)| !TOLD.iter().chain(&[MARK]).chain(&REPOSITORY).any(|told| name == told));
        let id = OsString::from(&self.agent.key.id);
        let state_dir = self.context.project.state_dir.clone();
        let number = |number: u16| OsString::from(number.to_string());
        let told = [
            Some(id.clone()),
            self.agent.port.map(number),
            self.base.map(number),
            self.agent.worktree.clone().map(PathBuf::into_os_string),
            Some(root.clone().into_os_string()),
            Some(state_dir.into_os_string()),
            Some(id),
        ];
        let told = TOLD.iter().zip(told).filter_map(|(name, value)| Some(((*name).into(), value?)));
        command.env.extend(told);
        Some(command)
    }

    /// Runs it with the terminal, and waits; gives how it ended. Nothing is to be run: nothing is done.
    pub(super) fn in_foreground(&self, words: &[OsString]) -> Result<Option<Exit>, Failure> {
        let Some(command) = self.command(words) else { return Ok(None) };
        if let Some(port) = self.agent.port {
            self.context.output.notice(format!("{} has the port {port}", visible(&self.agent.key.id)));
        }
        let _elsewhere = Elsewhere::new();
        match supervise::foreground(&self.state, &self.agent, &launched::child_launcher(), &command) {
            Ok(code) => Ok(Some(Exit::Child(u8::try_from(code & 0xff).unwrap_or(u8::MAX)))),
            Err(Failed::NotStarted { error, code }) => {
                self.forget();
                Err(not_started(error.into(), code.is_some(), code))
            }
            Err(Failed::NotSeen) => Err(Failure::new(
                Exit::StateSaysNo,
                "refused",
                "it has ended, and the system did not say how: SIGCHLD is ignored",
            )),
            Err(Failed::NotRecorded { error }) => {
                Err(Failure::from(error).doing("it has ended, and that could not be recorded"))
            }
        }
    }

    /// Runs it with a supervisor; returns when it runs and that is durable. Gives the agent as it is then, and its log.
    pub(super) fn in_background(&mut self, words: &[OsString]) -> Result<Option<PathBuf>, Failure> {
        let Some(command) = self.command(words) else { return Ok(None) };
        let project = &self.context.project;
        let log = project.state_dir.join(LOGS).join(format!("{}.log", self.agent.key.id));
        let supervisor = launched::supervisor();
        let started = supervise::in_background(
            &supervisor,
            &project.root,
            &project.database,
            &self.agent,
            &command,
            &log,
            supervise::PATIENCE,
        );
        if let Err(error) = started {
            self.forget();
            return Err(error.into());
        }
        let now = agents::list(&self.state).doing("read the agents")?;
        if let Some(now) = now.into_iter().find(|agent| agent.registration == self.agent.registration) {
            self.agent = now;
        }
        Ok(Some(log))
    }
}
