//! Configuration: the project's `config.toml`, then the user's. A wrong key is an error and never ignored:
//! a setting that silently does nothing is worse than none.

mod agents;
mod cache;
mod hosts;
mod ports;
mod reader;
mod spool;
mod stages;
mod tasks;
mod worktree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_consensus::agents::AgentDefinition;
use conclave_consensus::migrate::Soak;
use conclave_registry::ports::FirstBase;
use toml::de::DeTable;

pub(crate) use self::cache::CacheSettings;
pub(crate) use self::hosts::HostSettings;
use self::reader::Reader;
pub(crate) use self::spool::SpoolSettings;
pub(crate) use self::tasks::TaskSettings;
pub(crate) use self::worktree::WorktreeSettings;
use crate::failure::Failure;

/// The tables of a file.
const TABLES: [&str; 13] = [
    "state",
    "migration",
    "ui",
    "agents",
    "stages",
    "tasks",
    "ports",
    "worktree",
    "spool",
    "cache",
    "hosts",
    "fallback",
    "llm",
];

/// The keys of the soak times, in the order of the steps.
const SOAKS: [&str; 3] = ["soak_before_3", "soak_before_4", "soak_before_5"];

/// What `conclave init` writes: every key, commented out, with what it does.
pub(crate) const COMMENTED: &str = include_str!("config/commented.toml");

/// The settings of one file, or of all together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Config {
    /// `state.path`: the database file itself.
    pub(crate) state_path: Option<PathBuf>,
    /// `migration.soak_before_3`, `_4` and `_5`: how long the phase before is soaked.
    pub(crate) soaks: [Option<Duration>; 3],
    /// `ui.mouse`: whether the UI takes the mouse at its start.
    pub(crate) mouse: Option<bool>,
    /// `[[agents]]`, copies counted out: those of the first file that has any.
    pub(crate) agents: Option<Vec<AgentDefinition>>,
    /// `[stages.NAME] prompt`, by the canonical name of the stage.
    pub(crate) prompts: BTreeMap<String, String>,
    /// `[tasks]`, key by key.
    pub(crate) tasks: TaskSettings,
    /// `ports.base`: where the first block of ports begins.
    pub(crate) first_base: Option<FirstBase>,
    /// `[worktree]`, key by key.
    pub(crate) worktree: WorktreeSettings,
    /// `[spool]`, key by key.
    pub(crate) spool: SpoolSettings,
    /// `[cache]`, key by key.
    pub(crate) cache: CacheSettings,
    /// `[[hosts]]`, `[fallback]` and `[llm]`.
    pub(crate) hosts: HostSettings,
}

/// Where a configuration is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The one file that the user named.
    Named(PathBuf),
    /// The first file that says something wins; none need be there.
    Files(Vec<PathBuf>),
}

impl Source {
    /// What it says, which fits together: a mistake is told before anything is done, whatever was to be done.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        let config = match self {
            Self::Named(file) => Config::load_named(file),
            Self::Files(files) => Config::load(files),
        }?;
        config.spool.options()?;
        config.hosts.check()?;
        Ok(config)
    }
}

impl Config {
    /// Reads the first file, then the second where the first is silent. A missing file is an empty one.
    pub(crate) fn load(files: &[PathBuf]) -> Result<Self, Failure> {
        let mut config = Self::default();
        for file in files {
            match read(file) {
                Ok(text) => config = config.or(parse(file, &text)?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(file, &error)),
            }
        }
        Ok(config)
    }

    /// Reads the one file that the user named; it must be there.
    pub(crate) fn load_named(file: &Path) -> Result<Self, Failure> {
        let text = read(file).map_err(|error| unreadable(file, &error))?;
        parse(file, &text)
    }

    fn or(self, other: Self) -> Self {
        let mut prompts = other.prompts;
        prompts.extend(self.prompts);
        let [reads, new, end] = self.soaks;
        let [other_reads, other_new, other_end] = other.soaks;
        Self {
            state_path: self.state_path.or(other.state_path),
            soaks: [reads.or(other_reads), new.or(other_new), end.or(other_end)],
            mouse: self.mouse.or(other.mouse),
            agents: self.agents.or(other.agents),
            prompts,
            tasks: self.tasks.or(other.tasks),
            first_base: self.first_base.or(other.first_base),
            worktree: self.worktree.or(other.worktree),
            spool: self.spool.or(other.spool),
            cache: self.cache.or(other.cache),
            hosts: self.hosts.or(other.hosts),
        }
    }

    /// How long the phases of the migration are soaked.
    pub(crate) fn soak(&self) -> Soak {
        let usual = Soak::default();
        let [before_reads_flipped, before_new_only, before_cleaned_up] = self.soaks;
        Soak {
            before_reads_flipped: before_reads_flipped.unwrap_or(usual.before_reads_flipped),
            before_new_only: before_new_only.unwrap_or(usual.before_new_only),
            before_cleaned_up: before_cleaned_up.unwrap_or(usual.before_cleaned_up),
            ..usual
        }
    }
}

/// The text of a regular file: reading a pipe or a terminal would wait for whoever writes into it.
fn read(file: &Path) -> std::io::Result<String> {
    let found = std::fs::metadata(file)?;
    if !found.is_file() && !found.is_dir() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "is no regular file"));
    }
    std::fs::read_to_string(file)
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::configuration(format!("read configuration: {}: {error}", file.display()))
        .hint("name a file that can be read with `--config`, or leave it out: every setting has a default")
}

/// A file with this text.
#[cfg(any(test, fuzzing))]
pub(crate) fn of_text(text: &str) -> Result<Config, Failure> {
    parse(Path::new("config.toml"), text)
}

fn parse(file: &Path, text: &str) -> Result<Config, Failure> {
    let reader = Reader { file, text };
    let document = DeTable::parse(text)
        .map_err(|error| reader.refuse(&error.span().unwrap_or(0..0), error.message()))?;
    let mut config = Config::default();
    for (key, value) in document.get_ref() {
        match key.get_ref().as_ref() {
            "state" => {
                for (key, value) in reader.table("state", value)? {
                    match key.get_ref().as_ref() {
                        "path" => config.state_path = Some(reader.path("state.path", value)?),
                        other => return Err(reader.unknown(key.span(), "state.", other, &["path"])),
                    }
                }
            }
            "migration" => {
                for (key, value) in reader.table("migration", value)? {
                    let name = key.get_ref().as_ref();
                    let Some(which) = SOAKS.iter().position(|soak| *soak == name) else {
                        return Err(reader.unknown(key.span(), "migration.", name, &SOAKS));
                    };
                    config.soaks[which] = Some(reader.duration(&format!("migration.{name}"), value)?);
                }
            }
            "ui" => {
                for (key, value) in reader.table("ui", value)? {
                    match key.get_ref().as_ref() {
                        "mouse" => config.mouse = Some(reader.boolean("ui.mouse", value)?),
                        other => return Err(reader.unknown(key.span(), "ui.", other, &["mouse"])),
                    }
                }
            }
            "agents" => config.agents = Some(agents::read(&reader, value)?),
            "tasks" => config.tasks = tasks::read(&reader, value)?,
            "ports" => config.first_base = ports::read(&reader, value)?,
            "worktree" => config.worktree = worktree::read(&reader, value)?,
            "spool" => config.spool = spool::read(&reader, value)?,
            "cache" => config.cache = cache::read(&reader, value)?,
            "stages" => config.prompts = stages::read(&reader, value)?,
            "hosts" => hosts::read(&reader, value, &mut config.hosts)?,
            "fallback" => hosts::read_fallback(&reader, value, &mut config.hosts)?,
            "llm" => hosts::read_llm(&reader, value, &mut config.hosts)?,
            other => return Err(reader.unknown(key.span(), "", other, &TABLES)),
        }
    }
    Ok(config)
}

#[cfg(test)]
mod tests;
