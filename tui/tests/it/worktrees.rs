//! `agents diff`, `agents merge`, `cleanup` and what the doctor says of agents, through the real binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use conclave_testkit::skipped;
use serde_json::{Value, json};

use crate::scratch::{Done, Scratch};

/// A project in a git repository with a commit on `main`; `None` where there is no git, which is said.
fn project() -> Option<Scratch> {
    if Command::new("git").arg("--version").output().is_err() {
        skipped("no git here");
        return None;
    }
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    scratch.ok(&["task", "create", "So that there is a state"]);
    std::fs::write(scratch.project().join("README"), "first\n").unwrap();
    sh(&scratch, "git init -q -b main; git config user.name T; git config user.email t@example.org");
    sh(&scratch, "git config commit.gpgsign false; git add -A; git commit -qm first");
    Some(scratch)
}

fn sql(scratch: &Scratch, statement: &str) {
    conclave_db::foreign::run(&scratch.database(), statement).unwrap();
}

/// Runs a script in the project, and expects it to succeed.
fn sh(scratch: &Scratch, script: &str) -> String {
    let done = Done::of(&mut scratch.shell(&format!("set -e; {script}")));
    assert_eq!(done.code, Some(0), "{script}: {}", done.stderr);
    done.text().trim_end().to_owned()
}

fn worktree(scratch: &Scratch, id: &str) -> PathBuf {
    scratch.project().canonicalize().unwrap().join(".builders").join(id)
}

/// A builder with a worktree, in which nothing runs.
fn builder(scratch: &Scratch, id: &str) {
    scratch.ok(&["spawn", "--spec", id, "--worktree", "--no-port"]);
}

/// The agents, by their ids.
fn ids(list: &[u8]) -> Vec<String> {
    let list: Value = serde_json::from_slice(list).unwrap();
    let mut ids: Vec<String> =
        list.as_array().unwrap().iter().map(|agent| agent["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn folders(scratch: &Scratch) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.project().join(".builders")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_diff_is_bytes_for_people_and_one_object_for_programs() {
    let Some(scratch) = project() else { return };
    builder(&scratch, "0031");
    let folder = worktree(&scratch, "0031");
    std::fs::write(folder.join("README"), "first\nsecond\n").unwrap();
    std::fs::write(folder.join("new"), b"not \xff text\n").unwrap();
    let diff = scratch.run(&["agents", "diff", "0031"]);
    assert_eq!(diff.code, Some(0), "{}", diff.stderr);
    assert!(diff.stdout.windows(9).any(|bytes| bytes == b"+not \xff te"), "{:?}", diff.stdout.escape_ascii());
    let object = scratch.json(&["agents", "diff", "003"]);
    let keys: Vec<&String> = object.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["base", "diff", "id"]);
    assert_eq!(
        (&object["id"], &object["base"]),
        (&json!("0031"), &json!(sh(&scratch, "git rev-parse HEAD")))
    );
    assert!(object["diff"].as_str().unwrap().contains("+second\n"));
    let coloured = scratch.run(&["agents", "diff", "0031", "--color", "always"]);
    assert!(coloured.code == Some(0) && coloured.stdout.contains(&0x1b), "{}", coloured.stderr);
    let never = scratch.run(&["agents", "diff", "0031", "--read-only", "--color", "never"]);
    assert!(never.code == Some(0) && !never.stdout.contains(&0x1b));
    assert!(scratch.run(&["agents", "diff", "nobody"]).refused(1).contains("no agent \"nobody\""));
    let empty = Scratch::new();
    let none = empty.run(&["agents", "diff", "x"]);
    none.refused(1);
    assert!(!empty.project().join(".conclave").exists());
}

#[test]
fn a_merge_gives_its_commit_and_a_conflict_the_files() {
    let Some(scratch) = project() else { return };
    for id in ["a", "b", "c"] {
        builder(&scratch, id);
    }
    let commit = |id: &str, file: &str| {
        sh(
            &scratch,
            &format!("cd .builders/{id}; echo {id} > {file}; git add -A; git commit -qm 'work of {id}'"),
        );
    };
    commit("a", "README");
    commit("b", "README");
    commit("c", "new");
    let merged = scratch.json(&["agents", "merge", "a"]);
    let head = || sh(&scratch, "git rev-parse HEAD");
    let root = scratch.project().canonicalize().unwrap();
    let wanted = |id: &str, squash: bool, is_new: bool| {
        json!({
            "id": id, "commit": head(), "squash": squash, "into": "main", "checkout": root, "merged": is_new,
        })
    };
    assert_eq!(merged, wanted("a", false, true));
    assert_eq!(scratch.json(&["agents", "merge", "a"]), wanted("a", false, false));
    let again = scratch.ok(&["agents", "merge", "a"]);
    assert!(again.starts_with("nothing to merge: all of a is in main in /"), "{again}");
    let before = head();
    let conflict = scratch.run(&["agents", "merge", "b"]);
    assert!(conflict.refused(1).contains("both change README"), "{}", conflict.stderr);
    assert!(conflict.stderr.contains("hint: "), "{}", conflict.stderr);
    assert_eq!((head(), sh(&scratch, "git status --porcelain")), (before, String::new()));
    sql(&scratch, "UPDATE builders SET name = 'work of c' WHERE id = 'c'");
    let squashed = scratch.json(&["agents", "merge", "c", "--squash"]);
    assert_eq!(squashed, wanted("c", true, true));
    assert_eq!(sh(&scratch, "git log -1 --format=%s"), "work of c");
    scratch.run(&["agents", "merge", "b", "--read-only"]).refused(2);
}

/// A hook of git runs with variables that name the repository that it is a hook of.
#[test]
fn what_the_environment_says_of_other_repositories_changes_nothing() {
    let Some(scratch) = project() else { return };
    builder(&scratch, "a");
    sh(&scratch, "cd .builders/a; echo a > new; git add -A; git commit -qm new");
    let other = scratch.path("other");
    sh(&scratch, &format!("git init -q '{}'", other.display()));
    let within = |words: &[&str]| {
        let mut command = scratch.command();
        command.args(words).env("GIT_DIR", other.join(".git")).env("GIT_WORK_TREE", &other);
        command.env("GIT_INDEX_FILE", other.join("index")).env("GIT_CONFIG_COUNT", "nonsense");
        command.env("GIT_EXTERNAL_DIFF", "false").env("LC_ALL", "de_DE.UTF-8").env("GIT_TRACE", "1");
        Done::of(&mut command)
    };
    let diff = within(&["agents", "diff", "a"]);
    assert!(diff.code == Some(0) && diff.text().contains("+a\n"), "{}", diff.stderr);
    assert_eq!(within(&["agents", "merge", "a"]).code, Some(0));
    assert!(scratch.project().join("new").exists());
    let done = within(&["cleanup", "a"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!worktree(&scratch, "a").exists());
}

#[test]
fn without_git_there_is_one_line_and_a_hint() {
    let Some(scratch) = project() else { return };
    builder(&scratch, "a");
    for words in [["agents", "merge", "a"].as_slice(), &["agents", "diff", "a"], &["cleanup", "a"]] {
        let done = Done::of(scratch.command().args(words).env("PATH", scratch.path("nowhere")));
        assert!(done.refused(1).contains("git is not installed"), "{words:?}: {}", done.stderr);
        assert!(done.stderr.contains("hint: install git"), "{}", done.stderr);
    }
    assert!(worktree(&scratch, "a").join("README").exists());
}

// runtime-state 8.50
#[test]
fn a_cleanup_of_nothing_of_several_or_of_a_part_of_a_name_removes_nothing() {
    let Some(scratch) = project() else { return };
    for id in ["0009-tutorial-mode", "0010-a", "0010-b"] {
        builder(&scratch, id);
    }
    scratch.run(&["cleanup", ""]).refused(2);
    assert!(scratch.run(&["cleanup", "0010"]).refused(2).contains("0010-a, 0010-b"));
    for part in ["mode", "tutorial", "-b", "0", "%", "0010-a "] {
        let done = scratch.run(&["cleanup", "--", part]);
        assert!(matches!(done.code, Some(1 | 2)), "{part}: {}", done.stderr);
    }
    assert_eq!(folders(&scratch), ["0009-tutorial-mode", "0010-a", "0010-b"]);
    let done = scratch.json(&["cleanup", "0009"]);
    let folder = worktree(&scratch, "0009-tutorial-mode");
    assert_eq!(
        done,
        json!({
            "id": "0009-tutorial-mode", "ended": [], "worktree": folder,
            "deleted_branch": "builder/0009-tutorial-mode", "kept_branch": null, "kept_because": null,
        })
    );
    assert_eq!(folders(&scratch), ["0010-a", "0010-b"]);
    let empty = Scratch::new();
    empty.run(&["cleanup", "x"]).refused(1);
    assert!(!empty.project().join(".conclave").exists());
}

/// What `.worktreeinclude` names comes along, and a second one of the same id is refused with both names.
#[test]
fn an_agent_runs_in_its_worktree_until_it_is_cleaned_up() {
    let Some(scratch) = project() else { return };
    std::fs::write(scratch.project().join(".gitignore"), "*.secret\nsaid\n").unwrap();
    std::fs::write(scratch.project().join(".worktreeinclude"), "*.secret\n").unwrap();
    std::fs::write(scratch.project().join("a.secret"), "told to nobody").unwrap();
    sh(&scratch, "git add -A; git commit -qm ignore");
    let script = "cat a.secret > said; sleep 1000 & echo $! >> said; wait";
    let spawn = ["spawn", "--spec", "x", "--worktree", "--no-port", "--json", "--", "sh", "-c", script];
    let agent: Value = serde_json::from_str(&scratch.ok(&spawn)).unwrap();
    let folder = worktree(&scratch, "x");
    assert_eq!((&agent["worktree"], &agent["branch"]), (&json!(folder), &json!("builder/x")));
    let said = || std::fs::read_to_string(folder.join("said")).unwrap_or_default();
    let mut looks = 0;
    while !said().ends_with('\n') {
        looks += 1;
        assert!(looks < 1_000_000, "it says nothing");
        std::thread::yield_now();
    }
    let again = scratch.run(&spawn);
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert_eq!(folders(&scratch), ["x"]);
    let child: u32 = said().strip_prefix("told to nobody").unwrap().trim().parse().unwrap();
    let pid = u32::try_from(agent["pid"].as_u64().unwrap()).unwrap();
    let done = scratch.json(&["cleanup", "x"]);
    assert!(done["ended"].as_array().unwrap().contains(&json!(pid)), "{done}");
    for pid in [pid, child] {
        assert!(conclave_db::process::of(pid).unwrap().is_none());
    }
    assert_eq!(ids(&scratch.run(&["agents", "--json"]).stdout), [""; 0]);
    assert!(!folder.exists() && sh(&scratch, "git worktree list").lines().count() == 1);
}

#[test]
fn setup_and_teardown_of_the_configuration_are_run_there() {
    let Some(scratch) = project() else { return };
    let configure = |setup: &str, teardown: &str| {
        let text =
            format!("[worktree]\nsetup = ['sh', '-c', '{setup}']\nteardown = ['sh', '-c', '{teardown}']\n");
        std::fs::write(scratch.project().join(".conclave/config.toml"), text).unwrap();
    };
    configure("echo no network; exit 7", "true");
    let refused = scratch.run(&["spawn", "--spec", "x", "--worktree", "--no-port", "--", "touch", "ran"]);
    assert!(refused.refused(1).contains("no network"), "{}", refused.stderr);
    assert_eq!(ids(&scratch.run(&["agents", "--json"]).stdout), [""; 0]);
    assert!(!worktree(&scratch, "x").exists());
    configure("pwd > ../set-up", "echo still in use; exit 1");
    builder(&scratch, "x");
    let stood = std::fs::read_to_string(scratch.project().join(".builders/set-up")).unwrap();
    assert_eq!(Path::new(stood.trim_end()), worktree(&scratch, "x"));
    assert!(scratch.run(&["cleanup", "x"]).refused(1).contains("still in use"));
    scratch.ok(&["cleanup", "x", "--force"]);
    assert_eq!(folders(&scratch), ["set-up"]);
}

#[test]
fn where_no_worktree_can_be_made_nothing_is_left() {
    let Some(scratch) = project() else { return };
    let spawn = |path: &Path| {
        let mut command = scratch.command();
        Done::of(command.args(["spawn", "--spec", "x", "--worktree", "--no-port"]).current_dir(path))
    };
    sh(&scratch, "git branch builder/x");
    let refused = spawn(&scratch.project());
    let error = refused.refused(1);
    assert!(error.contains("builder/x") && error.contains(".builders/x"), "{error}");
    sh(&scratch, "git branch -D builder/x; git checkout -q --detach");
    assert!(spawn(&scratch.project()).refused(1).contains("is detached"));
    let plain = scratch.path("plain");
    std::fs::create_dir(&plain).unwrap();
    assert!(spawn(&plain).refused(1).contains("in no git repository"));
    assert_eq!(ids(&scratch.run(&["agents", "--json"]).stdout), [""; 0]);
    assert!(!scratch.project().join(".builders").exists());
    let id = scratch.run(&["spawn", "--spec", "../x", "--worktree", "--no-port"]);
    assert!(matches!(id.code, Some(1 | 2)), "{}", id.stderr);
}

#[test]
fn a_detached_server_is_ended_and_told() {
    let Some(scratch) = project() else { return };
    if Command::new("setsid").arg("--version").output().is_err() {
        return skipped("no setsid(1) here");
    }
    builder(&scratch, "x");
    builder(&scratch, "x2");
    let serve = |id: &str| -> u32 {
        let script = format!("cd .builders/{id}; setsid sh -c 'echo $$; exec >&- 2>&-; exec sleep 1000' &");
        sh(&scratch, &script).parse().unwrap()
    };
    let lives = |pid: u32| conclave_db::process::of(pid).unwrap().is_some();
    let (server, neighbour) = (serve("x"), serve("x2"));
    let done = scratch.ok(&["cleanup", "x"]);
    let left = (lives(server), lives(neighbour));
    sh(&scratch, &format!("kill {neighbour}"));
    assert_eq!(left, (false, true));
    assert!(done.starts_with(&format!("ended pid {server}\nremoved the worktree ")), "{done}");
    assert!(done.ends_with("deleted the branch builder/x\nremoved x\n"), "{done}");
}

// runtime-state 8.51
#[test]
fn inside_of_a_worktree_the_main_projects_agents_are_shown_and_no_state_appears() {
    let Some(scratch) = project() else { return };
    builder(&scratch, "0031");
    builder(&scratch, "0032");
    let folder = worktree(&scratch, "0031");
    std::fs::create_dir(folder.join("sub")).unwrap();
    let before = crate::scratch::files_below(&folder);
    let inside = |words: &[&str]| Done::of(scratch.command().args(words).current_dir(folder.join("sub")));
    let parsed = |done: &Done| -> Value { serde_json::from_slice(&done.stdout).unwrap() };
    let status = parsed(&inside(&["status", "--json"]));
    assert_eq!(
        Path::new(status["database"]["path"].as_str().unwrap()),
        scratch.database().canonicalize().unwrap()
    );
    assert_eq!(ids(&inside(&["agents", "--json"]).stdout), ["0031", "0032"]);
    let diff = parsed(&inside(&["agents", "diff", "0031", "--json"]));
    assert_eq!(diff["id"], "0031");
    assert_eq!(parsed(&inside(&["doctor", "--json"]))["fixed"], json!([]));
    // What stands inside cannot be cleaned up from inside, nor by what was started there.
    let refused = inside(&["cleanup", "0031"]);
    assert!(refused.refused(1).contains("this command runs inside"), "{}", refused.stderr);
    let script = "cd .builders/0031; (cd ../..; \"$0\" cleanup 0031); exit $?";
    let mut shell = scratch.shell(script);
    let done = Done::of(shell.arg(env!("CARGO_BIN_EXE_conclave")));
    assert!(done.refused(1).contains("which this command was started from"), "{}", done.stderr);
    assert_eq!(crate::scratch::files_below(&folder), before);
    // A neighbour can be.
    assert_eq!(inside(&["cleanup", "0032"]).code, Some(0));
    assert_eq!(folders(&scratch), ["0031"]);
}

#[test]
fn a_lost_agent_is_told_everywhere_and_the_advice_works() {
    let Some(scratch) = project() else { return };
    builder(&scratch, "0031");
    sql(&scratch, "UPDATE builders SET pid = 4000000");
    let status = scratch.json(&["status"]);
    let need = &status["attention"][0];
    assert_eq!((&need["kind"], &need["name"]), (&json!("agent"), &json!("0031")), "{status}");
    let checks = scratch.json(&["doctor"]);
    assert_eq!(of(&checks, "lost-agents")["state"], "warn");
    let fixed = scratch.json(&["doctor", "--fix"]);
    assert!(
        fixed["fixed"].as_array().unwrap().contains(&json!("recorded as lost, and freed the ports of: 0031"))
    );
    follow(&scratch, need["advice"].as_str().unwrap());
    assert_eq!(of(&scratch.json(&["doctor"]), "lost-agents")["state"], "ok");
    assert_eq!(scratch.json(&["status"])["attention"], json!([]));
    assert!(!worktree(&scratch, "0031").exists());
}

#[test]
fn what_the_doctor_advises_about_orphans_works() {
    let Some(scratch) = project() else { return };
    builder(&scratch, "gone");
    std::fs::remove_dir_all(worktree(&scratch, "gone")).unwrap();
    builder(&scratch, "orphan");
    sql(&scratch, "DELETE FROM builders WHERE id = 'orphan'");
    std::fs::create_dir(worktree(&scratch, "by hand, it's mine")).unwrap();
    for left in [3, 2, 1] {
        let checks = scratch.json(&["doctor"]);
        let all = checks["checks"].as_array().unwrap();
        let orphans: Vec<&Value> =
            all.iter().filter(|check| check["name"] == "worktrees" && check["state"] == "warn").collect();
        assert_eq!(orphans.len(), left, "{checks}");
        follow(&scratch, orphans[0]["advice"].as_str().unwrap());
    }
    assert_eq!(of(&scratch.json(&["doctor"]), "worktrees")["state"], "ok");
    assert_eq!(folders(&scratch), [""; 0]);
}

/// The check with this name.
fn of(checks: &Value, name: &str) -> Value {
    let all = checks["checks"].as_array().unwrap();
    all.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {checks}")).clone()
}

/// Does what stands between backticks, with our binary as `conclave`.
fn follow(scratch: &Scratch, advice: &str) {
    let command = advice.split('`').nth(1).unwrap_or_else(|| panic!("{advice}"));
    let script = format!("conclave() {{ \"$0\" \"$@\"; }}; {command}");
    let done = Done::of(scratch.shell(&script).arg(env!("CARGO_BIN_EXE_conclave")));
    assert_eq!(done.code, Some(0), "{command}: {}", done.stderr);
}

#[test]
fn eight_with_worktrees_that_are_spawned_at_once_all_have_theirs() {
    let Some(scratch) = project() else { return };
    let spawn = |number: usize| {
        let mut command = scratch.command();
        command.args([
            "spawn",
            "--json",
            "--spec",
            &format!("s{number}"),
            "--worktree",
            "--",
            "sleep",
            "1000",
        ]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let spawned: Vec<_> = (0..8).map(spawn).collect();
    let mut ports = std::collections::BTreeSet::new();
    for child in spawned {
        let output = crate::patience::output_of(child);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let agent: Value = serde_json::from_slice(&output.stdout).unwrap();
        ports.insert(agent["port"].as_u64().unwrap());
        let cwd = std::fs::read_link(format!("/proc/{}/cwd", agent["pid"])).unwrap();
        assert_eq!(cwd, worktree(&scratch, agent["id"].as_str().unwrap()));
    }
    assert_eq!(ports, (4210..4218).collect());
    for number in 0..8 {
        let id = format!("s{number}");
        let done = scratch.json(&["cleanup", &id]);
        assert_eq!(done["ended"].as_array().unwrap().len(), 1, "{done}");
    }
    assert_eq!(folders(&scratch), [""; 0]);
    assert_eq!(sh(&scratch, "git branch --list 'builder/*'; git worktree list | wc -l"), "1");
}

#[test]
fn a_setup_that_fails_leaves_no_branch_no_port_and_nobody_running() {
    let Some(scratch) = project() else { return };
    let configure = |setup: &str| {
        let text = format!("[worktree]\nsetup = ['sh', '-c', '{setup}']\n");
        std::fs::write(scratch.project().join(".conclave/config.toml"), text).unwrap();
    };
    // It leaves somebody behind who would hold the folder.
    configure("sleep 1000 & echo $! > ../../left; exit 7");
    let ran = scratch.project().join("ran");
    let words = ["spawn", "--spec", "x", "--worktree", "--", "touch", ran.to_str().unwrap()];
    assert!(scratch.run(&words).refused(1).contains("[worktree] setup"));
    assert!(!ran.exists(), "the agent ran");
    let left: u32 = std::fs::read_to_string(scratch.project().join("left")).unwrap().trim().parse().unwrap();
    assert_eq!(conclave_db::process::of(left).unwrap(), None, "somebody is left");
    assert_eq!(ids(&scratch.run(&["agents", "--json"]).stdout), [""; 0]);
    assert_eq!(sh(&scratch, "git branch --list 'builder/*'; git worktree list | wc -l"), "1");
    // Mended, the same line works, with the first port.
    configure("true");
    let said = scratch.json(&["spawn", "--spec", "x", "--worktree"]);
    assert_eq!((&said["port"], &said["branch"]), (&json!(4210), &json!("builder/x")));
}
