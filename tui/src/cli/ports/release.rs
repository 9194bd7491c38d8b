//! `conclave ports release [PATH]`

use std::path::{Path, PathBuf};

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
    refuse_while_used(context, &owner, block)?;
    let released = ports::release(&global, &owner.name).doing(DOING)?.ok_or_else(|| none().doing(DOING))?;
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
        return Ok(Owner { name: project.root.clone(), project: Some(project) });
    };
    if path.to_string_lossy().starts_with("remote:") {
        return Ok(Owner { name: path.to_path_buf(), project: None });
    }
    let path = context.environment.folder.join(path);
    let project = if path.is_dir() {
        let mut environment = context.environment.clone();
        environment.folder.clone_from(&path);
        // Its own state, wherever this command's is.
        Some(Project::find(&environment, &Places::default())?)
    } else {
        None
    };
    let is_own = project.as_ref().is_some_and(|project| project.root == context.project.root);
    let project = if is_own { Some(context.project.clone()) } else { project };
    let name = match &project {
        Some(project) if !is_listed(&path) => project.root.clone(),
        _ => path,
    };
    Ok(Owner { name, project })
}

/// An agent that lives, or may, keeps the block that its port is of.
fn refuse_while_used(context: &Context, owner: &Owner, block: Block) -> Result<(), Failure> {
    let Some(project) = &owner.project else { return Ok(()) };
    let Some(state) = project.open_read_only()? else { return Ok(()) };
    let agents = agents::list(&state).doing("look who uses the block of ports")?;
    let holder = agents.iter().find(|agent| holds(agent, block));
    let Some((agent, port)) = holder.and_then(|agent| Some((agent, agent.port?))) else { return Ok(()) };
    let (kind, id) = (agent.key.kind.as_str(), &agent.key.id);
    let failure =
        Failure::new(Exit::StateSaysNo, "refused", format!("{kind} {id} lives and has the port {port}"));
    let place = if project.root == context.project.root {
        String::new()
    } else {
        format!("in {}: ", project.root.display())
    };
    Err(failure.hint(format!("{place}`conclave stop {id}` ends it and frees the port")).doing(DOING))
}

fn holds(agent: &Agent, block: Block) -> bool {
    let may_live = match agent.life() {
        Life::Running | Life::Unsupervised | Life::Unknown => true,
        // Somebody is about to start it.
        Life::None => agent.supervisor.is_some(),
        Life::Ended | Life::Lost => false,
    };
    may_live && agent.port.is_some_and(|port| block.ports().contains(&port))
}
