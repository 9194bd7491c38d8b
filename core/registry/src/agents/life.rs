//! Whether an agent lives: computed, never stored.

use conclave_db::process::{self, Liveness, ProcessIdentity};

use super::model::{Agent, End};

/// What can be said of an agent's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// It runs, and somebody waits for its end.
    Running,
    /// It runs, and nobody waits for it: its supervisor was killed, or it was adopted.
    Unsupervised,
    /// It has ended, and somebody saw it; or it was stopped.
    Ended,
    /// It is gone, and nobody saw how.
    Lost,
    /// Nobody here can say: another pid namespace, or a row with no more than a pid that is in use.
    Unknown,
    /// It never had a process, or is just being started.
    None,
}

impl Life {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Unsupervised => "unsupervised",
            Self::Ended => "ended",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
            Self::None => "none",
        }
    }

    /// Whether its process runs; `None` where nobody can say.
    pub const fn is_alive(self) -> Option<bool> {
        match self {
            Self::Running | Self::Unsupervised => Some(true),
            Self::Ended | Self::Lost | Self::None => Some(false),
            Self::Unknown => None,
        }
    }
}

impl Agent {
    /// Whether it lives, as far as can be told from here.
    pub fn life(&self) -> Life {
        self.life_with(process::liveness, pid_is_there, is_this_boot)
    }

    /// The same with other eyes.
    pub(crate) fn life_with(
        &self,
        look: impl Fn(&ProcessIdentity) -> Liveness,
        pid_is_there: impl Fn(u32) -> bool,
        is_this_boot: impl Fn(&str) -> bool,
    ) -> Life {
        if let Some(ended) = &self.ended {
            return if ended.how == End::Lost { Life::Lost } else { Life::Ended };
        }
        // Who waits for the end records it in a moment; nobody else may say what it was.
        let is_waited_for = || self.supervisor.as_ref().is_some_and(|waits| look(waits) == Liveness::Alive);
        let Some(pid) = self.pid else {
            return match self.supervisor.as_ref().map(look) {
                // It was about to start it, and was killed.
                Some(Liveness::Dead) => Life::Lost,
                // What was registered without a process is of its boot as well: whatever used its port is gone.
                None if self.boot_id.as_deref().is_some_and(|boot| !is_this_boot(boot)) => Life::Lost,
                _ => Life::None,
            };
        };
        if let Some(process) = &self.process {
            return match look(process) {
                Liveness::Alive if is_waited_for() => Life::Running,
                Liveness::Alive => Life::Unsupervised,
                Liveness::Dead if is_waited_for() => Life::Ended,
                Liveness::Dead => Life::Lost,
                Liveness::Unknown => Life::Unknown,
            };
        }
        match u32::try_from(pid) {
            Ok(pid) if pid > 1 && pid_is_there(pid) => Life::Unknown,
            // 1 is the system's first process, and what is below means a group to it: no agent ever had such a number.
            _ => Life::Lost,
        }
    }
}

/// Where that cannot be known nothing is freed.
fn is_this_boot(boot: &str) -> bool {
    process::current().map_or(true, |me| me.boot_id == boot)
}

/// What cannot be seen may be there.
fn pid_is_there(pid: u32) -> bool {
    process::of(pid).map_or(true, |found| found.is_some())
}

#[cfg(test)]
mod tests;
