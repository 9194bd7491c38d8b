//! Agents: who they are, how they are started, what their ends mean.

mod definition;
mod failure;
mod usage;

pub use self::definition::{Accept, AgentDefinition};
pub use self::failure::Failed;
pub use self::usage::Usage;
