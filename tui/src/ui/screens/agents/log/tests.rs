//! Parts of a log as they come.

use super::{At, Log, LogAsk, LogPage, LogRead, Position};
use crate::ui::effect::{Effect, Read};

const WIDE: usize = 40;
const HIGH: usize = 10;

/// A log of so many pages of 200 lines each, by their offsets in lines.
fn answer(pages: u64, effect: Option<Effect>) -> LogRead {
    let Some(Effect::Read(Read::Log(asked))) = effect else { panic!("{effect:?}") };
    let number = match &asked.at {
        At::End => pages - 1,
        At::Start => 0,
        At::Before(position) => position.offset - 1,
        At::After(position) => position.offset,
        other => panic!("{other:?}"),
    };
    let text = (0..200).map(|line| format!("{}\n", number * 200 + line)).collect::<Vec<_>>().concat();
    let at = |offset| Position { file: 1, offset };
    let page = LogPage {
        text,
        begin: at(number),
        end: at(number + 1),
        at_start: number == 0,
        at_end: number + 1 == pages,
        line: None,
    };
    LogRead { asked, bytes: Some(pages * 1_000), page: Some(page) }
}

fn here(log: &Log) -> String {
    log.document
        .rows(usize::MAX)
        .nth(log.document.cursor.selected - log.document.cursor.top)
        .unwrap()
        .1
        .text
        .clone()
}

#[test]
fn scrolling_up_to_the_first_line_and_down_again_passes_every_line() {
    let mut log = Log::new("x", 0);
    let effect = log.ask(At::End);
    log.arrived(answer(9, Some(effect)));
    log.document.fit(WIDE, HIGH);
    log.document.cursor.selected = log.document.len() - 1;
    log.held = true;
    log.document.fit(WIDE, HIGH);
    let mut expected = 9 * 200 - 1;
    assert_eq!(here(&log), expected.to_string());
    for down in [false, true] {
        for _ in 0..9 * 200 - 1 {
            let length = log.document.len();
            log.document.cursor.step(if down { 1 } else { -1 }, length);
            log.document.fit(WIDE, HIGH);
            if down {
                expected += 1;
            } else {
                expected -= 1;
            }
            assert_eq!(here(&log), expected.to_string());
            if let Some(effect) = log.keep_in_sight() {
                log.arrived(answer(9, Some(effect)));
                log.document.fit(WIDE, HIGH);
                assert_eq!(here(&log), expected.to_string(), "the cursor stays on its line");
            }
            assert!(log.document.len() <= 4 * 200, "memory does not grow with the log");
        }
    }
}

#[test]
fn it_follows_until_it_is_held() {
    let mut log = Log::new("x", 0);
    let effect = log.ask(At::End);
    assert!(log.grew().is_none(), "one question at a time");
    log.arrived(answer(2, Some(effect)));
    assert_eq!(log.last_lines(2), ["398", "399"]);
    let effect = log.grew();
    log.arrived(answer(3, effect));
    assert_eq!(log.last_lines(1), ["599"]);
    assert!(log.at_end());
    assert!(log.toggle().is_none() && log.held);
    assert!(log.grew().is_none());
    assert!(!log.at_end(), "more was written");
    let effect = log.toggle();
    log.arrived(answer(4, effect));
    assert_eq!(log.last_lines(1), ["799"]);
}

#[test]
fn answers_to_others_are_dropped() {
    let mut log = Log::new("x", 5);
    let old = log.ask(At::End);
    let new = log.ask(At::Start);
    assert!(log.arrived(answer(3, Some(old))).is_none());
    let mut others = answer(3, Some(new.clone()));
    others.asked.id = "y".into();
    assert!(log.arrived(others).is_none());
    assert_eq!(log.arrived(answer(3, Some(new))), Some(true));
    let asked = LogAsk { id: "x".into(), generation: log.generation(), at: At::End };
    assert_eq!(log.arrived(LogRead { asked, bytes: None, page: None }), Some(false));
    assert!(log.last_lines(3).is_empty());
}
