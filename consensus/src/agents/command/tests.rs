//! The command lines of the presets, and what a configured command does to them.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{CommandLine, Launch, command_of};
use crate::agents::{AgentDefinition, PRESETS, preset};

const ID: &str = "6f1c0a52-0000-4000-8000-00000000000a";

fn launch(schema: Option<&'static str>) -> Launch<'static> {
    Launch {
        prompt: b"ask \xff {prompt_file}",
        prompt_file: Path::new("/s/prompt"),
        schema,
        session_id: ID,
        scratch: Path::new("/s"),
    }
}

fn agent(name: &str, command: &[&str]) -> AgentDefinition {
    let mut agent = preset("claude").unwrap().definition();
    agent.preset = preset(name).map(|preset| preset.name.to_owned());
    agent.command = command.iter().map(|word| (*word).to_owned()).collect();
    agent
}

fn args(line: &CommandLine) -> String {
    let args: Vec<_> = line.args.iter().map(|arg| arg.to_string_lossy()).collect();
    format!("{} {}", line.program.to_string_lossy(), args.join(" ")).trim_end().to_owned()
}

#[track_caller]
fn check(
    name: &str,
    command: &[&str],
    schema: Option<&'static str>,
    wanted: &str,
    on_stdin: bool,
) -> CommandLine {
    let line = command_of(&agent(name, command), &launch(schema));
    assert_eq!(args(&line), wanted.replace("ID", ID));
    assert_eq!(line.stdin, if on_stdin { launch(schema).prompt } else { b"" });
    line
}

#[test]
fn presets_know_their_options() {
    let claude = "claude -p --output-format json --strict-mcp-config --session-id ID";
    check("claude", &["claude"], None, claude, true);
    check("claude", &["claude"], Some("{}"), &format!("{claude} --json-schema {{}}"), true);
    let codex = "codex exec --json --skip-git-repo-check --ephemeral --color never";
    check("codex", &["codex"], None, &format!("{codex} -"), true);
    let line =
        check("codex", &["codex"], Some("{}"), &format!("{codex} --output-schema /s/schema.json -"), true);
    assert_eq!(line.files, [("/s/schema.json".into(), b"{}".to_vec())]);
    assert_eq!(line.session_id, None, "it makes its own");
    let gemini = "gemini --output-format json --session-id ID --skip-trust";
    let line = check("gemini", &["gemini"], Some("{}"), gemini, true);
    assert_eq!(line.session_id.as_deref(), Some(ID));
    let line = check("opencode", &["opencode"], Some("{}"), "opencode run --format json", true);
    assert_eq!(line.env, [("OPENCODE_DB".into(), "/s/opencode.db".into())]);
    let line = command_of(&agent("aider", &["aider"]), &launch(None));
    assert!(args(&line).starts_with("aider --message-file /s/prompt --chat-mode ask --yes-always"));
    assert_eq!(line.files, [("/s/prompt".into(), launch(None).prompt.to_vec())]);
    assert_eq!(line.stdin, b"");
}

#[test]
fn a_definition_without_a_command_starts_the_presets_program() {
    for preset in PRESETS {
        let (given, empty) = (preset.definition(), agent(preset.name, &[]));
        assert_eq!(command_of(&given, &launch(None)), command_of(&empty, &launch(None)));
    }
}

#[test]
fn options_that_are_written_are_not_given_twice() {
    for (name, command, wanted) in [
        (
            "claude",
            &["claude", "--model", "opus", "--output-format=text"][..],
            "claude -p --strict-mcp-config --session-id ID --model opus --output-format=text",
        ),
        (
            "claude",
            &["/opt/claude", "--print", "--resume", "x", "--mcp-config", "m.json"],
            "/opt/claude --output-format json --print --resume x --mcp-config m.json",
        ),
        (
            "codex",
            &["codex", "exec", "-m", "o3", "--color", "auto"],
            "codex exec --json --skip-git-repo-check --ephemeral -m o3 --color auto -",
        ),
        ("gemini", &["gemini", "-o", "text"], "gemini --session-id ID --skip-trust -o text"),
        ("opencode", &["opencode", "run", "-m", "a/b"], "opencode run --format json -m a/b"),
    ] {
        check(name, command, None, wanted, true);
    }
}

#[test]
fn other_commands_are_taken_as_they_are_written() {
    check("claude", &["sh", "-c", "cat"], Some("{}"), "sh -c cat", true);
    check("codex", &["npx", "codex"], None, "npx codex", true);
    check("mine", &["./mine", "-x"], Some("{}"), "./mine -x", true);
    check("mine", &[], None, "", true);
}

#[test]
fn placeholders_take_the_prompt_away_from_standard_input() {
    let line = command_of(&agent("mine", &["m", "a={prompt}.", "{prompt}{x}{"]), &launch(None));
    // The placeholder in the prompt is the prompt's own.
    assert_eq!(line.args[0].as_bytes(), b"a=ask \xff {prompt_file}.");
    assert_eq!(line.args[1].as_bytes(), b"ask \xff {prompt_file}{x}{");
    assert_eq!((line.stdin.len(), line.files.len()), (0, 0));
    let line =
        check("mine", &["m", "@{prompt_file}", "{prompt_file}"], None, "m @/s/prompt /s/prompt", false);
    assert_eq!(line.files, [("/s/prompt".into(), launch(None).prompt.to_vec())]);
    let wanted = "codex exec --json --skip-git-repo-check --ephemeral --color never /s/prompt";
    check("codex", &["codex", "{prompt_file}"], None, wanted, false);
    let line = command_of(&agent("aider", &["aider", "--message", "{prompt}"]), &launch(None));
    assert!(!args(&line).contains("--message-file") && line.files.is_empty());
}

#[test]
fn variables_of_the_definition_stay() {
    let mut own = agent("opencode", &["opencode"]);
    own.env = vec![("OPENCODE_DB".to_owned(), "/mine".to_owned())];
    assert_eq!(command_of(&own, &launch(None)).env, []);
}

#[test]
fn a_model_is_asked_by_this_program() {
    let mut model = AgentDefinition { model: Some("-x {prompt} y".to_owned()), ..agent("", &["claude"]) };
    let line = command_of(&model, &launch(Some("{}")));
    // In one argument, so that it is no option, and as it is: nothing is put into it.
    assert_eq!(args(&line), "conclave ask --json --prompt - --model=-x {prompt} y");
    assert_eq!(line.args.len(), 5);
    assert_eq!((line.stdin.as_slice(), line.files.len()), (launch(None).prompt, 0));
    (model.model, model.route) = (None, Some("code".to_owned()));
    assert_eq!(args(&command_of(&model, &launch(None))), "conclave ask --json --prompt - --task=code");
    let stored = serde_json::to_value(&model).unwrap();
    assert_eq!((stored.get("model"), stored["route"].as_str()), (None, Some("code")));
    let plain = serde_json::to_value(agent("", &["claude"])).unwrap();
    assert_eq!((plain.get("model"), plain.get("route")), (None, None), "stored as before");
}
