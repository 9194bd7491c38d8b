use super::{EARLIER, beginning, compose};

#[test]
fn the_prompt_stands_unchanged() {
    let prompt = b"do \xff it\n";
    assert_eq!(compose(None, prompt, &[]), prompt);
    assert_eq!(compose(Some("  "), prompt, &[]), prompt);
    assert_eq!(compose(Some("critic"), prompt, &[]), b"Your role: critic\n\ndo \xff it\n");
}

#[test]
fn earlier_answers_follow_and_are_bounded() {
    let long = vec![b'x'; EARLIER];
    let earlier = [("a".to_owned(), b"{\"x\":1}".to_vec()), ("b".to_owned(), long)];
    let composed = compose(None, b"P", &earlier);
    let text = String::from_utf8(composed).unwrap();
    assert!(text.starts_with("P\n\nThese answers"), "{}", text.lines().next().unwrap());
    let first = text.find("Answer of a:\n\n{\"x\":1}\n").unwrap();
    assert!(first < text.find("Answer of b:").unwrap());
    assert!(text.ends_with(&format!("\n[cut here: {} of {EARLIER} bytes]\n", EARLIER / 2)));
    assert!(text.len() < EARLIER);
}

#[test]
fn a_character_is_not_cut() {
    assert_eq!(beginning("aäb".as_bytes(), 2), b"a");
    assert_eq!(beginning("aäb".as_bytes(), 3), "aä".as_bytes());
    assert_eq!(beginning(b"a\xff\xff\xff", 3), b"a\xff\xff");
    assert_eq!(beginning(b"ab", 2), b"ab");
    assert_eq!(beginning(b"ab", 9), b"ab");
}
