//! The text that is asked: of a file that is named; else of the configuration, of the project's file, or what is
//! built in.

use std::io::Read as _;
use std::path::Path;

use conclave_consensus::stages;

use crate::failure::Failure;
use crate::project::{Environment, Project};

/// The most bytes of a prompt: more is a mistake, such as a wrong file.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The prompt of a stage, in canonical form. Not empty.
pub(crate) fn of_stage(project: &Project, spec: &str, stage: &str) -> Result<Vec<u8>, Failure> {
    if let Some(prompt) = project.config.prompts.get(stage) {
        return Ok(prompt.clone().into_bytes());
    }
    if let Some(prompt) = of_project(project, stage)? {
        return Ok(prompt);
    }
    let known = stages::stage(stage).ok_or_else(|| {
        Failure::usage(format!("no prompt: {stage:?} is no stage with one of its own")).hint(format!(
            "--prompt FILE, [stages.NAME] in the configuration, or .conclave/prompts/NAME.md; built-in ones are for {}",
            stages::STAGES.iter().chain(&stages::GATES).map(|stage| stage.name).collect::<Vec<_>>().join(", ")
        ))
    })?;
    Ok(known.built_in_prompt(spec).into_bytes())
}

/// The bytes of a file, or of standard input for `-`. Not empty.
pub(crate) fn from(file: &Path, environment: &Environment) -> Result<Vec<u8>, Failure> {
    at_most(file, environment, LARGEST)
}

/// The same with another limit.
pub(crate) fn at_most(file: &Path, environment: &Environment, most: u64) -> Result<Vec<u8>, Failure> {
    let (bytes, name) = if file == Path::new("-") {
        (read(std::io::stdin().lock(), "standard input", most)?, "standard input".to_owned())
    } else {
        (read_file(&environment.folder.join(file), most)?, file.display().to_string())
    };
    filled(bytes, &name)
}

/// `.conclave/prompts/NAME.md`, where it is there. Not empty.
pub(crate) fn of_project(project: &Project, stage: &str) -> Result<Option<Vec<u8>>, Failure> {
    // A stage may be called anything; only a plain name is one of a file.
    if stage.contains(['/', '\0']) {
        return Ok(None);
    }
    let file = project.state_dir.join("prompts").join(format!("{stage}.md"));
    if !file.exists() {
        return Ok(None);
    }
    let bytes = read_file(&file, LARGEST)?;
    filled(bytes, &file.display().to_string()).map(Some)
}

fn filled(bytes: Vec<u8>, name: &str) -> Result<Vec<u8>, Failure> {
    if bytes.trim_ascii().is_empty() {
        return Err(
            Failure::usage(format!("the prompt is empty: {name}")).hint("--prompt FILE says what is asked")
        );
    }
    Ok(bytes)
}

fn read_file(file: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let name = file.display().to_string();
    let opened = std::fs::File::open(file).map_err(|error| unreadable(&name, &error))?;
    read(opened, &name, most)
}

fn read(from: impl std::io::Read, name: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 > most {
        let what = format!("the prompt is larger than {}: {name}", crate::text::size(most));
        return Err(Failure::usage(what).hint("name files in the prompt instead of putting them into it"));
    }
    Ok(bytes)
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    Failure::io(format!("read the prompt: {name}"), error)
        .hint("name a file that can be read with --prompt, or `-` for standard input")
}
