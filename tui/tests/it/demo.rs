//! The demo without a terminal.

use serde_json::json;

use crate::scratch::{Scratch, files_below};

#[test]
fn the_demo_shows_its_runs_and_says_where_they_lie() {
    let scratch = Scratch::new();
    let text = scratch.ok(&["demo"]);
    assert!(text.contains("10 runs, 14 outputs") && text.contains("all equal"), "{text}");
    let place = text.lines().find_map(|line| line.strip_prefix("the demo's project lies in ")).unwrap();
    assert!(std::path::Path::new(place).join(".conclave/state.db").exists(), "{place}");
    // The binary of the tests is on nobody's PATH.
    let program = env!("CARGO_BIN_EXE_conclave");
    assert!(text.contains(&format!("cd {place} && {program}")), "{text}");
    assert_eq!(files_below(&scratch.project()), Vec::<std::path::PathBuf>::new(), "nothing is left here");
    let listed = scratch.command().current_dir(place).args(["runs", "list", "--json"]).output().unwrap();
    let runs: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 10);
    let document = scratch.json(&["demo"]);
    assert_eq!((&document["verified"]["equal"], &document["import"]["runs"]), (&json!(true), &json!(10)));
}
