//! Which language a file is in.

use std::path::Path;

/// A language. All are known, also those whose grammar this program was built without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// `.rs`
    Rust,
    /// `.py`, `.pyi`
    Python,
    /// `.ts`, `.mts`, `.cts`
    TypeScript,
    /// `.tsx`
    Tsx,
    /// `.js`, `.mjs`, `.cjs`, `.jsx`
    JavaScript,
    /// `.go`
    Go,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Rust, Self::Python, Self::TypeScript, Self::Tsx, Self::JavaScript, Self::Go];

    /// By the ending of its name, which is taken as it is written: `.RS` is none.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "rs" => Some(Self::Rust),
            "py" | "pyi" => Some(Self::Python),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "tsx" => Some(Self::Tsx),
            "js" | "mjs" | "cjs" | "jsx" => Some(Self::JavaScript),
            "go" => Some(Self::Go),
            _ => None,
        }
    }

    /// Its name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::Tsx => "tsx",
            Self::JavaScript => "javascript",
            Self::Go => "go",
        }
    }

    /// The Cargo feature that its grammar comes with.
    pub const fn feature(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::TypeScript | Self::Tsx | Self::JavaScript => "typescript",
            Self::Go => "go",
        }
    }

    /// Whether this program was built with its grammar (a Cargo feature).
    pub const fn is_built_in(self) -> bool {
        match self {
            Self::Rust => cfg!(feature = "rust"),
            Self::Python => cfg!(feature = "python"),
            Self::TypeScript | Self::Tsx | Self::JavaScript => cfg!(feature = "typescript"),
            Self::Go => cfg!(feature = "go"),
        }
    }
}
