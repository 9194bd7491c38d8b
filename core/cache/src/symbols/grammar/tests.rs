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
        assert!(patch < 10, "{grammar} {version}");
        assert_eq!(
            maker(language) >> 12 & 0xfff,
            minor * 10 + patch,
            "{grammar} {version}: raise it in `maker`"
        );
    }
}

#[test]
fn a_maker_says_the_language() {
    for (language, number) in Language::ALL.into_iter().zip(1..) {
        assert_eq!(maker(language) >> 24, number, "{language:?}");
    }
}

#[test]
fn every_grammar_that_is_built_in_has_a_parser() {
    for language in Language::ALL {
        assert_eq!(parser(language).is_some(), language.is_built_in(), "{language:?}");
    }
}
