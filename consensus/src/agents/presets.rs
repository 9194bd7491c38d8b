//! The command-line agents that are known: one row each, as their own `--help` and their behaviour without a key
//! show them (versions of November 2026). A row is data; [`super::command_of`] reads the upper half of it and
//! [`super::judge`] the lower one.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_retry::{ErrorClass, PermanentReason, RetryReason};

use super::AgentDefinition;

/// How an agent of a well-known program is talked to.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name in the configuration.
    pub name: &'static str,
    /// The program on PATH.
    pub program: &'static str,
    /// Whose model answers; the program's own name where it serves models of many.
    pub family: &'static str,
    /// What prints the version and ends.
    pub version: &'static [&'static str],
    /// What to do when it is not signed in.
    pub login: &'static str,
    /// Where to get it.
    pub install: &'static str,
    /// The word before all options, where one is needed.
    pub(super) subcommand: Option<&'static str>,
    /// The options that are added where the configured command has none of their spellings.
    pub(super) flags: &'static [Flag],
    /// What stands last when the prompt comes on standard input.
    pub(super) stdin_argument: Option<&'static str>,
    /// Variables that are set anew for every attempt, each to a file of this name in the attempt's own folder.
    pub(super) isolated: &'static [(&'static str, &'static str)],
    /// Names of the caller's environment that it needs.
    pub(super) environment: &'static [&'static str],
    /// What it writes to standard output with these options.
    pub(super) format: Format,
    /// Exit codes that say why by themselves.
    pub(super) exits: &'static [(i32, ErrorClass)],
    /// Words that say why, in lower case.
    pub(super) signs: &'static [(&'static str, ErrorClass)],
}

/// One option of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flag {
    /// Its name.
    pub(super) name: &'static str,
    /// Other spellings of it, and options that exclude it.
    pub(super) unless: &'static [&'static str],
    pub(super) value: Value,
}

/// What stands behind an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Nothing,
    Text(&'static str),
    /// The id that this attempt's session gets.
    SessionId,
    /// The stage's schema itself; without one the option is left out.
    Schema,
    /// The path of a file that holds it; without one the option is left out.
    SchemaFile,
    /// The path of a file that holds the prompt: nothing goes to standard input.
    PromptFile,
    /// The path of a file of this name in the attempt's own folder.
    Scratch(&'static str),
}

/// What an agent writes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A result line, alone or at the end of an event stream.
    Claude,
    /// Events, one a line.
    Codex,
    /// One object.
    Gemini,
    /// Events, one a line.
    Opencode,
    /// Text, with lines of its own around the answer.
    Aider,
    /// The one document of `conclave ask --json`.
    Model,
}

const fn flag(name: &'static str, unless: &'static [&'static str], value: Value) -> Flag {
    Flag { name, unless, value }
}

const DENIED: ErrorClass = ErrorClass::permanent(PermanentReason::Denied);
const QUOTA: ErrorClass = ErrorClass::permanent(PermanentReason::QuotaExhausted);
const INVALID: ErrorClass = ErrorClass::permanent(PermanentReason::InvalidInput);
const NOT_FOUND: ErrorClass = ErrorClass::permanent(PermanentReason::NotFound);
const CONNECTION: ErrorClass = ErrorClass::retryable(RetryReason::Connection);
const OVERLOADED: ErrorClass = ErrorClass::retryable(RetryReason::Unavailable);

/// Proxies and certificates: every agent talks to a network.
const NETWORK: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
];

/// All that are known, in the order of the documentation.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "claude",
        program: "claude",
        family: "anthropic",
        version: &["--version"],
        login: "start `claude` and use /login, or set ANTHROPIC_API_KEY",
        install: "npm install -g @anthropic-ai/claude-code",
        subcommand: None,
        flags: &[
            flag("-p", &["--print"], Value::Nothing),
            flag("--output-format", &[], Value::Text("json")),
            // Servers of the user's own configuration are shared between attempts.
            flag("--strict-mcp-config", &["--mcp-config"], Value::Nothing),
            flag("--session-id", &["-c", "--continue", "-r", "--resume"], Value::SessionId),
            flag("--json-schema", &[], Value::Schema),
        ],
        stdin_argument: None,
        isolated: &[],
        environment: &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_MODEL",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CONFIG_DIR",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
            "ANTHROPIC_VERTEX_PROJECT_ID",
            "CLOUD_ML_REGION",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "AWS_REGION",
            "AWS_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_BEARER_TOKEN_BEDROCK",
        ],
        format: Format::Claude,
        exits: &[],
        signs: &[
            ("not logged in", DENIED),
            ("please run /login", DENIED),
            ("authentication_failed", DENIED),
            ("invalid api key", DENIED),
            ("oauth token has expired", DENIED),
            ("credit balance is too low", QUOTA),
            ("usage limit reached", QUOTA),
            ("hit your limit", QUOTA),
            ("prompt is too long", INVALID),
            ("input must be provided", INVALID),
            ("unknown option", INVALID),
            ("overloaded", OVERLOADED),
        ],
    },
    Preset {
        name: "codex",
        program: "codex",
        family: "openai",
        version: &["--version"],
        login: "run `codex login`, or set CODEX_API_KEY",
        install: "npm install -g @openai/codex",
        subcommand: Some("exec"),
        flags: &[
            flag("--json", &["--experimental-json"], Value::Nothing),
            // Without these it refuses to work outside of a repository, and attempts share session files.
            flag("--skip-git-repo-check", &[], Value::Nothing),
            flag("--ephemeral", &[], Value::Nothing),
            flag("--color", &[], Value::Text("never")),
            flag("--output-schema", &[], Value::SchemaFile),
        ],
        stdin_argument: Some("-"),
        isolated: &[],
        environment: &["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_HOME", "OPENAI_BASE_URL"],
        format: Format::Codex,
        exits: &[],
        signs: &[
            ("not inside a trusted directory", INVALID),
            ("unexpected argument", INVALID),
            ("no prompt provided", INVALID),
            ("401 unauthorized", DENIED),
            ("missing bearer", DENIED),
            ("hit your usage limit", QUOTA),
            ("usage limit reached", QUOTA),
            ("stream disconnected before completion", CONNECTION),
        ],
    },
    Preset {
        name: "gemini",
        program: "gemini",
        family: "google",
        version: &["--version"],
        login: "start `gemini` and sign in, or set GEMINI_API_KEY",
        install: "npm install -g @google/gemini-cli",
        subcommand: None,
        flags: &[
            flag("--output-format", &["-o"], Value::Text("json")),
            flag("--session-id", &["-r", "--resume", "--session-file"], Value::SessionId),
            // Without it the program refuses to answer in a folder that nobody has trusted by hand.
            flag("--skip-trust", &[], Value::Nothing),
        ],
        stdin_argument: None,
        isolated: &[],
        environment: &[
            "GEMINI_API_KEY",
            "GEMINI_MODEL",
            "GOOGLE_API_KEY",
            "GOOGLE_CLOUD_PROJECT",
            "GOOGLE_CLOUD_LOCATION",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_GENAI_USE_VERTEXAI",
            "GOOGLE_GENAI_USE_GCA",
        ],
        format: Format::Gemini,
        // No login, input, sandbox, configuration, limit of turns, folder not trusted, cancelled.
        exits: &[
            (41, DENIED),
            (42, INVALID),
            (44, INVALID),
            (52, INVALID),
            (53, INVALID),
            (55, INVALID),
            (130, ErrorClass::retryable(RetryReason::Interrupted)),
        ],
        signs: &[
            ("please set an auth method", DENIED),
            ("api key not valid", DENIED),
            ("exhausted your daily quota", QUOTA),
            ("exhausted your capacity", ErrorClass::retryable(RetryReason::RateLimited)),
            ("resource_exhausted", ErrorClass::retryable(RetryReason::RateLimited)),
            ("unknown argument", INVALID),
            ("no input provided via stdin", INVALID),
        ],
    },
    Preset {
        name: "opencode",
        program: "opencode",
        family: "opencode",
        version: &["--version"],
        login: "run `opencode auth login`",
        install: "npm install -g opencode-ai",
        subcommand: Some("run"),
        flags: &[flag("--format", &[], Value::Text("json"))],
        stdin_argument: None,
        // Its own SQLite: shared between attempts it answers "database is locked", or dies in its migration.
        isolated: &[("OPENCODE_DB", "opencode.db")],
        environment: &[
            "OPENCODE_CONFIG",
            "OPENCODE_CONFIG_DIR",
            "OPENCODE_CONFIG_CONTENT",
            "OPENCODE_API_KEY",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "GEMINI_API_KEY",
            "GOOGLE_GENERATIVE_AI_API_KEY",
            "OPENROUTER_API_KEY",
        ],
        format: Format::Opencode,
        exits: &[],
        signs: &[
            ("database is locked", ErrorClass::retryable(RetryReason::DatabaseLocked)),
            ("providerautherror", DENIED),
            ("providermodelnotfounderror", NOT_FOUND),
            ("model not found", NOT_FOUND),
            ("you must provide a message", INVALID),
            // It answers an unknown option with its usage, and no word about which.
            ("opencode run [message..]", INVALID),
        ],
    },
    Preset {
        name: "aider",
        program: "aider",
        family: "aider",
        version: &["--version"],
        login: "set the key of a model's vendor, or --api-key in its configuration",
        install: "python -m pip install aider-chat",
        subcommand: None,
        flags: &[
            flag("--message-file", &["-f", "--message", "--msg", "-m"], Value::PromptFile),
            // It answers, and edits nothing.
            flag("--chat-mode", &["--edit-format", "--architect"], Value::Text("ask")),
            flag("--yes-always", &["--yes"], Value::Nothing),
            flag("--no-auto-commits", &["--auto-commits"], Value::Nothing),
            flag("--no-gitignore", &["--gitignore"], Value::Nothing),
            flag("--no-stream", &["--stream"], Value::Nothing),
            flag("--no-pretty", &["--pretty"], Value::Nothing),
            flag("--no-check-update", &["--check-update"], Value::Nothing),
            flag("--no-show-release-notes", &["--show-release-notes"], Value::Nothing),
            flag("--chat-history-file", &[], Value::Scratch("aider.chat.md")),
            flag("--input-history-file", &[], Value::Scratch("aider.input")),
        ],
        stdin_argument: None,
        isolated: &[],
        environment: &[
            "AIDER_MODEL",
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "OPENAI_API_BASE",
            "GEMINI_API_KEY",
            "OPENROUTER_API_KEY",
            "DEEPSEEK_API_KEY",
        ],
        format: Format::Aider,
        exits: &[],
        signs: &[
            ("no llm model was specified", DENIED),
            ("litellm.authenticationerror", DENIED),
            ("litellm.notfounderror", NOT_FOUND),
            ("litellm.contextwindowexceedederror", INVALID),
            ("unrecognized arguments", INVALID),
        ],
    },
];

/// A model behind HTTP: this program asks it, as `conclave ask` does. It is not one that a configuration can name, and
/// not one that is looked for on PATH.
pub(super) const MODEL: Preset = Preset {
    name: "model",
    program: "conclave",
    family: "model",
    version: &["--version"],
    login: "see the key of its [[hosts]] in config.toml, and `conclave host check`",
    install: "add a host that has it to [[hosts]] in config.toml",
    subcommand: Some("ask"),
    flags: &[],
    stdin_argument: None,
    isolated: &[],
    // Where its configuration and its log lie. What keys are called is known to whoever drives the run.
    environment: &["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"],
    format: Format::Model,
    // Nobody may be asked now; all have failed; its time is over; ended. Of 2 the document says more.
    exits: &[
        (1, OVERLOADED),
        (3, CONNECTION),
        (4, ErrorClass::retryable(RetryReason::Timeout)),
        (130, ErrorClass::retryable(RetryReason::Interrupted)),
    ],
    signs: &[],
};

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The agent as it is without any configuration: 20 minutes for an attempt, 2 retries, all stages.
    pub fn definition(&self) -> AgentDefinition {
        AgentDefinition {
            name: self.name.to_owned(),
            preset: Some(self.name.to_owned()),
            command: vec![self.program.to_owned()],
            model: None,
            route: None,
            family: Some(self.family.to_owned()),
            role: None,
            timeout: Duration::from_mins(20),
            retries: 2,
            env_pass: Vec::new(),
            env: Vec::new(),
            stages: Vec::new(),
        }
    }

    /// The names of the caller's environment that are let through beside the usual ones.
    pub fn environment(&self) -> Vec<&'static str> {
        [self.environment, NETWORK].concat()
    }
}

/// The presets whose program stands in a folder of `path` (as in the variable PATH), each with where.
pub fn installed(path: &OsStr) -> Vec<(&'static Preset, PathBuf)> {
    let find = |program: &str| {
        std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(program))
            .find(|file| is_program(file))
    };
    PRESETS.iter().filter_map(|preset| Some((preset, find(preset.program)?))).collect()
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests;
