use super::*;

fn kind<T>(result: Result<T>) -> Option<LeaseErrorKind> {
    result.err().map(|error| error.kind())
}

// B7
#[test]
fn a_name_is_one_line_of_1_to_128_bytes() {
    let longest = "a".repeat(128);
    for good in ["L", "foo bar", "锁😀", "a,owner_token=x", "Foo", "foo ", &longest] {
        assert_eq!(LeaseName::parse(good).unwrap().as_str(), good);
    }
    let (long, huge) = ("a".repeat(129), "é".repeat(5_000_000));
    let lines = ["a\nb,owner_token=x", "a\rb", "a\0", "\u{7f}", "a\u{85}b", "a\u{2028}b", "a\u{2029}b"];
    for bad in ["", " ", "\u{3000}\u{a0}", &long, &huge].into_iter().chain(lines) {
        assert_eq!(kind(LeaseName::parse(bad)), Some(LeaseErrorKind::InvalidName), "{bad:.20?}");
    }
}

// B7
#[test]
fn a_name_is_the_same_however_its_accents_are_written_and_not_in_another_case() {
    let (composed, parts) = (LeaseName::parse("\u{e9}").unwrap(), LeaseName::parse("e\u{301}").unwrap());
    assert_eq!(composed, parts);
    assert_ne!(LeaseName::parse("Foo").unwrap(), LeaseName::parse("foo").unwrap());
    // 64 letters with accents of their own are 192 bytes, and 128 when they are composed.
    assert_eq!(LeaseName::parse(&"e\u{301}".repeat(64)).unwrap().as_str().len(), 128);
    assert!(LeaseName::parse(&"e\u{301}".repeat(65)).is_err());
}

#[test]
fn a_label_has_1_to_64_plain_characters() {
    let longest = "a".repeat(64);
    for good in ["a", "Az09._:@/+-", &longest] {
        assert_eq!(HolderId::parse(good).unwrap().as_str(), good);
    }
    let long = "a".repeat(65);
    for bad in ["", " ", "a b", "a,b", "a=b", "é", "a\n", &long] {
        assert_eq!(kind(HolderId::parse(bad)), Some(LeaseErrorKind::InvalidHolder), "{bad:?}");
    }
}
