//! The registry from outside, with real processes.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod agents_race;
mod files;
mod importing;
mod importing_kept;
mod importing_killed;
mod importing_race;
mod originals;
mod ports;
mod ports_race;
mod repository;
mod worktree_between;
mod worktree_ends;
mod worktree_killed;
mod worktree_merges;
mod worktrees;
