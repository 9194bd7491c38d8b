//! Fences outlive the file that they stand in: a reset and a restore take the larger numbers of both files.
//!
//! Nobody holds anything afterwards. What a backup says of holders is of its time; what the old file said of them ends,
//! which is refused while one of them lives unless it is forced. Whoever believes to hold still is turned away by its
//! number: it is no live grant of the new file, and it is never given again.

use std::collections::BTreeSet;
use std::sync::Arc;

use conclave_db::backup::Carry;
use conclave_db::clock::{BootClock, SystemBootClock};
use conclave_db::process::{self, ProcessIdentity};
use conclave_db::{ErrorKind, ReadConn, WriteTx};
use conclave_retry::{Clock, SystemClock};

use crate::error::{LeaseError, LeaseErrorKind, Result};
use crate::here::Here;
use crate::model::Fence;
use crate::name::LeaseName;
use crate::store::carrying::{self, AllNumbers, Tables};
use crate::store::{fences, grants};

/// So many numbers for each millisecond since 1970: more than anyone has ever been given by then.
const PER_MS: u64 = 1000;

/// Carries the numbers of grants over when `conclave_db::backup::reset` or `restore` replaces a file. For one
/// replacement.
#[derive(Debug)]
pub struct FenceCarry {
    here: Here,
    wall: Arc<dyn Clock>,
    force: bool,
    old: Option<AllNumbers>,
    /// Where all names begin anew: what the old file said is not known.
    anew: Option<Fence>,
    ended: Vec<LeaseName>,
}

impl FenceCarry {
    /// By the system's clocks. While a lease of the old file lives the replacement is refused as
    /// [`Held`](LeaseError::Held); with `force` the lease ends.
    pub fn new(force: bool) -> Result<Self> {
        Ok(Self::with(Arc::new(SystemBootClock), Arc::new(SystemClock), process::current()?, force))
    }

    /// By other clocks, as another process: for tests.
    pub fn with(
        boot: Arc<dyn BootClock>,
        wall: Arc<dyn Clock>,
        process: ProcessIdentity,
        force: bool,
    ) -> Self {
        Self { here: Here { process, boot }, wall, force, old: None, anew: None, ended: Vec::new() }
    }

    /// The names of which a live lease ended by it, by name.
    pub fn ended(&self) -> &[LeaseName] {
        &self.ended
    }

    /// The number that all names begin with where the old file could not be read; `None` where it could.
    pub fn begins_anew_with(&self) -> Option<Fence> {
        self.anew
    }

    /// Reads the numbers; refuses while somebody holds.
    fn read_old(&mut self, old: &ReadConn<'_>) -> Result<()> {
        match carrying::tables(old)? {
            Tables::None => return Ok(()),
            Tables::Some => {
                tracing::warn!("some tables of leases are not there: their numbers begin anew");
                self.lost();
                return Ok(());
            }
            Tables::All => {}
        }
        self.old = carrying::read(old, &self.here.process.boot_id)?;
        let now = self.here.now(self.wall.wall_ms(), fences::wall_high_ms(old)?);
        let live = grants::all(old)?.into_iter().filter(|grant| !now.is_over(grant));
        for grant in live {
            if !self.force {
                let expires_utc_ms = Some(grant.life.expires_utc_ms);
                return Err(LeaseError::Held { name: grant.name, by: grant.holder, expires_utc_ms });
            }
            self.ended.push(grant.name);
        }
        self.ended.dedup();
        Ok(())
    }
}

impl Carry for FenceCarry {
    type Error = LeaseError;

    fn read(&mut self, old: &ReadConn<'_>) -> Result<()> {
        match self.read_old(old) {
            // Tables of these names that are not ours, or of a version that is not known here.
            Err(error) if error.kind() == LeaseErrorKind::Storage(ErrorKind::Statement) => {
                tracing::warn!(%error, "the numbers of leases cannot be read: they begin anew");
                self.lost();
                Ok(())
            }
            read => read,
        }
    }

    fn lost(&mut self) {
        let wall_ms = u64::try_from(self.wall.wall_ms()).unwrap_or(0);
        // What was read of it before counts as well.
        self.anew = self.anew.max(Some(wall_ms.saturating_mul(PER_MS).max(1)));
    }

    fn is_needed(&self, new: &ReadConn<'_>) -> Result<bool> {
        let is_fresh = self.old.as_ref().is_none_or(AllNumbers::is_fresh);
        Ok(self.anew.is_some() || !is_fresh || carrying::is_used(new)?)
    }

    fn write(&self, new: &WriteTx<'_>) -> Result<()> {
        let found = carrying::read(new, &self.here.process.boot_id)?.unwrap_or_default();
        let old = self.old.clone().unwrap_or_default();
        let least = self.anew.unwrap_or(1);
        let names: BTreeSet<&String> = found.names.keys().chain(old.names.keys()).collect();
        let larger = |name: &str| found.of(name).max(old.of(name)).max(least);
        let all = AllNumbers {
            names: names.into_iter().map(|name| (name.clone(), larger(name))).collect(),
            first_fence: found.first_fence.max(old.first_fence).max(least),
            wall_high_ms: found.wall_high_ms.max(old.wall_high_ms),
        };
        carrying::end_all(new)?;
        carrying::put(new, &all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_beginning_is_beyond_every_number_and_fits_into_the_file() {
        let clock = conclave_retry::ManualClock::at_wall_ms(1_767_323_045_006);
        let process = process::current().unwrap();
        let mut carry = FenceCarry::with(Arc::new(SystemBootClock), Arc::new(clock.clone()), process, false);
        carry.lost();
        assert_eq!(carry.begins_anew_with(), Some(1_767_323_045_006_000));
        clock.set_wall_ms(-5);
        carry.lost();
        assert_eq!(carry.begins_anew_with(), Some(1_767_323_045_006_000), "never back");
    }
}
