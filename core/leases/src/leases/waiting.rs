//! Waiting in the queue.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::{Durability, ReadConn};
use conclave_retry::CancelToken;

use super::Leases;
use super::acquire::{self, Answer, Asked, Granted};
use crate::error::{LeaseError, Result};
use crate::here::Here;
use crate::queue::{self, Held};
use crate::store::{fences, grants, waiters};

/// How often the first one looks.
const AT_THE_HEAD: Duration = Duration::from_millis(10);
/// How often the others look.
const BEHIND: Duration = Duration::from_millis(50);

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
            // The place of a process that has ended is removed by others.
            if let Err(error) = write.run(move |tx| waiters::remove(tx, id)) {
                tracing::warn!(%error, "a place in the queue of a lease could not be given up");
            }
        }
    }
}

impl Leases {
    /// Waits under this id until it can be had, the wait is over, or `cancel`.
    pub(super) fn wait(
        &self,
        asked: &Arc<Asked>,
        id: i64,
        wait: Duration,
        cancel: &CancelToken,
    ) -> Result<Granted> {
        let mut standing = Standing { leases: self, id: Some(id) };
        let (clock, sleeper) = (self.db.clock(), self.db.sleeper());
        let begun = clock.monotonic();
        let mut pause = AT_THE_HEAD;
        loop {
            let waited = clock.monotonic().saturating_sub(begun);
            let left = wait.saturating_sub(waited);
            if !left.is_zero() && !sleeper.sleep_unless(pause.min(left), cancel) {
                return Err(LeaseError::Interrupted);
            }
            let waited = clock.monotonic().saturating_sub(begun);
            let waits = waited < wait;
            let seen = if waits { self.look(asked, standing.id)? } else { Seen::Act };
            pause = if seen == Seen::Behind { BEHIND } else { AT_THE_HEAD };
            if seen != Seen::Act {
                continue;
            }
            match self.attempt(asked, standing.id, waits)? {
                Answer::Granted(granted) => {
                    standing.id = None;
                    return Ok(granted);
                }
                Answer::Queued(id) => standing.id = Some(id),
                Answer::Refused(refusal) => {
                    standing.id = None;
                    return Err(LeaseError::WaitTimeout { name: refusal.name, waited });
                }
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
