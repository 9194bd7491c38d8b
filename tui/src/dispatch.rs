//! The dispatcher: takes ready tasks, gives each to an agent, and stores what comes of it.
//!
//! It takes a task with a claim that ends unless it is renewed, records the attempt before the agent starts, and stores
//! the attempt's end together with what becomes of the task. So several dispatchers share one queue and each task is
//! done once: whoever is killed leaves an attempt without an end, which the next one finds, whose processes it ends, and
//! whose task it gives back. A dispatcher that was stopped for too long finds its claim lost, ends its agent, and leaves
//! the task to whoever has it now.
//!
//! What it does not promise: an agent that has changed files before it was killed has changed them. And nobody ends the
//! processes of an attempt from another machine, container or boot.

mod event;
mod held;
mod job;
mod keeping;
mod leftovers;
mod plan;
mod prompt;
mod queue;
mod storing;

pub(crate) use self::event::{Event, JobEnd, Tell};
pub(crate) use self::plan::{Asked, Plan};
pub(crate) use self::queue::{Dispatched, dispatch};
