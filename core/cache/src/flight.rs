//! One computation per key and process: who comes while it goes on gets its result.

use crate::cache::Cache;
use crate::error::Result;
use crate::key::CacheKey;

/// Gives the value of `key` to `read`, from the cache or from `compute`, which runs once however many threads ask at the
/// same time; its value is put into the cache. Where it fails or panics, all who wait get an error.
///
/// # Errors
/// [`Compute`](crate::CacheError::Compute), and what the cache says.
pub fn get_or_compute(
    cache: &dyn Cache,
    key: &CacheKey,
    compute: impl FnOnce() -> Result<Vec<u8>>,
    read: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    let _ = (cache, key, compute, read);
    todo!("c1")
}
