//! Agents in the foreground on a real terminal, below a real shell: who hears the keys, and who has the terminal after.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;

use crate::agents::Fleet;
use crate::patience::{comes, ended, until, when_there};

/// The longest that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const INTERRUPT: &str = "\x03";
const SUSPEND: &str = "\x1a";

/// A script that leads a session whose terminal this is.
struct Terminal {
    child: Child,
    master: File,
    chunks: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(fleet: &Fleet, script: &str) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        // Whoever leads a session and opens a terminal has it: the hidden word leads one and becomes a shell.
        let mut command = fleet.scratch.command();
        command.args(["launch-agent", "sh", "-c", "exec <>\"$0\" >&0 2>&0; eval \"$1\"", &name, script]);
        command.env("PS1", "$ ").env_remove("ENV").stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let mut reading = File::from(master.try_clone().unwrap());
        let (sender, chunks) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = reading.read(&mut buffer) {
                if length == 0 || sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, master: File::from(master), chunks, seen: String::new() }
    }

    /// A shell with job control, ready.
    fn shell(fleet: &Fleet) -> Self {
        let mut shell = Self::start(fleet, "exec sh -i");
        shell.until("$ ");
        shell
    }

    fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this was written, after what was waited for before.
    fn until(&mut self, text: &str) {
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => self.seen.push_str(&String::from_utf8_lossy(&chunk)),
                Err(error) => panic!("{text:?} did not come ({error}): {:?}", self.seen),
            }
        }
    }

    /// Waits until the agent runs; where it does not, the terminal says why.
    fn runs(&mut self, fleet: &Fleet) {
        if !comes(|| fleet.agent("main")["life"] == "running") {
            self.seen
                .extend(self.chunks.try_iter().map(|chunk| String::from_utf8_lossy(&chunk).into_owned()));
            panic!("the agent does not run: {:?}", self.seen);
        }
    }

    /// Whether the group that this process leads is in the foreground.
    fn has_terminal(&self, pid: &serde_json::Value) -> bool {
        let group = rustix::termios::tcgetpgrp(&self.master).unwrap();
        pid.as_i64() == Some(group.as_raw_nonzero().get().into())
    }

    /// Has the shell say something that was not typed: it reads, so it has the terminal; and waits until it reads again.
    fn answers(&mut self) {
        self.keys("echo here-$((40 + 2))\n");
        self.until("here-42");
        self.until("$ ");
    }

    fn ends(mut self) {
        self.keys("exit\n");
        ended(&mut self.child);
    }
}

/// The command line that starts an agent with a script of its own.
fn line(fleet: &Fleet, script: &str) -> String {
    // A state that is just being made cannot be read.
    fleet.scratch.ok(&["spawn", "--shell", "--no-port"]);
    std::fs::write(fleet.scratch.project().join("script"), script).unwrap();
    format!("{} start --no-port -- sh ./script", env!("CARGO_BIN_EXE_conclave"))
}

#[test]
fn ctrl_c_reaches_the_agent_once_and_the_terminal_is_the_shells_again() {
    let fleet = Fleet::new();
    let script = "trap 'echo heard >> heard' INT; read answer; echo \"$answer\" > answer
        until [ -e stop ]; do sleep 0.02; done; for each in 1 2 3 4 5; do sleep 0.02; done; exit 9";
    let line = line(&fleet, script);
    let mut shell = Terminal::shell(&fleet);
    shell.keys(&format!("{line}; echo rc-$?\n"));
    shell.runs(&fleet);
    // What is typed is the agent's.
    shell.keys("typed\n");
    assert_eq!(when_there_whole(&fleet, "answer"), "typed");
    shell.keys(INTERRUPT);
    assert_eq!(when_there_whole(&fleet, "heard"), "heard");
    assert_eq!(fleet.agent("main")["life"], "running", "the command is to wait for it");
    std::fs::write(fleet.scratch.project().join("stop"), "").unwrap();
    shell.until("rc-9");
    assert_eq!(when_there(&fleet.scratch, "heard"), "heard", "once, and not through the command as well");
    let agent = fleet.agent("main");
    assert_eq!((&agent["exit_status"], &agent["ended_how"]), (&json!(9), &json!("exited")));
    shell.answers();
    shell.ends();
}

#[test]
fn ctrl_z_stops_agent_and_command_and_the_shell_takes_both_up_again() {
    let fleet = Fleet::new();
    // Nothing is forked while it waits: a shell that is stopped in the middle of that may wait for its child for good.
    let script = "mkfifo go; echo up > up; read gate < go; read first; echo \"$first\" > first; exit 7";
    let line = line(&fleet, script);
    let mut shell = Terminal::shell(&fleet);
    shell.keys(&format!("{line}\n"));
    when_there(&fleet.scratch, "up");
    let agent = fleet.agent("main");
    let is_stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", agent["pid"])).unwrap();
        stat.contains(") T ")
    };
    for by_the_background in [false, true] {
        shell.keys(SUSPEND);
        shell.until("$ ");
        // The shell has the terminal, and the agent is stopped and not ended.
        shell.answers();
        assert_eq!(fleet.agent("main")["life"], "running");
        assert!(is_stopped());
        if by_the_background {
            shell.keys("bg\n");
            until("it goes on in the background", || !is_stopped());
            shell.answers();
        }
        shell.keys("fg\n");
        // Before that Ctrl-Z would go to nobody, or to the command alone.
        until("it goes on with the terminal", || !is_stopped() && shell.has_terminal(&agent["pid"]));
    }
    // Now it reads, and the terminal is its own.
    std::fs::write(fleet.scratch.project().join("go"), "on\n").unwrap();
    shell.keys("one\n");
    assert_eq!(when_there_whole(&fleet, "first"), "one");
    shell.until("$ ");
    shell.keys("echo rc-$?\n");
    shell.until("rc-7");
    assert_eq!(fleet.agent("main")["exit_status"], 7);
    shell.ends();
}

/// A script has no jobs: it shares its group with the command, so the command must give the terminal back itself.
#[test]
fn a_script_reads_on_where_the_agent_has_ended() {
    let fleet = Fleet::new();
    let line = line(&fleet, "read first; echo \"$first\" > first; exit 3");
    let after = format!("{line}; echo rc-$?; read next; echo \"next-$next\"; read last");
    let mut script = Terminal::start(&fleet, &after);
    script.runs(&fleet);
    // Nobody would wake the command of such a script, so nobody stops.
    script.keys(SUSPEND);
    script.keys("mine\n");
    assert_eq!(when_there_whole(&fleet, "first"), "mine");
    script.until("rc-3");
    script.keys("yours\n");
    script.until("next-yours");
    script.ends();
}

/// One line.
fn when_there_whole(fleet: &Fleet, name: &str) -> String {
    let file = fleet.scratch.project().join(name);
    until(name, || std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')));
    when_there(&fleet.scratch, name)
}
