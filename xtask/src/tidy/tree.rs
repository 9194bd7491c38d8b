//! The committed files as tidy sees them.

use std::path::Path;

use super::lexer::{self, Parts};
use crate::outcome::Outcome;

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 3] = ["target", ".git", ".conclave"];
/// Larger files are data.
const LARGEST: u64 = 1 << 20;

/// All text files below the workspace's root.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Empty unless it is Rust.
    pub(crate) parts: Parts,
    /// For each line whether it belongs to a test. Only for Rust.
    tests: Vec<bool>,
}

impl Tree {
    /// Reads what lies below `root`.
    pub(crate) fn read(root: &Path) -> Outcome<Self> {
        let mut tree = Self::default();
        tree.enter(root, "")?;
        tree.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(tree)
    }

    fn enter(&mut self, folder: &Path, prefix: &str) -> Outcome {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            let (path, kind) = (format!("{prefix}{name}"), entry.file_type()?);
            if kind.is_dir() {
                self.enter(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() && entry.metadata()?.len() <= LARGEST {
                // What is not text has no lines to point at.
                if let Ok(text) = String::from_utf8(std::fs::read(entry.path())?) {
                    self.files.push(SourceFile::new(path, text));
                }
            }
        }
        Ok(())
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// All Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.is_rust())
    }
}

impl SourceFile {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        if Path::new(&path).extension().is_none_or(|extension| extension != "rs") {
            return Self { path, text, parts: Parts::default(), tests: Vec::new() };
        }
        let parts = lexer::split(&text);
        let whole = is_test_path(&path);
        let mut tests: Vec<bool> = text.lines().map(|_| whole).collect();
        mark_test_modules(&parts.code, &mut tests);
        Self { path, text, parts, tests }
    }

    pub(crate) fn is_rust(&self) -> bool {
        !self.tests.is_empty()
    }

    /// Whether this line (1-based) is compiled for tests only.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.tests.get(line.saturating_sub(1)).copied().unwrap_or(false)
    }

    /// Whether the path is this file, or lies below this folder (which ends with `/`).
    pub(crate) fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            if place.ends_with('/') { self.path.starts_with(place) } else { self.path == *place }
        })
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Files that are only compiled for tests.
fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"))
        || path.starts_with("core/testkit/")
}

/// Marks the lines of `#[cfg(test)] mod … { … }`.
fn mark_test_modules(code: &str, tests: &mut [bool]) {
    for (start, _) in code.match_indices("#[cfg(test)]") {
        let rest = &code[start..];
        let (Some(brace), semicolon) = (rest.find('{'), rest.find(';')) else { continue };
        if semicolon.is_some_and(|semicolon| semicolon < brace) {
            continue;
        }
        let mut depth = 0_usize;
        let end = rest[brace..].char_indices().find_map(|(place, each)| {
            match each {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(brace + place)
        });
        let (first, last) = (line_at(code, start), line_at(code, start + end.unwrap_or(rest.len() - 1)));
        for line in first..=last {
            if let Some(mark) = tests.get_mut(line - 1) {
                *mark = true;
            }
        }
    }
}

/// The 1-based line of a byte.
pub(crate) fn line_at(text: &str, place: usize) -> usize {
    1 + text[..place].matches('\n').count()
}
