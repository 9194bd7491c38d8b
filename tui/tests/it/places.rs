//! Where state is found and where it is made.

use crate::scratch::{Done, Scratch};

#[test]
fn a_write_command_makes_its_state_at_the_top_of_the_checkout_and_says_so() {
    let scratch = Scratch::new();
    let deep = scratch.project().join("src/deep");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir(scratch.project().join(".git")).unwrap();
    let fixture = scratch.fixture();
    let done = Done::of(scratch.command().current_dir(&deep).args(["migrate", "import"]).arg(&fixture));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("created ") && done.stderr.contains(".conclave"), "{}", done.stderr);
    assert!(scratch.database().exists() && !deep.join(".conclave").exists());
    let found = Done::of(scratch.command().current_dir(&deep).args(["runs", "list", "--json"]));
    assert!(found.text().contains("run_A"));
}

#[test]
fn the_state_folder_can_be_another() {
    let scratch = Scratch::new();
    scratch.ok(&["--state-dir", "elsewhere", "init"]);
    assert!(scratch.project().join("elsewhere/state.db").exists() && !scratch.database().exists());
    let status = |command: &mut std::process::Command| {
        let done = Done::of(command.args(["status", "--json"]));
        serde_json::from_str::<serde_json::Value>(done.text()).unwrap()["database"]["state"].clone()
    };
    assert_eq!(status(scratch.command().env("CONCLAVE_STATE_DIR", "elsewhere")), "ok");
    assert_eq!(status(&mut scratch.command()), "absent");
    assert_eq!(status(scratch.command().args(["--state-dir", "elsewhere"])), "ok");
    let after = Done::of(scratch.command().args(["status", "--state-dir", "elsewhere"]));
    assert!(!after.stderr.contains("no state here"), "global options stand after the command as well");
}

#[test]
fn a_wrong_configuration_is_named_with_its_line() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    std::fs::write(scratch.project().join(".conclave/config.toml"), "[state]\n\nroot = 1\n").unwrap();
    let done = scratch.run(&["status"]);
    let error = done.refused(2);
    assert!(error.contains("config.toml:3:1: state.root: no such key"), "{error}");
    let users = scratch.path("home/.config/conclave");
    std::fs::create_dir_all(&users).unwrap();
    std::fs::write(users.join("config.toml"), "[ui]\nmouse = 1\n").unwrap();
    std::fs::remove_file(scratch.project().join(".conclave/config.toml")).unwrap();
    assert!(scratch.run(&["status"]).refused(2).contains("ui.mouse"));
}

/// The first page as the switch to WAL writes it, before any table
/// (<https://sqlite.org/fileformat.html#the_database_header>).
fn empty_page() -> Vec<u8> {
    let mut page = vec![0; 4096];
    page[..16].copy_from_slice(b"SQLite format 3\0");
    // Page size 4096; read and written through a log; no reserved bytes; the payload fractions.
    page[16..24].copy_from_slice(&[0x10, 0, 2, 2, 0, 64, 32, 32]);
    // One page, valid for the change counter.
    (page[27], page[31], page[95]) = (1, 1, 1);
    // An empty leaf whose cells would begin at the end of the page.
    page[100] = 13;
    page[105] = 0x10;
    page
}

#[test]
fn a_state_whose_making_was_interrupted_is_none_yet() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.project().join(".conclave")).unwrap();
    std::fs::write(scratch.database(), empty_page()).unwrap();
    for words in [&["runs", "list"][..], &["status"], &["migrate", "status"], &["doctor"]] {
        let done = scratch.run(words);
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        assert!(done.stderr.contains("no state here"), "{words:?}: {}", done.stderr);
    }
    assert_eq!(scratch.json(&["runs", "list"]), serde_json::json!([]));
    assert!(scratch.ok(&["init"]).starts_with("created "), "it was made whole, and that is said");
    assert_eq!(scratch.json(&["status"])["database"]["state"], "ok");
}

#[test]
fn a_legacy_file_in_place_is_state_to_be_migrated() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.project().join(".conclave")).unwrap();
    std::fs::copy(scratch.fixture(), scratch.database()).unwrap();
    let done = scratch.run(&["runs", "list"]);
    done.refused(3);
    assert!(done.stderr.contains("hint: run `conclave migrate`"), "{}", done.stderr);
    assert!(scratch.ok(&["init"]).starts_with("migrated "));
    assert!(scratch.ok(&["init"]).contains("nothing changed"));
}

#[test]
fn a_file_where_the_state_folder_should_be_is_the_storages_fault() {
    let scratch = Scratch::new();
    std::fs::write(scratch.project().join("file"), "").unwrap();
    for (folder, names) in [("file", "is no folder"), ("file/below", "file")] {
        for command in ["status", "init"] {
            let done = scratch.run(&["--state-dir", folder, command]);
            let error = done.refused(3);
            assert!(error.contains(names), "{error}");
            assert!(done.stderr.contains("hint: "), "{}", done.stderr);
        }
    }
}

#[test]
fn a_configuration_that_is_no_file_is_refused_at_once() {
    let scratch = Scratch::new();
    let program = env!("CARGO_BIN_EXE_conclave");
    for place in ["--config pipe", ""] {
        let script = format!(
            "mkdir -p .conclave; mkfifo pipe .conclave/config.toml; timeout 20 '{program}' {place} status"
        );
        let done = Done::of(&mut scratch.shell(&script));
        assert_eq!(done.code, Some(2), "{place:?}: {}", done.stderr);
        assert!(done.stderr.contains("is no regular file"), "{}", done.stderr);
    }
}

/// A limit of nothing stops the writing at its first byte, as a kill might.
#[test]
fn a_configuration_that_could_not_be_written_is_written_the_next_time() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.project().join("st")).unwrap();
    let script = format!("ulimit -f 0; exec '{}' --state-dir st init", env!("CARGO_BIN_EXE_conclave"));
    Done::of(&mut scratch.shell(&script)).refused(3);
    assert!(!scratch.project().join("st/config.toml").exists());
    scratch.ok(&["--state-dir", "st", "init"]);
    assert!(std::fs::read_to_string(scratch.project().join("st/config.toml")).unwrap().contains("[state]"));
}

#[test]
fn what_is_said_on_the_line_counts_before_the_environment() {
    let scratch = Scratch::new();
    scratch.ok(&["--state-dir", "elsewhere", "init"]);
    let state = |named: &str, environment: &str| {
        let mut command = scratch.command();
        command.env("CONCLAVE_STATE_DIR", environment).args(["--state-dir", named, "status", "--json"]);
        let done = Done::of(&mut command);
        serde_json::from_str::<serde_json::Value>(done.text()).unwrap()["database"]["state"].clone()
    };
    assert_eq!(state("elsewhere", "nowhere"), "ok");
    assert_eq!(state("nowhere", "elsewhere"), "absent");
}

/// However the folder is spelled, it is one state with one path.
#[test]
fn one_state_folder_has_one_path() {
    let scratch = Scratch::new();
    scratch.ok(&["--state-dir", "elsewhere", "init"]);
    std::fs::create_dir(scratch.project().join("sub")).unwrap();
    std::os::unix::fs::symlink("elsewhere", scratch.project().join("link")).unwrap();
    let wanted = scratch.project().canonicalize().unwrap().join("elsewhere/state.db");
    for named in ["elsewhere", "elsewhere/", "./sub/../elsewhere", "link", "link/."] {
        let stats = scratch.json(&["--state-dir", named, "db", "stats"]);
        assert_eq!(stats["path"], wanted.to_str().unwrap(), "{named}");
    }
}

#[test]
fn a_named_configuration_takes_the_place_of_the_others() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    std::fs::write(scratch.project().join(".conclave/config.toml"), "[state]\nroot = 'broken'\n").unwrap();
    std::fs::write(scratch.project().join("other.toml"), "[state]\npath = 'other.db'\n").unwrap();
    scratch.run(&["status"]).refused(2);
    assert_eq!(scratch.json(&["--config", "other.toml", "status"])["database"]["state"], "absent");
    scratch.ok(&["--config", "other.toml", "migrate"]);
    assert!(scratch.project().join("other.db").exists());
    assert_eq!(scratch.json(&["--config", "other.toml", "status"])["database"]["state"], "ok");
}
