//! The demo without a terminal.

use serde_json::json;

use crate::scratch::{Scratch, files_below};

#[test]
fn the_demo_ends_in_a_verdict_and_says_where_it_lies() {
    let scratch = Scratch::new();
    let done = scratch.run(&["demo"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let text = done.text();
    assert!(text.starts_with("conflict  DEMO-1 plan"), "{text}");
    assert!(
        text.contains("3 of 3 answers count") && text.contains("skeptic: \"Where counters lie"),
        "{text}"
    );
    assert!(text.contains("storage "), "what they decide differently: {text}");
    for said in
        ["429 Too Many Requests", "503 Service Unavailable", "pragmatist: attempt 3", "pragmatist: answered"]
    {
        assert!(done.stderr.contains(said), "{said}: {}", done.stderr);
    }
    let place = text.lines().find_map(|line| line.strip_prefix("the demo's project lies in ")).unwrap();
    assert!(std::path::Path::new(place).join(".conclave/state.db").exists(), "{place}");
    // The binary of the tests is on nobody's PATH.
    let program = env!("CARGO_BIN_EXE_conclave");
    assert!(text.contains(&format!("cd {place} && {program}")), "{text}");
    assert_eq!(files_below(&scratch.project()), Vec::<std::path::PathBuf>::new(), "nothing is left here");
    let shown = scratch.command().current_dir(place).args(["runs", "show", "1", "--json"]).output().unwrap();
    let run: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&run["status"], run["attempts"].as_array().unwrap().len()), (&json!("conflict"), 5));
    assert_eq!(run["agents"], json!(["architect", "pragmatist", "skeptic"]));
    let again =
        scratch.command().current_dir(place).args(["run", "DEMO-2", "--stage", "plan"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "its agents can be asked again");
}

#[test]
fn with_json_the_demo_is_one_document() {
    let scratch = Scratch::new();
    let document = scratch.json(&["demo"]);
    assert!(document["project"].is_string());
    assert_eq!(document["run"]["verdict"]["status"], "conflict");
}
