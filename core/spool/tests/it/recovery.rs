//! What dead writers left: byte-exact, once, and never what is being written.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use conclave_spool::recover::{Recovered, recover};
use conclave_spool::verify::verify;
use conclave_testkit::Random;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::desk::{Desk, event, events, gunzip, gzip, id};

const PART: &str = "keyboard/20250909-18.ndjson.gz.part";
const RECOVERED: &str = "keyboard/20250909-18_recovered.ndjson.gz";

/// A gzip stream that was not ended, as the original leaves it: synced after each of these pieces.
fn open_stream(pieces: &[&[u8]]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    for piece in pieces {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
    }
    encoder.get_ref().clone()
}

/// The whole lines at the beginning of what a prefix of a deflated stream inflates to, by the system of flate2 itself.
fn whole_lines(compressed: &[u8]) -> Vec<u8> {
    use flate2::{Decompress, FlushDecompress};
    let Some(deflated) = compressed.get(10..) else { return Vec::new() };
    let mut inflate = Decompress::new(false);
    let mut text = Vec::with_capacity(8 << 20);
    let _ = inflate.decompress_vec(deflated, &mut text, FlushDecompress::None);
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    text.truncate(end);
    text
}

/// Lines of CJK characters chosen by chance, and one with all that splits lines elsewhere but not here.
fn cjk(lines: usize) -> Vec<u8> {
    let mut random = Random::new(7);
    let mut text = String::new();
    for line in 0..lines {
        if line == lines / 3 {
            text.push_str("{\"a\":\"\u{2028}b\u{85}c\u{2029}d\u{b}e\u{c}f\"}\n");
        }
        let chosen =
            (0..200).map(|_| char::from_u32(0x4e00 + u32::try_from(random.below(0x5000)).unwrap()).unwrap());
        text.push_str("{\"text\":\"");
        text.extend(chosen);
        text.push_str("\"}\n");
    }
    text.into_bytes()
}

// spool A7
#[test]
fn a_torn_stream_gives_its_whole_lines_byte_by_byte() {
    let small = gzip(cjk(200));
    let mut cuts: Vec<usize> = (1..small.len()).step_by(997).collect();
    // Within the header, and within the checksum and the size at the end.
    cuts.extend(2..16);
    cuts.extend(small.len() - 10..small.len());
    check_cuts(&small, &cuts);
    let large = gzip(cjk(3_000));
    check_cuts(&large, &[large.len() / 3, large.len() - 9]);
}

fn check_cuts(whole: &[u8], cuts: &[usize]) {
    let desk = Desk::new();
    for cut in cuts.iter().copied() {
        let wanted = whole_lines(&whole[..cut]);
        let lines = wanted.split_inclusive(|byte| *byte == b'\n').count() as u64;
        desk.put(PART, &whole[..cut]);
        let found = recover(&desk.spool, None).unwrap();
        let segments = u64::from(lines > 0);
        assert_eq!(found, Recovered { found: 1, segments, lines, live: 0 }, "cut at {cut}");
        assert!(!desk.path(PART).exists());
        if lines > 0 {
            assert!(gunzip(&desk.path(RECOVERED)) == wanted, "cut at {cut}");
            std::fs::remove_file(desk.path(RECOVERED)).unwrap();
        }
        assert_eq!(desk.list("keyboard"), Vec::<String>::new());
    }
}

// spool A7: what is torn of ours is cut to the last whole member, and what follows it is kept as far as it can be read.
#[test]
fn whole_members_stay_as_they_are() {
    let desk = Desk::new();
    let members = [gzip(events(1..=100)), gzip(events(101..=150))].concat();
    let torn = gzip(events(151..=400));
    for cut in (0..torn.len()).step_by(41) {
        let bytes = [&members, &torn[..cut]].concat();
        desk.put(PART, &bytes);
        let lines = recover(&desk.spool, None).unwrap().lines;
        assert!((150..=400).contains(&lines), "{lines}");
        let found = std::fs::read(desk.path(RECOVERED)).unwrap();
        assert!(found.starts_with(&members));
        assert_eq!(gunzip(&desk.path(RECOVERED)), events(1..=usize::try_from(lines).unwrap()).into_bytes());
        assert_eq!(lines == 150, found.len() == members.len());
        std::fs::remove_file(desk.path(RECOVERED)).unwrap();
    }
}

#[test]
fn a_line_over_the_end_of_a_member_stays_in_one_piece() {
    let desk = Desk::new();
    let text = events(1..=300);
    let (first, second) = text.as_bytes().split_at(5_000);
    let torn = open_stream(&[second]);
    desk.put(PART, &[gzip(first), torn].concat());
    assert_eq!(recover(&desk.spool, None).unwrap().lines, 300);
    assert_eq!(gunzip(&desk.path(RECOVERED)), text.into_bytes());
}

// spool A8
#[test]
fn two_crashes_in_one_hour_leave_two_segments() {
    let desk = Desk::new();
    for (number, crash) in (1..=3).zip(0..) {
        desk.put(PART, &open_stream(&[events([number]).as_bytes()]));
        let found = recover(&desk.spool, None).unwrap();
        assert_eq!((found.segments, found.lines), (1, 1));
        assert_eq!(desk.ledger().written, crash + 1);
    }
    let names = [
        "20250909-18_recovered-1.ndjson.gz",
        "20250909-18_recovered-2.ndjson.gz",
        "20250909-18_recovered.ndjson.gz",
    ];
    assert_eq!(desk.list("keyboard"), names);
    assert_eq!(desk.flush_counts(), [3, 3, 0, 0, 0]);
    assert_eq!(desk.ids(), (1..=3).map(id).collect::<Vec<_>>());
    // A name that is in `_done` is not given again either.
    desk.put(PART, &open_stream(&[events([4]).as_bytes()]));
    desk.flush();
    assert!(desk.list("_done/keyboard").contains(&"20250909-18_recovered-3.ndjson.gz".to_owned()));
    assert_eq!(desk.ledger().imported, 4);
}

#[test]
fn what_has_no_whole_line_goes_to_quarantine_or_away() {
    let desk = Desk::new();
    let header = &gzip(event(1))[..10];
    for (bytes, quarantined) in [
        (b"".as_slice(), false),
        (header, true),
        (b"garbage\nof lines\n".as_slice(), true),
        (b"{\"half\":".as_slice(), true),
        (&open_stream(&[b"{\"half\":"])[..], true),
        (&gzip("\n\n")[..], true),
        (b"\x1f".as_slice(), true),
    ] {
        let before = desk.list("_quarantine/keyboard").len();
        desk.put(PART, bytes);
        let found = recover(&desk.spool, None).unwrap();
        assert_eq!(found, Recovered { found: 1, ..Recovered::default() }, "{bytes:?}");
        assert_eq!(desk.list("keyboard"), Vec::<String>::new());
        let after = desk.list("_quarantine/keyboard").len();
        assert_eq!(after - before, usize::from(quarantined), "{bytes:?}");
        assert_eq!(desk.ledger().written, 0);
    }
    assert_eq!(desk.flush_counts(), [0; 5]);
}

#[test]
fn plain_lines_of_json_are_recovered_too() {
    let desk = Desk::new();
    let text = events(1..=3) + "{bad\n\n" + &events([4]) + "{\"torn\":";
    desk.put("keyboard/20250909-17.ndjson.part", text.as_bytes());
    desk.put("keyboard/20250909-18.ndjson.gz.part", events([5]).as_bytes());
    // A segment of that name is there: the original replaced it.
    let there = desk.put("keyboard/20250909-17.ndjson.gz", &gzip(event(6)));
    let inode = there.metadata().unwrap().ino();
    let found = recover(&desk.spool, None).unwrap();
    assert_eq!((found.found, found.segments, found.lines), (2, 2, 6));
    assert_eq!(there.metadata().unwrap().ino(), inode);
    let wanted = events(1..=3) + "{bad\n" + &events([4]);
    assert_eq!(gunzip(&desk.path("keyboard/20250909-17_recovered.ndjson.gz")), wanted.into_bytes());
    let counts = desk.flush_counts();
    assert_eq!(counts, [3, 6, 0, 1, 0]);
    assert_eq!(desk.ledger().written, 7);
}

#[test]
fn what_a_dead_recovery_left_does_no_harm() {
    let desk = Desk::new();
    desk.put("keyboard/.20250909-18.ndjson.gz.part.recovering", b"half of a copy");
    desk.put(PART, &open_stream(&[events(1..=5).as_bytes(), b"{\"torn"]));
    let (_, findings) = verify(&desk.spool, Some(&desk.state)).unwrap();
    assert_eq!(findings.iter().map(|finding| finding.kind).collect::<Vec<_>>(), ["abandoned"]);
    assert_eq!(desk.flush_counts(), [1, 5, 0, 0, 0]);
    let names: Vec<_> = std::fs::read_dir(desk.path("keyboard"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, [".writer.lock"]);
}

#[test]
fn a_folder_that_is_no_segment_is_left_alone() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("keyboard/20250909-18.ndjson.gz")).unwrap();
    std::fs::create_dir_all(desk.path("keyboard/20250909-19.ndjson.gz.part")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", desk.path("keyboard/20250909-20.ndjson.gz")).unwrap();
    let flushed = conclave_spool::import::flush(&desk.spool, &desk.state, None).unwrap();
    assert_eq!(crate::desk::counts(&flushed), [0; 5]);
    // Left alone, and said.
    let names = ["20250909-18.ndjson.gz", "20250909-19.ndjson.gz.part", "20250909-20.ndjson.gz"];
    assert_eq!(flushed.errors, names.map(|name| format!("keyboard/{name}: it is no regular file")));
    assert!(desk.path("keyboard/20250909-20.ndjson.gz").is_symlink());
}
