//! The tables of the model client in `global.db`.

mod flights;
mod hosts;
mod pasts;

use conclave_db::process::ProcessIdentity;
use conclave_db::{DbError, FIRST_VERSION, Migration, ReadConn, Result, Step, WriteTx};

pub(crate) use self::flights::{beat, waiting_and_running};
pub(crate) use self::hosts::{close_pairs, forget_absent, forget_blocks, newest_block};
pub(crate) use self::pasts::{durations, recent, window};
use crate::ledger::{Block, Flight, HostRow, Ledger, Look, PairRow, Past, Usage};
use crate::twin::Twin;

/// The steps of this crate's part of the machine-wide file.
pub const GLOBAL_MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION + 2,
    name: "model hosts",
    up: Step::Sql(include_str!("schema.sql")),
    down: None,
    rewrites: false,
}];

/// The records as a snapshot of the file.
pub(crate) struct Rows<'a, 'conn>(&'a ReadConn<'conn>);

impl<'a, 'conn> Rows<'a, 'conn> {
    pub(crate) const fn new(conn: &'a ReadConn<'conn>) -> Self {
        Self(conn)
    }
}

impl Look for Rows<'_, '_> {
    type Error = DbError;

    fn host(&self, endpoint: &str) -> Result<Option<HostRow>> {
        hosts::host(self.0, endpoint)
    }

    fn pair(&self, endpoint: &str, model: &str) -> Result<Option<PairRow>> {
        hosts::pair(self.0, endpoint, model)
    }

    fn block(&self, endpoint: &str, key_hash: &str) -> Result<Option<Block>> {
        hosts::block(self.0, endpoint, key_hash)
    }

    fn salt(&self) -> Result<Option<Vec<u8>>> {
        hosts::salt(self.0)
    }

    fn flights(&self, endpoint: &str) -> Result<Vec<Flight>> {
        flights::of_host(self.0, endpoint)
    }

    fn usage(&self, endpoint: &str, now_wall_ms: i64) -> Result<Usage> {
        pasts::usage(self.0, endpoint, now_wall_ms)
    }
}

/// The records inside of a write transaction.
pub(crate) struct InFile<'a, 'conn>(&'a WriteTx<'conn>);

impl<'a, 'conn> InFile<'a, 'conn> {
    pub(crate) const fn new(tx: &'a WriteTx<'conn>) -> Self {
        Self(tx)
    }
}

impl<'conn> Ledger for InFile<'_, 'conn> {
    type Error = DbError;
    type Seen<'b>
        = Rows<'b, 'conn>
    where
        Self: 'b;

    fn seen(&self) -> Rows<'_, 'conn> {
        Rows(self.0)
    }

    fn put_host(&mut self, row: &HostRow) -> Result<()> {
        hosts::put_host(self.0, row)
    }

    fn put_pair(&mut self, row: &PairRow) -> Result<()> {
        hosts::put_pair(self.0, row)
    }

    fn put_block(&mut self, row: &Block) -> Result<()> {
        hosts::put_block(self.0, row)
    }

    fn remove_block(&mut self, endpoint: &str, key_hash: &str) -> Result<()> {
        hosts::remove_block(self.0, endpoint, key_hash)
    }

    fn put_salt(&mut self, salt: &[u8]) -> Result<()> {
        hosts::put_salt(self.0, salt)
    }

    fn enter(&mut self, flight: &Flight) -> Result<i64> {
        flights::enter(self.0, flight)
    }

    fn become_flight(&mut self, flight: &Flight) -> Result<bool> {
        flights::become_flight(self.0, flight)
    }

    fn leave(&mut self, id: i64) -> Result<()> {
        flights::leave(self.0, id)
    }

    fn record(&mut self, past: &Past) -> Result<()> {
        pasts::record(self.0, past)
    }
}

/// Everything, for a process that goes on without the file.
pub(crate) fn everything(conn: &ReadConn<'_>) -> Result<Twin> {
    Ok(Twin::with(
        hosts::all_hosts(conn)?,
        hosts::all_pairs(conn)?,
        hosts::all_blocks(conn)?,
        hosts::salt(conn)?,
        flights::all(conn)?,
        pasts::newest(conn)?,
    ))
}

/// A number that SQLite can hold.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as it was, whatever stands in the row.
fn read(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The namespace of a process as text: an inode may be beyond what SQLite's numbers hold.
fn namespace(process: &ProcessIdentity) -> String {
    process.pid_namespace.to_string()
}
