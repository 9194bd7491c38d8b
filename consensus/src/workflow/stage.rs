//! What all agents of a run that is driven share.

use std::path::PathBuf;
use std::sync::Arc;

use conclave_db::Db;
use conclave_db::process::ProcessIdentity;

use super::stage_time::StageTime;
use super::{Session, leftovers};
use crate::child::Stop;
use crate::runs::RunId;
use crate::stages::{self, Required};
use crate::store::workflow::Driven;
use crate::transcripts::{About, Transcript};

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

    /// Whether the prompt is the stage's own one, alone or behind what came before: the only one that asks for all
    /// that its schema lets through.
    pub(super) fn asks_built_in(&self) -> bool {
        let stage = stages::stage(&self.driven.stage);
        stage.is_some_and(|stage| holds(&self.driven.prompt, &stage.built_in_prompt(&self.driven.spec)))
    }

    /// What must be in its answers.
    pub(super) fn required(&self) -> &'static [Required] {
        stages::stage(&self.driven.stage).map_or(&[], |stage| stage.required)
    }

    /// The name of an attempt, the same whoever makes it up: unlike that of any other attempt of any run.
    /// `lost` is how often this attempt was begun before.
    pub(super) fn agent_id(&self, agent: &str, attempt: i64, lost: i64) -> String {
        let Driven { run_key, spec, stage, .. } = &self.driven;
        let again = if lost == 0 { String::new() } else { format!(".{}", lost + 1) };
        format!("{}/{}/{}/{attempt}{again}/{agent}", escaped(run_key), escaped(spec), escaped(stage))
    }

    /// Where what an attempt's process writes goes, if anywhere.
    pub(super) fn transcript(&self, agent: &str, attempt: i64) -> Option<Transcript> {
        let transcripts = self.session.transcripts.as_ref()?;
        let about = About {
            run: self.run.0,
            spec: self.driven.spec.clone(),
            stage: self.driven.stage.clone(),
            agent: agent.to_owned(),
            attempt,
        };
        Some(transcripts.of_attempt(about, Arc::clone(self.db.clock())))
    }

    /// What the processes of an attempt carry in their environment: other projects may have runs of the same key.
    pub(super) fn mark(&self, agent_id: &str) -> String {
        leftovers::mark(&self.db, agent_id)
    }
}

fn holds(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
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
