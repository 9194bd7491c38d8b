//! The real binary, driven as a user drives it: on scratch projects with a home of their own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the helpers of tests are tests too, and file names are our own"
)]

mod agents;
mod agents_ends;
mod asking;
mod attention;
mod auto;
mod bad_input;
#[cfg(all(feature = "rust", feature = "python"))]
mod cache;
mod commands;
mod db_dump;
mod db_files;
mod db_query;
mod db_reset;
mod db_values;
mod demo;
mod documented;
mod first_opening;
mod foreground_terminal;
mod hints;
mod interrupted;
mod interrupted_runs;
mod launched;
mod lease;
mod lease_run;
mod lease_token;
mod lists;
mod migration;
mod model_agents;
mod model_hosts;
mod model_secrets;
mod models;
mod patience;
mod pipes;
mod places;
mod ports;
mod printed;
mod registry_import;
mod registry_schema;
mod run;
mod scratch;
mod spawn_foreground;
mod spool;
mod spool_words;
mod spool_write;
mod task_files;
mod task_options;
mod task_words;
mod tasks;
mod terminal;
mod terminal_agents;
mod terminal_hosts;
mod terminal_runs;
mod terminal_storage;
mod terminal_tasks;
mod transcripts;
mod unread;
mod work;
mod work_models;
mod worktrees;
