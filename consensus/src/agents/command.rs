//! The command line of one attempt.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::presets::{Flag, MODEL, Value};
use super::{AgentDefinition, Preset};

/// What an attempt knows of itself.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// What this agent is asked, its role included.
    pub prompt: &'a [u8],
    /// Where the prompt is put for an agent that reads it from a file.
    pub prompt_file: &'a Path,
    /// The JSON schema of the stage's answer, for an agent that can be held to one.
    pub schema: Option<&'a str>,
    /// An id for the agent's session: a UUID in the usual text form.
    pub session_id: &'a str,
    /// A folder that belongs to this attempt alone. It must be there when the process starts.
    pub scratch: &'a Path,
}

/// How the process of one attempt is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program, looked for on PATH where it has no `/`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables of this attempt, beside those of the definition.
    pub env: Vec<(OsString, OsString)>,
    /// All of its standard input; empty and closed where the prompt comes another way.
    pub stdin: Vec<u8>,
    /// Files that must be written before the start, readable by this user alone: they may hold the prompt.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// The id of the session, where the agent was given one.
    pub session_id: Option<String>,
}

/// The command line of one attempt of this agent.
///
/// A command that names the preset's own program gets the preset's options where it has none of their
/// spellings, before its own arguments. Any other command is taken as it is written: a script that calls itself
/// `claude` is not given options that it does not know. `{prompt}` and `{prompt_file}` are put in everywhere but in
/// the name of the program; `{prompt}` inside of a shell script is code in that shell.
pub fn command_of(definition: &AgentDefinition, launch: &Launch<'_>) -> CommandLine {
    if definition.is_model() {
        return question(definition, launch);
    }
    let preset = definition.known();
    let (program, own) = match (definition.command.split_first(), preset) {
        (Some((program, own)), _) => (program.as_str(), own),
        (None, Some(preset)) => (preset.program, &[][..]),
        (None, None) => ("", &[][..]),
    };
    let mut line = CommandLine {
        program: program.into(),
        args: Vec::new(),
        env: Vec::new(),
        stdin: Vec::new(),
        files: Vec::new(),
        session_id: None,
    };
    let is_its_program =
        |preset: &&Preset| Path::new(program).file_name() == Some(OsStr::new(preset.program));
    let preset = preset.filter(is_its_program);
    let mut prompt_is_elsewhere = false;
    let mut own_args = Vec::with_capacity(own.len());
    for arg in own {
        let (arg, filled) = fill(arg, launch);
        if filled.file {
            line.add_file(launch.prompt_file.to_owned(), launch.prompt);
        }
        prompt_is_elsewhere |= filled.file || filled.text;
        own_args.push(arg);
    }
    if let Some(preset) = preset {
        // The subcommand leads, whether it is ours or was written.
        if let Some(subcommand) = preset.subcommand {
            if own_args.first().is_some_and(|first| first == subcommand) {
                own_args.remove(0);
            }
            line.args.push(subcommand.into());
        }
        for flag in preset.flags.iter().filter(|flag| !is_given(flag, own)) {
            if flag.value == Value::PromptFile {
                if prompt_is_elsewhere {
                    continue;
                }
                prompt_is_elsewhere = true;
            }
            line.add_flag(flag, launch);
        }
        for (name, file) in preset.isolated {
            if !definition.env.iter().any(|(set, _)| set == name) {
                line.env.push((name.into(), launch.scratch.join(file).into()));
            }
        }
    }
    line.args.append(&mut own_args);
    if !prompt_is_elsewhere {
        line.stdin = launch.prompt.to_vec();
        line.args.extend(preset.and_then(|preset| preset.stdin_argument).map(OsString::from));
    }
    line
}

/// A question to a model. Its name is never taken for an option, and no placeholder is looked for in it.
fn question(definition: &AgentDefinition, launch: &Launch<'_>) -> CommandLine {
    let named = [("--model=", &definition.model), ("--task=", &definition.route)];
    let named = named.into_iter().filter_map(|(option, name)| Some(format!("{option}{}", name.as_ref()?)));
    let words = ["--json", "--prompt", "-"].map(str::to_owned);
    CommandLine {
        program: MODEL.program.into(),
        args: MODEL
            .subcommand
            .map(str::to_owned)
            .into_iter()
            .chain(words)
            .chain(named)
            .map(OsString::from)
            .collect(),
        env: Vec::new(),
        stdin: launch.prompt.to_vec(),
        files: Vec::new(),
        session_id: None,
    }
}

impl CommandLine {
    fn add_flag(&mut self, flag: &Flag, launch: &Launch<'_>) {
        let value: OsString = match (flag.value, launch.schema) {
            (Value::Nothing, _) => {
                self.args.push(flag.name.into());
                return;
            }
            (Value::Schema | Value::SchemaFile, None) => return,
            (Value::Text(text), _) => text.into(),
            (Value::SessionId, _) => {
                self.session_id = Some(launch.session_id.to_owned());
                launch.session_id.into()
            }
            (Value::Schema, Some(schema)) => schema.into(),
            (Value::SchemaFile, Some(schema)) => {
                let file = launch.scratch.join("schema.json");
                self.add_file(file.clone(), schema.as_bytes());
                file.into()
            }
            (Value::PromptFile, _) => {
                self.add_file(launch.prompt_file.to_owned(), launch.prompt);
                launch.prompt_file.into()
            }
            (Value::Scratch(name), _) => launch.scratch.join(name).into(),
        };
        self.args.extend([flag.name.into(), value]);
    }

    fn add_file(&mut self, file: PathBuf, bytes: &[u8]) {
        if self.files.iter().all(|(written, _)| *written != file) {
            self.files.push((file, bytes.to_vec()));
        }
    }
}

/// Whether one of the spellings of an option is among the arguments, alone or with `=` and its value.
fn is_given(flag: &Flag, args: &[String]) -> bool {
    let options = args.iter().take_while(|arg| *arg != "--");
    let mut names = options.map(|arg| arg.split_once('=').map_or(arg.as_str(), |(name, _)| name));
    names.any(|name| name == flag.name || flag.unless.contains(&name))
}

/// Which placeholders an argument had.
#[derive(Debug, Default)]
struct Filled {
    text: bool,
    file: bool,
}

/// An argument with its placeholders replaced, each once: what is put in is not looked through again.
fn fill(arg: &str, launch: &Launch<'_>) -> (OsString, Filled) {
    let (mut bytes, mut filled, mut rest) = (Vec::with_capacity(arg.len()), Filled::default(), arg);
    while let Some((before, from)) = rest.split_once('{') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(after) = from.strip_prefix("prompt}") {
            bytes.extend_from_slice(launch.prompt);
            (filled.text, rest) = (true, after);
        } else if let Some(after) = from.strip_prefix("prompt_file}") {
            bytes.extend_from_slice(launch.prompt_file.as_os_str().as_bytes());
            (filled.file, rest) = (true, after);
        } else {
            bytes.push(b'{');
            rest = from;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    (OsString::from_vec(bytes), filled)
}

#[cfg(test)]
mod tests;
