//! What agents and people do with tasks. Each function is one transaction with its audit rows; when it returns, it is
//! durable. Ids are exact here: who has a short form asks [`crate::read::find`] first.

mod attempt;
mod change;
mod checks;
mod claim;
mod close;
mod comment;
mod create;
mod delete;
mod depend;
pub mod dispatch;
mod label;
mod reopen;
mod update;

pub use claim::{Claimed, How, claim, claim_ready};
pub use close::{Closed, Closing, close};
pub use comment::comment;
pub use create::{NewTask, create};
pub use delete::delete;
pub use depend::{Depended, depend, undepend};
pub use label::label;
pub use reopen::reopen;
pub use update::{Attempt, Change, Set, update};

#[cfg(test)]
mod tests;
