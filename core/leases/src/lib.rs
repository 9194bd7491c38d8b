//! Advisory leases with fencing, and a guard for the life cycle of a file.
//!
//! A lease is exclusive (or shared) access to a name for a time. It ends by release, by its time, or with the process
//! that it is bound to. A holder that was paused past its time may believe that it still has it, so each grant has a
//! number, the *fence*, that never repeats and never goes back: who guards something asks for it in the transaction
//! that changes it ([`FenceExt`]).

mod carry;
mod error;
mod fence;
pub mod file_guard;
mod here;
mod leases;
mod model;
mod name;
mod queue;
mod store;
mod token;

pub use self::carry::FenceCarry;
pub use self::error::{LeaseError, LeaseErrorKind, Result};
pub use self::fence::FenceExt;
pub use self::file_guard::FileGuard;
pub use self::leases::{Leases, Request};
pub use self::model::{Counts, Fence, Grant, Lease, Mode, Renewed, Status, Ttl, Waiter};
pub use self::name::{HolderId, LeaseName};
pub use self::store::schema::migration;
pub use self::token::Token;
