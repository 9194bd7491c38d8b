//! Runs as they are driven: roster, attempts, retries, deadlines, the verdict at the end, and going on after a crash.

mod asking;
mod attempt;
mod begin;
mod cancel;
mod closing;
mod detail;
mod drive;
mod driving;
mod event;
mod find;
mod launching;
mod leftovers;
mod models;
mod pipeline;
mod prompt;
mod request;
mod resume;
mod retrying;
mod scratch;
mod session;
mod single;
mod slots;
mod stage;
mod stage_time;
mod writing;

pub use self::begin::{begin, run_key};
pub use self::cancel::{Cancel, cancel};
pub use self::detail::{AgentState, AttemptDetails, Owner, RosterEntry, RunSettings};
pub(crate) use self::detail::{LastAttempt, SeenAgent};
pub use self::drive::drive;
pub use self::event::{AttemptEnd, Event};
pub use self::find::find;
pub(crate) use self::find::stored_key;
pub(crate) use self::leftovers::end_before_delete;
pub use self::models::Models;
pub use self::pipeline::{
    BegunPipeline, Pipeline, PipelineEnd, PipelineId, PipelineRequest, PipelineState, PipelineStep,
    begin_pipeline, drive_pipeline, newest_pipeline, pipeline, pipeline_of_run, unfinished_pipelines,
};
pub(crate) use self::pipeline::{Earlier, Settled};
pub use self::request::RunRequest;
pub use self::resume::{Unfinished, unfinished};
pub use self::session::{Driven, Observer, Session, agent_retry};
pub use self::single::{Single, SingleEnd, ask_once, end_lost, wait_before_retry};
