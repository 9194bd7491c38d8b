//! The grammars, and which version of them made a value.

use tree_sitter::{Language as Grammar, Parser};

use super::language::Language;
use crate::codec;
use crate::key::CacheKey;

/// Rises with every change to what is extracted from the same tree.
const EXTRACTION: u16 = 2;

/// A parser of the language; `None` where its grammar is not built in.
#[cfg_attr(
    not(any(feature = "rust", feature = "python", feature = "typescript", feature = "go")),
    expect(
        unreachable_code,
        unused_variables,
        reason = "without any grammar all languages end the same way"
    )
)]
pub(super) fn parser(language: Language) -> Option<Parser> {
    let grammar: Grammar = match language {
        #[cfg(feature = "rust")]
        Language::Rust => tree_sitter_rust::LANGUAGE.into(),
        #[cfg(feature = "python")]
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        #[cfg(feature = "typescript")]
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        #[cfg(feature = "typescript")]
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        #[cfg(feature = "typescript")]
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        #[cfg(feature = "go")]
        Language::Go => tree_sitter_go::LANGUAGE.into(),
        #[cfg(not(all(feature = "rust", feature = "python", feature = "typescript", feature = "go")))]
        _ => return None,
    };
    let mut parser = Parser::new();
    // It fails for a grammar of another age than the library, of which a test would tell.
    parser.set_language(&grammar).ok()?;
    Some(parser)
}

/// The version of grammar, extraction and codec together: another one where the result may differ. It rises: of two makers
/// of one language the lower is the older.
pub fn maker(language: Language) -> u32 {
    let kind = match language {
        Language::Rust => 1,
        Language::Python => 2,
        Language::TypeScript => 3,
        Language::Tsx => 4,
        Language::JavaScript => 5,
        Language::Go => 6,
    };
    CacheKey::maker(kind, EXTRACTION << 12 | codec::VERSION << 9 | grammars_version(language))
}

/// The version of `Cargo.lock`, without dots; a test keeps it so. Nine bits have room for it.
const fn grammars_version(language: Language) -> u16 {
    match language {
        Language::Rust => 242,
        Language::Python | Language::JavaScript | Language::Go => 250,
        Language::TypeScript | Language::Tsx => 232,
    }
}

// Four bits and three.
const _: () = assert!(EXTRACTION < 16 && codec::VERSION < 8, "give them more room in `maker`");

#[cfg(test)]
mod tests;
