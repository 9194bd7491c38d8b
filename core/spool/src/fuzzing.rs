//! What a fuzzer may reach, and what must hold of any bytes. Built for tests and by cargo-fuzz (`--cfg fuzzing`) alone:
//! no program has it, so nothing had to become public for it.
#![expect(clippy::missing_panics_doc, reason = "a panic is a finding")]

use std::io::{Seek, SeekFrom, Write};

use crate::event::Event;
use crate::frame::{End, Lines, MemberMaker, is_blank, tally};
use crate::monitor::Monitors;

/// Lines longer than this are cut.
const LONGEST: u64 = 4096;

/// Any bytes as a segment: every line is one, counting and reading agree, and nothing panics.
pub fn segment(bytes: &[u8]) {
    let (found, end, whole) = read(bytes);
    assert!(whole <= bytes.len() as u64, "{whole} of {} bytes are whole", bytes.len());
    let Some(file) = file_of(bytes) else { return };
    let (Ok(counted), Ok(hopped)) = (tally(&file, true), tally(&file, false)) else { return };
    assert_eq!(counted.whole_bytes, whole, "{end:?}");
    assert!(hopped.whole_bytes <= bytes.len() as u64);
    if end == End::Clean {
        assert_eq!((counted.lines, counted.whole_bytes), (found.len() as u64, bytes.len() as u64));
    }
    assert_eq!(counted.has_rest, !matches!(end, End::Clean | End::Empty), "{end:?}");
}

/// Any bytes as lines that are written, cut off somewhere: what was in whole members comes back, byte for byte. The first
/// two bytes say where it is cut.
pub fn written(bytes: &[u8]) {
    let Some((cut, text)) = bytes.split_first_chunk::<2>() else { return };
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !is_blank(line)).collect();
    let (mut segment, mut ends) = (Vec::new(), vec![(0, 0)]);
    for group in lines.chunks(3) {
        let mut text = group.join(&b'\n');
        text.push(b'\n');
        let Ok(made) = u32::try_from(group.len())
            .map_or(Ok(Vec::new()), |count| MemberMaker::new(1).member(&text, count))
        else {
            return;
        };
        segment.extend_from_slice(&made);
        ends.push((segment.len(), ends.last().map_or(0, |(_, lines)| *lines) + group.len()));
    }
    let cut = usize::from(u16::from_le_bytes(*cut)).min(segment.len());
    let cut_off = &segment[..cut];
    let (bytes, whole) = ends.iter().rev().find(|(end, _)| *end <= cut).copied().unwrap_or_default();
    let (found, _, whole_bytes) = read(cut_off);
    assert_eq!(whole_bytes, bytes as u64);
    assert!(found.len() >= whole, "{} of {whole} lines", found.len());
    for (found, given) in found.iter().zip(&lines) {
        let kept = given.get(..usize::try_from(LONGEST).unwrap_or(0)).unwrap_or(given);
        assert_eq!(found, kept);
    }
    let Some(file) = file_of(cut_off) else { return };
    let (Ok(counted), Ok(hopped)) = (tally(&file, true), tally(&file, false)) else { return };
    assert_eq!(counted, hopped, "what our headers say is so");
    assert_eq!(counted.lines, whole as u64);
}

/// Any bytes as an event: it is refused with a reason, or each of its parts is what the line says.
pub fn event(line: &[u8]) {
    let monitors = Monitors::default();
    let event = match Event::parse(line, &monitors) {
        Ok(event) => event,
        Err(refused) => {
            assert!(!refused.reason.is_empty() && !refused.detail.is_empty());
            return;
        }
    };
    assert!(!event.id.is_empty() && monitors.find(&event.monitor).is_ok());
    // Whoever reads it as a tree finds the same, but where a number does not fit a tree.
    if let Ok(tree) = serde_json::from_slice::<serde_json::Value>(line) {
        let text = |key: &str| tree[key].as_str();
        assert_eq!(text("id"), Some(&*event.id));
        assert_eq!(text("monitor"), Some(&*event.monitor));
        assert_eq!(text("action"), Some(&*event.action));
        assert_eq!(text("subject_type"), Some(&*event.subject_type));
        assert_eq!(text("session_id"), Some(&*event.session_id));
        assert_eq!(text("attrs_json"), event.attrs_json.as_deref());
        assert_eq!(text("exe_name"), event.exe_name.as_deref());
        assert_eq!(tree["ts_utc"].as_i64(), Some(event.ts_utc));
        assert_eq!(tree["pid"].as_i64(), event.pid);
    }
}

/// Inputs to begin with, by the name of the function.
pub fn samples(name: &str) -> Vec<Vec<u8>> {
    let events = concat!(
        r#"{"id":"01J7ZZZZZZZZZZZZZZZZZZ0001","ts_utc":1757440800000,"monitor":"keyboard","action":"key_press","#,
        r#""subject_type":"none","session_id":"01J7ZZZZZZZZZZZZZZZZZZZZZZ"}"#,
        "\n\n",
        r#"{"id":"2","ts_utc":-5,"monitor":"mouse","action":"click\n","subject_type":"url","session_id":"s","pid":7,"#,
        r#""exe_name":null,"attrs_json":"{\"keys_per_minute\": 45}","url_hash":"00ff","of no use":[1,{"a":1e3}]}"#,
        "\n{bad\n[1]\n"
    );
    let one = |lines: &str| MemberMaker::new(6).member(lines.as_bytes(), 3).unwrap_or_default();
    match name {
        "segment" => {
            let two = [one(events), one("a\nb\n")].concat();
            let torn = two.get(..two.len() - 9).unwrap_or_default().to_vec();
            vec![
                one(events),
                two.clone(),
                torn,
                [two, b"garbage".to_vec()].concat(),
                one("no newline"),
                Vec::new(),
            ]
        }
        "written" => {
            vec![[b"\xff\xff", events.as_bytes()].concat(), [b"\x40\x00", events.as_bytes()].concat()]
        }
        _ => events.lines().map(|line| line.as_bytes().to_vec()).collect(),
    }
}

/// The lines, how it ended, and how many bytes are whole.
fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, End, u64) {
    let mut lines = Lines::new(bytes, LONGEST);
    let (mut found, mut line, mut last) = (Vec::new(), Vec::new(), 0);
    // A source in memory does not fail; if it did, what came before counts.
    while let Ok(Some(next)) = lines.next(&mut line) {
        assert!(next.number > last, "{} after {last}", next.number);
        assert!(!line.contains(&b'\n') && line.len() as u64 <= LONGEST);
        assert!(next.cut || !is_blank(&line));
        last = next.number;
        found.push(line.clone());
    }
    (found, lines.end(), lines.whole_bytes())
}

/// A file without a name that has these bytes; `None` where the system gives none.
fn file_of(bytes: &[u8]) -> Option<std::fs::File> {
    let file = rustix::fs::memfd_create("segment", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
    let mut file = std::fs::File::from(file);
    file.write_all(bytes).ok()?;
    file.seek(SeekFrom::Start(0)).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests;
