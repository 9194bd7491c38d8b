//! Ports: a block of 100 for each project, and who gets which inside.

mod probe;

use std::path::Path;

use conclave_db::{Db, WriteTx};

pub use self::probe::{Probe, SystemProbe};
use crate::error::Result;

/// Ports in a block.
pub const BLOCK: u16 = 100;

/// Where the first block begins: a multiple of 100 from 4200 to 65400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstBase(u16);

impl FirstBase {
    /// 4200.
    pub const USUAL: Self = Self(4200);

    /// Reads one. The error says what is allowed.
    pub fn parse(_text: &str) -> Result<Self> {
        todo!("P")
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A block that a project has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its first port.
    pub base: u16,
}

/// What a port of a block is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortRole {
    /// `base + 0`.
    Dashboard,
    /// `base + 1`.
    Architect,
    /// `base + 10` to `base + 29`.
    Builder,
    /// `base + 30` to `base + 49`.
    Util,
    /// `base + 50` to `base + 69`.
    Annotation,
}

/// One row of the machine-wide list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The project's root, canonical, or an opaque name that begins with `remote:`.
    pub project: String,
    /// The block.
    pub base: u16,
    /// A process of the project, as somebody said.
    pub pid: Option<i64>,
    /// Whether the path is there; opaque ones always are.
    pub exists: bool,
    /// When the block was given, in milliseconds since 1970.
    pub registered_at_ms: i64,
    /// When it was asked for last.
    pub last_used_at_ms: i64,
}

/// What a cleanup did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Cleaned {
    /// Projects whose blocks are free again.
    pub removed: Vec<String>,
    /// Blocks that are still taken.
    pub remaining: u64,
}

/// The block of the project, allocated where it has none: the first gap. Idempotent, durable when this returns.
pub fn block_of(_global: &Db, _root: &Path, _first: FirstBase) -> Result<Block> {
    todo!("P")
}

/// The block that the project has. Reads only.
pub fn known_block(_global: &Db, _root: &Path) -> Result<Option<Block>> {
    todo!("P")
}

/// All blocks, by their numbers. Reads only.
pub fn list(_global: &Db) -> Result<Vec<Allocation>> {
    todo!("P")
}

/// Frees the blocks of projects whose paths are gone, and forgets pids that are dead or none.
pub fn cleanup(_global: &Db) -> Result<Cleaned> {
    todo!("P")
}

/// Frees the block of the project; gives it. The caller has made sure that nobody uses it.
pub fn release(_global: &Db, _root: &Path) -> Result<Option<Block>> {
    todo!("P")
}

/// The first free port for the role: no row of any of the four tables has it, and the probe says that nobody listens.
/// Inside the transaction that inserts the row.
pub(crate) fn choose(_tx: &WriteTx<'_>, _block: Block, _role: PortRole, _probe: &dyn Probe) -> Result<u16> {
    todo!("P")
}
