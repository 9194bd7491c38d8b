//! Files that fit into a head: length, module docs, names.

use crate::tidy::Finding;
use crate::tidy::tree::{SourceFile, Tree};

/// No source file is longer.
const LONGEST: usize = 800;
/// Nine of ten are no longer.
const P90: usize = 500;
/// One of two is no longer.
const MEDIAN: usize = 200;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 7] = ["util", "utils", "helpers", "common", "manager", "managers", "misc"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        tree.rust().flat_map(|file| [docs(file), length(file)]).flatten().collect();
    findings.extend(tree.rust().filter_map(name));
    findings.extend(lengths(tree));
    findings
}

fn docs(file: &SourceFile) -> Option<Finding> {
    // A test module beside the code is named after what it tests; integration tests are modules of their own.
    let is_beside_code = file.path.contains("/src/") && file.is_test(1);
    (!file.text.starts_with("//!") && !is_beside_code).then(|| Finding {
        path: file.path.clone(),
        line: 1,
        rule: "module-docs",
        advice: "begin with //! and what the module is for".to_owned(),
    })
}

fn length(file: &SourceFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    (lines > LONGEST).then(|| Finding {
        path: file.path.clone(),
        line: LONGEST + 1,
        rule: "length",
        advice: format!("{lines} lines: split it by reasons to change, {LONGEST} is the most"),
    })
}

fn name(file: &SourceFile) -> Option<Finding> {
    let empty = |part: &&str| EMPTY_NAMES.contains(&part.trim_end_matches(".rs"));
    let part = file.path.split('/').find(empty)?;
    Some(Finding {
        path: file.path.clone(),
        line: 1,
        rule: "module-name",
        advice: format!("`{part}` says nothing: name the module after what it holds"),
    })
}

fn lengths(tree: &Tree) -> Vec<Finding> {
    let mut lines: Vec<usize> = tree.rust().map(|file| file.text.lines().count()).collect();
    lines.sort_unstable();
    let at = |percent: usize| lines.get(lines.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0);
    [(50, MEDIAN, "median"), (90, P90, "90th percentile")]
        .into_iter()
        .filter(|(percent, most, _)| at(*percent) > *most)
        .map(|(percent, most, what)| Finding {
            path: "Cargo.toml".to_owned(),
            line: 1,
            rule: "lengths",
            advice: format!(
                "the {what} of all files is {} lines, {most} is the most: split the longest",
                at(percent)
            ),
        })
        .collect()
}
