use std::io::Write;

use flate2::{Compression, GzBuilder};
use proptest::prelude::*;

use super::super::member::member;
use super::super::tally::tally;
use super::*;

/// A source that gives little at a time.
struct Slow<'s>(&'s [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.1.min(into.len()).min(self.0.len());
        into[..bytes].copy_from_slice(&self.0[..bytes]);
        self.0 = &self.0[bytes..];
        Ok(bytes)
    }
}

fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, End, u64) {
    let (lines, end, whole) = read_by(bytes, usize::MAX, u64::MAX);
    (lines.into_iter().map(|(_, line)| line).collect(), end, whole)
}

fn read_by(bytes: &[u8], step: usize, max_line: u64) -> (Vec<(Line, Vec<u8>)>, End, u64) {
    let mut lines = Lines::new(Slow(bytes, step), max_line);
    let (mut found, mut line) = (Vec::new(), Vec::new());
    while let Some(about) = lines.next(&mut line).unwrap() {
        found.push((about, line.clone()));
    }
    assert_eq!(lines.next(&mut line).unwrap(), None);
    (found, lines.end(), lines.whole_bytes())
}

fn tallied(bytes: &[u8], inflate: bool) -> super::super::tally::Tally {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    tally(&file, inflate).unwrap()
}

/// As the original wrote: one member, a name and a time in the header, two newlines after each event.
fn original(lines: &[&str]) -> Vec<u8> {
    let mut made = GzBuilder::new()
        .filename("20250909-18.ndjson.gz.part")
        .comment("by hand")
        .extra(vec![1, 2, 3])
        .mtime(1_757_442_600)
        .write(Vec::new(), Compression::new(6));
    for line in lines {
        write!(made, "{line}\n\n").unwrap();
    }
    made.finish().unwrap()
}

#[test]
fn ends_are_told_apart() {
    let whole = member(b"one\ntwo\n", 2, 6).unwrap();
    let with = |rest: &[u8]| [whole.as_slice(), rest].concat();
    let flip = |place: usize| {
        let mut file = with(&whole);
        file[place] ^= 0x41;
        file
    };
    let cases: [(Vec<u8>, usize, End, usize); 13] = [
        (Vec::new(), 0, End::Empty, 0),
        (b"not gzip".to_vec(), 0, End::NotGzip, 0),
        (vec![0; 100], 0, End::NotGzip, 0),
        (b"\x1f".to_vec(), 0, End::Truncated, 0),
        (b"\x1f\x8b\x07".to_vec(), 0, End::NotGzip, 0),
        (b"\x1f\x8b\x08\xff".to_vec(), 0, End::Corrupt, 0),
        (whole.clone(), 2, End::Clean, whole.len()),
        (with(&whole), 4, End::Clean, 2 * whole.len()),
        (with(b"GARBAGE"), 2, End::Garbage, whole.len()),
        (with(&[0; 512]), 2, End::Garbage, whole.len()),
        (with(&whole[..whole.len() - 1]), 4, End::Truncated, whole.len()),
        (with(&whole[..20]), 2, End::Truncated, whole.len()),
        // The checksum of the second: its lines were read before that showed.
        (flip(2 * whole.len() - 6), 4, End::Corrupt, whole.len()),
    ];
    for (number, (file, lines, end, bytes)) in cases.into_iter().enumerate() {
        for step in [1, 7, usize::MAX] {
            let (found, ended, whole) = read_by(&file, step, u64::MAX);
            assert_eq!((found.len(), ended, whole), (lines, end, bytes as u64), "case {number}, by {step}");
        }
    }
}

#[test]
fn files_of_the_original_are_read() {
    // spool A30
    let file = original(&["{\"id\":1}", "{\"id\":2}"]);
    let (lines, end, whole) = read_by(&file, 3, u64::MAX);
    assert_eq!((end, whole), (End::Clean, file.len() as u64));
    let numbers: Vec<u64> = lines.iter().map(|(line, _)| line.number).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(lines[1].1, b"{\"id\":2}");
    assert_eq!(tallied(&file, false).lines, 2);
}

#[test]
fn lines_are_split_at_newlines_alone() {
    // spool A7
    let text = "\u{2028}a\u{85}b\rc\u{b}\n \t\r\n\u{feff}{}\r\nlast without end";
    let file = member(text.as_bytes(), 3, 6).unwrap();
    let (lines, end, _) = read(&file);
    assert_eq!(end, End::Clean);
    assert_eq!(
        lines,
        ["\u{2028}a\u{85}b\rc\u{b}", "\u{feff}{}\r", "last without end"].map(|line| line.as_bytes().to_vec())
    );
    assert_eq!(tallied(&file, true).lines, 3);
}

#[test]
fn a_line_that_goes_over_members_is_one() {
    let file = [member(b"a\nhalf", 1, 6).unwrap(), member(b" and half\nb", 2, 6).unwrap()].concat();
    let (lines, end, _) = read(&file);
    assert_eq!(
        (lines, end),
        ([b"a".to_vec(), b"half and half".to_vec(), b"b".to_vec()].to_vec(), End::Clean)
    );
}

#[test]
fn a_last_line_without_its_newline_is_one_only_when_nothing_is_torn() {
    let whole = member(b"a\nb", 2, 6).unwrap();
    assert_eq!(read(&whole).0.len(), 2);
    assert_eq!(read(&[whole.as_slice(), b"GARBAGE"].concat()).0.len(), 2);
    assert_eq!(read(&whole[..whole.len() - 1]).0.len(), 1);
}

#[test]
fn long_lines_are_cut_and_what_is_blank_is_judged_by_all_of_it() {
    let text = format!("{}\n12345\n{}\n{}x\nend\n", "y".repeat(200_000), " ".repeat(300), " ".repeat(300));
    let file = member(text.as_bytes(), 4, 6).unwrap();
    let (lines, ..) = read_by(&file, 999, 5);
    let about: Vec<(u64, bool, usize)> =
        lines.iter().map(|(line, text)| (line.number, line.cut, text.len())).collect();
    assert_eq!(about, [(1, true, 5), (2, false, 5), (4, true, 5), (5, false, 3)]);
    assert_eq!(tallied(&file, true).lines, 4);
}

#[test]
fn a_source_that_fails_says_so() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("a broken cable"))
        }
    }
    let failure = Lines::new(Broken, 9).next(&mut Vec::new()).unwrap_err();
    assert_eq!(failure.to_string(), "read a segment: a broken cable");
}

/// Lines with anything in them but newlines, in members.
fn members() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let byte =
        prop_oneof![Just(b' '), Just(b'\r'), any::<u8>()].prop_filter("a newline", |byte| *byte != b'\n');
    let line = proptest::collection::vec(byte, 0..60);
    proptest::collection::vec(proptest::collection::vec(line, 1..12), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_a_prefix_and_all_whole_members(members in members(), level in 1..=9_u32) {
        let mut file = Vec::new();
        // Where each member ends, and how many lines that are not blank there are by then.
        let mut ends = vec![(0, 0)];
        let mut all = Vec::new();
        for lines in &members {
            let count = lines.iter().filter(|line| !is_blank(line)).count();
            file.extend(member(&lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect::<Vec<_>>(), u32::try_from(count).unwrap(), level).unwrap());
            all.extend(lines.iter().filter(|line| !is_blank(line)).cloned());
            ends.push((file.len(), all.len()));
        }
        let mut cut_file = tempfile::tempfile().unwrap();
        cut_file.write_all(&file).unwrap();
        for cut in (0..=file.len()).rev() {
            let (found, end, whole) = read(&file[..cut]);
            let (whole_bytes, whole_lines) = *ends.iter().rev().find(|(at, _)| *at <= cut).unwrap();
            prop_assert_eq!(whole, whole_bytes as u64);
            prop_assert!(found.len() >= whole_lines);
            prop_assert!(all.starts_with(&found));
            let expected = if cut == 0 { End::Empty } else if cut == whole_bytes { End::Clean } else { End::Truncated };
            prop_assert_eq!(end, expected);
            cut_file.set_len(cut as u64).unwrap();
            for inflate in [false, true] {
                let tally = tally(&cut_file, inflate).unwrap();
                prop_assert_eq!(tally.lines, whole_lines as u64);
                prop_assert_eq!(tally.whole_bytes, whole_bytes as u64);
                prop_assert_eq!(tally.has_rest, cut > whole_bytes);
                prop_assert_eq!(tally.rest_lines, (found.len() - whole_lines) as u64);
            }
        }
    }

    #[test]
    fn a_changed_byte_never_brings_lines_that_were_whole_to_harm(members in members(), place in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut file = Vec::new();
        let mut all = Vec::new();
        let mut before = (0, 0);
        let mut ends = Vec::new();
        for lines in &members {
            file.extend(member(&lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect::<Vec<_>>(), 1, 6).unwrap());
            all.extend(lines.iter().filter(|line| !is_blank(line)).cloned());
            ends.push((file.len(), all.len()));
        }
        let place = place.index(file.len());
        for end in &ends {
            if end.0 <= place {
                before = *end;
            }
        }
        file[place] = to;
        let (found, ..) = read(&file);
        prop_assert!(found.len() >= before.1);
        prop_assert_eq!(&found[..before.1], &all[..before.1]);
    }

    #[test]
    fn no_bytes_are_too_wild(bytes in proptest::collection::vec(any::<u8>(), 0..400), as_gzip in any::<bool>()) {
        let file = if as_gzip { [&[0x1f, 0x8b, 8, bytes.first().copied().unwrap_or(0) & 0x1f], bytes.as_slice()].concat() } else { bytes };
        let (one, ..) = read_by(&file, 1, 50);
        let (other, ..) = read_by(&file, usize::MAX, 50);
        prop_assert_eq!(one, other);
        let _ = tallied(&file, false);
    }
}
