//! Ports: a block of 100 for each project, and who gets which inside.
//!
//! A block is given once and then known: who asks again gets the same. Ports inside of a block are chosen in the
//! transaction that inserts the agent's row ([`crate::agents::register`]), so no two processes of Conclave ever get the
//! same. Nobody is kept from listening there all the same: a foreign program may take a port after it was looked at.

mod base;
mod choosing;
pub(crate) mod key;
mod probe;

use std::path::Path;

use conclave_db::{Db, process};

pub(crate) use self::base::is_base;
pub use self::base::{BLOCK, Block, FirstBase};
pub use self::choosing::PortRole;
pub(crate) use self::choosing::choose;
pub use self::probe::{Probe, SystemProbe};
use crate::error::{RegistryError, Result};
use crate::store::blocks;
use crate::time;

/// How often a release looks again.
const TRIES: usize = 16;

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
pub fn block_of(global: &Db, root: &Path, first: FirstBase) -> Result<Block> {
    block_with(global, root, first, &[])
}

/// The same for a project whose agents have these ports: where it has no block, since the machine-wide file was restored
/// or begun anew, it gets the one back that they are in, unless that is another project's by now.
pub fn block_with(global: &Db, root: &Path, first: FirstBase, ports: &[u16]) -> Result<Block> {
    let project = key::of(root)?;
    let mut had: Vec<u16> =
        ports.iter().map(|port| port - port % BLOCK).filter(|base| is_base(*base)).collect();
    had.sort_unstable();
    had.dedup();
    global.write("ports: block", move |tx| {
        let now = tx.now_ms();
        if let Some(base) = blocks::base_of(tx, &project)? {
            blocks::touch(tx, &project, now)?;
            return Ok(Block { base });
        }
        let taken = blocks::bases(tx)?;
        let all = first.bases().count();
        let Some(base) = had.iter().copied().chain(first.bases()).find(|base| !taken.contains(base)) else {
            return Err(RegistryError::Exhausted {
                text: format!("no available port blocks ({all} of {all} in use)"),
                hint: "`conclave ports cleanup` frees those of projects that are gone, \
                       `conclave ports release PATH` that of one project",
            });
        };
        blocks::insert(
            tx,
            &blocks::New { project: &project, base, pid: None, registered_ms: now, used_ms: now },
        )?;
        Ok(Block { base })
    })
}

/// Whether the project still has the block, which counts as used then. Who has given one of its ports to an agent asks
/// this afterwards: either a [`release`] sees the agent's row, or this says that the block is gone. Durable when this
/// returns.
pub fn confirm(global: &Db, root: &Path, block: Block) -> Result<bool> {
    let project = key::of(root)?;
    global.write("ports: confirm", move |tx| {
        let row = blocks::all(tx)?.into_iter().find(|row| row.project == project && row.base == block.base);
        let Some(row) = row else { return Ok(false) };
        // Another time than the last one, whatever the clock says: a release sees by it that the block is in use.
        let last = time::ms_of(&row.last_used_at).unwrap_or_default();
        blocks::touch(tx, &project, tx.now_ms().max(last.saturating_add(1)))?;
        Ok(true)
    })
}

/// The block that the project has. Reads only.
pub fn known_block(global: &Db, root: &Path) -> Result<Option<Block>> {
    let project = key::of(root)?;
    global.read(|conn| Ok(blocks::base_of(conn, &project)?.map(|base| Block { base })))
}

/// The first port of each block and the project that has it, by their numbers. Reads only, and looks at no project's
/// folder: one that hangs holds nobody up.
pub fn blocks(global: &Db) -> Result<Vec<(u16, String)>> {
    let rows = global.read(blocks::all)?;
    Ok(rows.into_iter().map(|row| (row.base, row.project)).collect())
}

/// All blocks, by their numbers. Reads only.
pub fn list(global: &Db) -> Result<Vec<Allocation>> {
    let rows = global.read(blocks::all)?;
    let allocation = |row: blocks::Row| Allocation {
        exists: key::exists(&row.project),
        registered_at_ms: time::ms_of(&row.registered_at).unwrap_or_default(),
        last_used_at_ms: time::ms_of(&row.last_used_at).unwrap_or_default(),
        project: row.project,
        base: row.base,
        pid: row.pid,
    };
    Ok(rows.into_iter().map(allocation).collect())
}

/// Frees the blocks of projects whose paths are gone, and forgets pids that are dead or none.
pub fn cleanup(global: &Db) -> Result<Cleaned> {
    // Looked at outside of the transaction: a file system that hangs must not hold the lock. What has changed since is
    // left alone.
    let rows = global.read(blocks::all)?;
    let (stale, there): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| !key::exists(&row.project));
    let mut over = Vec::new();
    for row in there {
        if let Some(pid) = row.pid
            && !may_live(pid)?
        {
            over.push((row.project, pid));
        }
    }
    global.write("ports: cleanup", move |tx| {
        let mut removed = Vec::new();
        for row in &stale {
            if blocks::delete_unused_since(tx, row)? {
                removed.push(row.project.clone());
            }
        }
        for (project, pid) in &over {
            blocks::forget_pid(tx, project, *pid)?;
        }
        Ok(Cleaned { removed, remaining: blocks::count(tx)? })
    })
}

/// Frees the block of the project; gives it. A name that stands in the list as it is given wins over the path that it
/// leads to. What `is_unused` refuses stays: it looks whether a row of the project still has a port of the block. Where an
/// agent gets one after it has looked, [`confirm`] has changed the row of the block, and it looks again.
pub fn release(global: &Db, root: &Path, is_unused: impl Fn(Block) -> Result<()>) -> Result<Option<Block>> {
    let given = root.to_str();
    let project = key::of(root)?;
    for _ in 0..TRIES {
        let mut rows = global.read(blocks::all)?;
        let place = |name: &str| rows.iter().position(|row| row.project == name);
        let Some(place) = given.and_then(place).or_else(|| place(&project)) else { return Ok(None) };
        let row = rows.swap_remove(place);
        let block = Block { base: row.base };
        is_unused(block)?;
        if global.write("ports: release", move |tx| blocks::delete_unused_since(tx, &row))? {
            return Ok(Some(block));
        }
    }
    Err(RegistryError::Refused {
        text: format!("the block of {project} is being used all the time"),
        hint: Some("try again when no agents are started there".to_owned()),
    })
}

/// Whether a pid may be a process that lives. Pids of 1 and below are nobody's of ours.
fn may_live(pid: i64) -> Result<bool> {
    match u32::try_from(pid) {
        Ok(pid) if pid > 1 => Ok(process::of(pid)?.is_some()),
        _ => Ok(false),
    }
}
