//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md, enforced by machine and not by prose.
//!
//! It is an ordinary test too, so `cargo test --workspace` runs it. Rules on the text of single files are data
//! ([`rules::Pattern`]): what to find, where, what to do instead, and a snippet that must be caught, so that no
//! rule exists that cannot fail. What needs the whole tree (layers, lengths, presence) is a function.

mod lexer;
mod rules;
mod schema;
mod tree;

use std::fmt;
use std::process::ExitCode;

use self::tree::Tree;
use crate::outcome::Outcome;
use crate::{output, workspace};

pub(crate) use self::schema::Options as SchemaOptions;
pub(crate) use self::schema::run as schema;

/// A place where a rule is broken, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// 1-based; 0 for the file as a whole.
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}: {}", self.path, self.line.max(1), self.rule, self.advice)
    }
}

/// Prints every finding; fails if there is one.
pub(crate) fn run() -> Outcome<ExitCode> {
    let findings = findings()?;
    for finding in &findings {
        output::line(finding);
    }
    if findings.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    output::note(format_args!("tidy: {} findings", findings.len()));
    Ok(ExitCode::FAILURE)
}

/// Everything that is untidy in the workspace.
fn findings() -> Outcome<Vec<Finding>> {
    let tree = Tree::read(&workspace::root())?;
    let mut findings = rules::check(&tree);
    findings.extend(schema::check(&tree)?);
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests;
