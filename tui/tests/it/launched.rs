//! Agents that cannot be started, and processes that can open too few files to start any.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::asking::{agent, planner};
use crate::scratch::{Done, Scratch};

/// What could not be started is told as the system tells it, however late that is found out.
#[test]
fn a_program_that_does_not_start_says_why_and_is_not_asked_again() {
    let entry = |name: &str, command: &str, more: &str| {
        format!("[[agents]]\nname = {name:?}\ncommand = [{command:?}]\nretries = 3\n{more}\n")
    };
    let scratch = Scratch::configured(
        &(entry("late", "./late", "") + &entry("lost", "sh", "env = { PATH = '/nowhere' }")),
    );
    let file = scratch.project().join("late");
    std::fs::write(&file, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let done = scratch.run(&["run", "S-1", "--stage", "plan"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let run = scratch.json(&["runs", "show", "1"]);
    let attempts = run["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{run}");
    for attempt in attempts {
        let text = attempt.to_string();
        assert!(text.contains("could not be started: No such file or directory (os error 2)"), "{text}");
        assert!(text.contains("check the first word of `command`"), "{text}");
        assert_eq!(attempt["exit_code"], json!(null), "{text}");
    }
}

/// An agent sees its own environment, folder, arguments and name, and leads a session.
#[test]
fn a_launched_agent_is_as_it_was_asked_for() {
    let script = "cat > /dev/null; echo $$ > seen; ps -o sid=,pgid=,tty= -p $$ >> seen; pwd >> seen; \
                  env >> seen; echo '{}'";
    let scratch = Scratch::configured(&agent("a", script, ""));
    scratch.run(&["run", "S-1", "--stage", "plan"]);
    let seen = std::fs::read_to_string(scratch.project().join("seen")).unwrap();
    let mut lines = seen.lines();
    let pid = lines.next().unwrap().to_owned();
    let session: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(session, [pid.as_str(), pid.as_str(), "?"]);
    assert_eq!(lines.next().unwrap(), scratch.project().canonicalize().unwrap().to_str().unwrap());
    assert!(seen.contains("CONCLAVE_ATTEMPT=") && !seen.contains("CONCLAVE_TESTKIT"), "{seen}");
    assert_eq!(seen.lines().filter(|line| line.starts_with("CONCLAVE_")).count(), 1, "{seen}");
}

fn limited(scratch: &Scratch, files: u32, words: &[&str]) -> Done {
    let mut shell = scratch.shell(&format!("ulimit -n {files}; exec \"$0\" \"$@\""));
    Done::of(shell.arg(env!("CARGO_BIN_EXE_conclave")).args(words))
}

#[test]
fn too_few_file_descriptors_are_told_before_anything_is_begun() {
    let scratch = Scratch::configured(&(planner("a") + &planner("b") + &planner("c")));
    let run = ["run", "S-1", "--stage", "plan"];
    for files in 12..=24 {
        let said = limited(&scratch, files, &run);
        assert!(said.refused(3).contains("too few file descriptors"), "{files}: {}", said.stderr);
        assert!(said.stderr.contains("hint: raise the limit"), "{}", said.stderr);
        assert!(!scratch.database().exists(), "{files}: something was begun");
    }
    // Above it is the same, or goes well to the end.
    let mut went_well = 0;
    for files in (28..=76).step_by(4) {
        let said = limited(&scratch, files, &run);
        if said.code == Some(0) {
            went_well += 1;
        } else {
            assert!(said.refused(3).contains("too few file descriptors"), "{files}: {}", said.stderr);
        }
    }
    assert!(went_well > 0);
    let runs = scratch.json(&["runs", "list"]);
    let runs = runs.as_array().unwrap();
    assert_eq!(runs.len(), went_well);
    assert!(runs.iter().all(|run| run["status"] == "ok"), "{runs:?}");
}
