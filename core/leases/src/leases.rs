//! Acquiring, renewing, releasing.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::clock::{BootClock, SystemBootClock};
use conclave_db::process::{self, ProcessIdentity};
use conclave_db::{Db, WriteTx};
use conclave_retry::CancelToken;

use crate::error::Result;
use crate::model::{Counts, Fence, Grant, Mode, Renewed, Status, Ttl};
use crate::name::{HolderId, LeaseName};
use crate::token::Token;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The names; taken together or not at all. A name that stands twice is taken once.
    pub names: Vec<LeaseName>,
    /// How.
    pub mode: Mode,
    /// For how long.
    pub ttl: Ttl,
    /// Who says to hold; by chance without one.
    pub holder: Option<HolderId>,
    /// The lease ends with this process.
    pub bound_to: Option<ProcessIdentity>,
    /// How long to wait in the queue; not at all without it.
    pub wait: Option<Duration>,
}

/// The leases of one database file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leases {
    db: Db,
    boot: Arc<dyn BootClock>,
    here: ProcessIdentity,
}

impl Leases {
    /// Of this file, by the system's clocks, as this process.
    pub fn new(db: Db) -> Result<Self> {
        Ok(Self::with(db, Arc::new(SystemBootClock), process::current()?))
    }

    /// By other clocks, as another process: for tests. The wall clock is that of `db`.
    pub fn with(db: Db, boot: Arc<dyn BootClock>, here: ProcessIdentity) -> Self {
        Self { db, boot, here }
    }

    /// Acquires all names or none; waits in the queue where the request says so, until `cancel`. When this returns the
    /// grant survives the death of every process; a power cut ends it, and its numbers are never given again.
    pub fn acquire(&self, _request: &Request, _cancel: &CancelToken) -> Result<Grant> {
        todo!("L1: {:?} {:?} {:?}", self.db, self.boot, self.here)
    }

    /// Lets the token's leases live for `ttl` from now, never shorter than before; without names all of the token. All or
    /// nothing. One that is over is `Expired`, also when nobody took it.
    pub fn renew(&self, _token: &Token, _names: &[LeaseName], _ttl: Ttl) -> Result<Renewed> {
        todo!("L1")
    }

    /// Ends the token's leases; without names all of the token. All or nothing. Gives what was released.
    pub fn release(&self, _token: &Token, _names: &[LeaseName]) -> Result<Vec<(LeaseName, Fence)>> {
        todo!("L1")
    }

    /// Ends whatever is held under the name, for a person who decides so; gives the numbers that ended.
    pub fn break_lease(&self, _name: &LeaseName) -> Result<Vec<Fence>> {
        todo!("L1")
    }

    /// What is known of a name; `None` where nobody holds or awaits it. Reads only.
    pub fn status(&self, _name: &LeaseName) -> Result<Option<Status>> {
        todo!("L1")
    }

    /// All names that are held (expired ones too, until somebody takes them) or awaited, by name. Reads only.
    pub fn list(&self) -> Result<Vec<Status>> {
        todo!("L1")
    }

    /// How many are held and awaited. Reads only, and next to nothing.
    pub fn counts(&self) -> Result<Counts> {
        todo!("L1")
    }

    /// Whether the number is that of a live grant at this moment: `StaleFence`, `Expired` or `NotFound` otherwise. Reads only.
    pub fn guard(&self, _name: &LeaseName, _fence: Fence) -> Result<()> {
        todo!("L1")
    }

    /// The same inside the transaction that the lease protects: atomic with it.
    pub fn require_fence(&self, _tx: &WriteTx<'_>, _name: &LeaseName, _fence: Fence) -> Result<()> {
        todo!("L1")
    }
}
