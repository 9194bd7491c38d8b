//! What a repository owes its reader.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// Files that must exist, and why.
const FILES: [(&str, &str); 9] = [
    ("README.md", "what it is and how to start"),
    ("ARCHITECTURE.md", "the map of the code and its invariants"),
    ("CHANGELOG.md", "what changed for those who use it"),
    ("LICENSE", "what one may do with it"),
    ("LICENSE-MIT", "the text of the MIT licence"),
    ("LICENSE-APACHE", "the text of the Apache licence"),
    ("Cargo.lock", "everybody builds the same"),
    (".ci/run", "what a change must pass"),
    ("clippy.toml", "the bans and their reasons"),
];

/// A crate's front page says what it promises, what it does not, and how it fails: not in two lines.
const LIB_DOCS: usize = 5;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, why) in FILES {
        if tree.text(path).is_none_or(|text| text.trim().is_empty()) {
            findings.push(Finding {
                path: path.to_owned(),
                line: 0,
                rule: "presence",
                advice: format!("write it: {why}"),
            });
        }
    }
    for file in tree.rust().filter(|file| file.path.ends_with("src/lib.rs")) {
        let lines = file.text.lines().take_while(|line| line.starts_with("//!")).count();
        if lines < LIB_DOCS {
            findings.push(Finding {
                path: file.path.clone(),
                line: 1,
                rule: "crate-docs",
                advice: "say what the crate promises, what it does not, and how it fails".to_owned(),
            });
        }
    }
    let map = tree.text("ARCHITECTURE.md").unwrap_or_default();
    for folder in super::layers::members(tree) {
        if !map.contains(&format!("{folder}/")) && !map.contains(&format!("`{folder}`")) {
            findings.push(Finding {
                path: "ARCHITECTURE.md".to_owned(),
                line: 0,
                rule: "code-map",
                advice: format!("say what {folder}/ is for"),
            });
        }
    }
    findings
}
