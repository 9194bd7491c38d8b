use std::io::{Read, Write};
use std::process::{Command, Stdio};

use flate2::read::MultiGzDecoder;

use super::*;

#[test]
fn any_gzip_reader_reads_members() {
    let mut file = member(b"one\ntwo\n", 2, 6).unwrap();
    file.extend(member(b"three\n", 1, 1).unwrap());
    let mut text = String::new();
    MultiGzDecoder::new(file.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\ntwo\nthree\n");
}

#[test]
fn gzip_itself_finds_nothing_wrong() {
    let mut file = member(b"one\ntwo\n", 2, 6).unwrap();
    file.extend(member("x".repeat(100_000).as_bytes(), 1, 9).unwrap());
    let Ok(mut gzip) = Command::new("gzip").arg("-tv").stdin(Stdio::piped()).spawn() else {
        conclave_testkit::skipped("there is no gzip here");
        return;
    };
    gzip.stdin.take().unwrap().write_all(&file).unwrap();
    assert!(gzip.wait().unwrap().success());
}

#[test]
fn a_header_says_how_long_and_how_many() {
    let made = member(b"one\ntwo\n", 2, 6).unwrap();
    assert_eq!(hint(&made), Some((made.len() as u64, 2)));
    // Deterministic: no time, no name.
    assert_eq!(made, member(b"one\ntwo\n", 2, 6).unwrap());
    assert_eq!(made[4..8], [0; 4]);
    for (place, byte) in [(0, 0), (3, 12), (12, b'X'), (14, 9)] {
        let mut other = made.clone();
        other[place] = byte;
        assert_eq!(hint(&other), None, "{place}");
    }
    assert_eq!(hint(&made[..23]), None);
    let mut short = made;
    short[16..20].copy_from_slice(&33_u32.to_le_bytes());
    assert_eq!(hint(&short), None);
}

#[test]
fn a_maker_makes_the_same_each_time() {
    // What does not compress must fit too.
    let mut random = conclave_testkit::Random::new(7);
    let noise: Vec<u8> = (0..300_000).map(|_| random.number().to_le_bytes()[0]).collect();
    let mut maker = MemberMaker::new(6);
    for lines in [noise.as_slice(), b"a\n", b"", noise.as_slice()] {
        assert_eq!(maker.member(lines, 1).unwrap(), member(lines, 1, 6).unwrap());
        let mut back = Vec::new();
        MultiGzDecoder::new(maker.member(lines, 1).unwrap().as_slice()).read_to_end(&mut back).unwrap();
        assert_eq!(back, lines);
    }
}
