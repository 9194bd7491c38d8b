//! `conclave spawn`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use conclave_registry::agents::{Agent, BuilderType, Role};
use serde_json::json;

use super::args::Spawn;
use super::list;
use super::starting::{self, Wanted};
use crate::cli::context::Context;
use crate::failure::{Exit, Failure};
use crate::text::visible;

pub(super) fn run(context: &Context, line: Spawn) -> Result<Exit, Failure> {
    if line.foreground {
        let wanted = wanted(context, line)?;
        let ready = starting::register(context, &wanted)?;
        if let Some(exit) = ready.in_foreground(&wanted.command)? {
            return Ok(exit);
        }
        return tell(context, &ready.agent, None);
    }
    let (agent, log) = begin(context, line)?;
    tell(context, &agent, log.as_deref())
}

/// Registers what the line says, and runs it with a supervisor; returns when it runs and that is durable. Gives the
/// agent as it is then, and its log where something runs.
pub(super) fn begin(context: &Context, line: Spawn) -> Result<(Agent, Option<PathBuf>), Failure> {
    let wanted = wanted(context, line)?;
    let mut ready = starting::register(context, &wanted)?;
    let log = ready.in_background(&wanted.command)?;
    Ok((ready.agent, log))
}

fn wanted(context: &Context, line: Spawn) -> Result<Wanted, Failure> {
    Ok(Wanted {
        role: role(context, &line)?,
        command: line.command,
        port: !line.no_port,
        worktree: line.worktree,
        adopt: line.pid,
        foreground: line.foreground,
    })
}

/// What kind of agent, by what it is for.
fn role(context: &Context, line: &Spawn) -> Result<Role, Failure> {
    let builder = |kind: BuilderType, id: Option<&String>| {
        let (task_text, protocol) = (line.task.clone(), line.protocol.clone());
        Ok(Role::Builder { kind, id: id.cloned(), task_text, protocol })
    };
    if let Some(file) = &line.annotate {
        let parent = line.parent.as_deref().map(parent).transpose()?;
        let file = context.environment.folder.join(file);
        file.metadata().map_err(|error| Failure::io(format!("look at {}", file.display()), &error))?;
        return Ok(Role::Annotation { file, parent });
    }
    match line {
        Spawn { spec: Some(id), .. } => builder(BuilderType::Spec, Some(id)),
        Spawn { task: Some(_), .. } => builder(BuilderType::Task, None),
        Spawn { protocol: Some(_), .. } => builder(BuilderType::Protocol, None),
        Spawn { shell: true, .. } => builder(BuilderType::Shell, None),
        Spawn { util: true, .. } => Ok(Role::Util),
        Spawn { worktree: true, .. } => builder(BuilderType::Worktree, None),
        _ => Err(Failure::usage(
            "spawn needs to know what for: --spec ID, --task TEXT, --protocol NAME, --shell, --util, --annotate FILE or --worktree",
        )
        .hint("see `conclave spawn --help`")),
    }
}

/// `TYPE:ID`
fn parent(text: &str) -> Result<(String, String), Failure> {
    let kinds = ["architect", "builder", "util"];
    match text.split_once(':') {
        Some((kind, id)) if kinds.contains(&kind) && !id.is_empty() => Ok((kind.to_owned(), id.to_owned())),
        _ => Err(Failure::usage(format!(
            "--parent {text:?}: TYPE:ID, and TYPE is one of {}",
            kinds.join(", ")
        ))),
    }
}

/// Prints an agent that was registered or runs.
pub(super) fn tell(context: &Context, agent: &Agent, log: Option<&Path>) -> Result<Exit, Failure> {
    if context.output.json {
        let mut object = list::object(agent);
        if let Some(object) = object.as_object_mut() {
            object.insert("log".to_owned(), json!(log.map(|log| log.to_string_lossy())));
        }
        context.output.document(&object)?;
        return Ok(Exit::Done);
    }
    let mut page = String::new();
    let _ = writeln!(page, "{:<11}{}", agent.key.kind.as_str(), visible(&agent.key.id));
    let lines = [
        ("pid", agent.pid.map(|pid| pid.to_string())),
        ("port", agent.port.map(|port| port.to_string())),
        ("worktree", agent.worktree.as_ref().map(|folder| folder.to_string_lossy().into_owned())),
        ("branch", agent.branch.clone()),
        ("log", log.map(|log| log.to_string_lossy().into_owned())),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            let _ = writeln!(page, "{name:<11}{}", visible(&value));
        }
    }
    context.output.print(page)?;
    Ok(Exit::Done)
}
