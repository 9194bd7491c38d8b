//! Waiting in the queue.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::{DbError, Durability, ErrorKind, ReadConn};
use conclave_retry::CancelToken;

use super::Leases;
use super::acquire::{self, Answer, Asked, Granted};
use crate::error::{LeaseError, LeaseErrorKind, Result};
use crate::here::Here;
use crate::queue::{self, Held};
use crate::store::{fences, grants, waiters};

/// How often the first one looks.
const AT_THE_HEAD: Duration = Duration::from_millis(10);
/// How often the others look.
const BEHIND: Duration = Duration::from_millis(50);

/// So long one attempt waits for the storage at most: then is looked whether the wait was ended.
const ATTEMPT: Duration = Duration::from_secs(2);
/// So long all attempts of one that does not wait for the lease: as long as any write.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long at least, or one who comes at the very end of its wait would never have the lock of the storage.
const LAST: Duration = Duration::from_millis(200);
/// So long for leaving the queue: who has gone is found to have gone by the others, too.
const LEAVING: Duration = Duration::from_secs(1);

const QUEUED: &str = "a place was taken in a queue by one who does not wait";

/// What a look at the queue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// There is something to do, which takes a write.
    Act,
    /// Nobody is before it, and it is held.
    Head,
    /// Somebody is before it.
    Behind,
}

/// A place in the queue, given up when dropped: nobody waits for one who has gone.
struct Standing<'leases> {
    leases: &'leases Leases,
    id: Option<i64>,
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let write = self.leases.db.writing("leave the queue of a lease").durability(Durability::Process);
            let write = write.deadline(LEAVING);
            // The place of a process that has ended is removed by others.
            if let Err(error) = write.run(move |tx| waiters::remove(tx, id)) {
                tracing::warn!(%error, "a place in the queue of a lease could not be given up");
            }
        }
    }
}

impl Leases {
    /// Takes it now or not at all; gives up early only by `cancel`.
    pub(super) fn at_once(&self, asked: &Arc<Asked>, cancel: &CancelToken) -> Result<Granted> {
        let clock = self.db.clock();
        let begun = clock.monotonic();
        loop {
            match self.attempt(asked, None, false, ATTEMPT) {
                Ok(Answer::Granted(granted)) => return Ok(granted),
                Ok(Answer::Refused(refusal)) => return Err(refusal.held()),
                Ok(Answer::Queued(_)) => return Err(DbError::Invalid(QUEUED.to_owned()).into()),
                Err(LeaseError::Storage(DbError::Busy { text, .. })) => {
                    let waited = clock.monotonic().saturating_sub(begun);
                    if cancel.is_cancelled() {
                        return Err(LeaseError::Interrupted);
                    }
                    if waited >= PATIENCE {
                        return Err(DbError::Busy { text, waited }.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a place in the queue and waits until it can be had, the wait is over, or `cancel`. While somebody keeps the
    /// lock of the storage it is waited for like the lease.
    pub(super) fn wait(&self, asked: &Arc<Asked>, wait: Duration, cancel: &CancelToken) -> Result<Granted> {
        let mut standing = Standing { leases: self, id: None };
        let mut is_first = true;
        let (clock, sleeper) = (self.db.clock(), self.db.sleeper());
        let begun = clock.monotonic();
        let waited = || clock.monotonic().saturating_sub(begun);
        loop {
            let waits = waited() < wait || std::mem::take(&mut is_first);
            let limit = wait.saturating_sub(waited()).clamp(LAST, ATTEMPT);
            let seen = match standing.id {
                Some(_) if waits => self.look(asked, standing.id)?,
                _ => Seen::Act,
            };
            if seen == Seen::Act {
                match self.attempt(asked, standing.id, waits, limit) {
                    Ok(Answer::Granted(granted)) => {
                        standing.id = None;
                        return Ok(granted);
                    }
                    Ok(Answer::Queued(id)) => standing.id = Some(id),
                    Ok(Answer::Refused(refusal)) => {
                        standing.id = None;
                        let (name, by) = (refusal.name, Some(refusal.by));
                        return Err(LeaseError::WaitTimeout { name, waited: waited(), by });
                    }
                    Err(error) if error.kind() == LeaseErrorKind::Storage(ErrorKind::Busy) => {
                        tracing::debug!(%error, "the storage is kept by somebody");
                        if waited() >= wait {
                            let name = asked.names[0].clone();
                            return Err(LeaseError::WaitTimeout { name, waited: waited(), by: None });
                        }
                    }
                    Err(error) => return Err(error),
                }
            }
            let pause = if seen == Seen::Behind { BEHIND } else { AT_THE_HEAD };
            let left = wait.saturating_sub(waited());
            if !left.is_zero() && !sleeper.sleep_unless(pause.min(left), cancel) {
                return Err(LeaseError::Interrupted);
            }
        }
    }

    /// Looks without a lock whether a write would change anything.
    fn look(&self, asked: &Asked, id: Option<i64>) -> Result<Seen> {
        let wall_ms = self.db.clock().wall_ms();
        self.db.read(|conn| look(conn, &self.here, wall_ms, asked, id))
    }
}

fn look(conn: &ReadConn<'_>, here: &Here, wall_ms: i64, asked: &Asked, id: Option<i64>) -> Result<Seen> {
    let mut queue = acquire::around(conn, &asked.names)?;
    queue.retain(|place| !place.asleep);
    if !queue.iter().any(|place| Some(place.id) == id) {
        // It was away for so long that others take it for asleep, or the file was replaced: it queues again.
        return Ok(Seen::Act);
    }
    let now = here.now(wall_ms, fences::wall_high_ms(conn)?);
    let mut held = Held::new();
    for name in queue.iter().flat_map(|place| &place.names).collect::<std::collections::BTreeSet<_>>() {
        let grants = grants::of_name(conn, name)?;
        let live: Vec<_> = grants.iter().filter(|grant| !now.is_over(grant)).collect();
        held.extend(acquire::held_by(&live));
    }
    let asking = asked.asking(id);
    let plan = queue::decide(&queue, &held, &asking, now.boot_ms);
    let mut candidates = queue::candidates(&queue, &held, &asking).into_iter();
    if plan.changes() || candidates.any(|place| Some(place.id) != id && now.has_ended(&place.process)) {
        return Ok(Seen::Act);
    }
    Ok(if plan.behind.is_none() { Seen::Head } else { Seen::Behind })
}
