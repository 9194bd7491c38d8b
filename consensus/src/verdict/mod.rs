//! The verdict on a run: a function of its roster and its outputs, and of nothing else.
//!
//! Each agent's latest answer counts. It is usable when it is not empty, not the prompt's own template, and JSON
//! where the stage asks for JSON. Too few usable answers make the run insufficient; a conflict that an agent lists,
//! or two agents that decide differently, makes it a conflict; an expected agent or a required field that is missing
//! makes it degraded; else it is ok. What a synthesis says of itself counts for nothing.
//!
//! Where the answers are structured, the agents also vote field by field. The vote informs and never changes the
//! status: agents that err tend to err alike, and agreement is not truth. Values that are cut because an answer is
//! too big or too deep agree with nothing.

mod absent;
mod bounded;
mod canonical;
mod conflicts;
mod judge;
mod model;
#[cfg(test)]
pub(crate) mod tests;
mod vote;
mod weighed;

pub(crate) use self::bounded::parse as parse_bounded;
pub(crate) use self::conflicts::{Decided, decided};
pub(crate) use self::judge::default_quorum;
pub use self::judge::{judge, status};
pub use self::model::{
    AgentVerdict, Case, CaseAgent, CaseAnswer, Conflict, FieldVote, Outcome, Position, Unusable, Verdict,
};
pub(crate) use self::vote::{Tally, tallies};
pub(crate) use self::weighed::Weighed;
pub use self::weighed::unusable;
