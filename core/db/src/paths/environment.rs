//! Where things lie outside of a project, from what the caller was told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{DbError, Result};

/// The folder of ours below each of the XDG base folders.
const FOLDER: &str = "conclave";

/// What the command line and the environment say about places. An empty value is as good as none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Environment {
    /// `CONCLAVE_STATE_DIR`: replaces `<root>/.conclave` as a whole.
    pub state_dir: Option<PathBuf>,
    /// `CONCLAVE_GLOBAL_DIR`: replaces `$XDG_DATA_HOME/conclave`.
    pub global_dir: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub data_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// Takes what is needed from a lookup by name, such as `|name| std::env::var_os(name)`.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            state_dir: path("CONCLAVE_STATE_DIR"),
            global_dir: path("CONCLAVE_GLOBAL_DIR"),
            data_home: path("XDG_DATA_HOME"),
            config_home: path("XDG_CONFIG_HOME"),
            state_home: path("XDG_STATE_HOME"),
            home: path("HOME"),
        }
    }

    /// The folder of machine-wide state: `CONCLAVE_GLOBAL_DIR`, else `$XDG_DATA_HOME/conclave`.
    pub fn global_dir(&self) -> Result<PathBuf> {
        match &self.global_dir {
            Some(folder) => super::canonical_prefix(folder),
            None => self.base(self.data_home.as_deref(), ".local/share", "XDG_DATA_HOME"),
        }
    }

    /// The user's configuration: `$XDG_CONFIG_HOME/conclave/config.toml`.
    pub fn config_file(&self) -> Result<PathBuf> {
        Ok(self.base(self.config_home.as_deref(), ".config", "XDG_CONFIG_HOME")?.join("config.toml"))
    }

    /// The folder of the logs: `$XDG_STATE_HOME/conclave/log`.
    pub fn log_dir(&self) -> Result<PathBuf> {
        Ok(self.base(self.state_home.as_deref(), ".local/state", "XDG_STATE_HOME")?.join("log"))
    }

    /// A relative path in an XDG variable is to be ignored
    /// (<https://specifications.freedesktop.org/basedir-spec/latest/#variables>).
    fn base(&self, set: Option<&Path>, default: &str, name: &str) -> Result<PathBuf> {
        let base = match (set.filter(|path| path.is_absolute()), &self.home) {
            (Some(base), _) => base.to_path_buf(),
            (None, Some(home)) => home.join(default),
            (None, None) => {
                return Err(DbError::Invalid(format!("neither {name} nor HOME says where to put things")));
            }
        };
        Ok(base.join(FOLDER))
    }
}
