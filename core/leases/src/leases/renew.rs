//! Renewing, and finding what a token holds.

use std::time::Duration;

use conclave_db::WriteTx;

use crate::error::{LeaseError, Result};
use crate::here::{Here, Now, since_boot};
use crate::model::Renewed;
use crate::name::LeaseName;
use crate::store::fences;
use crate::store::grants::{self, Stored};
use crate::token::{self, TokenHash};

/// Lets the token's grants live for longer.
pub(super) fn renew(
    tx: &WriteTx<'_>,
    here: &Here,
    hash: &TokenHash,
    names: &[LeaseName],
    ttl_ms: i64,
) -> Result<Renewed> {
    let owned = owned(tx, here, hash, names)?;
    let now = here.now(tx.now_ms(), fences::wall_high_ms(tx)?);
    let mut renewed = Renewed { expires_utc_ms: i64::MAX, ends: Duration::MAX, fences: Vec::new() };
    for grant in owned {
        let life = now.longer(&grant.life, ttl_ms);
        if life != grant.life {
            grants::set_life(tx, &grant.name, grant.fence, &life)?;
        }
        renewed.expires_utc_ms = renewed.expires_utc_ms.min(life.expires_utc_ms);
        renewed.ends = renewed.ends.min(since_boot(life.expires_boot_ms));
        renewed.fences.push((grant.name, grant.fence));
    }
    if now.is_new() {
        fences::set_wall_high_ms(tx, now.wall_ms)?;
    }
    Ok(renewed)
}

/// The live grants of a token: those of the names in their order, each once, or all of it by name.
pub(super) fn owned(
    tx: &WriteTx<'_>,
    here: &Here,
    hash: &TokenHash,
    names: &[LeaseName],
) -> Result<Vec<Stored>> {
    let mut owned: Vec<Stored> = Vec::new();
    if names.is_empty() {
        owned = grants::of_token(tx, hash)?;
        if owned.is_empty() {
            return Err(LeaseError::NothingHeld);
        }
    }
    for name in names {
        if owned.iter().any(|grant| grant.name == *name) {
            continue;
        }
        let (ours, theirs): (Vec<Stored>, Vec<Stored>) =
            grants::of_name(tx, name)?.into_iter().partition(|grant| token::same(&grant.hash, hash));
        if let Some(grant) = ours.into_iter().next() {
            owned.push(grant);
            continue;
        }
        let (name, now) = (name.clone(), now(tx, here, &theirs)?);
        let is_held = theirs.iter().any(|grant| !now.is_over(grant));
        return Err(if is_held { LeaseError::NotOwner { name } } else { LeaseError::NotFound { name } });
    }
    let now = now(tx, here, &owned)?;
    match owned.iter().find(|grant| now.is_over(grant)) {
        Some(grant) => Err(LeaseError::Expired { name: grant.name.clone() }),
        None => Ok(owned),
    }
}

/// The moment by which these grants are judged: what the file knows of the wall clock only matters to other boots.
fn now<'here>(tx: &WriteTx<'_>, here: &'here Here, grants: &[Stored]) -> Result<Now<'here>> {
    let is_ours = |grant: &Stored| grant.life.boot_id == here.process.boot_id;
    let wall_high_ms = if grants.iter().all(is_ours) { i64::MIN } else { fences::wall_high_ms(tx)? };
    Ok(here.now(tx.now_ms(), wall_high_ms))
}
