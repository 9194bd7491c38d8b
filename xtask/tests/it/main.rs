//! The tasks as people start them.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn xtask(arguments: &[&str], folder: &std::path::Path, input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn migrate_takes_the_words_of_the_program_and_gives_its_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let missing = xtask(&["migrate", "import", "nothing.db"], folder.path(), "");
    assert!(!missing.status.success());
    let error = String::from_utf8(missing.stderr).unwrap();
    assert!(error.contains("nothing.db"), "{error}");
    assert!(!folder.path().join(".conclave").exists(), "a refused command creates nothing");
    let help = xtask(&["migrate", "--help"], folder.path(), "");
    assert!(String::from_utf8(help.stdout).unwrap().contains("conclave migrate"));
}

#[test]
fn a_process_of_the_benchmark_waits_for_its_parent_and_answers_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    let arguments = ["bench-child", "ours", path.to_str().unwrap(), "2", "50"];
    let done = xtask(&arguments, folder.path(), "go\n");
    let text = String::from_utf8(done.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines.first()), (2, Some(&"ready")), "{text}");
    let load: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(load["done"].as_array().unwrap().len(), 2);
    assert_eq!(load["errors"], 0, "{load}");
    let left = xtask(&arguments, folder.path(), "");
    assert!(!left.status.success(), "without a parent nothing is measured");
}

#[test]
fn a_process_that_claims_goes_on_until_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let arguments = ["bench-claims", "ours", path.to_str().unwrap(), "ana"];
    let done = xtask(&arguments, folder.path(), "go\n");
    let text = String::from_utf8(done.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines.first()), (2, Some(&"ready")), "{text}");
    let claims: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(claims["ids"].as_array().unwrap().len(), 0, "nothing is there: {claims}");
    assert_eq!((claims["waits"].as_array().unwrap().len(), &claims["error"]), (1, &serde_json::Value::Null));
    let left = xtask(&arguments, folder.path(), "");
    assert!(!left.status.success(), "without a parent nothing is measured");
}

#[test]
fn crash_loops_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let done = xtask(&["crash", "--loops", "25", "--seed", "20"], folder.path(), "");
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{text}{}", String::from_utf8_lossy(&done.stderr));
    assert!(text.contains("25 loops in "), "{text}");
    for word in [
        "task-claim ",
        "task-import ",
        "task-sync ",
        "task-close ",
        "spool-sync ",
        "spool-flush ",
        "spool-trim ",
        "cache-put ",
    ] {
        assert!(text.contains(word), "nobody has done {word}: {text}");
    }
    println!("{text}");
}
