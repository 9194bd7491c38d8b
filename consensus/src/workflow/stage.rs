//! What all agents of a run that is driven share.

use std::path::PathBuf;

use conclave_db::Db;
use conclave_db::process::ProcessIdentity;

use super::Session;
use super::stage_time::StageTime;
use crate::child::Stop;
use crate::runs::RunId;
use crate::store::workflow::Driven;

/// A run that is being driven.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) db: Db,
    pub(super) run: RunId,
    pub(super) me: ProcessIdentity,
    pub(super) driven: Driven,
    pub(super) session: Session,
    pub(super) time: StageTime,
    /// Ends the agents: the session's stop, or the end of this run alone.
    pub(super) stop: Stop,
    /// The JSON schema of the stage's answers, where it asks for JSON.
    pub(super) schema: Option<String>,
}

impl Stage {
    pub(super) fn directory(&self) -> PathBuf {
        PathBuf::from(&self.driven.directory)
    }

    /// The name of an attempt, the same whoever makes it up: unlike that of any other attempt of any run.
    /// `lost` is how often this attempt was begun before.
    pub(super) fn agent_id(&self, agent: &str, attempt: i64, lost: i64) -> String {
        let Driven { run_key, spec, stage, .. } = &self.driven;
        let again = if lost == 0 { String::new() } else { format!(".{}", lost + 1) };
        format!("{}/{}/{}/{attempt}{again}/{agent}", escaped(run_key), escaped(spec), escaped(stage))
    }

    /// What the processes of an attempt carry in their environment: other projects may have runs of the same key.
    pub(super) fn mark(&self, agent_id: &str) -> String {
        mark(&self.db, agent_id)
    }
}

pub(super) fn mark(db: &Db, agent_id: &str) -> String {
    format!("{agent_id}@{}", db.path().display())
}

/// A part of a name that `/` separates.
fn escaped(part: &str) -> String {
    part.replace('%', "%25").replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn parts_do_not_run_together() {
        assert_eq!(escaped("run_S-1_5"), "run_S-1_5");
        assert_ne!(
            format!("{}/{}", escaped("a/b"), escaped("c")),
            format!("{}/{}", escaped("a"), escaped("b/c"))
        );
        assert_ne!(escaped("a%2Fb"), escaped("a/b"));
    }
}
