use std::io::Write;

use super::super::member::member;
use super::*;

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn ours_are_counted_without_being_inflated() {
    // A header that lies about its lines shows who believes it.
    let lying = member(b"one\ntwo\n", 40, 6).unwrap();
    let segment = file(&[lying.as_slice(), &lying].concat());
    assert_eq!(tally(&segment, false).unwrap().lines, 80);
    assert_eq!(tally(&segment, true).unwrap().lines, 4);
}

#[test]
fn what_is_not_ours_is_inflated_wherever_it_stands() {
    let ours = member(b"one\ntwo\n", 2, 6).unwrap();
    let mut other = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    other.write_all(b"three\n\n \nfour\n").unwrap();
    let other = other.finish().unwrap();
    for order in [[&ours, &other, &ours], [&other, &ours, &ours], [&ours, &ours, &other]] {
        let bytes = order.map(Vec::as_slice).concat();
        let found = tally(&file(&bytes), false).unwrap();
        let whole = Tally { lines: 6, whole_bytes: bytes.len() as u64, has_rest: false, rest_lines: 0 };
        assert_eq!(found, whole);
    }
}

#[test]
fn a_member_whose_end_never_came_is_not_believed() {
    let whole = member(&b"a line\n".repeat(1_000), 1_000, 6).unwrap();
    // After a power cut a file may have its length, but zeros where the data should be.
    let mut torn = [whole.as_slice(), &whole].concat();
    let from = whole.len() + 30;
    torn[from..].fill(0);
    let found = tally(&file(&torn), false).unwrap();
    assert_eq!((found.lines, found.whole_bytes, found.has_rest), (1_000, whole.len() as u64, true));
}

#[test]
fn what_can_be_read_of_the_rest_is_counted_apart() {
    let one = member(b"one\n", 1, 6).unwrap();
    let two = member(b"two\nthree\n", 2, 6).unwrap();
    let torn = [one.as_slice(), &two[..two.len() - 8]].concat();
    for inflate in [false, true] {
        let found = tally(&file(&torn), inflate).unwrap();
        assert_eq!(found, Tally { lines: 1, whole_bytes: one.len() as u64, has_rest: true, rest_lines: 2 });
    }
    let found = tally(&file(b"not gzip"), false).unwrap();
    assert_eq!(found, Tally { lines: 0, whole_bytes: 0, has_rest: true, rest_lines: 0 });
    assert_eq!(tally(&file(b""), false).unwrap(), Tally::default());
}
