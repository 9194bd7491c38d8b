use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use proptest::prelude::*;

use super::Redactor;
use crate::secret::Secret;

const KEY: &str = "sk-test-AAAA+/bb==cc12";

fn redactor() -> Redactor {
    Redactor::new([&Secret::new(KEY.to_owned())])
}

fn escaped(text: &str, escape: impl Fn(u8) -> String) -> String {
    text.bytes().map(escape).collect()
}

fn percent(text: &str) -> String {
    escaped(text, |byte| format!("%{byte:02x}"))
}

fn json(text: &str) -> String {
    escaped(text, |byte| format!("\\u{byte:04X}"))
}

/// The key in every way in which a server may repeat it.
fn forms() -> Vec<String> {
    let mut forms = vec![
        KEY.to_owned(),
        KEY.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        KEY.replace('/', "\\/"),
        percent(KEY),
        json(KEY),
    ];
    for before in ["", "x", "xy", "xyz", "user:", "Bearer "] {
        for after in ["", "1", "12"] {
            // What is left and right of the key in the same text is shown with it, and is none of it.
            forms.push(BASE64_STANDARD.encode(format!("{before}{KEY}{after}")));
            forms.push(BASE64_URL_SAFE.encode(format!("{before}{KEY}{after}")));
        }
    }
    forms
}

/// Whether someone could read the key in this.
fn leaks(text: &str) -> bool {
    let unescaped = text.replace("\\/", "/");
    let inner = &BASE64_STANDARD.encode(&KEY[1..KEY.len() - 1])[..];
    [text, &unescaped].iter().any(|text| {
        text.contains(KEY)
            || text.contains("test-AAAA")
            || text.to_lowercase().contains(&percent("test-AAAA"))
            || text.contains(&json("test-AAAA"))
            || text.contains(inner)
            || [0, 1, 2].iter().any(|skip| text.contains(&BASE64_STANDARD.encode(&KEY[*skip..*skip + 15])))
    })
}

// llm L50
#[test]
fn no_form_of_a_key_is_shown() {
    for form in forms() {
        for text in [form.clone(), format!("Incorrect key: {form}."), format!("\"{form}\",{form}\n{form}")] {
            assert!(redactor().finds(&text), "{text}");
            for shown in [redactor().line(&text, 2000), redactor().text(&text)] {
                assert!(!leaks(&shown), "{text} -> {shown}");
                assert!(shown.contains("[key]"), "{text} -> {shown}");
            }
        }
    }
}

#[test]
fn the_rest_of_the_text_stays() {
    let check = |text: &str, shown: &str| assert_eq!(redactor().line(text, 200), shown, "{text:?}");
    check(&format!("no such key: {KEY}."), "no such key: [key].");
    check(&format!("{KEY}{KEY} and {KEY}"), "[key] and [key]");
    check(&format!("a{KEY}b"), "a[key]b");
    check("100 % of \\ and %zz and 50%", "100 % of \\ and %zz and 50%");
    check("two\r\n\tlines\u{1b}[31m\u{202e}x", "two lines [31m x");
    check("", "");
    check("ünïcode %C3%BC 日本", "ünïcode %C3%BC 日本");
}

#[test]
fn what_looks_like_a_key_is_taken_out() {
    let nobody = Redactor::default();
    let check = |text: &str, shown: &str| assert_eq!(nobody.line(text, 200), shown, "{text:?}");
    check(
        "Incorrect API key provided: sk-proj-abc***********wxyz. See",
        "Incorrect API key provided: [key]. See",
    );
    check("authorization: Bearer abcdef0123456789", "authorization: Bearer [key]");
    check("authorization: bearer \"abc.def-0123\"", "authorization: bearer \"[key]\"");
    check("Basic dXNlcjpwYXNzd29yZDEy", "Basic [key]");
    check("Bearer%20abcdef0123", "Bearer%20[key]");
    // What does not.
    for text in [
        "Bearer authentication is required",
        "a risk-averse-and-long-word",
        "task-12345678901",
        "sk-short",
        "a basic question",
        "forbearer 12345678",
    ] {
        check(text, text);
    }
    // An answer may speak of them.
    assert_eq!(nobody.text("use sk-proj-abcdefghijkl"), "use sk-proj-abcdefghijkl");
}

#[test]
fn a_line_is_cut_after_keys_are_taken_out() {
    for limit in 0..40 {
        let shown = redactor().line(&format!("bad: {KEY} tail"), limit);
        assert!(shown.chars().count() <= limit, "{shown}");
        assert!(!shown.contains("sk-"), "{shown}");
    }
    assert_eq!(redactor().line("abcdef", 3), "ab…");
    assert_eq!(redactor().line("abcdef", 6), "abcdef");
    assert_eq!(redactor().line("日本語日本語", 3), "日本…");
}

/// An error body is read up to a limit, which may fall into a key.
#[test]
fn the_beginning_of_a_key_at_the_end_is_taken_out() {
    for length in 6..KEY.len() {
        let shown = redactor().line(&format!("bad key {}", &KEY[..length]), 200);
        assert_eq!(shown, "bad key [key]", "{length}");
    }
}

/// An answer may end within a key that it repeats: cut, or with its limit of tokens.
#[test]
fn an_answer_that_ends_within_a_key_does_not_show_its_beginning() {
    let begins = [KEY[..7].to_owned(), percent(&KEY[..7]), json(&KEY[..7])];
    for form in forms() {
        for length in (1..form.len()).filter(|length| form.is_char_boundary(*length)) {
            let text = format!("hello {}", &form[..length]);
            let redactor = redactor();
            let shown = redactor.text(&text);
            assert!(!leaks(&shown) && begins.iter().all(|begin| !shown.contains(begin)), "{text} -> {shown}");
            let mut pieces = redactor.pieces();
            let streamed: String = text.chars().map(|c| pieces.push(&c.to_string())).collect();
            assert_eq!(streamed + &pieces.end(), shown, "{text}");
        }
    }
    assert_eq!(redactor().text(&format!("hello {}", &KEY[..KEY.len() - 1])), "hello [key]");
}

/// Servers wrap lines, mask some characters, or write in capitals.
#[test]
fn what_is_nearly_a_key_is_taken_out_of_messages() {
    let (head, tail) = KEY.split_at(11);
    for (text, expected) in [
        (format!("auth {head}\r\n{tail} failed"), "auth [key] failed"),
        (format!("auth {head}\u{200b}{tail} failed"), "auth [key] failed"),
        (format!("auth {}* failed", &KEY[..KEY.len() - 1]), "auth [key] failed"),
        (format!("auth {} failed", &KEY[1..]), "auth [key] failed"),
        (format!("auth {} failed", KEY.to_uppercase()), "auth [key] failed"),
        (format!("auth {} failed", percent(KEY).replace('%', "%25")), "auth [key] failed"),
    ] {
        assert_eq!(redactor().line(&text, 200), expected, "{text:?}");
    }
    // A short secret stands in many words.
    let short = Redactor::new([&Secret::new("pass".to_owned())]);
    assert_eq!(short.line("Passing p ass", 200), "Passing p ass");
}

/// A long answer with one escape is decoded in parts.
#[test]
fn a_key_is_found_in_a_long_text() {
    let long = "%20 and so on ".repeat(20_000);
    for form in [KEY.to_owned(), percent(KEY), json(KEY)] {
        for before in [0, 1, 2, 3, 4, 5, 6, 7] {
            let text = format!("{}{long}{form}{long}", "x".repeat(before));
            let shown = redactor().text(&text);
            assert!(!leaks(&shown) && shown.matches("[key]").count() == 1, "{before} before {form}");
        }
    }
}

#[test]
fn what_is_too_short_is_no_key() {
    let redactor = Redactor::new([&Secret::new(String::new()), &Secret::new("p".to_owned())]);
    assert!(!redactor.finds("a popular people"));
    assert_eq!(redactor.pieces().push("pop"), "pop");
}

#[test]
fn text_without_the_beginning_of_a_key_is_not_held_back() {
    let redactor = redactor();
    let mut pieces = redactor.pieces();
    assert_eq!(pieces.push("hello "), "hello ");
    assert_eq!(pieces.push("as"), "a");
    assert_eq!(pieces.push("t"), "st");
    assert_eq!(pieces.push("50%"), "50");
    assert_eq!(pieces.push(" off"), "% off");
    assert_eq!(pieces.end(), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    // llm L50: a key in two pieces or twenty.
    #[test]
    fn a_key_across_pieces_is_never_shown(
        form in prop::sample::select(forms()),
        before in "[a-z%\\\\ sk-]{0,12}",
        after in "[a-z%\\\\ ]{0,12}",
        cuts in prop::collection::vec(1_usize..9, 1..60),
    ) {
        let text = format!("{before}{form}{after}");
        let redactor = redactor();
        let mut pieces = redactor.pieces();
        let mut shown = String::new();
        let mut rest = text.as_str();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            shown.push_str(&pieces.push(piece));
            prop_assert!(!leaks(&shown), "{shown}");
            rest = more;
        }
        shown.push_str(&pieces.end());
        prop_assert_eq!(&shown, &redactor.text(&text));
        prop_assert!(!leaks(&shown), "{}", shown);
    }

    #[test]
    fn other_text_in_pieces_is_the_same(text in "\\PC{0,60}", cut in 0_usize..60) {
        let redactor = redactor();
        let mut pieces = redactor.pieces();
        let cut = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let mut shown = pieces.push(&text[..cut]);
        shown.push_str(&pieces.push(&text[cut..]));
        shown.push_str(&pieces.end());
        prop_assert_eq!(shown, text);
    }

    #[test]
    fn nothing_panics(text in any::<String>(), limit in 0_usize..50) {
        let line = redactor().line(&text, limit);
        prop_assert!(line.chars().count() <= limit);
        prop_assert!(!line.chars().any(char::is_control));
    }
}
