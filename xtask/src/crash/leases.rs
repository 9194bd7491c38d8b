//! What leases must be: no number twice and none that goes back, and nothing held by the dead.

use std::collections::BTreeMap;

use conclave_db::Db;
use conclave_db::foreign::Client;
use conclave_db::sql::Value;
use conclave_leases::{LeaseName, Leases, Request};
use conclave_retry::CancelToken;

use super::look::number;
use super::work::Worker;
use super::work::leaser::{BOUND, exclusive, name_of};
use crate::outcome::Outcome;

/// Everything that was said about leases.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    /// Who was given which number of a name.
    given: BTreeMap<(&'static str, u64), u64>,
    /// The last number that a worker was given of a name.
    last: BTreeMap<(u64, &'static str), u64>,
    /// The number that came next at the last check; none of before may come again.
    next: BTreeMap<String, u64>,
}

impl Grants {
    /// A worker has acknowledged.
    pub(crate) fn done(&mut self, worker: &Worker, words: &[&str]) -> Outcome {
        let ["lease-acquire", names @ ..] = words else { return Ok(()) };
        for given in names {
            let (name, fence) = given.split_once(':').ok_or("a grant without its number")?;
            let name = name_of(name).ok_or("a grant of an unknown name")?;
            self.give(worker.place, name, fence.parse()?)?;
        }
        Ok(())
    }

    fn give(&mut self, place: u64, name: &'static str, fence: u64) -> Outcome {
        if let Some(other) = self.given.insert((name, fence), place) {
            return Err(format!("{fence} of {name} was given to {place}, and before to {other}").into());
        }
        let next = self.next.get(name).copied().unwrap_or(1);
        if fence < next {
            return Err(format!("{fence} of {name} was given to {place}, and {next} came next").into());
        }
        match self.last.insert((place, name), fence) {
            Some(last) if last >= fence => {
                Err(format!("{fence} of {name} was given to {place} after {last}").into())
            }
            _ => Ok(()),
        }
    }

    /// Nobody lives: nobody holds what ends with its process, nobody waits, and what comes next was never given.
    pub(crate) fn check(&mut self, worker: &Worker, db: &Db, client: &Client) -> Outcome {
        for row in client.rows("SELECT name, next, reserved FROM lease_fences")? {
            let [Value::Text(name), Value::Integer(next), Value::Integer(reserved)] = &row[..] else {
                return Err(format!("a row of fences: {row:?}").into());
            };
            let next = u64::try_from(*next)?;
            let before = self.next.insert(name.clone(), next);
            if before.is_some_and(|before| before > next) || u64::try_from(*reserved)? < next {
                return Err(format!("the numbers of {name} go back: {before:?}, now {row:?}").into());
            }
        }
        for (name, fence) in self.given.keys() {
            if self.next.get(*name).is_none_or(|next| next <= fence) {
                return Err(format!(
                    "{fence} of {name} was given, and {:?} comes next",
                    self.next.get(*name)
                )
                .into());
            }
        }
        let aimless = "SELECT count(*) FROM lease_waiters WHERE id NOT IN (SELECT waiter FROM lease_waits)";
        if number(client, aimless)? != 0 {
            return Err("somebody waits for nothing".into());
        }
        let leases = Leases::new(db.clone())?;
        leases.list()?.iter().try_for_each(exclusive)?;
        if leases.counts()?.waiting != 0 {
            return Err("one who is dead waits".into());
        }
        for name in BOUND {
            let request = Request::of(LeaseName::parse(name)?);
            let grant = leases.acquire(&request, &CancelToken::new())?;
            leases.guard(&request.names[0], grant.fences[0].1)?;
            // As a worker that there is none of.
            self.give(u64::MAX, name, grant.fences[0].1)?;
            leases.release(&grant.token, &[])?;
            self.next.insert(name.to_owned(), grant.fences[0].1 + 1);
        }
        let left = number(client, "SELECT count(*) FROM lease_holders WHERE name <> 'timed'")?;
        if left != 0 {
            return Err(format!("{left} grants are left after {} has released all", worker.place).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
