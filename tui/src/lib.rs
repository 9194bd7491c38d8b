//! The terminal UI and the command line of Conclave.
//!
//! This crate is the shell over everything below it. It promises that the command line and the UI do the same
//! thing by calling the same functions, that standard output carries results and nothing else, that every
//! failure is one line with an exit code ([`cli`]) and, in the UI, a message instead of an exit. It holds no
//! SQL and opens no database by itself; it keeps no state that is not in the database.

#[cfg(windows)]
compile_error!(
    "conclave needs a Unix system: file locks, process groups and terminals are used as Unix has them"
);

mod agent_checks;
mod attention;
pub mod cli;
mod config;
mod demo;
mod diff;
mod dispatch;
mod driving;
mod durations;
mod event_spool;
mod failure;
mod find_run;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod host_state;
mod import;
mod life_cycle;
mod logging;
mod machine;
mod model_agents;
mod model_client;
mod model_shapes;
mod parse_cache;
mod project;
mod prompts;
mod registry_import;
mod request;
mod roster;
mod sizes;
pub mod state;
mod task_words;
mod text;
mod times;
mod ui;
mod verdict_words;
