//! Who writes events: the names of monitors, and which are known.

use std::collections::BTreeMap;

use crate::error::{Result, SpoolError};

/// The name of a monitor: 1 to 64 of `a-z`, `0-9` and `_`, not beginning with `_`. It is the name of a folder too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct MonitorName(String);

impl MonitorName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidMonitor`](SpoolError::InvalidMonitor).
    pub fn parse(name: &str) -> Result<Self> {
        let refuse = |why| SpoolError::InvalidMonitor { name: name.chars().take(80).collect(), why };
        if name.is_empty() || name.len() > 64 {
            return Err(refuse("it has 1 to 64 characters"));
        }
        if name.starts_with('_') {
            return Err(refuse("what begins with _ is ours"));
        }
        if !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
            return Err(refuse("only a-z, 0-9 and _ can stand in it"));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// It is ordered as its text is, so that it is found by its text.
impl std::borrow::Borrow<str> for MonitorName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for MonitorName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whose events are dropped first when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// First.
    Low,
    /// When nothing of low priority is left.
    Normal,
}

/// The monitors that are known: those of the original, `agent`, and those of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitors(BTreeMap<MonitorName, Priority>);

/// Known without configuration.
const KNOWN: [&str; 8] =
    ["active_window", "agent", "browser", "context_snapshot", "file", "heartbeat", "keyboard", "mouse"];
/// Of low priority without configuration.
const LOW: [&str; 2] = ["heartbeat", "context_snapshot"];

impl Default for Monitors {
    fn default() -> Self {
        let known = KNOWN.iter().map(|name| {
            let priority = if LOW.contains(name) { Priority::Low } else { Priority::Normal };
            (MonitorName((*name).to_owned()), priority)
        });
        Self(known.collect())
    }
}

impl Monitors {
    /// Makes more of them known.
    pub fn with(mut self, more: impl IntoIterator<Item = MonitorName>) -> Self {
        for name in more {
            self.0.entry(name).or_insert(Priority::Normal);
        }
        self
    }

    /// These are of low priority, and no others.
    pub fn low_priority(mut self, low: &[MonitorName]) -> Self {
        for (name, priority) in &mut self.0 {
            *priority = if low.contains(name) { Priority::Low } else { Priority::Normal };
        }
        self
    }

    /// The monitor with this name.
    ///
    /// # Errors
    /// [`InvalidMonitor`](SpoolError::InvalidMonitor) where it is no name, or not known.
    pub fn find(&self, name: &str) -> Result<MonitorName> {
        let name = MonitorName::parse(name)?;
        if self.is_known(&name) {
            return Ok(name);
        }
        Err(SpoolError::InvalidMonitor { name: name.0, why: "no monitor of this name is known" })
    }

    /// Whether it is known.
    pub fn is_known(&self, name: &MonitorName) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a monitor of this name is known.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Its priority; of an unknown one the normal one.
    pub fn priority(&self, name: &MonitorName) -> Priority {
        self.0.get(name).copied().unwrap_or(Priority::Normal)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &MonitorName> {
        self.0.keys()
    }
}
