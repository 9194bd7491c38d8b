//! What the doctor asks about the registry, and what it mends.

mod leftovers;

use std::collections::BTreeMap;
use std::path::Path;

use conclave_db::Db;
use conclave_db::doctor::Check;

use crate::agents::{self, Agent, Life};
use crate::error::Result;
use crate::ports;
use crate::store::checking;
use crate::words::quoted;
use crate::worktree::{self, Orphan};

/// So many are told one by one.
const NAMED: usize = 10;

/// Checks of a project: lost agents, ports outside of the block, worktrees without agents and the other way round,
/// imports that were not archived, files that they left. `owner` is whom the block of ports belongs to. Reads only.
pub fn checks(state: &Db, global: Option<&Db>, root: &Path, owner: &Path) -> Result<Vec<Check>> {
    let agents = agents::list(state)?;
    let mut checks = vec![lost_agents(&agents)];
    checks.push(foreign_ports(&agents, global, owner)?);
    checks.extend(orphans(state, root)?);
    let mut imported = state.read(checking::imported)?;
    if let Some(global) = global {
        imported.extend(global.read(checking::imported)?);
    }
    checks.extend(unarchived(&imported));
    checks.extend(leftovers::checks(state, global, root, &imported));
    Ok(checks)
}

/// Mends what can be mended without losing anything: agents whose processes have vanished are recorded as lost, and their
/// ports are free. Gives what was done, in words.
pub fn fix(state: &Db) -> Result<Vec<String>> {
    let lost = agents::note_lost(state)?;
    if lost.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = lost.iter().map(|agent| agent.key.id.as_str()).collect();
    Ok(vec![format!("recorded as lost, and freed the ports of: {}", ids.join(", "))])
}

/// The agents that are gone without anybody having seen how, the newest first, each with the words that remove it.
/// Reads only.
pub fn lost(state: &Db) -> Result<Vec<(Agent, String)>> {
    let agents = agents::list(state)?;
    let names = Names::of(&agents);
    let lost = agents.iter().filter(|agent| agent.life() == Life::Lost);
    Ok(lost.map(|agent| (agent.clone(), names.clean_up(agent))).collect())
}

/// What agents are called on a command line: by their ids, and by kind and id where two kinds have the same.
struct Names(BTreeMap<String, usize>);

impl Names {
    fn of(agents: &[Agent]) -> Self {
        let mut names = BTreeMap::new();
        for agent in agents {
            *names.entry(agent.key.id.clone()).or_default() += 1;
        }
        Self(names)
    }

    fn word(&self, agent: &Agent) -> String {
        let is_one = self.0.get(&agent.key.id).is_none_or(|times| *times == 1);
        let name = if is_one { agent.key.id.clone() } else { agent.key.to_string() };
        // What begins with a hyphen would be taken for an option.
        let dashes = if name.starts_with('-') { "-- " } else { "" };
        format!("{dashes}{}", quoted(Path::new(&name)))
    }

    fn clean_up(&self, agent: &Agent) -> String {
        format!("conclave cleanup {}", self.word(agent))
    }
}

/// "a, b and 3 more"
fn some(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

fn lost_agents(agents: &[Agent]) -> Check {
    const NAME: &str = "lost-agents";
    let lost: Vec<&Agent> = agents.iter().filter(|agent| agent.life() == Life::Lost).collect();
    let Some(first) = lost.first() else {
        return Check::ok(NAME, if agents.is_empty() { "none" } else { "none is lost" });
    };
    let names = lost.iter().map(|agent| agent.key.id.clone()).collect();
    let detail = format!("gone, and nobody saw how: {}", some(names));
    let advice = format!(
        "`{}` removes one with its worktree, unless work in it is not committed",
        Names::of(agents).clean_up(first)
    );
    Check::warn(NAME, detail, advice)
}

fn foreign_ports(agents: &[Agent], global: Option<&Db>, owner: &Path) -> Result<Check> {
    const NAME: &str = "agent-ports";
    let block = match global {
        Some(global) => ports::known_block(global, owner)?,
        None => None,
    };
    let inside = |port: u16| {
        block.is_some_and(|block| (block.base..block.base.saturating_add(ports::BLOCK)).contains(&port))
    };
    let outside: Vec<(&Agent, u16)> = agents
        .iter()
        .filter_map(|agent| Some((agent, agent.port?)))
        .filter(|(_, port)| !inside(*port))
        .collect();
    let Some((first, _)) = outside.first() else {
        return Ok(Check::ok(NAME, "all of the project's block"));
    };
    let names = outside.iter().map(|(agent, port)| format!("{} has {port}", agent.key.id)).collect();
    let whose = block.map_or_else(
        || "the project has no block".to_owned(),
        |block| {
            format!(
                "the project's block is {} to {}",
                block.base,
                block.base.saturating_add(ports::BLOCK - 1)
            )
        },
    );
    let advice =
        format!("another project may get them; `conclave stop {}` frees one", Names::of(agents).word(first));
    Ok(Check::warn(NAME, format!("{whose}, but {}", some(names)), advice))
}

fn orphans(state: &Db, root: &Path) -> Result<Vec<Check>> {
    const NAME: &str = "worktrees";
    let found = worktree::orphans(state, root)?;
    if found.is_empty() {
        return Ok(vec![Check::ok(NAME, "every one has its agent, every agent has its own")]);
    }
    let check = |orphan: &Orphan| match orphan {
        Orphan::Row(id) => Check::warn(
            NAME,
            format!("the worktree of {id} is gone"),
            format!(
                "`conclave cleanup {}` removes the agent; its branch stays unless it is merged",
                quoted(Path::new(id))
            ),
        ),
        Orphan::Folder(folder) if folder.join(".git").exists() => Check::warn(
            NAME,
            format!("{} has no agent", folder.display()),
            format!(
                "`git -C {} worktree remove {}` removes it, unless work in it is not committed",
                quoted(root),
                quoted(folder)
            ),
        ),
        Orphan::Folder(folder) => Check::warn(
            NAME,
            format!("{} has no agent, and is no worktree", folder.display()),
            format!("look into it; `rm -r {}` removes it", quoted(folder)),
        ),
    };
    Ok(found.iter().take(NAMED).map(check).collect())
}

/// An import is finished when the file is kept under another name.
fn unarchived(imported: &[checking::Imported]) -> Vec<Check> {
    const NAME: &str = "imports";
    let open = imported.iter().filter(|import| !import.is_archived && Path::new(&import.path).exists());
    let mut checks: Vec<Check> = open
        .map(|import| {
            let command = format!("`conclave migrate import {}`", quoted(Path::new(&import.path)));
            Check::warn(
                NAME,
                format!("{} was imported and is still there", import.path),
                format!("{command} puts it aside as a `.bak`, and imports nothing twice"),
            )
        })
        .collect();
    if checks.is_empty() {
        checks.push(Check::ok(NAME, "all are finished"));
    }
    checks
}

#[cfg(test)]
mod tests;
