//! Agents: who they are, how they are started, what their ends mean.
//!
//! Nothing here starts a process: [`command_of`] says what to start, [`judge`] what its end means.

mod command;
mod definition;
mod failure;
mod presets;
mod signs;
mod usage;
mod wrapper;
mod written;

pub use self::command::{CommandLine, Launch, command_of};
pub use self::definition::{Accept, AgentDefinition};
pub use self::failure::{Away, Ended, Failed, Judged, judge};
pub use self::presets::{PRESETS, Preset, installed, preset};
pub use self::usage::Usage;
pub use self::written::Written;
