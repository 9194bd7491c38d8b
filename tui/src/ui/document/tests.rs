//! Reading: wrapping, folding, searching.

use proptest::prelude::*;

use super::Document;
use crate::text::width;

fn shown(document: &Document) -> Vec<&str> {
    document.rows(usize::MAX).map(|(_, row)| row.text.as_str()).collect()
}

fn open(text: &str, columns: usize) -> Document {
    let mut document = Document::new(text);
    document.fit(columns, 10);
    document
}

#[test]
fn json_is_a_tree_that_folds() {
    let mut document = open(r#"{"b":{"x":1,"y":"two\nlines"},"a":[1]}"#, 40);
    let all = [
        "{",
        "  \"b\": {",
        "    \"x\": 1,",
        "    \"y\": \"two",
        "      lines\"",
        "  },",
        "  \"a\": [",
        "    1",
        "  ]",
        "}",
    ];
    assert_eq!(shown(&document), all);
    document.cursor.selected = 3;
    document.toggle_fold();
    assert_eq!(shown(&document), ["{", "  \"b\": { 2 items },", "  \"a\": [", "    1", "  ]", "}"]);
    assert_eq!(document.cursor.selected, 1, "on the line that is folded");
    document.toggle_fold();
    assert_eq!(shown(&document), all);
    document.toggle_all();
    assert_eq!(shown(&document), ["{", "  \"b\": { 2 items },", "  \"a\": [ 1 item ]", "}"]);
    document.toggle_all();
    document.toggle_raw();
    assert_eq!(shown(&document), [r#"{"b":{"x":1,"y":"two\nlines"},"a":[1]}"#]);
}

#[test]
fn a_search_goes_round_and_unfolds() {
    let mut document = open(r#"{"a":["needle"],"b":"Needle","c":1}"#, 40);
    document.toggle_all();
    assert!(document.set_search("needle"));
    assert!(document.rows(99).any(|(at, row)| at == document.cursor.selected && row.text.contains("needle")));
    assert!(document.find_next(true));
    assert!(document.find_next(true));
    let first = document.cursor.selected;
    assert!(document.find_next(false));
    assert_ne!(document.cursor.selected, first);
    assert!(!document.set_search("nowhere"));
    assert!(document.set_search(""));
}

#[test]
fn long_lines_are_cut_at_spaces() {
    let document = open("one two three four\n\nfive", 10);
    assert_eq!(shown(&document), ["one two ", "three four", "", "five"]);
    assert_eq!(shown(&open("日本語日本語", 8)), ["日本語日", "本語"]);
    assert_eq!(shown(&open("", 10)), [""]);
}

proptest! {
    #[test]
    fn any_text_at_any_width_fits(
        text in prop_oneof![any::<String>(), r#"[\[\]{}",:a-c1\\ ]{0,60}"#],
        columns in 0_usize..50,
        keys in prop::collection::vec(0_u8..8, 0..20),
    ) {
        let mut document = open(&text, columns);
        for key in keys {
            match key {
                0 => document.toggle_fold(),
                1 => document.toggle_all(),
                2 => document.toggle_raw(),
                3 => drop(document.set_search("a")),
                4 => drop(document.find_next(false)),
                5 => document.cursor.step(3, document.len()),
                6 => document.cursor.step(-2, document.len()),
                _ => document.fit(columns / 2, 3),
            }
        }
        document.fit(columns, 10);
        for (_, row) in document.rows(usize::MAX) {
            prop_assert!(width(&row.text) <= (columns * 2).max(26), "{:?}", row.text);
            prop_assert!(row.text.is_char_boundary(row.key));
        }
        prop_assert!(document.cursor.selected < document.len().max(1));
    }
}

proptest! {
    /// A text that comes piece by piece looks as one that came whole, wherever it is cut.
    #[test]
    fn appended_pieces_look_as_the_whole(
        pieces in prop::collection::vec("[ab \\n\\r\\t\u{65e5}]{0,12}", 0..12),
        width in 1_usize..20,
    ) {
        let mut grown = Document::plain("");
        grown.fit(width, 5);
        for piece in &pieces {
            grown.append(piece);
            grown.fit(width, 5);
        }
        let mut whole = Document::plain(&pieces.concat());
        whole.fit(width, 5);
        prop_assert_eq!(grown.text(), whole.text());
        prop_assert_eq!(grown.rows, whole.rows);
    }
}
