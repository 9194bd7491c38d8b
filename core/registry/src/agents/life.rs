//! Whether an agent lives: computed, never stored.

use super::model::Agent;

/// What can be said of an agent's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// It runs, and somebody waits for its end.
    Running,
    /// It runs, and nobody waits for it: its supervisor was killed, or it was adopted.
    Unsupervised,
    /// Its end is recorded.
    Ended,
    /// It is gone, and nobody saw how.
    Lost,
    /// Nobody here can say: another pid namespace, or a row with no more than a pid that is in use.
    Unknown,
    /// It never had a process.
    None,
}

impl Agent {
    /// Whether it lives, as far as can be told from here.
    pub fn life(&self) -> Life {
        todo!("R")
    }
}
