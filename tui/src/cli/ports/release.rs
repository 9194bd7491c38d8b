//! `conclave ports release [PATH]`

use std::path::{Path, PathBuf};

use conclave_db::Db;
use conclave_registry::RegistryError;
use conclave_registry::agents::{self, Agent, Life};
use conclave_registry::ports::{self, Block};

use super::block_object;
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::project::{Places, Project};
use crate::text::visible;

/// What is tried.
const DOING: &str = "release the block of ports";

/// Whose block it is.
struct Owner {
    /// What it is called in the list, or a path that leads there.
    name: PathBuf,
    /// The project, where it is one that is there.
    project: Option<Project>,
}

pub(super) fn run(context: &Context, path: Option<&Path>) -> Result<Exit, Failure> {
    let machine = context.machine()?;
    let none =
        || Failure::not_found("no block of ports for this project").hint("`conclave ports list` lists them");
    if !machine.has_state() && !crate::registry_import::has_ports(&machine, &context.environment) {
        return Err(none().doing(DOING));
    }
    let global = context.open_machine()?;
    let listed = ports::list(&global).doing(DOING)?;
    let by_name = |name: &Path| listed.iter().find(|block| Path::new(&block.project) == name);
    let owner = owner(context, path, |name| by_name(name).is_some())?;
    let block = match by_name(&owner.name) {
        Some(block) => Some(Block { base: block.base }),
        None => ports::known_block(&global, &owner.name).doing(DOING)?,
    };
    let block = block.ok_or_else(|| none().doing(DOING))?;
    let state = unused_state(&owner, block)?;
    let place = match &owner.project {
        Some(project) if project.owner() != context.project.owner() => {
            format!("in {}: ", project.root.display())
        }
        _ => String::new(),
    };
    let released = ports::release(&global, &owner.name, |block| match &state {
        Some(state) => refuse_while_used(state, block, &place),
        None => Ok(()),
    });
    let released = released.doing(DOING)?.ok_or_else(|| none().doing(DOING))?;
    let name = owner.name.to_string_lossy();
    if context.output.json {
        context.output.document(&block_object(&name, released.base))?;
    } else {
        let last = u32::from(released.base) + u32::from(ports::BLOCK) - 1;
        let text = format!("released {}-{last}, the block of {}", released.base, visible(&name));
        context.output.print(format_args!("{text}\n"))?;
    }
    Ok(Exit::Done)
}

/// A name that stands in the list is taken as it is; a path that is there stands for the project that it lies in.
fn owner(
    context: &Context,
    path: Option<&Path>,
    is_listed: impl Fn(&Path) -> bool,
) -> Result<Owner, Failure> {
    let Some(path) = path else {
        let project = context.project.clone();
        return Ok(Owner { name: project.owner().to_path_buf(), project: Some(project) });
    };
    if path.to_string_lossy().starts_with("remote:") {
        return Ok(Owner { name: path.to_path_buf(), project: None });
    }
    let path = context.environment.folder.join(path);
    let project = if path.is_dir() {
        let mut environment = context.environment.clone();
        environment.folder.clone_from(&path);
        // A folder of a state, as `--state-dir` names it; else its own state, wherever this command's is.
        let is_state = is_listed(&path) && path.join("state.db").exists();
        let state_dir = is_state.then(|| path.clone());
        Some(Project::find(&environment, &Places { state_dir, ..Places::default() })?)
    } else {
        None
    };
    let is_own = project.as_ref().is_some_and(|project| project.owner() == context.project.owner());
    let project = if is_own { Some(context.project.clone()) } else { project };
    let name = match &project {
        Some(project) if !is_listed(&path) => project.owner().to_path_buf(),
        _ => path,
    };
    Ok(Owner { name, project })
}

/// The state of whoever has the block. Agents that were lost have no ports any more, which is recorded first.
fn unused_state(owner: &Owner, block: Block) -> Result<Option<Db>, Failure> {
    const LOOKING: &str = "look who uses the block of ports";
    let Some(project) = &owner.project else { return Ok(None) };
    let Some(state) = project.open_read_only()? else { return Ok(None) };
    let agents = agents::list(&state).doing(LOOKING)?;
    if agents.iter().any(|agent| has_port_of(agent, block) && agent.life() == Life::Lost) {
        agents::note_lost(&project.open()?).doing(LOOKING)?;
    }
    Ok(Some(state))
}

/// Whatever has a port of the block keeps it, be it alive or not: who gets the block next gets the same ports.
fn refuse_while_used(state: &Db, block: Block, place: &str) -> Result<(), RegistryError> {
    let agents = agents::list(state)?;
    let holder =
        agents.iter().find_map(|agent| Some((agent, agent.port?)).filter(|_| has_port_of(agent, block)));
    let Some((agent, port)) = holder else { return Ok(()) };
    let (kind, id) = (agent.key.kind.as_str(), &agent.key.id);
    let how = match agent.life() {
        Life::None if agent.supervisor.is_none() => "is registered with",
        Life::None => "is just being started, with",
        _ => "lives and has",
    };
    Err(RegistryError::Refused {
        text: format!("{kind} {id} {how} the port {port}"),
        hint: Some(format!("{place}`conclave stop {id}` ends it and frees the port")),
    })
}

fn has_port_of(agent: &Agent, block: Block) -> bool {
    agent.port.is_some_and(|port| block.ports().contains(&port))
}
