use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use conclave_db::doctor::CheckState;

use super::*;
use crate::agents::testing::{State, spec};

/// 2026-07-01T00:00:00.000Z
const NOW: u64 = 1_782_864_000_000;

fn found(state: &State) -> Vec<Check> {
    checks(&state.db, None, state.project.root(), state.project.root()).unwrap()
}

fn named<'checks>(checks: &'checks [Check], name: &str) -> Vec<&'checks Check> {
    checks.iter().filter(|check| check.name == name).collect()
}

#[test]
fn without_agents_everything_is_well() {
    let state = State::new();
    let checks = found(&state);
    assert!(checks.iter().all(|check| check.state == CheckState::Ok), "{checks:?}");
    let names: Vec<&str> = checks.iter().map(|check| check.name).collect();
    assert_eq!(names, ["lost-agents", "agent-ports", "worktrees", "imports", "old-files"]);
}

#[test]
fn lost_agents_are_named_with_what_removes_them_and_fixing_frees_their_ports() {
    let state = State::new();
    state.register(spec("0031"));
    state.register(spec("alive"));
    state.execute("INSERT INTO utils(id, name) VALUES('0031', 'by hand')");
    state.execute("UPDATE builders SET pid = 4000000, port = 4210 WHERE id = '0031'");
    let checks = found(&state);
    let [check] = named(&checks, "lost-agents")[..] else { panic!("{checks:?}") };
    assert_eq!(check.state, CheckState::Warn);
    assert!(check.detail.ends_with(": 0031"), "{check:?}");
    let advice = check.advice.as_deref().unwrap();
    assert!(advice.contains("`conclave cleanup builder:0031`"), "{advice}");
    let (agent, words) = lost(&state.db).unwrap().remove(0);
    assert_eq!((agent.key.id.as_str(), words.as_str()), ("0031", "conclave cleanup builder:0031"));
    assert_eq!(fix(&state.db).unwrap(), ["recorded as lost, and freed the ports of: 0031"]);
    assert_eq!(fix(&state.db).unwrap(), Vec::<String>::new());
    assert_eq!(state.number("SELECT count(*) FROM builders WHERE port IS NOT NULL"), 0);
    // It is lost still, and waits for somebody.
    assert_eq!(lost(&state.db).unwrap().len(), 1);
}

#[test]
fn a_port_of_nobodys_block_is_named() {
    let state = State::new();
    state.register(spec("0031"));
    state.execute("UPDATE builders SET port = 3999");
    let checks = found(&state);
    let [check] = named(&checks, "agent-ports")[..] else { panic!("{checks:?}") };
    assert_eq!(check.detail, "the project has no block, but 0031 has 3999");
    assert!(check.advice.as_deref().unwrap().contains("`conclave stop 0031`"));
}

#[test]
fn orphans_are_named_both_ways() {
    let state = State::new();
    state.register(spec("0031"));
    let gone = state.project.path(".builders/0031");
    state.execute(&format!("UPDATE builders SET worktree = '{}'", gone.display()));
    state.project.file(".builders/by hand/file", b"");
    state.project.file(".builders/w/.git", b"gitdir: /nowhere\n");
    state.project.file(".builders/a file", b"");
    let checks = found(&state);
    let advice: Vec<&str> =
        named(&checks, "worktrees").iter().map(|check| check.advice.as_deref().unwrap()).collect();
    let root = state.project.root().display().to_string();
    assert_eq!(advice.len(), 3, "{advice:?}");
    assert!(advice[0].contains(&format!("`rm -r '{root}/.builders/by hand'`")), "{advice:?}");
    assert!(advice[1].contains(&format!("`git -C {root} worktree remove {root}/.builders/w`")), "{advice:?}");
    assert!(advice[2].contains("`conclave cleanup 0031`"), "{advice:?}");
}

#[test]
fn what_imports_left_is_named_with_size_age_and_the_command() {
    let state = State::new();
    let now = UNIX_EPOCH + Duration::from_millis(NOW);
    state.clock.set_wall_ms(i64::try_from(NOW).unwrap());
    let file = |name: &str, days: u64| {
        state.project.file(name, b"12345");
        let file = File::options().write(true).open(state.project.path(name)).unwrap();
        file.set_modified(now - Duration::from_hours(24 * days)).unwrap();
    };
    file(".conclave/state.json.bak", 31);
    file(".agent-farm/state.json.bak.2", 1);
    file("kept elsewhere", 0);
    file(".conclave/state.json", 0);
    file(".conclave/other.bak", 90);
    let path = |name: &str| state.project.path(name).display().to_string();
    let (open, kept) = (path(".conclave/state.json"), path("kept elsewhere"));
    let time = "2026-07-01T00:00:00.000Z";
    state.execute(&format!(
        "INSERT INTO registry_imports VALUES('{open}', 'a', '{time}', NULL, NULL);
         INSERT INTO registry_imports VALUES('/gone/state.json', 'b', '{time}', '{kept}', '{time}')"
    ));
    let checks = found(&state);
    let [import] = named(&checks, "imports")[..] else { panic!("{checks:?}") };
    assert!(
        import.advice.as_deref().unwrap().contains(&format!("`conclave migrate import {open}`")),
        "{import:?}"
    );
    let mut left: Vec<(CheckState, String)> =
        named(&checks, "old-files").iter().map(|check| (check.state, check.detail.clone())).collect();
    left.sort_by(|one, other| one.1.cmp(&other.1));
    let expected = [
        (CheckState::Ok, format!("{}: 5 bytes, 1 day old", path(".agent-farm/state.json.bak.2"))),
        (CheckState::Warn, format!("{}: 5 bytes, 31 days old", path(".conclave/state.json.bak"))),
        (CheckState::Ok, format!("{kept}: 5 bytes, less than a day old")),
    ];
    assert_eq!(left, expected);
    let commands: Vec<&str> =
        named(&checks, "old-files").iter().map(|check| check.advice.as_deref().unwrap()).collect();
    assert!(commands.iter().any(|command| command.ends_with(&format!("`rm '{kept}'`"))), "{commands:?}");
}
