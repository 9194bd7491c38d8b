//! Files of the original: one member with the name of the `.part` and a time in its header, a blank line after each event.

use std::io::Write as _;
use std::process::{Command, Stdio};

use conclave_spool::recover::recover;
use conclave_spool::verify::verify;
use conclave_testkit::skipped;
use flate2::{Compression, GzBuilder};

use crate::desk::{Desk, event, id};

/// A file as the original writes it.
fn original(name: &str, text: &str) -> Vec<u8> {
    let mut encoder =
        GzBuilder::new().filename(name).mtime(1_757_440_800).write(Vec::new(), Compression::new(6));
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Each event with the newline of its encoder and the one of its writer.
fn doubled(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(|number| event(number) + "\n\n").collect()
}

// spool A30
#[test]
fn files_of_the_original_are_imported_completely() {
    let desk = Desk::new();
    let names = ["20250909-18", "20250909-18-001", "20250909-18-1", "20250909-19", "20250909-17_recovered"];
    for (place, name) in names.iter().enumerate() {
        // What was buffered in memory first has one newline.
        let from = place * 500 + 1;
        let text = doubled(from..=from + 398) + &event(from + 399) + "\n";
        let file = format!("keyboard/{name}.ndjson.gz");
        desk.put(&file, &original(&format!("{name}.ndjson.gz.part"), &text));
    }
    assert_eq!(desk.ledger().pending, 2_000);
    let (read, findings) = verify(&desk.spool, Some(&desk.state)).unwrap();
    assert_eq!((read, findings), (5, Vec::new()));
    assert_eq!(desk.flush_counts(), [5, 2_000, 0, 0, 0]);
    let (read, findings) = verify(&desk.spool, Some(&desk.state)).unwrap();
    assert_eq!((read, findings), (5, Vec::new()));
    assert_eq!(desk.list("_done/keyboard").len(), 5);
    assert_eq!(desk.ids().len(), 2_000);
    assert_eq!(desk.ids().first(), Some(&id(2_001)), "the hour before comes first");
}

#[test]
fn a_part_of_the_original_gives_every_line_that_reached_the_disk() {
    let desk = Desk::new();
    let whole = original("20250909-18.ndjson.gz.part", &doubled(1..=2_000));
    let cut = &whole[..whole.len() / 2];
    desk.put("keyboard/20250909-18.ndjson.gz.part", cut);
    let found = recover(&desk.spool, None).unwrap();
    assert!((900..1_300).contains(&found.lines), "{found:?}");
    assert_eq!(desk.flush_counts(), [1, found.lines, 0, 0, 0]);
    let last = usize::try_from(found.lines).unwrap();
    assert_eq!(desk.ids(), (1..=last).map(id).collect::<Vec<_>>());
}

/// The writer of the original, as facts A.4 describes it, in its language: `gzip.open` on the `.part`, each event with
/// two newlines, then renamed.
const WRITER: &str = r"
import gzip, os, sys
final = sys.argv[1]
with gzip.open(final + '.part', 'wb', compresslevel=6) as stream:
    for line in sys.stdin.buffer.read().splitlines():
        stream.write(line + b'\n' + b'\n')
    stream.flush()
os.replace(final + '.part', final)
";

// spool A30
#[test]
fn what_python_writes_is_imported_completely() {
    let desk = Desk::new();
    let file = desk.put("keyboard/20250909-18.ndjson.gz", b"");
    let python = Command::new("python3")
        .args(["-c", WRITER])
        .arg(&file)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut python) = python else { return skipped("needs python3") };
    let text: String = (1..=1_234).map(|number| event(number) + "\n").collect();
    let given = python.stdin.take().unwrap().write_all(text.as_bytes());
    if given.is_err() || !python.wait().unwrap().success() {
        return skipped("needs a python3 with gzip");
    }
    // It has a name in its header (RFC 1952: FNAME).
    assert_eq!(std::fs::read(&file).unwrap()[3] & 8, 8);
    assert_eq!(verify(&desk.spool, Some(&desk.state)).unwrap(), (1, Vec::new()));
    assert_eq!(desk.flush_counts(), [1, 1_234, 0, 0, 0]);
    assert_eq!(desk.ids(), (1..=1_234).map(id).collect::<Vec<_>>());
}
