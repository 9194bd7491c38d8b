//! The scanner beside `serde_json`: what passes, and where things stand.

use std::fmt;

use conclave_tasks::json::{check, decode, elements, encode, members};
use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::spelled;

/// The members of an object as `serde_json` finds them, in their order.
struct Members(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((key, value.get().to_owned()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Whether `serde_json` takes it; `None` where it stops for a limit of its own.
fn is_theirs(bytes: &[u8]) -> Option<bool> {
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(_) => Some(true),
        Err(error) if error.to_string().starts_with("number out of range") => {
            // It stopped within the text: the grammar of all of it is looked at apart from what numbers mean.
            serde_json::from_slice::<IgnoredAny>(bytes).is_err().then_some(false)
        }
        Err(error) if error.to_string().starts_with("recursion limit") => None,
        Err(_) => Some(false),
    }
}

#[track_caller]
fn agrees(bytes: &[u8]) {
    let ours = check(bytes);
    if ours.as_ref().is_err_and(|flaw| flaw.what.ends_with("is there twice")) {
        return;
    }
    if let Some(theirs) = is_theirs(bytes) {
        assert_eq!(ours.is_ok(), theirs, "{ours:?} {}", String::from_utf8_lossy(bytes));
    }
}

/// A byte that means something to a scanner.
fn byte() -> BoxedStrategy<u8> {
    prop::sample::select(b"\"\\{}[]:,01-+.eEu dDtrufalsn \n\x00\xc3\xa9\xed\xa0".as_slice()).boxed()
}

/// A character as an escape, if it is ASCII.
fn escaped_ascii(one: char) -> String {
    if one.is_ascii() { format!("\\u{:04x}", u32::from(one)) } else { one.to_string() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spelled_values_pass(before in spelled::blank(), value in spelled::value(), after in spelled::blank()) {
        let whole = format!("{before}{value}{after}");
        prop_assert!(check(whole.as_bytes()).is_ok(), "{:?}", check(whole.as_bytes()));
        prop_assert_ne!(is_theirs(whole.as_bytes()), Some(false));
    }

    #[test]
    fn members_and_elements_stand_where_serde_finds_them(value in spelled::value()) {
        let slice = |span: std::ops::Range<usize>| value[span].to_owned();
        if value.starts_with('{') {
            let theirs: Members = serde_json::from_str(&value).unwrap();
            let ours = members(value.as_bytes()).unwrap();
            for member in &ours {
                prop_assert_eq!(decode(value[member.key_span.clone()].as_bytes()), Some(member.key.clone()));
                prop_assert_eq!(check(value[member.span.clone()].as_bytes()), Ok(member.kind));
            }
            let ours: Vec<_> = ours.into_iter().map(|member| (member.key, slice(member.span))).collect();
            prop_assert_eq!(ours, theirs.0);
        } else if value.starts_with('[') {
            let theirs: Vec<Box<RawValue>> = serde_json::from_str(&value).unwrap();
            let ours = elements(value.as_bytes()).unwrap();
            prop_assert!(ours.iter().all(|(span, kind)| check(value[span.clone()].as_bytes()) == Ok(*kind)));
            let ours: Vec<_> = ours.into_iter().map(|(span, _)| slice(span)).collect();
            prop_assert_eq!(ours, theirs.iter().map(|value| value.get().to_owned()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_repeated_key_is_found_in_any_spelling(
        (key, escaped) in ("[a-z]", any::<Index>()), pieces in spelled::record(),
    ) {
        // One of the keys once more, with one of its characters written as an escape.
        let number = escaped.index(pieces.len());
        let text = decode(pieces[number].key.as_bytes()).unwrap() + &key;
        let spelled: String = text.chars().map(escaped_ascii).collect();
        let mut twice = pieces;
        twice[number].key = encode(&text);
        let mut last = twice[number].clone();
        last.key = format!("\"{spelled}\"");
        prop_assert!(check(spelled::object(&twice).as_bytes()).is_ok());
        twice.push(last);
        let flaw = check(spelled::object(&twice).as_bytes()).unwrap_err();
        prop_assert!(flaw.what.ends_with("is there twice"), "{}", flaw);
    }

    #[test]
    fn torn_and_changed_values_are_judged_as_by_serde(
        value in spelled::value(),
        changes in prop::collection::vec((any::<Index>(), 0..3, prop_oneof![any::<u8>(), byte()]), 1..4),
    ) {
        let mut bytes = value.into_bytes();
        for (index, change, byte) in changes {
            let at = index.index(bytes.len() + 1);
            match change {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        agrees(&bytes);
        // No byte makes these panic, whatever they say.
        let _ = (members(&bytes), elements(&bytes), decode(&bytes), conclave_tasks::record::parse(&bytes));
    }

    #[test]
    fn any_bytes_are_judged_as_by_serde(bytes in prop::collection::vec(byte(), 0..12)) {
        agrees(&bytes);
    }

    #[test]
    fn texts_are_read_and_written_as_by_serde(text in "\\PC*|[\\x00-\\x7f]{0,20}", spelled in spelled::text()) {
        let quoted = encode(&text);
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text.clone());
        prop_assert_eq!(decode(quoted.as_bytes()), Some(text.clone()));
        prop_assert_eq!(quoted, serde_json::to_string(&text).unwrap());
        prop_assert_eq!(decode(spelled.as_bytes()), serde_json::from_str::<String>(&spelled).ok());
    }
}
