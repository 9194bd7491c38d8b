use std::path::Path;
use std::time::Duration;

use crate::SpoolErrorKind;
use crate::flock::Flock;
use crate::recover::recover;
use crate::writer::Finished;
use crate::writer::tests::{Place, dropped, event, keyboard, text_of};

const LOCK: &str = "keyboard/.writer.lock";
const PART: &str = "keyboard/20250909-18.ndjson.gz.part";

/// What a tidy-up does to the folder of the spool while there is a writer.
type Harm = fn(&Path);

#[test]
fn what_was_durable_in_a_file_that_is_removed_is_written_again() {
    let harms: [Harm; 4] = [
        |root| std::fs::remove_file(root.join(PART)).unwrap(),
        |root| std::fs::remove_dir_all(root).unwrap(),
        |root| {
            std::fs::remove_file(root.join(PART)).unwrap();
            std::fs::write(root.join(PART), "theirs").unwrap();
        },
        |root| {
            std::fs::remove_dir_all(root.join("keyboard")).unwrap();
            std::fs::write(root.join("keyboard"), "no folder").unwrap();
            std::fs::remove_file(root.join("keyboard")).unwrap();
        },
    ];
    for (number, harm) in harms.into_iter().enumerate() {
        // Seen when the next member comes, when what is in flight has landed, or when the segment is finalised.
        for next in 0..3 {
            let mut place = Place::new();
            place.options.sync_events = 10;
            let mut writer = place.writer();
            for number in 0..5 {
                writer.append(&event(number)).unwrap();
            }
            writer.sync().unwrap();
            let more = match next {
                0 => {
                    harm(&place.root());
                    writer.append(&event(5)).unwrap();
                    writer.sync().unwrap();
                    6
                }
                1 => {
                    for number in 5..15 {
                        writer.append(&event(number)).unwrap();
                    }
                    harm(&place.root());
                    writer.append(&event(15)).unwrap();
                    writer.sync().unwrap();
                    16
                }
                _ => {
                    harm(&place.root());
                    place.seconds(2.0);
                    writer.tick().unwrap();
                    5
                }
            };
            assert_eq!((writer.durable(), writer.waiting()), (more as u64, 0), "{number} {next}");
            writer.append(&event(more)).unwrap();
            let finished = writer.finish().unwrap();
            let lines = more as u64 + 1;
            assert_eq!(finished, Finished { written: lines, durable: lines, dropped: 0 });
            assert_eq!(place.all(), text_of(0..=more), "{number} {next}");
        }
    }
}

#[test]
fn a_folder_that_is_moved_away_keeps_what_it_has_and_another_one_is_begun() {
    let place = Place::new();
    let mut writer = place.writer();
    writer.append(&event(0)).unwrap();
    writer.sync().unwrap();
    let away = place.root().join("away");
    std::fs::rename(place.root().join("keyboard"), &away).unwrap();
    writer.append(&event(1)).unwrap();
    writer.sync().unwrap();
    assert_eq!(writer.durable(), 2);
    writer.finish().unwrap();
    assert_eq!(place.all(), text_of([1]));
    std::fs::rename(place.root().join("keyboard"), place.root().join("later")).unwrap();
    std::fs::rename(away, place.root().join("keyboard")).unwrap();
    assert_eq!(recover(&place.spool(), None).unwrap().lines, 1);
    assert_eq!(place.all(), text_of([0]));
}

/// Without its lock a writer may be taken for dead, and its segment be recovered.
#[test]
fn a_writer_whose_lock_was_removed_takes_it_again_and_goes_on_elsewhere() {
    let place = Place::new();
    let mut writer = place.writer();
    writer.append(&event(0)).unwrap();
    writer.sync().unwrap();
    std::fs::remove_file(place.root().join(LOCK)).unwrap();
    writer.append(&event(1)).unwrap();
    writer.sync().unwrap();
    assert_eq!(place.files(), ["20250909-18.ndjson.gz.part"], "nobody has been there");
    assert!(Flock::try_take(&place.root().join(LOCK)).unwrap().is_none(), "it is taken again");
    std::fs::remove_file(place.root().join(LOCK)).unwrap();
    assert_eq!(recover(&place.spool(), None).unwrap().lines, 2);
    let recovered = place.files();
    let before = std::fs::read(place.root().join("keyboard").join(&recovered[0])).unwrap();
    for number in 2..4 {
        writer.append(&event(number)).unwrap();
        writer.sync().unwrap();
    }
    assert_eq!(writer.durable(), 4);
    assert_eq!(std::fs::read(place.root().join("keyboard").join(&recovered[0])).unwrap(), before);
    assert_eq!(writer.finish().unwrap(), Finished { written: 4, durable: 4, dropped: 0 });
    assert_eq!(place.all(), text_of(0..4));
}

#[test]
fn while_another_one_has_the_lock_lines_wait_and_then_are_counted() {
    for goes in [false, true] {
        let place = Place::new();
        let mut writer = place.writer();
        writer.append(&event(0)).unwrap();
        writer.sync().unwrap();
        std::fs::remove_file(place.root().join(LOCK)).unwrap();
        let other = place.spool().writer(&keyboard(), Duration::ZERO).unwrap();
        for number in 1..4 {
            writer.append(&event(number)).unwrap();
            assert_eq!(writer.sync().unwrap_err().kind(), SpoolErrorKind::MonitorBusy);
        }
        assert_eq!((writer.durable(), writer.waiting()), (1, 3));
        if goes {
            drop(other);
            place.seconds(1.0);
            writer.tick().unwrap();
            assert_eq!((writer.durable(), writer.waiting()), (4, 0));
            writer.finish().unwrap();
            assert_eq!(place.all(), text_of(0..4));
        } else {
            let (finished, failure) = writer.end();
            assert_eq!(finished, Finished { written: 4, durable: 1, dropped: 3 });
            assert_eq!(failure.unwrap().kind(), SpoolErrorKind::MonitorBusy);
            assert_eq!(dropped(&place), [("busy".to_owned(), 3)]);
            drop(other);
            assert_eq!(place.all(), text_of([0]));
        }
    }
}

/// Lines that were acknowledged and are gone with their folder, while another one has become the writer, are counted.
#[test]
fn what_is_removed_and_cannot_be_written_again_is_counted() {
    let place = Place::new();
    let mut writer = place.writer();
    for number in 0..2 {
        writer.append(&event(number)).unwrap();
    }
    writer.sync().unwrap();
    std::fs::remove_dir_all(place.root().join("keyboard")).unwrap();
    let other = place.spool().writer(&keyboard(), Duration::ZERO).unwrap();
    let (finished, failure) = writer.end();
    assert_eq!(finished, Finished { written: 2, durable: 0, dropped: 2 });
    assert_eq!(failure.unwrap().kind(), SpoolErrorKind::MonitorBusy);
    assert_eq!(dropped(&place), [("busy".to_owned(), 2)]);
    drop(other);
}
