//! The shared state in this process's memory, for where `global.db` cannot be used (B13). It begins with what the file
//! said last, where that can still be read.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use crate::ledger::{Block, Flight, HostRow, Ledger, Look, PairRow, Past, Usage};

/// Calls of the past that are kept, for budgets.
const PASTS: usize = 10_000;

type Pair = (String, String);

/// Rows of here begin above all that a file will ever have: a number of here must never be taken for one of there, and
/// who waits here is behind those who waited there.
const FIRST_ROW: i64 = 1 << 40;

/// All records.
#[derive(Debug, Default)]
pub(crate) struct Twin {
    pub(crate) hosts: BTreeMap<String, HostRow>,
    pub(crate) pairs: BTreeMap<Pair, PairRow>,
    pub(crate) blocks: BTreeMap<Pair, Block>,
    pub(crate) salt: Option<Vec<u8>>,
    pub(crate) flights: BTreeMap<i64, Flight>,
    pub(crate) pasts: VecDeque<Past>,
    /// Rows that were given; numbers are never given twice in this process.
    entered: i64,
}

impl Twin {
    /// Puts what was read from the file in place of everything.
    pub(crate) fn with(
        hosts: Vec<HostRow>,
        pairs: Vec<PairRow>,
        blocks: Vec<Block>,
        salt: Option<Vec<u8>>,
        flights: Vec<Flight>,
        pasts: Vec<Past>,
    ) -> Self {
        Self {
            hosts: hosts.into_iter().map(|row| (row.endpoint.clone(), row)).collect(),
            pairs: pairs.into_iter().map(|row| ((row.endpoint.clone(), row.model.clone()), row)).collect(),
            blocks: blocks
                .into_iter()
                .map(|row| ((row.endpoint.clone(), row.key_hash.clone()), row))
                .collect(),
            salt,
            flights: flights.into_iter().map(|flight| (flight.id, flight)).collect(),
            pasts: pasts.into(),
            entered: 0,
        }
    }
}

impl Twin {
    /// The same records, but that the numbers go on where those of the one before ended.
    pub(crate) fn after(self, before: &Self) -> Self {
        Self { entered: before.entered, ..self }
    }
}

impl Look for &Twin {
    type Error = Infallible;

    fn host(&self, endpoint: &str) -> Result<Option<HostRow>, Infallible> {
        Ok(self.hosts.get(endpoint).cloned())
    }

    fn pair(&self, endpoint: &str, model: &str) -> Result<Option<PairRow>, Infallible> {
        Ok(self.pairs.get(&(endpoint.to_owned(), model.to_owned())).cloned())
    }

    fn block(&self, endpoint: &str, key_hash: &str) -> Result<Option<Block>, Infallible> {
        Ok(self.blocks.get(&(endpoint.to_owned(), key_hash.to_owned())).cloned())
    }

    fn salt(&self) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.salt.clone())
    }

    fn flights(&self, endpoint: &str) -> Result<Vec<Flight>, Infallible> {
        Ok(self.flights.values().filter(|flight| flight.endpoint == endpoint).cloned().collect())
    }

    fn usage(&self, endpoint: &str, now_wall_ms: i64) -> Result<Usage, Infallible> {
        let mut usage = Usage::default();
        for past in self.pasts.iter().filter(|past| past.endpoint == endpoint) {
            let age = now_wall_ms.saturating_sub(past.at);
            if age < 3_600_000 {
                usage.calls = usage.calls.saturating_add(1);
            }
            if age < 24 * 3_600_000 {
                let used = past.tokens_in.unwrap_or(0).saturating_add(past.tokens_out.unwrap_or(0));
                usage.tokens = usage.tokens.saturating_add(used);
            }
        }
        Ok(usage)
    }
}

impl Ledger for Twin {
    type Error = Infallible;
    type Seen<'a> = &'a Self;

    fn seen(&self) -> &Self {
        self
    }

    fn put_host(&mut self, row: &HostRow) -> Result<(), Infallible> {
        self.hosts.insert(row.endpoint.clone(), row.clone());
        Ok(())
    }

    fn put_pair(&mut self, row: &PairRow) -> Result<(), Infallible> {
        self.pairs.insert((row.endpoint.clone(), row.model.clone()), row.clone());
        Ok(())
    }

    fn put_block(&mut self, row: &Block) -> Result<(), Infallible> {
        self.blocks.insert((row.endpoint.clone(), row.key_hash.clone()), row.clone());
        Ok(())
    }

    fn remove_block(&mut self, endpoint: &str, key_hash: &str) -> Result<(), Infallible> {
        self.blocks.remove(&(endpoint.to_owned(), key_hash.to_owned()));
        Ok(())
    }

    fn put_salt(&mut self, salt: &[u8]) -> Result<(), Infallible> {
        self.salt = Some(salt.to_vec());
        Ok(())
    }

    fn enter(&mut self, flight: &Flight) -> Result<i64, Infallible> {
        self.entered += 1;
        let id = FIRST_ROW + self.entered;
        self.flights.insert(id, Flight { id, ..flight.clone() });
        Ok(id)
    }

    fn become_flight(&mut self, flight: &Flight) -> Result<bool, Infallible> {
        Ok(match self.flights.get_mut(&flight.id) {
            Some(row) => {
                row.clone_from(flight);
                true
            }
            None => false,
        })
    }

    fn leave(&mut self, id: i64) -> Result<(), Infallible> {
        self.flights.remove(&id);
        Ok(())
    }

    fn record(&mut self, past: &Past) -> Result<(), Infallible> {
        if self.pasts.len() >= PASTS {
            self.pasts.pop_front();
        }
        self.pasts.push_back(past.clone());
        Ok(())
    }
}
