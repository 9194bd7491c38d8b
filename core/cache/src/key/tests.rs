use std::collections::HashSet;
use std::ffi::OsStr;

use super::*;

fn symbols(path: &str, content: u8, maker: u32) -> CacheKey {
    CacheKey::symbols(Path::new(path), &[content; 32], maker)
}

// cache C17
#[test]
fn files_that_differ_have_keys_that_differ() {
    let long = "d".repeat(300) + "/x.py";
    let paths = [
        "a:b",
        "C:\\x\\y.py",
        &long,
        "x.py",
        "x.py ",
        " x.py",
        "x\n.py",
        "a/b.py",
        "ab.py",
        "a/b/.py",
        "é.py",
        "e.py",
    ];
    let mut seen = HashSet::new();
    for path in paths {
        for content in [0, 1] {
            for maker in [1, 2] {
                assert!(seen.insert(symbols(path, content, maker).hash), "{path:?}");
            }
        }
    }
    let bytes = Path::new(OsStr::from_bytes(b"x\xff.py"));
    assert!(seen.insert(CacheKey::symbols(bytes, &[0; 32], 1).hash));
    // A user can name no key of ours.
    for text in ["symbols", "x.py", "user"] {
        assert!(seen.insert(CacheKey::user(text).unwrap().hash));
    }
}

#[test]
fn where_a_field_ends_is_part_of_the_key() {
    assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    assert_ne!(hash(&[b"a"]), hash(&[b"a", b""]));
}

/// They are two files to Linux: the same content is found by either name, and other content of one says nothing of the other.
#[test]
fn a_path_has_one_key_however_unicode_writes_it_and_is_about_itself() {
    let (apart, together) = (symbols("e\u{301}.py", 0, 1), symbols("\u{e9}.py", 0, 1));
    assert_eq!(apart.hash, together.hash);
    assert_ne!(apart.subject, together.subject);
}

#[test]
fn what_a_key_is_about_is_its_path() {
    assert_eq!(symbols("x.py", 0, 1).subject, symbols("x.py", 1, 2).subject);
    assert_ne!(symbols("x.py", 0, 1).subject, symbols("y.py", 0, 1).subject);
    assert_eq!(CacheKey::user("x.py").unwrap().subject, None);
}

#[test]
fn a_key_of_a_user_has_a_length_that_can_be() {
    for bad in [0, 1025] {
        let error = CacheKey::user(&"k".repeat(bad)).unwrap_err();
        assert_eq!(error.to_string(), format!("a key has 1 to 1024 bytes, not {bad}"));
    }
    CacheKey::user(&"k".repeat(1024)).unwrap();
}

#[test]
fn makers_of_one_kind_are_in_order_and_apart_from_others() {
    let (older, newer, other) = (CacheKey::maker(3, 1), CacheKey::maker(3, 2), CacheKey::maker(4, 0));
    assert!(older < newer && newer < other);
    assert_eq!(first_of_kind(older), first_of_kind(newer));
    assert_ne!(first_of_kind(newer), first_of_kind(other));
}
