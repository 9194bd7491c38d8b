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
    assert!(error.contains("config.toml:3: state.root: no such key"), "{error}");
    let users = scratch.path("home/.config/conclave");
    std::fs::create_dir_all(&users).unwrap();
    std::fs::write(users.join("config.toml"), "[ui]\nmouse = 1\n").unwrap();
    std::fs::remove_file(scratch.project().join(".conclave/config.toml")).unwrap();
    assert!(scratch.run(&["status"]).refused(2).contains("ui.mouse"));
}
