//! `conclave db reset`: what it asks, what it refuses, and that the way back leads back.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use conclave_db::foreign::Client;
use conclave_db::{Db, DbOptions};
use conclave_leases::FileGuard;
use serde_json::{Value, json};

use crate::patience::output_of;
use crate::scratch::{Done, Scratch, files_below};
use crate::terminal::Session;

impl Scratch {
    fn global(&self) -> PathBuf {
        self.path("home/.local/share/conclave/global.db")
    }

    /// Makes the machine-wide file, with blocks for so many projects.
    fn with_blocks(&self, projects: u16) {
        let schema = conclave::state::global_schema().unwrap();
        let db = Db::open(DbOptions::new(self.global(), schema)).unwrap();
        for number in 0..projects {
            let sql =
                "INSERT INTO port_allocations(project_path, base_port) VALUES('/p/' || ?1, 4200 + 100 * ?1)";
            db.write("block", move |tx| tx.execute(sql, [number])).unwrap();
        }
    }

    /// Runs a line that was printed, in a shell in which `conclave` is this binary.
    fn follow(&self, line: &str) -> Done {
        let define = format!("conclave() {{ '{}' \"$@\"; }}; {line}", env!("CARGO_BIN_EXE_conclave"));
        Done::of(&mut self.shell(&define))
    }
}

/// What stands between backticks in the line that begins with `hint:`.
fn instruction(text: &str) -> &str {
    let hint =
        text.lines().find(|line| line.starts_with("hint: ")).unwrap_or_else(|| panic!("no hint: {text}"));
    hint.split('`').nth(1).unwrap_or_else(|| panic!("no instruction: {hint}"))
}

fn runs(scratch: &Scratch) -> usize {
    scratch.json(&["runs", "list"]).as_array().unwrap().len()
}

// runtime-state 8.38
#[test]
fn without_a_file_there_is_nothing_to_reset() {
    let scratch = Scratch::new();
    for words in [&["db", "reset"][..], &["db", "reset", "--force"], &["db", "reset", "--force", "--global"]]
    {
        let done = scratch.run(words);
        assert_eq!((done.code, done.text()), (Some(0), ""), "{done:?}");
        assert!(done.stderr.contains("no state here"), "{done:?}");
        assert_eq!(scratch.json(words), json!({}));
    }
    let made: Vec<_> =
        scratch.files().into_iter().filter(|path| !path.ends_with("log/conclave.log")).collect();
    assert!(made.is_empty(), "{made:?}");
}

// runtime-state 8.38
#[test]
fn without_a_terminal_and_without_force_nothing_happens_and_what_is_said_works() {
    let scratch = Scratch::with_runs();
    let bystander = scratch.project().join(".conclave/state.json.bak");
    std::fs::write(&bystander, "kept").unwrap();
    let before = std::fs::read(scratch.database()).unwrap();
    let refused = scratch.run(&["db", "reset"]);
    assert!(refused.refused(2).contains("nothing was reset"), "{}", refused.stderr);
    let as_json = scratch.run(&["db", "reset", "--json"]);
    let document: Value = serde_json::from_str(as_json.text()).unwrap();
    assert_eq!((as_json.code, &document["error"]["kind"]), (Some(2), &json!("usage")));
    assert!(std::fs::read(scratch.database()).unwrap() == before);
    assert_eq!(runs(&scratch), 10);

    let done = scratch.follow(instruction(&refused.stderr));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.text().starts_with("reset ") && done.text().ends_with(", verified\n"), "{}", done.text());
    assert_eq!(runs(&scratch), 0);
    assert_eq!(std::fs::read_to_string(bystander).unwrap(), "kept");
    let done = scratch.follow(instruction(&done.stderr));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(runs(&scratch), 10);
    assert!(!scratch.global().exists(), "the machine-wide file is another one");
}

#[test]
fn the_report_is_one_document() {
    let scratch = Scratch::with_runs();
    let report = scratch.json(&["db", "reset", "--force"]);
    let kept = PathBuf::from(report["kept"].as_str().unwrap());
    assert_eq!(kept.parent().unwrap(), scratch.project().canonicalize().unwrap().join(".conclave/backups"));
    for (key, wanted) in [
        ("verified", json!(true)),
        ("kept_verified", json!(true)),
        ("projects", json!(null)),
        ("ended_leases", json!([])),
    ] {
        assert_eq!(report[key], wanted, "{report}");
    }
    // The backup is one as all others: the newest.
    scratch.ok(&["db", "restore"]);
    assert_eq!(runs(&scratch), 10);
}

// runtime-state 8.9
#[test]
fn a_broken_file_is_named_and_a_reset_leads_out() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let junk = b"garbage".repeat(3000);
    std::fs::write(scratch.database(), &junk).unwrap();
    let broken = scratch.run(&["runs", "list"]);
    assert!(broken.refused(3).contains("state.db"), "{}", broken.stderr);
    let hint = broken.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap();
    // The first is for those who have a backup.
    let done = scratch.follow(hint.split('`').nth(3).unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("damaged, and is kept as it was"), "{}", done.stderr);
    assert_eq!(runs(&scratch), 0);
    let kept = files_below(&scratch.project())
        .into_iter()
        .find(|path| path.to_str().unwrap().contains(".replaced-"));
    assert!(std::fs::read(kept.unwrap()).unwrap() == junk, "as it was");

    // Of no length: it is as if it had just been created.
    std::fs::write(scratch.database(), "").unwrap();
    let report = scratch.json(&["db", "reset", "--force"]);
    assert_eq!((&report["kept"], &report["verified"]), (&json!(null), &json!(true)));
    assert_eq!(runs(&scratch), 0);

    // A folder: no success is claimed, and nothing of it goes.
    std::fs::remove_file(scratch.database()).unwrap();
    std::fs::create_dir(scratch.database()).unwrap();
    std::fs::write(scratch.database().join("inside"), "").unwrap();
    let refused = scratch.run(&["db", "reset", "--force"]);
    assert!(refused.refused(3).contains("is a folder"), "{}", refused.stderr);
    assert_eq!(refused.text(), "");
    assert!(scratch.database().join("inside").exists());
}

// runtime-state 8.38
#[test]
fn while_another_process_writes_nothing_is_lost() {
    let scratch = Scratch::with_runs();
    // This test's process is not the program's.
    let client = Client::open(&scratch.database()).unwrap();
    client.run("UPDATE consensus_runs SET updated_at = updated_at").unwrap();
    for force in [&["db", "reset", "--force"][..], &["db", "restore", "--force"]] {
        if force[1] == "restore" {
            scratch.ok(&["db", "backup"]);
        }
        let refused = scratch.run(force);
        let error = refused.refused(3);
        assert!(error.contains("is in use by"), "{force:?}: {error}");
        if std::path::Path::new("/proc/locks").exists() {
            assert!(error.contains(&format!("pid {}", std::process::id())), "{error}");
        }
    }
    client.run("UPDATE consensus_runs SET updated_at = updated_at").unwrap();
    drop(client);
    assert_eq!(runs(&scratch), 10);
    scratch.ok(&["db", "reset", "--force"]);
    assert_eq!(runs(&scratch), 0);
}

#[test]
fn on_a_terminal_it_asks_first() {
    let scratch = Scratch::with_runs();
    let mut refused = Session::start(&scratch, &["db", "reset"]);
    refused.until("[y/N]");
    assert!(refused.has_seen("A backup is made first"));
    refused.keys("\r");
    assert_eq!(refused.said().0, Some(1));
    assert_eq!(runs(&scratch), 10);
    let mut agreed = Session::start(&scratch, &["db", "reset"]);
    agreed.until("[y/N]");
    agreed.keys("y\r");
    let (code, said) = agreed.said();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(runs(&scratch), 0);
    let (code, said) = Session::start(&scratch, &["db", "reset", "--force"]).said();
    assert!(code == Some(0) && !said.contains("[y/N]"), "{said}");
}

// runtime-state 8.38
#[test]
fn of_the_machine_wide_file_it_says_how_many_lose_their_block() {
    let scratch = Scratch::with_runs();
    scratch.with_blocks(2);
    let refused = scratch.run(&["db", "reset", "--global"]);
    assert!(refused.refused(2).contains("2 projects lose their blocks of ports"), "{}", refused.stderr);
    assert_eq!(instruction(&refused.stderr), "conclave db reset --force --global");
    let report = scratch.json(&["db", "reset", "--global", "--force"]);
    assert_eq!(report["projects"], json!(2), "{report}");
    assert_eq!(runs(&scratch), 10, "the project's state is another file");
    let report = scratch.run(&["db", "reset", "--global", "--force"]);
    assert!(report.stderr.contains("begun anew; 0 projects lose"), "{}", report.stderr);
    // The oldest backup has both.
    let backups = files_below(&scratch.global().with_file_name("backups"));
    scratch.ok(&["db", "restore", "--global", backups[0].to_str().unwrap()]);
    scratch.with_blocks(0);
    let refused = scratch.run(&["db", "reset", "--global"]);
    assert!(refused.stderr.contains("2 projects"), "{}", refused.stderr);
}

#[test]
fn a_broken_machine_wide_file_has_a_way_out_too() {
    let scratch = Scratch::new();
    scratch.with_blocks(1);
    scratch.ok(&["db", "backup", "--global"]);
    let junk = || std::fs::write(scratch.global(), b"garbage".repeat(3000)).unwrap();
    let follow_hint = |words: &[&str], which: usize| {
        let broken = scratch.run(words);
        broken.refused(3);
        let hint = broken.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap();
        let done = scratch.follow(hint.split('`').nth(which).unwrap());
        assert_eq!(done.code, Some(0), "{hint}: {}", done.stderr);
    };
    let blocks = || scratch.json(&["db", "query", "--global", "SELECT * FROM port_allocations"]);
    junk();
    follow_hint(&["db", "stats", "--global"], 1);
    assert_eq!(blocks().as_array().unwrap().len(), 1);
    std::fs::remove_dir_all(scratch.global().with_file_name("backups")).unwrap();
    junk();
    follow_hint(&["db", "vacuum", "--global"], 3);
    assert_eq!(blocks(), json!([]));
}

/// Whatever the configuration calls the project's state.
#[test]
fn a_project_s_reset_never_reaches_the_machine_wide_file() {
    let scratch = Scratch::new();
    scratch.with_blocks(1);
    std::fs::create_dir(scratch.project().join(".conclave")).unwrap();
    let config = format!("[state]\npath = {:?}\n", scratch.global());
    std::fs::write(scratch.project().join(".conclave/config.toml"), config).unwrap();
    let before = std::fs::read(scratch.global()).unwrap();
    for words in [&["reset", "--force"][..], &["vacuum"], &["vacuum", "--full"], &["convert"], &["restore"]] {
        let backup = scratch.global().display().to_string();
        let from = if words == ["restore"] { Some(backup.as_str()) } else { None };
        let words: Vec<&str> = ["db"].into_iter().chain(words.iter().copied()).chain(from).collect();
        let refused = scratch.run(&words);
        assert!(refused.refused(2).contains("is the machine-wide file"), "{}", refused.stderr);
        assert!(std::fs::read(scratch.global()).unwrap() == before);
    }
}

/// A lease that is live in every boot to come.
fn hold(scratch: &Scratch) {
    let client = Client::open(&scratch.database()).unwrap();
    client
        .run("INSERT INTO lease_fences VALUES('L', 5, 1001, 'another boot');
              INSERT INTO lease_holders(name, fence, mode, holder_id, token_hash, acquired_utc_ms, expires_utc_ms,
                boot_id, expires_boot_ms, ttl_ms, process_boot_id, pid_namespace, pid, start_time, ends_with_boot)
              VALUES('L', 4, 'exclusive', 'somebody', zeroblob(32), 0, 4000000000000, 'another boot', 0,
                4000000000000, 'another boot', 0, 0, 0, 0)")
        .unwrap();
}

#[test]
fn while_a_lease_is_held_a_reset_and_a_restore_need_force() {
    let scratch = Scratch::with_runs();
    scratch.ok(&["db", "backup"]);
    hold(&scratch);
    let refused = scratch.run(&["db", "restore"]);
    assert!(refused.refused(1).contains("L is held by somebody"), "{}", refused.stderr);
    assert!(refused.stderr.contains("`--force`"), "{}", refused.stderr);
    let (code, said) = Session::start(&scratch, &["db", "reset"]).said();
    assert!(code == Some(1) && said.contains("L is held by somebody"), "{said}");
    assert!(!said.contains("[y/N]"), "to agree is not to force: {said}");
    let report = scratch.json(&["db", "reset", "--force"]);
    assert_eq!(report["ended_leases"], json!(["L"]), "{report}");
    let fences = scratch.ok(&["db", "query", "SELECT name, next FROM lease_fences"]);
    assert!(fences.contains(r#""next":1001"#), "{fences}");
    assert_eq!(scratch.json(&["db", "query", "SELECT * FROM lease_holders"]), json!([]));
    hold_again(&scratch);
    let done = scratch.run(&["db", "restore", "--force"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("ended a lease of L"), "{}", done.stderr);
    let fences = scratch.ok(&["db", "query", "SELECT next FROM lease_fences"]);
    assert!(fences.contains("1001"), "{fences}");
}

fn hold_again(scratch: &Scratch) {
    let client = Client::open(&scratch.database()).unwrap();
    client.run("DELETE FROM lease_fences").unwrap();
    drop(client);
    hold(scratch);
}

/// Whatever does something to the file as a whole asks for it.
#[test]
fn the_guard_of_the_file_is_waited_for_and_its_holder_is_named() {
    let scratch = Scratch::with_runs();
    scratch.ok(&["db", "backup"]);
    let path = scratch.database().canonicalize().unwrap();
    let guard = FileGuard::acquire(&path, "a test", Duration::ZERO).unwrap();
    let all = ["db reset --force", "db restore", "db vacuum", "db vacuum --full", "db convert"].map(|line| {
        let mut command = scratch.command();
        command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        (line.trim_end_matches(" --force"), command.spawn().unwrap())
    });
    for (operation, child) in all {
        let ended = output_of(child);
        let said = String::from_utf8(ended.stderr).unwrap();
        let begins = format!(
            "error: Could not acquire lock for {operation} after 5s. Another process may be using {}: pid {}",
            path.display(),
            std::process::id()
        );
        assert_eq!(
            (ended.status.code(), ended.stdout.as_slice()),
            (Some(3), &b""[..]),
            "{operation}: {said}"
        );
        let error = said.lines().next().unwrap_or_default();
        assert!(error.starts_with(&begins) && error.ends_with(", for a test."), "{said}");
    }
    drop(guard);
    assert_eq!(runs(&scratch), 10);
    scratch.ok(&["db", "vacuum", "--full"]);
    scratch.ok(&["db", "reset", "--force"]);
}

#[test]
fn agents_that_live_are_named_before_and_after() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let spawned = scratch.run(&["spawn", "--spec", "x", "--json", "--", "sleep", "1000"]);
    let agent: Value = serde_json::from_slice(&spawned.stdout).unwrap();
    let pid = agent["pid"].as_u64().unwrap();
    let backup = scratch.json(&["db", "backup"])["path"].as_str().unwrap().to_owned();
    let named = format!("x (pid {pid})");
    for words in [&["db", "reset"][..], &["db", "restore", &backup]] {
        let done = scratch.run(words);
        assert!(done.refused(1).ends_with(&format!("1 agent would run on and be known to nobody: {named}")));
        assert!(done.stderr.contains("`conclave stop --all` ends them"), "{}", done.stderr);
    }
    assert_eq!(scratch.json(&["agents"])[0]["life"], "running");
    // The backup knows it.
    let done = scratch.run(&["db", "restore", &backup, "--force"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!done.stderr.contains("runs on"), "{}", done.stderr);
    assert_eq!(scratch.json(&["agents"])[0]["life"], "running");

    let done = scratch.run(&["db", "reset", "--force", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let wanted = format!(
        "{named} runs on, and is known to nobody any more, with the port 4210 of the project's block; \
         `kill {pid}` ends it"
    );
    assert!(done.stderr.contains(&wanted), "{}", done.stderr);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["left_agents"][0]["pid"], pid);
    assert_eq!(scratch.json(&["agents"]), json!([]));
    assert_eq!(scratch.json(&["ports", "list"])[0]["base"], 4200, "the block stays");
    assert!(std::process::Command::new("kill").arg(pid.to_string()).status().unwrap().success());
}

/// Both files have one mark, and each its own schema.
#[test]
fn a_file_in_the_place_of_the_other_is_refused_untouched() {
    let scratch = Scratch::with_runs();
    scratch.with_blocks(1);
    let files = [scratch.database(), scratch.global()];
    let texts = files.each_ref().map(|file| std::fs::read(file).unwrap());
    for (file, other, global) in [(&files[0], &texts[1], None), (&files[1], &texts[0], Some("--global"))] {
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
        }
        std::fs::write(file, other).unwrap();
        let words = ["lease", "acquire", "--lock-name", "x"].into_iter().chain(global);
        let refused = scratch.run(&words.collect::<Vec<_>>());
        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
        // Of the two the state has the later version, which is refused by its number.
        let says = |text: &str| refused.stderr.contains(text);
        assert!(says("it has another schema") || says("is newer than"), "{}", refused.stderr);
        assert!(refused.stderr.len() < 500, "{}", refused.stderr);
        assert!(std::fs::read(file).unwrap() == *other);
    }
}

#[test]
fn a_command_that_only_reads_makes_a_backup_and_removes_none() {
    let scratch = Scratch::with_runs();
    for _ in 0..2 {
        scratch.ok(&["db", "backup"]);
    }
    scratch.ok(&["--read-only", "db", "backup", "--keep", "1"]);
    let count = || std::fs::read_dir(scratch.database().with_file_name("backups")).unwrap().count();
    assert_eq!(count(), 3);
    scratch.ok(&["db", "backup", "--keep", "1"]);
    assert_eq!(count(), 1);
}
