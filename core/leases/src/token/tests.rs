use std::collections::HashSet;

use super::*;

#[test]
fn a_token_is_32_digits_by_chance_and_is_never_shown_by_accident() {
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let (token, label) = Token::random().unwrap();
        for (text, length) in [(token.reveal(), 32), (label.as_str(), 8)] {
            assert_eq!(text.len(), length);
            assert!(text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{text}");
            assert!(seen.insert(text.to_owned()), "{text} came twice");
        }
        assert!(!token.reveal().contains(label.as_str()));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}

// B17
#[test]
fn only_the_very_same_token_has_its_hash() {
    let (token, _) = Token::random().unwrap();
    let text = format!("a{}", &token.reveal()[1..]);
    let hash = Token::parse(&text).unwrap().hash();
    assert!(same(&hash, &Token::parse(&text).unwrap().hash()));
    for other in [text.to_uppercase(), text[..31].to_owned(), "' OR 1=1--".to_owned(), format!("{text} ")] {
        assert!(!same(&hash, &Token::parse(&other).unwrap().hash()), "{other}");
    }
    assert_eq!(Token::parse("").unwrap_err().kind(), LeaseErrorKind::InvalidToken);
    // What `sha256sum` says.
    let known = hexadecimal(&Token::parse("abc").unwrap().hash());
    assert_eq!(known, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
