//! The verdict on a run: a function of its roster and its outputs, and of nothing else.

mod model;

pub use self::model::{
    AgentVerdict, Case, CaseAgent, CaseAnswer, Conflict, FieldVote, Outcome, Position, Unusable, Verdict,
};
