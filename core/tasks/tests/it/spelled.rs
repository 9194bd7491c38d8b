//! JSON in any spelling: texts that mean something, with all the freedom that the grammar gives them.

use proptest::collection::vec;
use proptest::prelude::*;

/// Blanks, mostly none.
pub(crate) fn blank() -> BoxedStrategy<String> {
    prop_oneof![4 => Just(String::new()), 1 => Just(" ".to_owned()), 1 => "[ \t\r]{1,3}"].boxed()
}

/// A number, also one that no floating point holds.
fn number() -> BoxedStrategy<String> {
    prop_oneof!["-?(0|[1-9][0-9]{0,3})", r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?"]
        .boxed()
}

/// What stands within quotes.
fn inner() -> BoxedStrategy<String> {
    let piece = prop_oneof![
        8 => "[a-z~ ]{0,9}",
        1 => r#"\\["\\/bfnrt]"#,
        1 => r"\\u00[0-9a-fA-F]{2}|\\u[1-9abcefABCEF][0-9a-fA-F]{3}",
        1 => r"\\u[dD][89abAB][0-9a-f]{2}\\u[dD][c-fC-F][0-9A-F]{2}",
        1 => "[é日\u{2028}🚀\u{7f}<>&]{0,2}",
    ];
    vec(piece, 0..4).prop_map(|pieces| pieces.concat()).boxed()
}

/// A text with its quotes.
pub(crate) fn text() -> BoxedStrategy<String> {
    inner().prop_map(|inner| format!("\"{inner}\"")).boxed()
}

/// A key with its quotes. With different numbers keys are different ones.
fn key(number: usize, inner: &str) -> String {
    format!("\"{inner}~{number}\"")
}

/// Items with blanks around each, within brackets.
fn list(open: char, items: &[(String, String, String)], close: char, inner: &str) -> String {
    let items: Vec<_> = items.iter().map(|(before, item, after)| format!("{before}{item}{after}")).collect();
    let inner = if items.is_empty() { inner.to_owned() } else { items.join(",") };
    format!("{open}{inner}{close}")
}

/// Any value, without blanks around it.
pub(crate) fn value() -> BoxedStrategy<String> {
    let word = prop_oneof![Just("null"), Just("true"), Just("false")].prop_map(str::to_owned);
    let leaf = prop_oneof![word, number(), text()];
    leaf.prop_recursive(4, 40, 6, |value| {
        let array = (vec((blank(), value.clone(), blank()), 0..6), blank())
            .prop_map(|(items, inner)| list('[', &items, ']', &inner));
        let member = (blank(), inner(), blank(), blank(), value, blank());
        let object = (vec(member, 0..6), blank()).prop_map(|(members, blanks)| {
            let members = members.into_iter().enumerate();
            let items: Vec<_> = members
                .map(|(number, (before, inner, colon, after_colon, value, after))| {
                    (before, format!("{}{colon}:{after_colon}{value}", key(number, &inner)), after)
                })
                .collect();
            list('{', &items, '}', &blanks)
        });
        prop_oneof![array, object]
    })
    .boxed()
}

/// A member of an object, with all that stands around its parts.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) before: String,
    pub(crate) key: String,
    pub(crate) colon: String,
    pub(crate) value: String,
    pub(crate) after: String,
}

/// The text of an object of these members.
pub(crate) fn object(pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| {
        [&piece.before, &piece.key, &piece.colon, &piece.value, &piece.after].map(String::as_str).concat()
    };
    format!("{{{}}}", pieces.iter().map(piece).collect::<Vec<_>>().join(","))
}

/// The members of a record: some keys that nobody knows, the `id` among them, and maybe `updated_at`.
pub(crate) fn record() -> BoxedStrategy<Vec<Piece>> {
    let piece = (blank(), inner(), (blank(), blank()), value(), blank()).prop_map(
        |(before, key, colon, value, after)| Piece {
            before,
            key,
            colon: format!("{}:{}", colon.0, colon.1),
            value,
            after,
        },
    );
    (vec(piece, 1..8), any::<prop::sample::Index>(), proptest::option::of(any::<prop::sample::Index>()))
        .prop_map(|(mut pieces, id, updated_at)| {
            let (id, updated_at) =
                (id.index(pieces.len()), updated_at.map(|index| index.index(pieces.len())));
            for (number, piece) in pieces.iter_mut().enumerate() {
                piece.key = key(number, &piece.key);
                if number == id {
                    r#""i\u0064""#.clone_into(&mut piece.key);
                    r#""a""#.clone_into(&mut piece.value);
                } else if Some(number) == updated_at {
                    r#""updated_at""#.clone_into(&mut piece.key);
                }
            }
            pieces
        })
        .boxed()
}
