//! The numbers are those of the lock file, and each grammar fits the library.

use super::{Language, maker, parser};

#[test]
fn the_grammars_versions_are_those_of_the_lock_file() {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
    for language in Language::ALL {
        let grammar = match language {
            Language::Tsx => "typescript",
            other => other.as_str(),
        };
        let package = lock.split(&format!("name = \"tree-sitter-{grammar}\"\nversion = \"")).nth(1).unwrap();
        let version = package.split('"').next().unwrap();
        let number: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
        let [0, minor, patch] = number[..] else {
            panic!("{grammar} {version}: give it more room in `maker`")
        };
        let digits = minor * 10 + patch;
        assert!(patch < 10 && digits < 512, "{grammar} {version}: give it more room in `maker`");
        assert_eq!(maker(language) & 511, digits, "{grammar} {version}: say so in `grammars_version`");
    }
}

#[test]
fn a_maker_says_the_language() {
    for (language, number) in Language::ALL.into_iter().zip(1..) {
        assert_eq!(maker(language) >> 16, number, "{language:?}");
    }
}

#[test]
fn every_grammar_that_is_built_in_has_a_parser() {
    for language in Language::ALL {
        assert_eq!(parser(language).is_some(), language.is_built_in(), "{language:?}");
    }
}
