use std::collections::BTreeSet;

use super::{TABLE, canonical, copy, family, without_copy};

#[test]
fn spellings_resolve_by_the_table_and_unknown_names_stay_as_they_are() {
    for (written, name) in [
        ("gemini", Some("gemini")),
        ("Gemini 2.5 Pro", Some("gemini")),
        ("gemini-25-flashlite", Some("gemini")),
        ("claude_haiku", Some("claude")),
        ("claude-sonnet-45", Some("claude")),
        ("claude_code", Some("claude")),
        ("code", Some("code")),
        ("codex-mini", Some("gpt_codex")),
        ("gpt-4o-mini", Some("gpt_pro")),
        ("gpt5-minimal", Some("gpt_pro")),
        ("", None),
        ("   ", None),
        ("codeium", None),
        ("gemini#2", None),
        ("ä", None),
    ] {
        assert_eq!(canonical(written), name, "{written:?}");
    }
}

/// What finishes under one name stands for one agent: `code` is neither `gpt_pro` nor `gpt_codex`.
#[test]
fn no_spelling_stands_for_two_agents() {
    let spellings: Vec<&str> = TABLE.iter().flat_map(|(_, _, spellings)| spellings.iter().copied()).collect();
    let different: BTreeSet<&str> = spellings.iter().copied().collect();
    assert_eq!(spellings.len(), different.len());
    for (name, ..) in TABLE {
        assert_eq!(canonical(name), Some(*name));
    }
}

#[test]
fn copies_are_of_one_family() {
    for (written, expected) in [
        ("claude#2", "anthropic"),
        ("gpt_codex", "openai"),
        ("gemini-25-pro", "google"),
        ("claude#", "claude#"),
        ("claude#x", "claude#x"),
        ("local", "local"),
        ("local#2", "local"),
    ] {
        assert_eq!(family(written, None), expected, "{written:?}");
        assert_eq!(family(written, Some("")), expected, "{written:?}");
    }
    assert_eq!(family("claude#2", Some("own")), "own");
}

#[test]
fn a_copy_is_one_of_its_agent() {
    assert_eq!(without_copy(&copy("claude", 12)), "claude");
    for own in ["claude", "claude#", "claude#x", "#1", "a#1b"] {
        assert_eq!(without_copy(own), own);
    }
}
