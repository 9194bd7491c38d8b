//! Agents in the background: registered, started, listed, set and stopped, by the real program with real processes.

use std::process::{Command, Stdio};

use conclave_db::foreign;
use conclave_db::process::{self, Signal};
use serde_json::{Value, json};

use crate::patience::{until, when_there};
use crate::scratch::{Done, Scratch};

/// A project whose agents do not outlive the test.
pub(crate) struct Fleet {
    pub(crate) scratch: Scratch,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        Self { scratch: Scratch::new() }
    }

    pub(crate) fn spawn(&self, words: &[&str], script: &str) -> Value {
        let words = [&["spawn", "--json"], words, &["--", "sh", "-c", script]].concat();
        let said = self.scratch.ok(&words);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{words:?}: {error}: {said}"))
    }

    pub(crate) fn agents(&self) -> Vec<Value> {
        self.scratch.json(&["agents"]).as_array().unwrap().clone()
    }

    pub(crate) fn agent(&self, id: &str) -> Value {
        self.agents().into_iter().find(|agent| agent["id"] == id).unwrap_or(Value::Null)
    }

    /// Some SQL, as somebody's hand in the file would run it.
    pub(crate) fn execute(&self, sql: &str) {
        foreign::run(&self.scratch.database(), sql).unwrap();
    }

    /// The supervisors of this project.
    pub(crate) fn supervisors(&self) -> Vec<u32> {
        let database = self.scratch.database().display().to_string();
        let pids = std::fs::read_dir("/proc").unwrap();
        let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let is_one = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            line.contains("supervise-agent") && line.contains(&database)
        };
        pids.filter(is_one).collect()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = self.scratch.run(&["stop", "--all"]);
    }
}

/// Whether the process is there and has not ended.
pub(crate) fn runs(pid: &Value) -> bool {
    let pid = u32::try_from(pid.as_u64().unwrap()).unwrap();
    process::of(pid).unwrap().is_some()
}

pub(crate) fn kill(pid: u32, signal: Signal) {
    let who = process::of(pid).unwrap().unwrap();
    assert_eq!(process::signal(&who, signal), process::Signalled::Sent);
}

const WAITS: &str = "exec sleep 1000";

#[test]
fn an_agent_in_the_background_has_its_port_its_environment_and_its_log() {
    let fleet = Fleet::new();
    let script = "echo out; echo err >&2; env > env.new; cat > stdin; mv env.new env; exec sleep 1000";
    let said = fleet.spawn(&["--spec", "0031"], script);
    assert_eq!(
        (&said["id"], &said["port"], &said["life"]),
        (&json!("0031"), &json!(4210), &json!("running"))
    );
    let env = when_there(&fleet.scratch, "env");
    let root = fleet.scratch.project().canonicalize().unwrap().display().to_string();
    for line in [
        "CONCLAVE_AGENT_ID=0031".to_owned(),
        "CONCLAVE_PORT=4210".to_owned(),
        "CONCLAVE_PORT_BASE=4200".to_owned(),
        "CONCLAVE_ACTOR=0031".to_owned(),
        format!("CONCLAVE_ROOT={root}"),
        format!("CONCLAVE_STATE_DIR={root}/.conclave"),
        format!("PWD={root}"),
    ] {
        assert!(env.lines().any(|found| found == line), "{line} is not in {env}");
    }
    assert!(!env.contains("CONCLAVE_WORKTREE"));
    let log = fleet.scratch.project().join(".conclave/agents/0031.log");
    assert_eq!(said["log"], log.canonicalize().unwrap().display().to_string());
    until("the log", || std::fs::read_to_string(&log).unwrap() == "out\nerr\n");
    assert_eq!(fleet.supervisors().len(), 1);
    assert!(fleet.scratch.ok(&["agents"]).contains("running"));
    assert_eq!(fleet.scratch.ok(&["stop", "00"]), "0031: stopped\n");
    let agent = fleet.agent("0031");
    assert_eq!(
        (&agent["life"], &agent["port"], &agent["alive"]),
        (&json!("ended"), &json!(null), &json!(false))
    );
    assert_eq!((&agent["exit_status"], &agent["ended_how"]), (&json!(143), &json!("stopped")));
    assert!(!runs(&said["pid"]) && fleet.supervisors().is_empty(), "somebody is left");
    assert_eq!(fleet.scratch.ok(&["stop", "0031"]), "0031: not running\n");
}

#[test]
fn how_an_agent_ends_is_recorded_and_its_supervisor_ends_with_it() {
    let fleet = Fleet::new();
    for (script, status) in [("exit 0", 0), ("echo last; exit 3", 3), ("kill -KILL $$", 137)] {
        let said = fleet.spawn(&["--shell"], script);
        let id = said["id"].as_str().unwrap();
        until("the end", || !fleet.agent(id)["ended_at"].is_null());
        let agent = fleet.agent(id);
        assert_eq!((&agent["exit_status"], &agent["life"]), (&json!(status), &json!("ended")), "{script}");
        assert_eq!((&agent["port"], &agent["ended_how"]), (&json!(null), &json!("exited")));
    }
    until("no supervisor is left", || fleet.supervisors().is_empty());
}

#[test]
fn a_command_that_cannot_be_started_leaves_no_row_and_says_why() {
    let fleet = Fleet::new();
    let late = fleet.scratch.project().join("late");
    std::fs::write(&late, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&late, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (program, why) in [("nope", "No such file"), ("./late", "No such file"), ("/", "Permission denied")] {
        let spawned = fleet.scratch.run(&["spawn", "--shell", "--", program]);
        assert!(spawned.refused(1).contains(why), "{}", spawned.stderr);
        let code = if why == "Permission denied" { 126 } else { 127 };
        for words in [&["start", "--no-port", "--"][..], &["spawn", "--shell", "--foreground", "--"]] {
            let started = fleet.scratch.run(&[words, &[program]].concat());
            assert!([code, 127].contains(&started.code.unwrap()), "{}", started.stderr);
            assert!(started.stderr.contains(why), "{}", started.stderr);
        }
    }
    assert_eq!(fleet.agents(), Vec::<Value>::new());
    assert!(fleet.supervisors().is_empty());
}

#[test]
fn a_killed_supervisor_leaves_an_agent_that_can_still_be_stopped() {
    let fleet = Fleet::new();
    for id in ["a", "b"] {
        fleet.spawn(&["--spec", id], WAITS);
    }
    for pid in fleet.supervisors() {
        kill(pid, Signal::KILL);
    }
    until("nobody waits", || fleet.agents().iter().all(|agent| agent["life"] == "unsupervised"));
    assert_eq!(fleet.scratch.ok(&["stop", "a"]), "a: stopped\n");
    assert_eq!(fleet.agent("a")["ended_how"], "stopped");
    // The other one vanishes: that is seen at once, and recorded by the next command that writes.
    let vanished = fleet.agent("b");
    kill(u32::try_from(vanished["pid"].as_u64().unwrap()).unwrap(), Signal::KILL);
    until("it is gone", || fleet.agent("b")["life"] == "lost");
    assert_eq!(fleet.agent("b")["ended_at"], json!(null));
    fleet.scratch.ok(&["agents", "set", "a", "--phase", "over"]);
    let lost = fleet.agent("b");
    assert_eq!(
        (&lost["life"], &lost["port"], &lost["exit_status"]),
        (&json!("lost"), &json!(null), &json!(null))
    );
    assert!(lost["ended_at"].is_string());
}

#[test]
fn a_row_of_another_boot_is_lost_and_nobody_is_signalled_for_it() {
    let fleet = Fleet::new();
    let said = fleet.spawn(&["--spec", "a"], WAITS);
    fleet.execute("UPDATE builders SET boot_id = '00000000-0000-0000-0000-000000000000'");
    assert_eq!(fleet.agent("a")["life"], "lost");
    assert_eq!(fleet.scratch.ok(&["stop", "a"]), "a: not running\n");
    assert!(runs(&said["pid"]), "it was signalled");
    assert_eq!((&fleet.agent("a")["life"], &fleet.agent("a")["port"]), (&json!("lost"), &json!(null)));
    kill(u32::try_from(said["pid"].as_u64().unwrap()).unwrap(), Signal::KILL);
    until("its supervisor ends", || fleet.supervisors().is_empty());
    // Who waited for it knows better.
    assert_eq!(fleet.agent("a")["exit_status"], 137);
}

#[test]
fn eight_that_are_spawned_at_once_have_eight_ports() {
    let fleet = Fleet::new();
    let spawn = |number: usize| {
        let mut command = fleet.scratch.command();
        command.args(["spawn", "--json", "--spec", &format!("s{number}"), "--", "sleep", "1000"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let spawned: Vec<_> = (0..8).map(spawn).collect();
    let mut ports = Vec::new();
    for child in spawned {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let agent: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(agent["life"], "running");
        ports.push(agent["port"].as_u64().unwrap());
    }
    ports.sort_unstable();
    assert_eq!(ports, (4210..4218).collect::<Vec<_>>());
    assert_eq!(fleet.agents().len(), 8);
    assert_eq!(fleet.scratch.ok(&["stop", "--all"]).lines().count(), 8);
    assert!(fleet.supervisors().is_empty());
}

#[test]
fn closing_the_terminal_does_nothing_to_it() {
    use std::os::unix::process::CommandExt as _;
    let fleet = Fleet::new();
    let program = env!("CARGO_BIN_EXE_conclave");
    // A state that is just being made cannot be read.
    fleet.scratch.ok(&["spawn", "--shell"]);
    let mut shell =
        fleet.scratch.shell(&format!("{program} spawn --spec a -- sleep 1000 && echo; exec sleep 1000"));
    let mut shell = shell.stdout(Stdio::piped()).process_group(0).spawn().unwrap();
    until("it runs", || fleet.agent("a")["life"] == "running");
    let group = process::of(shell.id()).unwrap().unwrap();
    for signal in [Signal::HUP, Signal::CONT] {
        process::signal_group(&group, signal);
    }
    shell.wait().unwrap();
    assert_eq!(fleet.agent("a")["life"], "running");
    assert_eq!(fleet.scratch.ok(&["stop", "a"]), "a: stopped\n");
}

// runtime-state 8.48
#[test]
fn an_architect_whose_pid_is_dead_does_not_keep_another_from_starting() {
    let fleet = Fleet::new();
    fleet.scratch.ok(&["start", "--no-port"]);
    fleet.execute("UPDATE architect SET pid = 999999999");
    assert_eq!(fleet.agent("main")["life"], "lost");
    assert_eq!(fleet.scratch.run(&["start", "--no-port", "--", "sh", "-c", "exit 5"]).code, Some(5));
    let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
    fleet.execute(&format!(
        "UPDATE architect SET pid = {}, start_time = NULL, ended_at = NULL, ended_how = NULL",
        child.id()
    ));
    let refused = fleet.scratch.run(&["start", "--no-port"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(refused.refused(1).contains("architect main is already running"), "{}", refused.stderr);
}

// runtime-state 8.49
#[test]
fn stop_sends_no_signal_for_numbers_that_are_no_agents() {
    let fleet = Fleet::new();
    fleet.scratch.ok(&["init"]);
    fleet.scratch.ok(&["spawn", "--shell"]);
    let program = env!("CARGO_BIN_EXE_conclave");
    for pid in ["0", "1", "-1", "$$"] {
        fleet.execute(&format!(
            "DELETE FROM builders; INSERT INTO builders(id, name, port, pid) VALUES('b', '', 4210, {})",
            if pid == "$$" { "7" } else { pid }
        ));
        let script = format!(
            "trap 'echo caught' TERM HUP INT; echo $$; read go; {program} stop --all > said 2>&1; echo rc $?"
        );
        let mut shell = fleet.scratch.shell(&script);
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        if pid == "$$" {
            fleet.execute(&format!("UPDATE builders SET pid = {}", shell.id()));
        }
        std::io::Write::write_all(&mut shell.stdin.take().unwrap(), b"go\n").unwrap();
        let said = String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(said.lines().skip(1).collect::<Vec<_>>(), ["rc 0"], "{pid}");
        let row = fleet.agent("b");
        assert_eq!(
            (&row["life"], &row["port"], row["ended_at"].is_string()),
            (&json!("lost"), &json!(null), true)
        );
    }
}

#[test]
fn a_process_that_runs_already_is_adopted_and_stopped_alone() {
    let fleet = Fleet::new();
    let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
    let pid = child.id().to_string();
    let said = fleet.scratch.json(&["spawn", "--util", "--no-port", "--pid", &pid]);
    assert_eq!(
        (&said["life"], &said["port"], &said["kind"]),
        (&json!("unsupervised"), &json!(null), &json!("util"))
    );
    let refused = fleet.scratch.run(&["spawn", "--shell", "--pid", &pid]);
    assert!(refused.refused(1).contains("already"), "{}", refused.stderr);
    let id = said["id"].as_str().unwrap();
    // It is in our group, which is not signalled. The zombie has ended.
    assert_eq!(fleet.scratch.ok(&["stop", id]), format!("{id}: stopped\n"));
    assert!(!child.wait().unwrap().success());
}

#[test]
fn stop_says_what_it_would_stop_and_wrong_words_are_usage() {
    let fleet = Fleet::new();
    assert!(fleet.scratch.run(&["stop"]).refused(2).contains("nothing runs here"));
    assert!(!fleet.scratch.database().exists());
    fleet.scratch.run(&["stop", "a"]).refused(1);
    fleet.scratch.run(&["spawn"]).refused(2);
    fleet.scratch.run(&["spawn", "--spec", "../x"]).refused(2);
    fleet.spawn(&["--spec", "a-1"], WAITS);
    fleet.spawn(&["--spec", "a-2"], WAITS);
    let said = fleet.scratch.run(&["stop"]);
    assert!(said.refused(2).contains("--all would stop 2 agents: a-2, a-1"), "{}", said.stderr);
    assert!(fleet.scratch.run(&["stop", "a"]).refused(2).contains("is short for a-1, a-2"));
    let refused = fleet.scratch.run(&["spawn", "--spec", "a-1", "--", "sleep", "1"]);
    assert!(refused.refused(1).contains("builder a-1 is already running"), "{}", refused.stderr);
    for words in [&["stop", "-"][..], &["stop", ""], &["--read-only", "stop", "--all"]] {
        assert!([Some(1), Some(2)].contains(&fleet.scratch.run(words).code), "{words:?}");
    }
    assert!(fleet.agents().iter().all(|agent| agent["life"] == "running"));
}

#[test]
fn a_setup_that_fails_leaves_neither_row_nor_worktree() {
    let fleet = Fleet::new();
    let done: Done = fleet.scratch.run(&["spawn", "--worktree", "--", "sleep", "1000"]);
    done.refused(1);
    assert_eq!(fleet.agents(), Vec::<Value>::new(), "no git: no worktree, and no agent");
    assert!(!fleet.scratch.project().join(".builders").exists());
}

#[test]
fn a_log_is_rotated_while_the_agent_runs() {
    let fleet = Fleet::new();
    fleet.spawn(&["--spec", "a"], "head -c 20000000 /dev/zero; echo last; echo > written; exec sleep 1000");
    when_there(&fleet.scratch, "written");
    let folder = fleet.scratch.project().join(".conclave/agents");
    let length = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |found| found.len());
    let full = 16 << 20;
    until("it is in two parts", || (1..=full).contains(&length("a.log.1")) && length("a.log") <= full);
    // What grew beyond that between two looks is gone from its beginning.
    let both = ["a.log.1", "a.log"].map(|name| std::fs::read(folder.join(name)).unwrap()).concat();
    assert!(both.len() as u64 >= full && both.ends_with(b"last\n"), "{}", both.len());
    let mode = std::fs::metadata(folder.join("a.log")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
}

#[test]
fn an_agent_that_starts_another_hands_nothing_of_its_own_down() {
    let fleet = Fleet::new();
    let mut command = fleet.scratch.command();
    command.args(["spawn", "--shell", "--no-port", "--", "sh", "-c", "env > env.new; mv env.new env"]);
    let names =
        ["CONCLAVE_PORT", "CONCLAVE_PORT_BASE", "CONCLAVE_WORKTREE", "CONCLAVE_AGENT_ID", "CONCLAVE_ACTOR"];
    // The last one marks what a run has started.
    for name in names.into_iter().chain([conclave_consensus::child::MARK]) {
        command.env(name, "7");
    }
    let spawned = Done::of(&mut command);
    assert_eq!(spawned.code, Some(0), "{}", spawned.stderr);
    let env = when_there(&fleet.scratch, "env");
    let told: Vec<&str> = env.lines().filter(|line| line.starts_with("CONCLAVE_")).collect();
    assert!(told.iter().all(|line| !line.ends_with("=7")), "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("CONCLAVE_AGENT_ID=shell-")), "{told:?}");
}

/// Whoever is just being started cannot be started a second time, and keeps its port.
#[test]
fn one_that_is_just_being_started_is_refused_and_found_lost_when_its_starter_dies() {
    let fleet = Fleet::new();
    fleet.scratch.ok(&["spawn", "--spec", "a"]);
    let me = process::current().unwrap();
    let by = |pid: u32, since: u64| {
        fleet.execute(&format!(
            "UPDATE builders SET cmd = 'x', supervisor_pid = {pid}, supervisor_start_time = {since}, boot_id = '{}',
               pid_namespace = {} WHERE id = 'a'",
            me.boot_id, me.pid_namespace
        ));
    };
    by(me.pid, me.start_time);
    let again = fleet.scratch.run(&["spawn", "--spec", "a", "--", "true"]);
    assert!(again.refused(1).contains("just being started"), "{}", again.stderr);
    let released = fleet.scratch.run(&["ports", "release"]);
    assert!(released.refused(1).contains("just being started, with the port 4210"), "{}", released.stderr);
    by(me.pid, me.start_time + 1);
    assert_eq!(fleet.agent("a")["life"], "lost");
    // What it had may be had again, by whoever comes first.
    assert_eq!(fleet.spawn(&["--spec", "b"], WAITS)["port"], 4210);
    assert_eq!(fleet.agent("a")["port"], Value::Null);
}

/// Its command is in the agent's group, and would end itself.
#[test]
fn an_agent_that_would_stop_or_clean_up_itself_is_left_alone() {
    let fleet = Fleet::new();
    let program = env!("CARGO_BIN_EXE_conclave");
    let script = format!(
        "{program} stop a > said 2>&1; echo $? >> rcs; {program} cleanup a >> said 2>&1; echo $? >> rcs; \
         mv rcs rc; exec sleep 1000"
    );
    fleet.spawn(&["--spec", "a"], &script);
    assert_eq!(when_there(&fleet.scratch, "rc"), "1\n1");
    let said = when_there(&fleet.scratch, "said");
    assert!(said.contains("a: not signalled") && said.contains("cannot be ended from here"), "{said}");
    let agent = fleet.agent("a");
    assert_eq!((&agent["life"], &agent["port"]), (&json!("running"), &json!(4210)));
}

#[test]
fn one_that_was_suspended_hears_term_and_ends_by_itself() {
    let fleet = Fleet::new();
    let script = "trap 'echo bye > bye; exit 5' TERM; echo > up; while :; do sleep 0.02; done";
    let said = fleet.spawn(&["--spec", "a"], script);
    when_there(&fleet.scratch, "up");
    kill(u32::try_from(said["pid"].as_u64().unwrap()).unwrap(), Signal::STOP);
    assert_eq!(fleet.scratch.ok(&["stop", "a"]), "a: stopped\n");
    assert_eq!(when_there(&fleet.scratch, "bye"), "bye");
    assert_eq!(fleet.agent("a")["exit_status"], 5);
}

/// Nor does it keep what is typed, or whoever wrote it, waiting.
#[test]
fn an_agent_in_the_background_reads_nothing_of_who_started_it() {
    let fleet = Fleet::new();
    let (_open, input) = open_pipe();
    let mut command = fleet.scratch.command();
    command.args(["spawn", "--shell", "--", "sh", "-c", "cat > got.new; mv got.new got"]).stdin(input);
    assert_eq!(Done::of(&mut command).code, Some(0));
    assert_eq!(when_there(&fleet.scratch, "got"), "");
}

/// A pipe whose end does not come while the first is kept.
fn open_pipe() -> (std::io::PipeWriter, std::io::PipeReader) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, b"not for agents\n").unwrap();
    (writer, reader)
}

#[test]
fn the_end_is_recorded_with_all_of_the_output_whoever_holds_it_open() {
    let fleet = Fleet::new();
    let has_ended = |id: &str| {
        until("the end", || !fleet.agent(id)["ended_at"].is_null());
        assert_eq!(fleet.agent(id)["exit_status"], 3);
    };
    // More than a pipe holds, right before the end.
    fleet.spawn(&["--spec", "a"], "head -c 1000000 /dev/zero; exit 3");
    has_ended("a");
    let log = std::fs::metadata(fleet.scratch.project().join(".conclave/agents/a.log")).unwrap();
    assert_eq!(log.len(), 1_000_000);
    // Somebody of another group keeps the output, and is nobody's agent.
    fleet.spawn(&["--spec", "b"], "sleep 1000 & echo $! > left.new; mv left.new left; exit 3");
    let left = process::of(when_there(&fleet.scratch, "left").parse().unwrap()).unwrap().unwrap();
    has_ended("b");
    assert_eq!(process::signal(&left, Signal::KILL), process::Signalled::Sent);
    until("no supervisor is left", || fleet.supervisors().is_empty());
}
