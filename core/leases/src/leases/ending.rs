//! Releasing, and breaking.

use conclave_db::WriteTx;

use super::renew::owned;
use crate::error::Result;
use crate::here::Here;
use crate::model::Fence;
use crate::name::LeaseName;
use crate::store::grants;
use crate::token::TokenHash;

/// Ends the token's grants.
pub(super) fn release(
    tx: &WriteTx<'_>,
    here: &Here,
    hash: &TokenHash,
    names: &[LeaseName],
) -> Result<Vec<(LeaseName, Fence)>> {
    let mut released = Vec::new();
    for grant in owned(tx, here, hash, names)? {
        grants::delete(tx, &grant.name, grant.fence)?;
        released.push((grant.name, grant.fence));
    }
    Ok(released)
}

/// Ends those of these grants of a name that are there.
pub(super) fn break_lease(tx: &WriteTx<'_>, name: &LeaseName, fences: &[Fence]) -> Result<Vec<Fence>> {
    let mut ended = Vec::new();
    for grant in grants::of_name(tx, name)?.into_iter().filter(|grant| fences.contains(&grant.fence)) {
        grants::delete(tx, &grant.name, grant.fence)?;
        ended.push(grant.fence);
    }
    Ok(ended)
}
