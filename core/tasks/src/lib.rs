//! Tasks: a work queue that any number of agents and people pull from, and that git can carry.
//!
//! A task is one JSON record, in the format that the Beads issue tracker has had over the years. The bytes of the
//! record are the truth: every other column of the store is a projection of them, and only two things beside it are
//! the machine's own: where in its file the record stood, and whether it is blocked by others. So what came in goes
//! out again byte for byte, whatever else it holds, and a change touches the bytes of what it changes and no others.
//!
//! - `json`, `record`: one record, its spans, its projection, and changing it. Pure.
//! - `work`: what agents and people do: create, claim, update, close. One transaction each, with its audit rows.
//! - `read`: ready, blocked (why), lists, details, trees, search. Nothing is written.
//! - `exchange`: import, export, sync with files; `merge`: three ways into one. Nothing is ever lost on the way.
//!
//! It fails with [`TaskError`], whose kind says whether the storage, the input or the caller is the cause. All SQL of
//! this crate stands in `store/`. Times of records compare as instants, to the nanosecond, and keep their text.

pub mod error;
pub mod exchange;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod health;
pub mod ids;
pub mod json;
pub mod merge;
pub mod moment;
pub mod read;
pub mod record;
pub mod shape;
mod store;
#[cfg(test)]
mod testing;
pub mod words;
pub mod work;

pub use error::{Result, TaskError, TaskErrorKind};
pub use store::schema::MIGRATIONS;
