//! Configuration: the project's `config.toml`, then the user's. A wrong key is an error and never ignored:
//! a setting that silently does nothing is worse than none.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_consensus::migrate::Soak;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::durations;
use crate::failure::Failure;

/// The keys of the soak times, in the order of the steps.
const SOAKS: [&str; 3] = ["soak_before_3", "soak_before_4", "soak_before_5"];

/// What `conclave init` writes: every key, commented out, with what it does.
pub(crate) const COMMENTED: &str = r#"# Conclave's configuration for this project. Uncomment what you want to change.
# The same keys may stand in $XDG_CONFIG_HOME/conclave/config.toml; this file wins.

[state]
# The database file itself, such as a legacy file that is used in place; relative to the project's folder.
# path = ".conclave/state.db"

[migration]
# How long a phase of the migration must have gone well before the next one: a number with ms, s, m, h or d.
# soak_before_3 = "7d"
# soak_before_4 = "7d"
# soak_before_5 = "14d"

[ui]
# Whether the terminal UI takes the mouse (`m` switches it; Shift selects text while it does).
# mouse = true
"#;

/// The settings of one file, or of all together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Config {
    /// `state.path`: the database file itself.
    pub(crate) state_path: Option<PathBuf>,
    /// `migration.soak_before_3`, `_4` and `_5`: how long the phase before is soaked.
    pub(crate) soaks: [Option<Duration>; 3],
    /// `ui.mouse`: whether the UI takes the mouse at its start.
    pub(crate) mouse: Option<bool>,
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
        let [reads, new, end] = self.soaks;
        let [other_reads, other_new, other_end] = other.soaks;
        Self {
            state_path: self.state_path.or(other.state_path),
            soaks: [reads.or(other_reads), new.or(other_new), end.or(other_end)],
            mouse: self.mouse.or(other.mouse),
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
            other => return Err(reader.unknown(key.span(), "", other, &["state", "migration", "ui"])),
        }
    }
    Ok(config)
}

/// Says of each mistake where it stands.
struct Reader<'file> {
    file: &'file Path,
    text: &'file str,
}

impl Reader<'_> {
    fn table<'value, 'text>(
        &self,
        key: &str,
        value: &'value Spanned<DeValue<'text>>,
    ) -> Result<&'value DeTable<'text>, Failure> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            other => Err(self.wrong(key, value.span(), "a table", other)),
        }
    }

    fn path(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<PathBuf, Failure> {
        match value.get_ref() {
            DeValue::String(text) if text.is_empty() => {
                Err(self.refuse(&value.span(), &format!("{key}: is empty, wanted a path")))
            }
            DeValue::String(text) => Ok(PathBuf::from(text.as_ref())),
            other => Err(self.wrong(key, value.span(), "a path in quotes", other)),
        }
    }

    /// A duration in words, or a number of seconds.
    fn duration(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Duration, Failure> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            other => return Err(self.wrong(key, value.span(), "a duration such as \"7d\"", other)),
        };
        durations::parse(&text).map_err(|wrong| self.refuse(&value.span(), &format!("{key}: {wrong}")))
    }

    fn boolean(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<bool, Failure> {
        match value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            other => Err(self.wrong(key, value.span(), "true or false", other)),
        }
    }

    fn wrong(&self, key: &str, span: Range<usize>, wanted: &str, found: &DeValue<'_>) -> Failure {
        let found = match found {
            DeValue::String(_) => "text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(&span, &format!("{key}: wanted {wanted}, found {found}"))
    }

    fn unknown(&self, span: Range<usize>, table: &str, key: &str, known: &[&str]) -> Failure {
        self.refuse(&span, &format!("{table}{key}: no such key"))
            .hint(format!("known here: {}", known.join(", ")))
    }

    fn refuse(&self, span: &Range<usize>, what: &str) -> Failure {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        Failure::configuration(format!("configuration: {}:{line}: {what}", self.file.display()))
            .hint("mend this line, or move the file away: every setting has a default")
    }
}

#[cfg(test)]
mod tests;
