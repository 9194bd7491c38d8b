//! The words of the command line, as data that also makes help, completions and the manual.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub(crate) use super::agents::args::{AgentsLine, Cleanup, Spawn, Start, StopLine};
pub(crate) use super::cache::args::Cache;
pub(crate) use super::db::args::{DbCommand, DbLine};
pub(crate) use super::lease::args::Lease;
pub(crate) use super::model::args::{AskLine, Host};
pub(crate) use super::ports::args::Ports;
pub(crate) use super::spool::args::Spool;
use super::task::args::Task;
use super::values;
pub(crate) use super::work::args::WorkLine;

/// Durable local state for a fleet of coding agents, and the terminal UI to run them.
#[derive(Debug, Parser)]
#[command(
    name = "conclave",
    version,
    about,
    long_about = None,
    after_help = "Without a command: the terminal UI.",
    disable_help_subcommand = true
)]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options that stand before or after any command.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// The folder of the project's state, in place of `<root>/.conclave` [env: `CONCLAVE_STATE_DIR`]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// The folder of the machine-wide state [env: `CONCLAVE_GLOBAL_DIR`]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) global_dir: Option<PathBuf>,
    /// The configuration, in place of the project's and the user's
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print exactly one JSON document on stdout (not for help, version, completions and man)
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no notices on stderr
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// When to use colours (`NO_COLOR` counts)
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    /// Refuse everything that would change the state
    #[arg(long, global = true)]
    pub(crate) read_only: bool,
    /// Who acts [env: `CONCLAVE_ACTOR`, `USER`]
    #[arg(long, global = true, value_name = "NAME", value_parser = values::actor)]
    pub(crate) actor: Option<String>,
    /// Log more to the log file (`~/.local/state/conclave/log/conclave.log`); twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print the log on stderr as well
    #[arg(long, global = true)]
    pub(crate) log_stderr: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create `.conclave/` with a commented config.toml and a current state.db
    Init,
    /// Counts of everything on one screen
    Status,
    /// Let three sample agents run a plan in a fresh project; needs no key and no network
    Demo,
    /// Ask several agents the same, keep every answer, and say what comes of it
    Run(RunLine),
    /// Lead a spec through its stages, with the gates between
    Auto(AutoLine),
    /// Go on with runs that were interrupted
    Resume {
        /// One run, by its number or a prefix of its key; all by default
        #[arg(allow_negative_numbers = true)]
        run: Option<String>,
    },
    /// Read and export consensus runs
    #[command(subcommand, arg_required_else_help = false)]
    Runs(Runs),
    /// Make, take, close, search and exchange tasks that many agents work on
    #[command(subcommand, arg_required_else_help = false)]
    Task(Task),
    /// Give ready tasks to agents, one after the other or several at a time, and store what comes of them
    Work(WorkLine),
    /// Bring the state to the current schema, import legacy files, move from the legacy tables to the new ones
    Migrate(MigrateLine),
    /// Check the state and say what to do
    Doctor {
        /// Repair what can be repaired without losing anything
        #[arg(long)]
        fix: bool,
    },
    /// Register an architect, and run its command in the foreground
    Start(Start),
    /// Register a builder, a util or an annotation, and run its command beside you
    Spawn(Box<Spawn>),
    /// List agents with whether they live; change, compare and merge them
    Agents(AgentsLine),
    /// End agents: TERM, and KILL after ten seconds
    Stop(StopLine),
    /// End whatever works in an agent's worktree, and remove worktree and row
    Cleanup(Cleanup),
    /// The ports of this project, and of all
    #[command(subcommand, arg_required_else_help = false)]
    Ports(Ports),
    /// Exclusive access to a name, with a number that tells late holders from live ones
    #[command(subcommand, arg_required_else_help = false)]
    Lease(Box<Lease>),
    /// `ai lock` is the same as `lease`
    #[command(subcommand, arg_required_else_help = false)]
    Ai(Ai),
    /// Event streams of agents: stored compressed, imported, kept inside a quota
    #[command(subcommand, arg_required_else_help = false)]
    Spool(Spool),
    /// Parse results and other values that all processes share
    #[command(subcommand, arg_required_else_help = false)]
    Cache(Cache),
    /// Ask a model; the next host where one fails, and the fallback at the end
    Ask(Box<AskLine>),
    /// The hosts of models: what is known of them, and whether they are asked
    #[command(subcommand, arg_required_else_help = false)]
    Host(Host),
    /// The spool and its quota in words
    Diag,
    /// Look after the database file
    Db(DbLine),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        #[arg(value_parser = PossibleValuesParser::new(["bash", "elvish", "fish", "powershell", "zsh"]))]
        shell: String,
    },
    /// Print the manual page
    Man,
}

/// `conclave run`
#[derive(Debug, Args)]
pub(crate) struct RunLine {
    /// The spec: whatever the question is about is called
    #[arg(value_parser = values::spec)]
    pub(crate) spec: String,
    /// The stage: plan, tasks, implement, validate, audit, unlock, or a name of your own; `review` means `audit`
    #[arg(long, value_name = "STAGE", value_parser = values::filled)]
    pub(crate) stage: String,
    /// What every agent is asked; `-` reads standard input
    ///
    /// Without it `[stages.NAME] prompt` of the configuration, else `.conclave/prompts/NAME.md`, else a prompt that
    /// is built in.
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt: Option<PathBuf>,
    /// Whom to ask, by their names with commas between; by default all that are configured for the stage
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = values::filled)]
    pub(crate) agents: Option<Vec<String>>,
    /// How many usable answers are needed; by default all of one or two, the majority of three or more
    #[arg(long, value_name = "N", value_parser = values::limit)]
    pub(crate) quorum: Option<usize>,
    /// The time of the whole stage, retries included; 30 minutes by default
    #[arg(long, value_name = "DURATION", value_parser = values::time)]
    pub(crate) timeout: Option<Duration>,
    /// How many must agree on a field before it counts as agreed
    #[arg(long, value_name = "HOW MANY", value_parser = PossibleValuesParser::new(values::ACCEPT), default_value = "majority")]
    pub(crate) accept: String,
    /// Ask one after the other, each with the earlier answers
    #[arg(long)]
    pub(crate) sequential: bool,
    /// The run's key; the same key, spec and stage goes on with an interrupted run, and shows a closed one again
    #[arg(long, value_name = "KEY", value_parser = values::filled)]
    pub(crate) run_key: Option<String>,
}

/// `conclave auto`
#[derive(Debug, Args)]
pub(crate) struct AutoLine {
    /// The spec
    #[arg(value_parser = values::spec)]
    pub(crate) spec: String,
    /// The stage to begin with; the first that is not done by default. Also begins a spec again that is through all
    #[arg(long, value_name = "STAGE", value_parser = PossibleValuesParser::new(values::STAGES))]
    pub(crate) from: Option<String>,
    /// What the first stage is asked; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt: Option<PathBuf>,
}

/// `conclave runs`
#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// List runs, newest first
    List {
        /// Only runs of this spec
        #[arg(long, value_name = "SPEC")]
        spec: Option<String>,
        /// Only runs of this stage
        #[arg(long, value_name = "STAGE")]
        stage: Option<String>,
        /// Only runs with this status
        #[arg(long, value_name = "STATUS", value_parser = PossibleValuesParser::new(values::RUN_STATUSES))]
        status: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show one run with everything that belongs to it
    Show {
        /// The run's number, or a prefix of its key (with `/stage` when it spans stages)
        #[arg(allow_negative_numbers = true)]
        run: String,
    },
    /// Print what an agent answered
    Output {
        /// The run's number, or a prefix of its key (with `/stage` when it spans stages)
        #[arg(allow_negative_numbers = true)]
        run: String,
        /// The agent, by its full name
        agent: OsString,
        /// The agent's attempt; the newest by default
        #[arg(long, value_name = "N")]
        attempt: Option<i64>,
        /// Which answer of the attempt; the newest by default
        #[arg(long, value_name = "N")]
        sequence: Option<i64>,
        /// Write the stored bytes alone
        #[arg(long)]
        raw: bool,
    },
    /// Write a run as JSON and as Markdown
    Export {
        /// The run's number, or a prefix of its key (with `/stage` when it spans stages)
        #[arg(allow_negative_numbers = true)]
        run: String,
        /// Where to; the current folder by default
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Compare the answers of two agents, word by word
    Diff {
        /// The run's number, or a prefix of its key (with `/stage` when it spans stages)
        #[arg(allow_negative_numbers = true)]
        run: String,
        /// The two agents; by default the first two that answered
        #[arg(num_args = 2, value_names = ["A", "B"])]
        agents: Vec<String>,
    },
    /// Close a run with the answers that it has, whoever drives it
    Cancel {
        /// The run's number, or a prefix of its key (with `/stage` when it spans stages)
        #[arg(allow_negative_numbers = true)]
        run: String,
    },
    /// Delete a run with everything that belongs to it; on a terminal it asks first
    Delete {
        /// The run's number, or a prefix of its key (with `/stage` when it spans stages)
        #[arg(allow_negative_numbers = true)]
        run: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show the open questions of a quality gate, or answer one
    Answer {
        /// The run's number, or a prefix of its key (with `/stage` when it spans stages)
        #[arg(allow_negative_numbers = true)]
        run: String,
        /// The issue that is answered: its id, or @ and its number in the list
        #[arg(requires = "text", value_parser = values::filled)]
        issue: Option<String>,
        /// The answer
        #[arg(value_parser = values::filled)]
        text: Option<String>,
    },
}

/// How long a list may be.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Limit {
    /// At most this many; 50 by default on a terminal, all otherwise
    #[arg(long, value_name = "N", value_parser = values::limit)]
    pub(crate) limit: Option<usize>,
}

/// `conclave migrate`, with or without a word after it
#[derive(Debug, Args)]
pub(crate) struct MigrateLine {
    #[command(subcommand)]
    pub(crate) command: Option<Migrate>,
    /// Say what would be done, and do nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
}

/// `conclave migrate …`
#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Import legacy files; a second time changes nothing
    Import {
        /// Legacy databases, or a state.json or ports.json; what each is, its content tells
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// How far the migration is, and what the next step needs
    Status,
    /// Take the next step; refused while something is missing for it
    Advance {
        /// The phase to be reached: the next one
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
        to: Option<u8>,
        /// Do not wait until the phase has gone well for long enough; that is recorded
        #[arg(long)]
        skip_soak: bool,
        /// The last step drops the legacy tables, after a verified backup, and wants this
        #[arg(long)]
        confirm: bool,
    },
    /// Go back, without losing anything; from phase 4 what is new is copied to the legacy tables first
    Rollback {
        /// The phase to go back to; the one before by default
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
        to: Option<u8>,
    },
    /// Compare the legacy rows with the new ones, byte for byte
    Verify,
    /// Make the side that follows equal to the one that leads, row by row
    Repair,
    /// Copy legacy rows that have no new row yet
    Backfill {
        /// Stop after this many rows
        #[arg(long, value_name = "N", value_parser = values::rows)]
        limit: Option<u64>,
    },
    /// End a backfill, a repair or a way back before its next chunk or row, in whatever process it runs
    Pause,
    /// Let them be started again
    Resume,
}

/// `conclave ai …`
#[derive(Debug, Subcommand)]
pub(crate) enum Ai {
    /// The same as `conclave lease`
    #[command(subcommand, arg_required_else_help = false)]
    Lock(Box<Lease>),
}

impl Command {
    /// Whether the command only reads: it creates nothing, and works under `--read-only`. So does
    /// `migrate verify`, which otherwise keeps what it finds in a state that is there.
    pub(crate) const fn reads(&self) -> bool {
        match self {
            Self::Status | Self::Diag | Self::Completions { .. } | Self::Man => true,
            Self::Runs(runs) => !matches!(
                runs,
                Runs::Export { .. }
                    | Runs::Cancel { .. }
                    | Runs::Delete { .. }
                    | Runs::Answer { issue: Some(_), .. }
            ),
            Self::Task(task) => task.reads(),
            Self::Migrate(line) => {
                line.dry_run || matches!(line.command, Some(Migrate::Status | Migrate::Verify))
            }
            Self::Doctor { fix } => !*fix,
            Self::Work(line) => line.dry_run,
            Self::Db(line) => line.command.reads(),
            Self::Agents(line) => line.reads(),
            Self::Ports(command) => command.reads(),
            Self::Spool(command) => command.reads(),
            Self::Cache(command) => command.reads(),
            Self::Host(command) => command.reads(),
            Self::Lease(command) | Self::Ai(Ai::Lock(command)) => command.reads(),
            Self::Init
            | Self::Demo
            | Self::Run(_)
            | Self::Ask(_)
            | Self::Auto(_)
            | Self::Resume { .. }
            | Self::Start(_)
            | Self::Spawn(_)
            | Self::Stop(_)
            | Self::Cleanup(_) => false,
        }
    }

    /// Whether `--read-only` refuses it. An export and a backup write files, but not the state;
    /// the demo has a state of its own; what `ask` finds out it then keeps to itself.
    pub(crate) const fn changes_state(&self) -> bool {
        if let Self::Task(task) = self {
            return task.changes_state();
        }
        !self.reads()
            && !matches!(
                self,
                Self::Runs(Runs::Export { .. })
                    | Self::Demo
                    | Self::Ask(_)
                    | Self::Db(DbLine { command: DbCommand::Backup { .. }, .. })
            )
    }

    /// The command in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Status => "status",
            Self::Demo => "demo",
            Self::Run(_) => "run",
            Self::Auto(_) => "auto",
            Self::Resume { .. } => "resume",
            Self::Runs(Runs::Cancel { .. }) => "runs cancel",
            Self::Runs(Runs::Delete { .. }) => "runs delete",
            Self::Runs(Runs::Answer { .. }) => "runs answer",
            Self::Runs(_) => "runs",
            Self::Task(task) => task.name(),
            Self::Work(_) => "work",
            Self::Migrate(line) => match &line.command {
                None => "migrate",
                Some(Migrate::Import { .. }) => "migrate import",
                Some(Migrate::Status) => "migrate status",
                Some(Migrate::Advance { .. }) => "migrate advance",
                Some(Migrate::Rollback { .. }) => "migrate rollback",
                Some(Migrate::Verify) => "migrate verify",
                Some(Migrate::Repair) => "migrate repair",
                Some(Migrate::Backfill { .. }) => "migrate backfill",
                Some(Migrate::Pause) => "migrate pause",
                Some(Migrate::Resume) => "migrate resume",
            },
            Self::Doctor { .. } => "doctor --fix",
            Self::Db(line) => line.command.name(),
            Self::Start(_) => "start",
            Self::Spawn(_) => "spawn",
            Self::Agents(line) => line.name(),
            Self::Stop(_) => "stop",
            Self::Cleanup(_) => "cleanup",
            Self::Ports(command) => command.name(),
            Self::Spool(command) => command.name(),
            Self::Cache(command) => command.name(),
            Self::Ask(_) => "ask",
            Self::Host(command) => command.name(),
            Self::Diag => "diag",
            Self::Lease(command) | Self::Ai(Ai::Lock(command)) => command.name(),
            Self::Completions { .. } => "completions",
            Self::Man => "man",
        }
    }
}
