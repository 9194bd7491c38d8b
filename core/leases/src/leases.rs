//! Acquiring, renewing, releasing.

mod acquire;
mod ending;
mod reading;
mod renew;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use conclave_db::clock::{BootClock, SystemBootClock};
use conclave_db::process::{self, Liveness, ProcessIdentity};
use conclave_db::{Db, DbError, Durability, WriteTx};
use conclave_retry::CancelToken;

use self::acquire::{Answer, Asked};
pub(crate) use self::reading::guard;
use crate::error::{LeaseError, LeaseErrorKind, Result};
use crate::here::{Here, since_boot};
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
    /// The lease is over in another boot. One that is bound to a process is so anyway.
    pub ends_with_boot: bool,
    /// How long to wait in the queue; not at all without it.
    pub wait: Option<Duration>,
}

impl Request {
    /// One name for one, for the usual time, without waiting.
    pub fn of(name: LeaseName) -> Self {
        Self {
            names: vec![name],
            mode: Mode::Exclusive,
            ttl: Ttl::USUAL,
            holder: None,
            bound_to: None,
            ends_with_boot: false,
            wait: None,
        }
    }
}

/// The leases of one database file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leases {
    db: Db,
    here: Arc<Here>,
}

impl Leases {
    /// Of this file, by the system's clocks, as this process.
    pub fn new(db: Db) -> Result<Self> {
        Ok(Self::with(db, Arc::new(SystemBootClock), process::current()?))
    }

    /// By other clocks, as another process: for tests. The wall clock is that of `db`.
    pub fn with(db: Db, boot: Arc<dyn BootClock>, here: ProcessIdentity) -> Self {
        Self { db, here: Arc::new(Here { process: here, boot }) }
    }

    /// Acquires all names or none; waits in the queue where the request says so, until `cancel`. When this returns the
    /// grant survives the death of every process; a power cut ends it, and its numbers are never given again.
    ///
    /// Who waits stands in one order with all others who wait for any of the names, also while only some of them are held.
    /// So two who each hold what the other one waits for wait until one of them gives up.
    ///
    /// # Errors
    /// `Held` when it cannot be had now and the request does not wait, `WaitTimeout` when the wait was over, `Interrupted`
    /// when it was cancelled. In all cases nothing is held.
    pub fn acquire(&self, request: &Request, cancel: &CancelToken) -> Result<Grant> {
        if let Some(bound) = &request.bound_to
            && self.here.liveness(bound) == Liveness::Dead
        {
            let text = format!("process {} has ended: nothing can be bound to it", bound.pid);
            return Err(LeaseError::Invalid { kind: LeaseErrorKind::Invalid, text });
        }
        let (token, label) = Token::random()?;
        let asked = Arc::new(Asked::new(request, &token, label)?);
        let granted = match request.wait {
            Some(wait) => self.wait(&asked, wait, cancel)?,
            None => self.at_once(&asked, cancel)?,
        };
        let fences = request.names.iter().filter_map(|name| {
            let index = asked.names.binary_search(name).ok()?;
            Some((name.clone(), *granted.fences.get(index)?))
        });
        let mut in_order: Vec<(LeaseName, Fence)> = Vec::with_capacity(asked.names.len());
        for (name, fence) in fences {
            if !in_order.iter().any(|(seen, _)| *seen == name) {
                in_order.push((name, fence));
            }
        }
        Ok(Grant {
            token,
            holder: asked.holder.clone(),
            expires_utc_ms: granted.expires_utc_ms,
            ends: since_boot(granted.expires_boot_ms),
            fences: in_order,
        })
    }

    /// Lets the token's leases live for `ttl` from now, never shorter than before; without names all of the token. All or
    /// nothing. One that is over is `Expired`, also when nobody took it.
    ///
    /// # Errors
    /// `NotOwner` where somebody else holds a name, `NotFound` where nobody does. Nothing is renewed then.
    pub fn renew(&self, token: &Token, names: &[LeaseName], ttl: Ttl) -> Result<Renewed> {
        let (hash, names, here) = (token.hash(), names.to_vec(), Arc::clone(&self.here));
        self.db
            .writing("renew leases")
            .durability(Durability::Process)
            .run(move |tx| renew::renew(tx, &here, &hash, &names, ttl.ms()))
    }

    /// Ends the token's leases; without names all of the token. All or nothing. Gives what was released: in the order
    /// asked for, without names by name.
    ///
    /// # Errors
    /// `Expired` for one that is over, also when nobody took it; `NotOwner`, `NotFound`. Nothing is released then.
    pub fn release(&self, token: &Token, names: &[LeaseName]) -> Result<Vec<(LeaseName, Fence)>> {
        let (hash, names, here) = (token.hash(), names.to_vec(), Arc::clone(&self.here));
        self.db
            .writing("release leases")
            .durability(Durability::Process)
            .run(move |tx| ending::release(tx, &here, &hash, &names))
    }

    /// Ends those of these grants that are still there, for a person who was shown them and decides so; gives the numbers
    /// that ended. What was granted since then is not touched. Who waits stays in the queue.
    pub fn break_lease(&self, name: &LeaseName, fences: &[Fence]) -> Result<Vec<Fence>> {
        let (name, fences) = (name.clone(), fences.to_vec());
        self.db
            .writing("break a lease")
            .durability(Durability::Process)
            .run(move |tx| ending::break_lease(tx, &name, &fences))
    }

    /// What is known of a name; `None` where nobody holds or awaits it. Reads only.
    pub fn status(&self, name: &LeaseName) -> Result<Option<Status>> {
        let wall_ms = self.db.clock().wall_ms();
        self.db.read(|conn| reading::status(conn, &self.here, wall_ms, name))
    }

    /// All names that are held (expired ones too, until somebody takes them) or awaited, by name. Reads only.
    pub fn list(&self) -> Result<Vec<Status>> {
        let wall_ms = self.db.clock().wall_ms();
        self.db.read(|conn| reading::list(conn, &self.here, wall_ms))
    }

    /// How many are held and awaited. Reads only, and next to nothing.
    pub fn counts(&self) -> Result<Counts> {
        let wall_ms = self.db.clock().wall_ms();
        self.db.read(|conn| reading::counts(conn, &self.here, wall_ms))
    }

    /// Whether the number is that of a live grant at this moment: `StaleFence`, `Expired` or `NotFound` (the name was
    /// never granted) otherwise. Reads only. Only [`Leases::require_fence`] is atomic with what the lease protects.
    pub fn guard(&self, name: &LeaseName, fence: Fence) -> Result<()> {
        let wall_ms = self.db.clock().wall_ms();
        self.db.read(|conn| reading::guard(conn, &self.here, wall_ms, name, fence))
    }

    /// The same inside the transaction that the lease protects: atomic with it. The caller returns the error, so that the
    /// transaction ends without effect.
    pub fn require_fence(&self, tx: &WriteTx<'_>, name: &LeaseName, fence: Fence) -> Result<()> {
        reading::guard(tx, &self.here, tx.now_ms(), name, fence)
    }

    /// One transaction that takes the names, or says who has them.
    /// `limit` bounds how long it waits for the lock of the storage.
    fn attempt(&self, asked: &Arc<Asked>, id: Option<i64>, waits: bool, limit: Duration) -> Result<Answer> {
        let attempt = |durability: Durability| {
            let (asked, here) = (Arc::clone(asked), Arc::clone(&self.here));
            let write = self.db.writing("acquire leases").durability(durability).deadline(limit);
            write.run(move |tx| acquire::attempt(tx, &here, &asked, id, waits, durability))
        };
        match attempt(Durability::Process)? {
            Some(answer) => Ok(answer),
            // Numbers are to be reserved first: it is done again as a whole by a write that survives a power cut.
            None => attempt(Durability::Power)?
                .ok_or_else(|| LeaseError::Storage(DbError::Invalid(UNRESERVED.to_owned()))),
        }
    }
}

const UNRESERVED: &str = "a write that survives a power cut reserved no numbers";
