//! The check that makes a lease more than advice.

use std::sync::Arc;

use conclave_db::clock::SystemBootClock;
use conclave_db::{WriteTx, process};

use crate::error::Result;
use crate::here::Here;
use crate::leases;
use crate::model::Fence;
use crate::name::LeaseName;

/// Asks for a fence inside of a write transaction.
pub trait FenceExt {
    /// Fails unless `fence` is a live grant of `name` (not released, not expired, not overtaken). The caller returns the
    /// error, so that the transaction ends without effect. By the system's clocks; `Leases::require_fence` is the same by
    /// those of a `Leases`, which differ in tests alone.
    fn require_fence(&self, name: &LeaseName, fence: Fence) -> Result<()>;
}

impl FenceExt for WriteTx<'_> {
    fn require_fence(&self, name: &LeaseName, fence: Fence) -> Result<()> {
        let here = Here { process: process::current()?, boot: Arc::new(SystemBootClock) };
        leases::guard(self, &here, self.now_ms(), name, fence)
    }
}
