//! All rules, one file per group.

mod clock;
mod hygiene;
mod layers;
mod presence;
mod pure;
mod shape;
mod sqlite;

use super::Finding;
use super::tree::{SourceFile, Tree, line_at};

/// Where a pattern is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// Rust code without comments and without the insides of literals.
    Code,
    /// The insides of Rust's string literals.
    Literals,
    /// Any text file, as it is.
    Text,
}

/// Which lines a pattern judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    All,
    /// Not those that only tests have.
    Production,
}

/// A rule on the text of single files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    pub(crate) rule: &'static str,
    /// What a person should do instead.
    pub(crate) advice: &'static str,
    pub(crate) within: Within,
    pub(crate) lines: Lines,
    /// Whether a piece of text breaks the rule: gives where.
    pub(crate) find: Find,
    /// Whether the rule is silent about a file.
    pub(crate) except: fn(&SourceFile) -> bool,
    /// A path and a text that must be caught.
    pub(crate) caught: (&'static str, &'static str),
    /// A path and a text that must not be.
    pub(crate) passed: (&'static str, &'static str),
}

/// How a pattern finds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Find {
    /// Any of these, as they stand.
    Any(&'static [&'static str]),
    /// The first, unless the second follows.
    Without(&'static str, &'static str),
    /// Any of these as a whole name: nothing that could belong to it before or after.
    Name(&'static [&'static str]),
    /// A literal as a whole, judged by a function.
    Judge(fn(&str) -> bool),
}

/// Nothing is excepted.
pub(crate) const fn nothing(_: &SourceFile) -> bool {
    false
}

/// All patterns of all groups.
pub(crate) fn patterns() -> impl Iterator<Item = &'static Pattern> {
    [clock::PATTERNS, hygiene::PATTERNS, pure::PATTERNS, sqlite::PATTERNS].into_iter().flatten()
}

/// Everything that breaks a rule.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pattern in patterns() {
        if !pattern.is_sound() {
            findings.push(Finding {
                path: "xtask/src/tidy/rules".to_owned(),
                line: 0,
                rule: pattern.rule,
                advice: "the rule misses its own example, or catches what it should pass".to_owned(),
            });
        }
        for file in &tree.files {
            pattern.check(file, &mut findings);
        }
    }
    findings.extend(layers::check(tree));
    findings.extend(shape::check(tree));
    findings.extend(presence::check(tree));
    findings
}

impl Pattern {
    /// Whether the rule catches what it says it catches, and passes what it says it passes.
    pub(crate) fn is_sound(&self) -> bool {
        let found = |(path, text): (&str, &str)| {
            let mut findings = Vec::new();
            self.check(&SourceFile::new(path, text), &mut findings);
            findings.len()
        };
        found(self.caught) == 1 && found(self.passed) == 0
    }

    /// Adds what this file breaks of this rule.
    pub(crate) fn check(&self, file: &SourceFile, findings: &mut Vec<Finding>) {
        if (self.except)(file) {
            return;
        }
        let mut lines = match self.within {
            Within::Code => self.find.lines(&file.parts.code, 1),
            Within::Text => self.find.lines(&file.text, 1),
            Within::Literals => {
                let literals = file.parts.literals.iter();
                literals.flat_map(|literal| self.find.lines(&literal.text, literal.line)).collect()
            }
        };
        lines.retain(|line| self.lines == Lines::All || !file.is_test(*line));
        lines.dedup();
        findings.extend(lines.into_iter().map(|line| Finding {
            path: file.path.clone(),
            line,
            rule: self.rule,
            advice: self.advice.to_owned(),
        }));
    }
}

impl Find {
    /// The lines on which something is found; the text's first line has this number.
    fn lines(&self, text: &str, first: usize) -> Vec<usize> {
        let places: Vec<usize> = match self {
            Self::Any(words) => {
                words.iter().flat_map(|word| text.match_indices(word)).map(|(place, _)| place).collect()
            }
            Self::Without(word, after) => text
                .match_indices(word)
                .map(|(place, _)| place)
                .filter(|place| !text[place + word.len()..].starts_with(after))
                .collect(),
            Self::Name(words) => words
                .iter()
                .flat_map(|word| text.match_indices(word))
                .filter(|(place, word)| is_whole(text, *place, word))
                .map(|(place, _)| place)
                .collect(),
            Self::Judge(breaks) => {
                if breaks(text) {
                    vec![0]
                } else {
                    Vec::new()
                }
            }
        };
        let mut lines: Vec<usize> =
            places.into_iter().map(|place| line_at(text, place) + first - 1).collect();
        lines.sort_unstable();
        lines
    }
}

fn is_whole(text: &str, place: usize, word: &str) -> bool {
    let goes_on = |each: char| each.is_alphanumeric() || each == '_';
    !text[..place].ends_with(goes_on) && !text[place + word.len()..].starts_with(goes_on)
}
