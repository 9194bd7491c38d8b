//! Processes that write together: each says `ready`, all are told `go`, each answers with its load as JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use serde::de::DeserializeOwned;

use super::contender::{Contender, Workers};
use super::load::{Load, Window};
use crate::outcome::{Failure, Outcome};
use crate::output;

/// What one process is to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    contender: Contender,
    path: PathBuf,
    threads: usize,
    millis: u64,
}

/// The child's side.
pub(crate) fn run(options: &Options) -> Outcome<ExitCode> {
    wait_for_go()?;
    let window = Window::of(Duration::from_millis(options.millis));
    let (load, _) = options.contender.write(&options.path, Workers::Threads(options.threads), window)?;
    output::line(serde_json::to_string(&load)?);
    Ok(ExitCode::SUCCESS)
}

/// Says that everything is prepared, and waits for the word.
pub(super) fn wait_for_go() -> Outcome {
    output::line("ready");
    let mut go = String::new();
    std::io::stdin().read_line(&mut go)?;
    if go.trim() == "go" { Ok(()) } else { Err("the parent is gone".into()) }
}

/// The parent's side: `processes` of these at once on one file.
pub(crate) fn together(
    contender: Contender,
    path: &Path,
    processes: usize,
    threads: usize,
    window: Window,
) -> Outcome<Vec<Load>> {
    let word = contender.to_possible_value().ok_or("a contender without a word")?;
    let program = std::env::current_exe()?;
    let mut started = (0..processes)
        .map(|_| {
            let mut command = Command::new(&program);
            command.arg("bench-child").arg(word.get_name()).arg(path);
            command.arg(threads.to_string()).arg(window.measured.as_millis().to_string());
            Started::new(&mut command)
        })
        .collect::<Outcome<Vec<_>>>()?;
    for child in &mut started {
        child.expect_ready()?;
    }
    for child in &mut started {
        child.go()?;
    }
    started.into_iter().map(Started::answer).collect()
}

/// A process that speaks the protocol; killed if it is dropped before it has answered.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Started {
    pub(crate) fn new(command: &mut Command) -> Outcome<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        Ok(Self { child, lines: BufReader::new(stdout) })
    }

    pub(crate) fn expect_ready(&mut self) -> Outcome {
        let line = self.line()?;
        if line == "ready" { Ok(()) } else { Err(format!("expected ready, got {line:?}").into()) }
    }

    pub(crate) fn go(&mut self) -> Outcome {
        let stdin = self.child.stdin.as_mut().ok_or("no stdin")?;
        Ok(stdin.write_all(b"go\n")?)
    }

    pub(crate) fn answer<T: DeserializeOwned>(mut self) -> Outcome<T> {
        let line = self.line()?;
        let answer = serde_json::from_str(&line).map_err(|error| -> Failure {
            format!("a process of the benchmark answered {line:?}: {error}").into()
        })?;
        self.child.wait()?;
        Ok(answer)
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Does nothing where the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
