//! The grammars, and which version of them made a value.

use tree_sitter::{Language as Grammar, Parser};

use super::language::Language;
use crate::codec;

/// Rises with every change to what is extracted from the same tree.
const EXTRACTION: u32 = 1;

/// A parser of the language; `None` where its grammar is not built in.
pub(super) fn parser(language: Language) -> Option<Parser> {
    let mut parser = Parser::new();
    // It fails for a grammar of another age than the library, of which a test would tell.
    parser.set_language(&grammar(language)?).ok()?;
    Some(parser)
}

fn grammar(language: Language) -> Option<Grammar> {
    match language {
        #[cfg(feature = "rust")]
        Language::Rust => Some(tree_sitter_rust::LANGUAGE.into()),
        #[cfg(feature = "python")]
        Language::Python => Some(tree_sitter_python::LANGUAGE.into()),
        #[cfg(feature = "typescript")]
        Language::TypeScript => Some(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()),
        #[cfg(feature = "typescript")]
        Language::Tsx => Some(tree_sitter_typescript::LANGUAGE_TSX.into()),
        #[cfg(feature = "typescript")]
        Language::JavaScript => Some(tree_sitter_javascript::LANGUAGE.into()),
        #[cfg(feature = "go")]
        Language::Go => Some(tree_sitter_go::LANGUAGE.into()),
        #[cfg(not(all(feature = "rust", feature = "python", feature = "typescript", feature = "go")))]
        _ => None,
    }
}

/// The version of grammar, extraction and codec together: another one where the result may differ. It rises: of two makers
/// of one language the lower is the older. The language stands in the highest byte.
///
/// The numbers of the grammars are those of `Cargo.lock`, without dots; a test keeps them so.
pub fn maker(language: Language) -> u32 {
    let (number, grammar) = match language {
        Language::Rust => (1, 242),
        Language::Python => (2, 250),
        Language::TypeScript => (3, 232),
        Language::Tsx => (4, 232),
        Language::JavaScript => (5, 250),
        Language::Go => (6, 250),
    };
    (number << 24) | (grammar << 12) | (EXTRACTION << 6) | u32::from(codec::VERSION)
}

#[cfg(test)]
mod tests;
