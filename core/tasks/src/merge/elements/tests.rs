//! Sets with a base.

use super::*;

fn merged(key: &str, base: &str, left: &str, right: &str) -> (String, usize) {
    let value = |json: &'static str| (!json.is_empty()).then_some((json.as_bytes(), Kind::Array));
    let leak = |json: &str| value(Box::leak(json.to_owned().into_boxed_str()));
    let set = merge(key, leak(base), leak(left), leak(right), true).unwrap();
    (String::from_utf8(set.elements.join(&b","[..])).unwrap(), set.conflicts.len())
}

#[test]
fn labels_are_sorted_in_where_both_are_sorted() {
    for (base, left, right, wanted) in [
        (r#"["b"]"#, r#"["b","d"]"#, r#"["a","b","c"]"#, r#""a","b","c","d""#),
        (r#"["b"]"#, r#"["d","b"]"#, r#"["a","b","c"]"#, r#""d","b","a","c""#),
        (r#"["b"]"#, r#"["b","d"]"#, r#"["b",7,"a"]"#, r#""b","d",7,"a""#),
        // Once each, though it is spelled differently; as often as the left side has it.
        (r#"["\u0062"]"#, r#"["b"]"#, r#"["\u0062","c"]"#, r#""b","c""#),
        (r#"["b","b"]"#, r#"["b","b"]"#, r#"["b"]"#, r#""b""#),
        ("", r#"["b","b"]"#, r#"["b"]"#, r#""b","b""#),
        ("", "", r#"["b"]"#, r#""b""#),
    ] {
        assert_eq!(merged("labels", base, left, right), (wanted.to_owned(), 0), "{left} {right}");
    }
}

fn comment(text: &str, at: &str) -> String {
    format!(r#"{{"author":"a","text":"{text}","created_at":"{at}"}}"#)
}

#[test]
fn comments_are_put_in_by_their_moments_and_nobody_is_moved() {
    let at = |hour: u8| format!("2026-01-01T0{hour}:00:00Z");
    let [one, two, three, west] = [
        comment("1", &at(1)),
        comment("2", &at(2)),
        comment("3", &at(3)),
        // Two and a half hours, though its text is earlier than any.
        comment("w", "2025-12-31T18:30:00-08:00"),
    ];
    let never = comment("n", "soon");
    let list =
        |all: &[&String]| format!("[{}]", all.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(","));
    for (left, right, wanted) in [
        (vec![&one, &three], vec![&two], vec![&one, &two, &three]),
        (vec![&two, &three], vec![&one, &west], vec![&one, &two, &west, &three]),
        // One that is not in order stays where it is, and so does one without a moment.
        (vec![&three, &one], vec![&two], vec![&two, &three, &one]),
        (vec![&never, &three], vec![&one], vec![&never, &one, &three]),
        (vec![&one, &three], vec![&never], vec![&one, &three, &never]),
    ] {
        let (elements, conflicts) = merged("comments", "", &list(&left), &list(&right));
        assert_eq!((format!("[{elements}]"), conflicts), (list(&wanted), 0));
    }
    let others = comment("n", "later");
    let (elements, _) = merged("comments", "", &list(&[&never]), &list(&[&others]));
    assert_eq!(elements, format!("{never},{others}"), "moments that are none are told apart by their text");
}

#[test]
fn what_one_side_has_changed_outlives_its_removal() {
    let edge = |more: &str| format!(r#"[{{"depends_on_id":"x","type":"waits-for"{more}}}]"#);
    let (plain, changed) = (edge(""), edge(r#","metadata":"{}""#));
    let inside = |array: &str| array[1..array.len() - 1].to_owned();
    for (base, left, right, wanted) in [
        (&plain, "[]", changed.as_str(), (inside(&changed), 1)),
        (&plain, changed.as_str(), "[]", (inside(&changed), 1)),
        (&plain, "[]", plain.as_str(), (String::new(), 0)),
        (&plain, plain.as_str(), changed.as_str(), (inside(&changed), 0)),
        (&plain, changed.as_str(), plain.as_str(), (inside(&changed), 0)),
        // Another type is another edge.
        (&plain, r#"["x"]"#, plain.as_str(), (r#""x""#.to_owned(), 0)),
    ] {
        assert_eq!(merged("dependencies", base, left, right), wanted, "{left} {right}");
    }
}

#[test]
fn what_is_no_array_is_no_set() {
    let array = Some((&b"[]"[..], Kind::Array));
    let text = Some((&br#""x""#[..], Kind::Text));
    assert!(merge("labels", None, text, array, false).is_none());
    assert!(merge("labels", None, array, text, false).is_none());
    assert!(merge("labels", text, array, Some((b"null", Kind::Null)), false).unwrap().elements.is_empty());
}
