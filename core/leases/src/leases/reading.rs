//! What is held, by whom, and who waits: reads only.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_db::ReadConn;

use crate::error::{LeaseError, Result};
use crate::here::{Here, Now};
use crate::model::{Counts, Fence, Lease, Status, Waiter};
use crate::name::LeaseName;
use crate::queue::Place;
use crate::store::grants::{self, Stored};
use crate::store::{fences, waiters};

/// One name.
pub(super) fn status(
    conn: &ReadConn<'_>,
    here: &Here,
    wall_ms: i64,
    name: &LeaseName,
) -> Result<Option<Status>> {
    let now = here.now(wall_ms, fences::wall_high_ms(conn)?);
    let leases: Vec<Lease> =
        grants::of_name(conn, name)?.into_iter().map(|grant| lease(grant, &now)).collect();
    let waiters: Vec<Waiter> = waiters::around(conn, name)?
        .iter()
        .filter(|place| place.names.contains(name) && !now.has_ended(&place.process))
        .map(waiter)
        .collect();
    let known = !leases.is_empty() || !waiters.is_empty();
    Ok(known.then(|| Status { name: name.clone(), leases, waiters }))
}

/// All names.
pub(super) fn list(conn: &ReadConn<'_>, here: &Here, wall_ms: i64) -> Result<Vec<Status>> {
    let now = here.now(wall_ms, fences::wall_high_ms(conn)?);
    let mut all: BTreeMap<LeaseName, (Vec<Lease>, Vec<Waiter>)> = BTreeMap::new();
    for grant in grants::all(conn)? {
        all.entry(grant.name.clone()).or_default().0.push(lease(grant, &now));
    }
    for place in waiters::all(conn)?.iter().filter(|place| !now.has_ended(&place.process)) {
        for name in &place.names {
            all.entry(name.clone()).or_default().1.push(waiter(place));
        }
    }
    Ok(all.into_iter().map(|(name, (leases, waiters))| Status { name, leases, waiters }).collect())
}

/// How many live grants and live waiters there are.
pub(super) fn counts(conn: &ReadConn<'_>, here: &Here, wall_ms: i64) -> Result<Counts> {
    let now = here.now(wall_ms, fences::wall_high_ms(conn)?);
    let held = grants::all(conn)?.iter().filter(|grant| !now.is_over(grant)).count();
    let waiting = waiters::all(conn)?.iter().filter(|place| !now.has_ended(&place.process)).count();
    Ok(Counts { held: held as u64, waiting: waiting as u64 })
}

/// Whether a number is that of a live grant.
pub(crate) fn guard(
    conn: &ReadConn<'_>,
    here: &Here,
    wall_ms: i64,
    name: &LeaseName,
    fence: Fence,
) -> Result<()> {
    let grants = grants::of_name(conn, name)?;
    let name = name.clone();
    match grants.iter().find(|grant| grant.fence == fence) {
        Some(grant) => {
            let now = here.now(wall_ms, fences::wall_high_ms(conn)?);
            if now.is_over(grant) { Err(LeaseError::Expired { name }) } else { Ok(()) }
        }
        None if fences::of_name(conn, &name)?.is_none() => Err(LeaseError::NotFound { name }),
        None => Err(LeaseError::StaleFence { name, fence }),
    }
}

fn lease(grant: Stored, now: &Now<'_>) -> Lease {
    let expired = now.is_over(&grant);
    let remaining = if expired { 0 } else { now.remaining_ms(&grant.life) };
    Lease {
        mode: grant.mode,
        fence: grant.fence,
        acquired_utc_ms: grant.acquired_utc_ms,
        expires_utc_ms: grant.life.expires_utc_ms,
        remaining: Duration::from_millis(u64::try_from(remaining).unwrap_or(0)),
        expired,
        name: grant.name,
        holder: grant.holder,
        process: Some(grant.process).filter(|process| !now.has_ended(process)),
        bound_to: grant.bound,
    }
}

fn waiter(place: &Place) -> Waiter {
    Waiter {
        holder: place.holder.clone(),
        process: place.process.clone(),
        since_utc_ms: place.since_utc_ms,
        mode: place.mode,
    }
}
