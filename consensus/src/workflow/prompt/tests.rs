use super::{EARLIER, Earlier, IN_WORDS, Question, beginning};
use crate::stages;

fn compose(role: Option<&str>, prompt: &[u8], earlier: &[Earlier]) -> Vec<u8> {
    Question { role, prompt, earlier, ..Question::default() }.compose()
}

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

#[test]
fn keys_are_named_behind_the_prompt() {
    let keys = stages::stage("plan").unwrap().required;
    let earlier = [("a".to_owned(), b"{}".to_vec())];
    let question = Question { prompt: b"P", keys, earlier: &earlier, ..Question::default() };
    let text = String::from_utf8(question.compose()).unwrap();
    let wanted = "P\n\nAnswer with one JSON object and nothing else. It must have at least these keys: \
                  \"work_breakdown\", \"acceptance_mapping\"\n\n\nThese answers";
    assert!(text.starts_with(wanted), "{text}");
}

#[test]
fn an_answer_in_words_follows_and_is_bounded() {
    let of = |words: &[u8]| {
        let question = Question { prompt: b"P", in_words: Some(words), ..Question::default() };
        String::from_utf8(question.compose()).unwrap()
    };
    let text = of(b"It is fine.");
    assert!(
        text.starts_with("P\n\nYou were asked this before") && text.ends_with(":\n\nIt is fine.\n"),
        "{text}"
    );
    let text = of(&vec![b'x'; IN_WORDS + 1]);
    assert!(text.ends_with(&format!("x\n[cut here: {IN_WORDS} of {} bytes]\n", IN_WORDS + 1)));
}
