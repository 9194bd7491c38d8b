//! Three agents that are shell scripts, and the project that they work in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use conclave_consensus::Result;
use conclave_consensus::agents::{Accept, AgentDefinition};
use conclave_consensus::workflow::{
    Pipeline, PipelineEnd, PipelineId, PipelineRequest, Session, begin_pipeline, drive_pipeline,
};
use conclave_db::{Db, DbOptions};
use conclave_testkit::Rerun;
use tempfile::TempDir;

use crate::project::{Project, schema};
use crate::workflow::agent;

pub(super) const STEPS: [&str; 9] =
    ["clarify", "plan", "checklist", "tasks", "analyze", "implement", "validate", "audit", "unlock"];

/// One answer for all steps. The end of the prompt of the step says which it is; `behaviour` is sourced, and holds
/// branches of a `case` on it.
const AGENT: &str = r#"
prompt=$(cat); step=${prompt##*STEP }; step=${step%%[!a-z]*}; issues=; audit=approve; unlock=UNLOCK; notes=none
echo "$NAME $step" >> calls
eval "case \$step in $(cat behaviour) esac"
printf '{"issues":[%s],"requirements":[],"work_breakdown":["w"],"acceptance_mapping":["m"],"tasks":["t"],
  "implementation":["i"],"test_strategy":["s"],"audit_verdict":"%s","unlock_decision":"%s","notes":"%s"}' \
  "$issues" "$audit" "$unlock" "$notes"
"#;

/// With the environment of the tests, and nobody who listens.
pub(super) fn session() -> Session {
    Session::new(std::env::vars_os().collect())
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

const FOLDER: &str = "PIPELINE_TEST_FOLDER";

pub(super) struct Scene {
    pub(super) db: Db,
    folder: PathBuf,
    /// Goes away with the scene whose it is.
    _own: Option<TempDir>,
}

impl Scene {
    /// Agents that agree on everything, but for these branches of a `case` on the step.
    pub(super) fn new(behaviour: &str) -> Self {
        let Project { dir, db } = Project::new();
        let scene = Self { db, folder: dir.path().to_path_buf(), _own: Some(dir) };
        scene.behave(behaviour);
        scene
    }

    pub(super) fn behave(&self, behaviour: &str) {
        std::fs::write(self.folder.join("behaviour"), behaviour).unwrap();
    }

    /// The scene of the parent of this process.
    pub(super) fn of_parent() -> Self {
        let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
        let db = Db::open(DbOptions::new(folder.join("state.db"), schema())).unwrap();
        Self { db, folder, _own: None }
    }

    pub(super) fn rerun(&self, rerun: &Rerun) -> Rerun {
        rerun.clone().variable(FOLDER, self.folder.to_str().unwrap())
    }

    pub(super) fn request(&self, from: Option<&str>) -> PipelineRequest {
        let agent = |name: &str| AgentDefinition {
            timeout: Duration::from_mins(1),
            ..agent(name, &format!("NAME={name}; {AGENT}"))
        };
        PipelineRequest {
            spec: "S-1".into(),
            from: from.map(str::to_owned),
            brief: Some(b"Build it.".to_vec()),
            prompts: STEPS
                .iter()
                .map(|step| ((*step).to_owned(), format!("STEP {step}").into_bytes()))
                .collect::<BTreeMap<_, _>>(),
            agents: ["a", "b", "c"].map(agent).to_vec(),
            quorum: None,
            accept: Accept::Majority,
            stage_timeout: Duration::from_mins(2),
            gate_timeout: Duration::from_mins(2),
            sequential: false,
            directory: self.folder.clone(),
            actor: "ada".into(),
        }
    }

    /// As `conclave auto`.
    pub(super) fn auto(&self, from: Option<&str>) -> PipelineEnd {
        self.drive(begin_pipeline(&self.db, &self.request(from)).unwrap().id)
    }

    pub(super) fn drive(&self, id: PipelineId) -> PipelineEnd {
        self.drive_with(id, &session()).unwrap()
    }

    pub(super) fn drive_with(&self, id: PipelineId, session: &Session) -> Result<PipelineEnd> {
        block_on(drive_pipeline(&self.db, id, session))
    }

    pub(super) fn write(&self, sql: &str) {
        let sql = sql.to_owned();
        self.db.write("test", move |tx| tx.execute_batch(&sql)).unwrap();
    }

    pub(super) fn text(&self, query: &str) -> String {
        self.db.read(|conn| conn.query_row(query, [], |row| row.get(0))).unwrap()
    }

    pub(super) fn number(&self, query: &str) -> i64 {
        self.db.read(|conn| conn.query_row(query, [], |row| row.get::<_, i64>(0))).unwrap()
    }

    /// `agent step`, in the order in which they were asked.
    pub(super) fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// What a step was asked.
    pub(super) fn prompt(&self, pipeline: &Pipeline, step: &str) -> String {
        let run = pipeline.steps.iter().find(|found| found.name == step).unwrap().run.unwrap();
        let query = format!("SELECT CAST(prompt AS TEXT) FROM run_settings WHERE run_id = {run}");
        self.db.read(|conn| conn.query_row(&query, [], |row| row.get(0))).unwrap()
    }
}
