//! The symbols of source files, by tree-sitter.

mod extract;
mod grammar;
mod head;
mod language;
mod parse;
mod rules;
mod syntax_error;

pub use self::extract::{Extracted, Owned, extract};
pub use self::grammar::maker;
pub use self::language::Language;
#[cfg(test)]
pub(crate) use self::parse::tests::Fast;
pub use self::parse::{MAX_SOURCE, NotParsed};

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SymbolKind {
    /// A free function.
    Function,
    /// A function of a type.
    Method,
    /// A struct or union.
    Struct,
    /// An enum.
    Enum,
    /// A trait.
    Trait,
    /// A class.
    Class,
    /// An interface.
    Interface,
    /// An alias of a type.
    Type,
    /// A constant or static.
    Constant,
    /// A variable of the file.
    Variable,
    /// A module or namespace.
    Module,
    /// A macro.
    Macro,
}

impl SymbolKind {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 12] = [
        Self::Function,
        Self::Method,
        Self::Struct,
        Self::Enum,
        Self::Trait,
        Self::Class,
        Self::Interface,
        Self::Type,
        Self::Constant,
        Self::Variable,
        Self::Module,
        Self::Macro,
    ];

    /// Its name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Method => "method",
            Self::Struct => "struct",
            Self::Enum => "enum",
            Self::Trait => "trait",
            Self::Class => "class",
            Self::Interface => "interface",
            Self::Type => "type",
            Self::Constant => "constant",
            Self::Variable => "variable",
            Self::Module => "module",
            Self::Macro => "macro",
        }
    }
}

/// A symbol. Borrowed from the value that it was decoded from, or from the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Symbol<'v> {
    /// What it is.
    pub kind: SymbolKind,
    /// Its name.
    pub name: &'v str,
    /// With what it stands in, such as `Type.method` or `module::Type::method`, as the language writes it.
    pub qualified_name: &'v str,
    /// Its first line, from 1.
    pub start_line: u32,
    /// Its last line.
    pub end_line: u32,
    /// Its head on one line, without the body.
    pub signature: &'v str,
}
