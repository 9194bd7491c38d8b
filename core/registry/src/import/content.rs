//! What a file says, ready to be inserted.

use std::path::Path;

use conclave_db::{ReadConn, WriteTx};

use super::ports_file::{self, BlockRow};
use super::state_file::{self, AgentRow};
use super::{Kind, Source};
use crate::error::Result;
use crate::store::{blocks, imports};

/// Its rows.
#[derive(Debug, Clone)]
pub(super) struct Content {
    agents: Vec<AgentRow>,
    blocks: Vec<BlockRow>,
    pub(super) warnings: Vec<String>,
}

impl Content {
    pub(super) fn of(source: &Source) -> Result<Self> {
        Ok(match source.kind {
            Kind::State => {
                let file = state_file::read(&source.path, &source.bytes)?;
                Self { agents: file.rows, blocks: Vec::new(), warnings: file.warnings }
            }
            Kind::Ports => {
                let file = ports_file::read(&source.path, &source.bytes)?;
                Self { agents: Vec::new(), blocks: file.rows, warnings: file.warnings }
            }
        })
    }

    pub(super) fn rows(&self) -> u64 {
        (self.agents.len() + self.blocks.len()) as u64
    }

    /// What is in the database already, and would have to be another.
    pub(super) fn refuse_conflicts(&self, conn: &ReadConn<'_>, path: &Path) -> Result<()> {
        for row in &self.agents {
            if imports::has_agent(conn, row.kind, &row.id)? {
                let what = format!("the state has the {} {:?} already", row.kind.as_str(), row.id);
                return Err(row.place.refuse(path, what));
            }
            let Some(port) = row.port else { continue };
            if let Some((kind, id)) = imports::holder_of(conn, port)? {
                let what = format!("field \"port\": {port} is the port of the {kind} {id:?} in the state");
                return Err(row.place.refuse(path, what));
            }
        }
        for row in &self.blocks {
            let has = blocks::base_of(conn, &row.project)?;
            if let Some(base) = has.filter(|base| *base != row.base) {
                let what = format!(
                    "field \"basePort\": {} is wanted, and the project has the block {base} already",
                    row.base
                );
                return Err(row.place.refuse(path, what));
            }
            let owner = blocks::owner_of(conn, row.base)?;
            if let Some(owner) = owner.filter(|owner| *owner != row.project) {
                let what = format!("field \"basePort\": the block {} is that of {owner} already", row.base);
                return Err(row.place.refuse(path, what));
            }
        }
        Ok(())
    }

    /// Gives how many rows were made: a block that the project has already is none.
    pub(super) fn insert(&self, tx: &WriteTx<'_>) -> Result<u64> {
        let mut made = 0;
        for row in &self.agents {
            imports::insert_agent(tx, row)?;
            made += 1;
        }
        for row in &self.blocks {
            if blocks::base_of(tx, &row.project)?.is_some() {
                continue;
            }
            blocks::insert(
                tx,
                &blocks::New {
                    project: &row.project,
                    base: row.base,
                    pid: row.pid,
                    registered_ms: row.registered_ms,
                    used_ms: row.used_ms,
                },
            )?;
            made += 1;
        }
        Ok(made)
    }
}
