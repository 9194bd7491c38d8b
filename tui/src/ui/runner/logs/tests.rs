//! Reading logs page by page.

use std::fs;
use std::path::Path;

use super::{PAGE, paths, read};
use crate::ui::screens::agents::{At, LogAsk, LogPage, LogRead};

fn ask(folder: &Path, at: At) -> LogRead {
    let asked = LogAsk { id: "0031".into(), generation: 1, at };
    read(folder, asked, &|| false).0.unwrap()
}

fn page(folder: &Path, at: At) -> LogPage {
    ask(folder, at).page.unwrap()
}

/// A log of many pages that was rotated once; gives all of its text.
fn written(folder: &Path, lines: usize) -> String {
    let [older, newer] = paths(folder, "0031");
    fs::create_dir_all(older.parent().unwrap()).unwrap();
    let text = (0..lines).map(|number| format!("line {number} ä\n")).collect::<Vec<_>>().concat();
    let half = text[..text.len() / 2].rfind('\n').unwrap() + 1;
    fs::write(older, &text[..half]).unwrap();
    fs::write(newer, &text[half..]).unwrap();
    text
}

#[test]
fn pages_from_the_end_are_the_whole_log() {
    let folder = tempfile::tempdir().unwrap();
    let text = written(folder.path(), 20_000);
    let last = ask(folder.path(), At::End);
    assert_eq!(last.bytes, Some(text.len() as u64));
    let mut at = last.page.unwrap();
    assert!(at.at_end && !at.at_start);
    let mut all = at.text.clone();
    while !at.at_start {
        at = page(folder.path(), At::Before(at.begin));
        assert!(at.text.len() as u64 <= PAGE);
        assert!(at.text.starts_with("line ") && at.text.ends_with('\n'), "whole lines");
        all.insert_str(0, &at.text);
    }
    assert!(all == text);
    let mut at = page(folder.path(), At::Start);
    let mut all = at.text.clone();
    while !at.at_end {
        at = page(folder.path(), At::After(at.end));
        all.push_str(&at.text);
    }
    assert!(all == text);
}

#[test]
fn a_place_outlives_the_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let [older, newer] = paths(folder.path(), "0031");
    fs::create_dir_all(older.parent().unwrap()).unwrap();
    fs::write(&newer, "one\ntwo\n").unwrap();
    let before = page(folder.path(), At::End);
    fs::rename(&newer, &older).unwrap();
    fs::write(&newer, "three\n").unwrap();
    assert_eq!(page(folder.path(), At::After(before.end)).text, "three\n");
    assert_eq!(page(folder.path(), At::End).text, "one\ntwo\nthree\n");
    // Where the file is gone that the place was in, reading begins anew.
    fs::remove_file(&older).unwrap();
    assert_eq!(page(folder.path(), At::After(before.end)).text, "three\n");
}

#[test]
fn a_text_is_found_upwards_and_downwards_in_all_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 20_000);
    let last = page(folder.path(), At::End);
    let up = At::FindBefore { needle: "LINE 77 ".into(), from: last.begin };
    let found = page(folder.path(), up);
    assert_eq!(found.text.lines().nth(found.line.unwrap()), Some("line 77 ä"));
    let down = At::FindAfter { needle: "line 15000 ".into(), from: found.end };
    let found = page(folder.path(), down);
    assert_eq!(found.text.lines().nth(found.line.unwrap()), Some("line 15000 ä"));
    let none = At::FindBefore { needle: "nothing".into(), from: last.begin };
    assert!(ask(folder.path(), none).page.is_none());
    let none = At::FindAfter { needle: "nothing".into(), from: found.end };
    assert!(ask(folder.path(), none).page.is_none());
}

#[test]
fn a_line_without_end_and_bytes_that_are_no_text_are_read_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let [older, newer] = paths(folder.path(), "0031");
    fs::create_dir_all(older.parent().unwrap()).unwrap();
    let size = usize::try_from(3 * PAGE + 5).unwrap();
    fs::write(&newer, vec![0xFF; size]).unwrap();
    let mut at = page(folder.path(), At::End);
    let mut pages = 1;
    while !at.at_start {
        at = page(folder.path(), At::Before(at.begin));
        pages += 1;
    }
    assert_eq!(pages, 4);
    assert!(at.text.chars().all(|character| character == '\u{FFFD}'));
    let none = At::FindBefore { needle: "x".into(), from: page(folder.path(), At::End).end };
    assert!(ask(folder.path(), none).page.is_none(), "it ends");
}

#[test]
fn what_is_no_log_is_told_as_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(ask(folder.path(), At::End).bytes, None);
    let [older, newer] = paths(folder.path(), "0031");
    fs::create_dir_all(&older).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &newer).unwrap();
    assert_eq!(ask(folder.path(), At::End).bytes, None);
    for id in ["../state", "", "a\0b"] {
        let asked = LogAsk { id: id.into(), generation: 1, at: At::End };
        assert!(read(folder.path(), asked, &|| false).1.is_none(), "{id:?}");
    }
}

#[test]
fn what_is_written_is_noticed_once_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let [older, newer] = paths(folder.path(), "0031");
    fs::create_dir_all(older.parent().unwrap()).unwrap();
    let follow = || {
        read(folder.path(), LogAsk { id: "0031".into(), generation: 1, at: At::End }, &|| false).1.unwrap()
    };
    let none = follow();
    assert!(!none.has_grown());
    fs::write(&newer, "one\n").unwrap();
    assert!(none.has_grown());
    let one = follow();
    assert!(!one.has_grown());
    fs::write(&newer, "one\ntwo\n").unwrap();
    assert!(one.has_grown());
}

#[test]
fn of_a_line_that_was_written_over_the_last_state_is_shown() {
    use super::as_a_terminal_shows;
    assert_eq!(as_a_terminal_shows("a\n10 %\r50 %\r100 %\nwindows\r\nb\r"), "a\n100 %\nwindows\nb");
    assert_eq!(as_a_terminal_shows("a\n"), "a\n");
}

#[test]
fn a_search_that_nobody_waits_for_ends() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("agents")).unwrap();
    let text = format!("needle\n{}", "x\n".repeat(200_000));
    std::fs::write(folder.path().join("agents/0031.log"), text).unwrap();
    let all = LogAsk { id: "0031".into(), generation: 1, at: At::End };
    let end = read(folder.path(), all, &|| false).0.unwrap().page.unwrap().end;
    let looked = std::cell::Cell::new(0);
    let at = At::FindBefore { needle: "needle".into(), from: end };
    let asked = LogAsk { id: "0031".into(), generation: 2, at };
    let is_old = || {
        looked.set(looked.get() + 1);
        looked.get() > 2
    };
    assert!(read(folder.path(), asked.clone(), &is_old).0.unwrap().page.is_none());
    assert_eq!(looked.get(), 3);
    assert!(read(folder.path(), asked, &|| false).0.unwrap().page.is_some());
}
