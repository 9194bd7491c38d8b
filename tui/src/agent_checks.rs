//! What the doctor says of the agents: which are there, and whether those with a preset start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_consensus::agents::{self, AgentDefinition, Preset};
use conclave_consensus::child::{self, Command, Done, Limits, Stop, Why};
use conclave_db::doctor::Check;
use conclave_retry::{Clock as _, SystemClock};

use crate::config::Config;
use crate::project::{Environment, Project};
use crate::roster::{find_program, known};
use crate::{cli, driving, model_agents};

const NAME: &str = "agents";
/// The time of a program that only has to say its version.
const TIME: Duration = Duration::from_secs(10);
/// Bytes that are kept of what it says.
const KEPT: usize = 4096;

/// One check for each program, all at once.
pub(crate) fn checks(project: &Project, environment: &Environment) -> Vec<Check> {
    let known = known(&project.config, environment);
    if known.agents.is_empty() {
        let names: Vec<&str> = agents::PRESETS.iter().map(|preset| preset.name).collect();
        return vec![Check::warn(
            NAME,
            format!("nobody can be asked: none is configured, and none of {} is on PATH", names.join(", ")),
            "install one, or add [[agents]] to .conclave/config.toml; `conclave demo` shows a run without any",
        )];
    }
    let asked = grouped(&known.agents);
    let programs: Vec<Check> = std::thread::scope(|scope| {
        let running: Vec<_> =
            asked.iter().map(|asked| scope.spawn(|| check(asked, &project.root, environment))).collect();
        running.into_iter().filter_map(|one| one.join().ok()).collect()
    });
    let models = known.agents.iter().filter(|agent| agent.is_model());
    programs.into_iter().chain(models.map(|agent| model(agent, &project.config))).collect()
}

/// A model: which hosts may be asked for it. Whether they are well is said of the hosts.
fn model(agent: &AgentDefinition, config: &Config) -> Check {
    if let Some((why, advice)) = model_agents::missing(agent, config) {
        return Check::warn(NAME, why, advice);
    }
    if let Some(route) = agent.route.as_deref().filter(|route| !model_agents::is_served(route, config)) {
        let serving = model_agents::serving(agent, config).join(", ");
        return Check::warn(
            NAME,
            format!("{}: no host lists the task type {route:?}, so all are asked: {serving}", agent.name),
            "add it to the `tasks` of a host under [[hosts]], or mend the agent's `route`",
        );
    }
    let of = match (&agent.model, &agent.route) {
        (Some(model), _) => format!("model {model}"),
        (None, route) => format!("task type {}", route.as_deref().unwrap_or_default()),
    };
    // Which models such a host has it says itself, and nobody is asked here.
    let silent = model_agents::silent(config);
    let told = |name: String| match &agent.model {
        Some(_) if silent.contains(&name) => format!("{name} if it has it"),
        _ => name,
    };
    let serving: Vec<String> = model_agents::serving(agent, config).into_iter().map(told).collect();
    Check::ok(NAME, format!("{}: {of}, at {}", agent.name, serving.join(", ")))
}

/// A program, and the agents that it is.
struct Asked<'agents> {
    program: &'agents str,
    preset: Option<&'static Preset>,
    agents: Vec<&'agents AgentDefinition>,
}

/// Copies, and agents that differ in their arguments alone, are one program.
fn grouped(agents: &[AgentDefinition]) -> Vec<Asked<'_>> {
    let mut all: Vec<Asked<'_>> = Vec::new();
    for agent in agents {
        let Some(program) = agent.command.first() else { continue };
        let preset = agent.preset.as_deref().and_then(agents::preset);
        // Another program under a preset's name need not know `--version`.
        let preset =
            preset.filter(|preset| Path::new(program).file_name().is_some_and(|name| name == preset.program));
        match all.iter_mut().find(|one| one.program == program) {
            Some(one) => one.agents.push(agent),
            None => all.push(Asked { program, preset, agents: vec![agent] }),
        }
    }
    all
}

fn check(asked: &Asked<'_>, folder: &Path, environment: &Environment) -> Check {
    let names: Vec<&str> = asked.agents.iter().map(|agent| agent.name.as_str()).collect();
    let names = names.join(", ");
    let Some(file) = find_program(asked.program, environment, folder) else {
        let file = folder.join(asked.program);
        if asked.program.contains('/') && file.is_file() {
            let advice = format!("`chmod +x {}`", file.display());
            return Check::warn(NAME, format!("{names}: {:?} is not executable", asked.program), advice);
        }
        let advice = match asked.preset {
            Some(preset) => format!("{}; or mend its `command`", preset.install),
            None => "install the program, or mend the agent's `command`".to_owned(),
        };
        return Check::warn(NAME, format!("{names}: {:?} is not installed", asked.program), advice);
    };
    let Some(preset) = asked.preset else {
        return Check::ok(NAME, format!("{names}: {}", file.display()));
    };
    match version(preset, &file, folder, environment) {
        Ok(version) => Check::ok(NAME, format!("{names}: {version}, {}", file.display())),
        Err(why) => {
            let words = preset.version.join(" ");
            Check::warn(
                NAME,
                format!("{names}: {} {words}: {why}", file.display()),
                format!("run it by hand; it is installed with `{}`", preset.install),
            )
        }
    }
}

/// The first line that the program says of its version, in a home of its own: even this makes files.
fn version(preset: &Preset, file: &Path, folder: &Path, environment: &Environment) -> Result<String, String> {
    let home =
        tempfile::Builder::new().prefix("conclave-doctor-").tempdir().map_err(|error| error.to_string())?;
    let command = Command {
        launcher: cli::launcher(),
        program: file.as_os_str().to_owned(),
        args: preset.version.iter().map(OsString::from).collect(),
        directory: folder.to_owned(),
        env: surroundings(environment, home.path().to_owned()),
        stdin: Vec::new(),
        mark: format!("doctor/{}/{}/{}", std::process::id(), preset.name, SystemClock.wall_ms()),
    };
    let limits = Limits { stdout: KEPT, stderr: KEPT, timeout: TIME, grace: Duration::from_secs(1) };
    let ended = driving::complete(async move {
        let running = child::start(command)?;
        Ok::<Done, std::io::Error>(running.wait(&limits, &Stop::new(), |_| {}).await)
    });
    let done = ended.map_err(|failure| failure.message)?.map_err(|error| error.to_string())?;
    if let Some(code) = done.not_started {
        return Err(std::io::Error::from_raw_os_error(code).to_string());
    }
    let first = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    };
    let said = first(&done.stdout.bytes);
    match (done.why, done.exit_code, said) {
        (Why::Exited, Some(0), Some(said)) => Ok(said),
        (Why::Exited, Some(0), None) => Err("says nothing".to_owned()),
        (Why::Exited, code, said) => {
            let said = first(&done.stderr.bytes).or(said).unwrap_or_default();
            let code = code.map_or("a signal".to_owned(), |code| format!("exit {code}"));
            Err(format!("{code} {said}").trim_end().to_owned())
        }
        (Why::TimedOut | Why::Cancelled, ..) => Err(format!("does not end within {} s", TIME.as_secs())),
    }
}

/// What an agent may see, with another home.
fn surroundings(environment: &Environment, home: PathBuf) -> Vec<(OsString, OsString)> {
    let mut variables = child::environment(environment.variables().iter().cloned(), &[], &[]);
    variables.retain(|(name, _)| name != "HOME");
    variables.push(("HOME".into(), home.into_os_string()));
    variables
}

#[cfg(test)]
mod tests;
