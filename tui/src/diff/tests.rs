//! Differences of two texts.

use proptest::prelude::*;

use super::{Change, Difference, Piece, Precision, Side, comparable, compare, compare_answers};

/// Changed words in brackets, so that a row can be read.
fn written(side: Option<&Side>) -> String {
    let piece = |piece: &Piece| {
        if piece.differs { format!("[{}]", piece.text) } else { piece.text.clone() }
    };
    side.map_or("-".to_owned(), |side| side.pieces.iter().map(piece).collect())
}

fn rows(difference: &Difference) -> Vec<String> {
    let row = |row: &super::Row| {
        format!("{} {} {}", written(row.left.as_ref()), row.change.sign(), written(row.right.as_ref()))
    };
    difference.rows.iter().map(row).collect()
}

#[test]
fn words_that_differ_are_marked() {
    let difference = compare("one\nthe risk is high\nend\n", "one\nthe risk is very low\nend");
    assert_eq!(rows(&difference), ["one   one", "the risk is [high] | the risk is [very low]", "end   end"]);
    assert_eq!((difference.precision, difference.is_empty()), (Precision::Words, false));
}

#[test]
fn lines_that_came_and_went_stand_alone() {
    let difference = compare("a b\nc d\ne", "a b\nnew\ne\nlast");
    assert_eq!(rows(&difference), ["a b   a b", "[c d] | [new]", "e   e", "- > [last]"]);
    assert_eq!(rows(&compare("", "x")), ["- > [x]"]);
    assert_eq!(rows(&compare("x\n\ny", "x")), ["x   x", " < -", "[y] < -"]);
}

#[test]
fn a_line_stands_beside_the_one_that_it_became() {
    let right = "first new line\nsecond new thing\nkeep the legacy tables\nthird";
    let difference = compare("keep the old legacy tables", right);
    assert_eq!(
        rows(&difference),
        [
            "- > [first new line]",
            "- > [second new thing]",
            "keep the [old ]legacy tables | keep the legacy tables",
            "- > [third]",
        ]
    );
}

#[test]
fn what_is_too_much_is_compared_by_lines_and_says_so() {
    let long = |word: &str| (0..60_000).map(|at| format!("{word}{at}")).collect::<Vec<_>>().join(" ");
    let (left, right) = (format!("same\n{}", long("a")), format!("same\n{}", long("b")));
    let difference = compare(&left, &right);
    assert_eq!((difference.precision, difference.rows.len()), (Precision::Lines, 2));
    assert_eq!(difference.rows[0].change, Change::Same);
    assert!(difference.precision.note().is_some());
    let many = |word: &str| (0..4_000).map(|at| format!("{word}{at}")).collect::<Vec<_>>().join("\n");
    let difference = compare(&format!("begin\n{}\nend", many("a")), &format!("begin\n{}\nend", many("b")));
    assert_eq!((difference.precision, difference.rows.len()), (Precision::Ends, 4_002));
    assert_eq!(difference.rows.iter().filter(|row| row.change == Change::Same).count(), 2);
}

#[test]
fn sides_are_wrapped_and_nothing_of_theirs_reaches_the_terminal() {
    let difference = compare("a\tb\u{1b}[31m日本語", "c");
    let lines = difference.lay_out(6);
    let left: Vec<String> =
        lines.iter().map(|line| line.left.iter().map(|piece| piece.text.as_str()).collect()).collect();
    assert_eq!(left, ["a    b", "␛[31m", "日本語"]);
    assert!(lines[1].right.is_empty());
}

#[test]
fn json_is_compared_by_its_values_and_as_it_is_spelled() {
    let (left, right) = (r#"{"b":[1.50,{}],"a":"x y"}"#, "{ \"a\": \"x z\",\n \"b\": [1.50, {}] }");
    assert_eq!(comparable(left), "{\n  \"a\": \"x y\",\n  \"b\": [\n    1.50,\n    {}\n  ]\n}");
    let difference = compare_answers(left, right);
    let changed: Vec<String> = rows(&difference).into_iter().filter(|row| row.contains('|')).collect();
    assert_eq!(changed, ["  \"a\": \"x [y]\", |   \"a\": \"x [z]\","]);
    assert_eq!(comparable("no {JSON"), "no {JSON");
}

/// The text of one side, put together again.
fn side(difference: &Difference, of: impl Fn(&super::Row) -> Option<&Side>) -> Vec<String> {
    let text = |side: &Side| side.pieces.iter().map(|piece| piece.text.as_str()).collect();
    difference.rows.iter().filter_map(of).map(text).collect()
}

/// What both sides have in common, in its order.
fn common(difference: &Difference, of: impl Fn(&super::Row) -> Option<&Side>) -> String {
    let pieces = difference.rows.iter().filter_map(of).flat_map(|side| &side.pieces);
    pieces.filter(|piece| !piece.differs).map(|piece| piece.text.as_str()).collect()
}

fn any_text() -> impl Strategy<Value = String> {
    let word =
        prop::sample::select(vec!["a", "b", "cc", " ", "  ", "\n", "\n", "{", "\"", "ä", "\u{1b}", "日"]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn both_texts_are_whole_and_what_is_common_is_the_same(left in any_text(), right in any_text()) {
        let difference = compare(&left, &right);
        prop_assert_eq!(side(&difference, |row| row.left.as_ref()), super::lines(&left));
        prop_assert_eq!(side(&difference, |row| row.right.as_ref()), super::lines(&right));
        prop_assert_eq!(common(&difference, |row| row.left.as_ref()), common(&difference, |row| row.right.as_ref()));
        prop_assert_eq!(difference.is_empty(), super::lines(&left) == super::lines(&right));
        for (at, row) in difference.rows.iter().filter_map(|row| row.left.as_ref()).enumerate() {
            prop_assert_eq!(row.number, at + 1);
        }
        for columns in [0, 2, 7, 200] {
            for line in difference.lay_out(columns) {
                let wide: usize = line.left.iter().map(|piece| crate::text::width(&piece.text)).sum();
                prop_assert!(wide <= columns.max(2));
            }
        }
        prop_assert!(compare(&left, &left).is_empty());
    }
}
