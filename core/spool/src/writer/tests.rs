use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_retry::Clock;
use conclave_testkit::ManualClock;

use super::*;
use crate::{Disk, Limits, SpoolErrorKind, SpoolOptions};

/// 2025-09-09, 18:30 UTC.
const T0: i64 = 1_757_442_600_000;
const HOUR: i64 = 3_600_000;

/// A disk with as much room as the test says.
#[derive(Debug, Clone)]
struct Room(Arc<AtomicU64>);

impl Disk for Room {
    fn room(&self, _: &Path) -> std::io::Result<(u64, u64)> {
        Ok((self.0.load(Ordering::Relaxed), 1 << 40))
    }
}

pub(super) struct Place {
    folder: tempfile::TempDir,
    clock: ManualClock,
    room: Room,
    pub(super) options: SpoolOptions,
}

impl Place {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: ManualClock::at_wall_ms(T0),
            room: Room(Arc::new(AtomicU64::new(1 << 39))),
            options: SpoolOptions::default(),
        }
    }

    pub(super) fn spool(&self) -> Spool {
        Spool::at(self.root(), self.options.clone())
            .clock(Arc::new(self.clock.clone()))
            .sleeper(Arc::new(self.clock.clone()))
            .disk(Arc::new(self.room.clone()))
            .build()
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    pub(super) fn writer(&self) -> SpoolWriter {
        self.spool().writer(&keyboard(), Duration::ZERO).unwrap()
    }

    /// Files of the monitor, but for its lock.
    pub(super) fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.root().join("keyboard"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    fn text(&self, file: &str) -> String {
        let file = std::fs::File::open(self.root().join("keyboard").join(file)).unwrap();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
        text
    }

    /// What stands in all files, one after the other.
    pub(super) fn all(&self) -> String {
        let layout = crate::Layout::at(self.root());
        let found = layout.segments(&layout.monitor(&keyboard())).unwrap();
        found.iter().map(|found| self.text(&found.file)).collect()
    }

    pub(super) fn seconds(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds));
    }
}

pub(super) fn keyboard() -> MonitorName {
    MonitorName::parse("keyboard").unwrap()
}

pub(super) fn event(number: usize) -> Vec<u8> {
    format!("{{\"id\":\"EV{number}\"}}").into_bytes()
}

pub(super) fn text_of(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|number| String::from_utf8(event(number)).unwrap() + "\n").collect()
}

// spool A1
#[test]
fn one_event_is_one_file_with_one_line() {
    let place = Place::new();
    let mut writer = place.writer();
    writer.append(&event(1)).unwrap();
    assert_eq!(place.files(), Vec::<String>::new(), "nothing is half written");
    assert_eq!(writer.durable(), 0);
    writer.sync().unwrap();
    assert_eq!(writer.durable(), 1);
    assert_eq!(place.files(), ["20250909-18.ndjson.gz.part"]);
    let finished = writer.finish().unwrap();
    assert_eq!(finished, Finished { written: 1, durable: 1, dropped: 0 });
    assert_eq!(place.files(), ["20250909-18.ndjson.gz"]);
    assert_eq!(place.text("20250909-18.ndjson.gz"), text_of([1]));
}

#[test]
fn a_writer_without_lines_leaves_nothing() {
    let place = Place::new();
    let mut writer = place.writer();
    for blank in [b"".as_slice(), b" \t", b"\r", b"\n\n \n"] {
        writer.append(blank).unwrap();
    }
    writer.sync().unwrap();
    assert_eq!(writer.due_in(), None);
    assert_eq!(writer.finish().unwrap(), Finished::default());
    assert_eq!(place.files(), Vec::<String>::new());
}

#[test]
fn a_line_with_newlines_is_several() {
    let place = Place::new();
    let mut writer = place.writer();
    writer.append(b"one\n\ntwo\nthree\n").unwrap();
    assert_eq!(writer.finish().unwrap().durable, 3);
    assert_eq!(place.all(), "one\ntwo\nthree\n");
}

// spool A2
#[test]
fn a_second_writer_in_the_hour_has_a_name_of_its_own() {
    let place = Place::new();
    for numbers in [1..4, 4..7] {
        let mut writer = place.writer();
        for number in numbers {
            writer.append(&event(number)).unwrap();
        }
        writer.finish().unwrap();
    }
    assert_eq!(place.files(), ["20250909-18-001.ndjson.gz", "20250909-18.ndjson.gz"]);
    assert_eq!(place.all(), text_of(1..7));
}

// spool A2, A3
#[test]
fn names_are_free_wherever_files_of_the_hour_are() {
    for (taken, expected) in [
        ("_done/keyboard/20250909-18.ndjson.gz", "20250909-18-001.ndjson.gz"),
        ("_done/keyboard/20250909-18-1.ndjson.gz", "20250909-18-002.ndjson.gz"),
        ("_quarantine/keyboard/20250909-18-007.ndjson.gz", "20250909-18-008.ndjson.gz"),
        ("_quarantine/keyboard/20250909-18-007.ndjson.gz.rej.ndjson", "20250909-18-008.ndjson.gz"),
        ("keyboard/20250909-18-002_recovered-1.ndjson.gz", "20250909-18-003.ndjson.gz"),
        ("_done/keyboard/20250909-17-009.ndjson.gz", "20250909-18.ndjson.gz"),
        ("_done/mouse/20250909-18.ndjson.gz", "20250909-18.ndjson.gz"),
    ] {
        let place = Place::new();
        let path = place.root().join(taken);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"x").unwrap();
        let mut writer = place.writer();
        writer.append(&event(1)).unwrap();
        writer.finish().unwrap();
        assert!(place.files().iter().any(|file| file == expected), "{taken}: {:?}", place.files());
        assert_eq!(std::fs::read(path).unwrap(), b"x");
    }
}

// spool A3
#[test]
fn no_file_is_replaced_by_rollover_and_idle() {
    let mut place = Place::new();
    place.options.segment_bytes = 600;
    let mut writer = place.writer();
    let line = |number: usize| format!("{{\"id\":{number},\"x\":\"{}\"}}", "y".repeat(200)).into_bytes();
    let mut before: Vec<(String, Vec<u8>)> = Vec::new();
    let mut same = |place: &Place| {
        for (file, bytes) in &before {
            assert_eq!(&std::fs::read(place.root().join("keyboard").join(file)).unwrap(), bytes, "{file}");
        }
        let files = place
            .files()
            .into_iter()
            .filter(|file| file.rsplit_once('.').is_some_and(|(_, ending)| ending == "gz"));
        before = files
            .map(|file| (file.clone(), std::fs::read(place.root().join("keyboard").join(file)).unwrap()))
            .collect();
    };
    for number in 1..=6 {
        writer.append(&line(number)).unwrap();
        same(&place);
    }
    for _ in 0..2 {
        place.seconds(1.6);
        writer.tick().unwrap();
        same(&place);
    }
    writer.append(&line(7)).unwrap();
    assert_eq!(writer.finish().unwrap().durable, 7);
    same(&place);
    assert_eq!(before.len(), 4);
    let expected: Vec<u8> = (1..=7).flat_map(|number| [line(number), b"\n".to_vec()].concat()).collect();
    assert_eq!(place.all().into_bytes(), expected);
}

#[test]
fn a_file_that_somebody_put_there_is_not_replaced() {
    let place = Place::new();
    let mut writer = place.writer();
    writer.append(&event(1)).unwrap();
    writer.sync().unwrap();
    let theirs = place.root().join("keyboard/20250909-18.ndjson.gz");
    std::fs::write(&theirs, b"theirs").unwrap();
    writer.finish().unwrap();
    assert_eq!(std::fs::read(theirs).unwrap(), b"theirs");
    assert_eq!(place.text("20250909-18-001.ndjson.gz"), text_of([1]));
}

// spool A4
#[test]
fn no_event_is_split_or_refused_for_its_size() {
    let mut place = Place::new();
    place.options.segment_bytes = 100;
    let sized = |bytes: usize| vec![b'x'; bytes];
    // With their newlines: the first fills a segment to the byte, the next does not fit beside anything.
    for (sizes, files) in [
        (vec![99], 1),
        (vec![49, 49], 1),
        (vec![49, 50], 2),
        (vec![99, 1], 2),
        (vec![100, 1], 2),
        (vec![1, 100], 2),
        (vec![9_000, 10, 9_000], 3),
    ] {
        std::fs::remove_dir_all(place.root()).ok();
        let mut writer = place.writer();
        for size in &sizes {
            writer.append(&sized(*size)).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(place.files().len(), files, "{sizes:?}: {:?}", place.files());
        let lines: Vec<usize> = place.all().lines().map(str::len).collect();
        assert_eq!(lines, sizes);
    }
}

// spool A5
#[test]
fn the_hour_never_goes_back() {
    let place = Place::new();
    let mut writer = place.writer();
    let hour = T0 - T0 % HOUR + HOUR;
    for (number, ms) in [(1, hour - 1), (2, hour), (3, hour - 500), (4, hour + 1_000)] {
        place.clock.set_wall_ms(ms);
        writer.append(&event(number)).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(place.files(), ["20250909-18.ndjson.gz", "20250909-19.ndjson.gz"]);
    assert_eq!(place.text("20250909-18.ndjson.gz"), text_of([1]));
    assert_eq!(place.text("20250909-19.ndjson.gz"), text_of([2, 3, 4]));
}

#[test]
fn hours_are_kept_apart_also_when_nothing_was_synced() {
    let place = Place::new();
    let mut writer = place.writer();
    for number in 0..5 {
        writer.append(&event(number)).unwrap();
        place.seconds(3_600.0);
    }
    writer.finish().unwrap();
    assert_eq!(place.files().len(), 5);
    assert_eq!(place.all(), text_of(0..5));
}

#[test]
fn sync_points_come_by_count_and_by_time() {
    let mut place = Place::new();
    place.options.sync_events = 10;
    let mut writer = place.writer();
    for number in 0..25 {
        writer.append(&event(number)).unwrap();
    }
    // Two members went out on the way; how much of that is known is the disk's affair.
    assert!([0, 10, 20].contains(&writer.durable()), "{}", writer.durable());
    assert_eq!(writer.due_in(), Some(Duration::from_millis(500)));
    place.seconds(0.4);
    writer.tick().unwrap();
    assert_eq!(writer.due_in(), Some(Duration::from_millis(100)));
    place.seconds(0.1);
    writer.tick().unwrap();
    assert_eq!(writer.durable(), 25);
    assert_eq!(place.files(), ["20250909-18.ndjson.gz.part"]);
    assert_eq!(place.text("20250909-18.ndjson.gz.part"), text_of(0..25));
    // Idle comes by time too.
    assert_eq!(writer.due_in(), Some(Duration::from_millis(1_500)));
    place.seconds(1.5);
    writer.tick().unwrap();
    assert_eq!(place.files(), ["20250909-18.ndjson.gz"]);
    assert_eq!(writer.due_in(), None);
    writer.append(&event(25)).unwrap();
    writer.finish().unwrap();
    assert_eq!(place.all(), text_of(0..26));
}

#[test]
fn a_member_in_flight_is_known_by_the_next_tick_that_is_due() {
    let mut place = Place::new();
    place.options.sync_events = 10;
    let mut writer = place.writer();
    for number in 0..10 {
        writer.append(&event(number)).unwrap();
    }
    assert_eq!(writer.due_in(), Some(Duration::from_millis(500)));
    place.seconds(0.5);
    writer.tick().unwrap();
    assert_eq!(writer.durable(), 10);
}

// spool A10
#[test]
fn a_second_writer_waits_and_then_is_refused() {
    let place = Place::new();
    let first = place.writer();
    let refused = place.spool().writer(&keyboard(), Duration::from_secs(3)).unwrap_err();
    assert_eq!(refused.kind(), SpoolErrorKind::MonitorBusy);
    assert!(place.clock.monotonic() >= Duration::from_secs(3));
    assert_eq!(
        refused.to_string(),
        format!("another process writes to keyboard (process {})", std::process::id())
    );
    // Other monitors are others'.
    let mouse = MonitorName::parse("mouse").unwrap();
    place.spool().writer(&mouse, Duration::ZERO).unwrap();
    drop(first);
    place.writer();
}

#[test]
fn a_line_that_is_too_long_is_counted() {
    let mut place = Place::new();
    place.options.max_line_bytes = 20;
    let mut writer = place.writer();
    writer.append(&[b'x'; 21]).unwrap();
    writer.append(&[b'y'; 20]).unwrap();
    assert_eq!(writer.finish().unwrap(), Finished { written: 2, durable: 1, dropped: 1 });
    assert_eq!(place.all(), format!("{}\n", "y".repeat(20)));
    assert_eq!(dropped(&place), [("too_long".to_owned(), 1)]);
}

pub(super) fn dropped(place: &Place) -> Vec<(String, u64)> {
    let spool = place.spool();
    let mut all = drops::Drops::new();
    for (_, drops) in drops::unfolded(spool.shared(), &keyboard()).unwrap() {
        for (reason, events) in drops {
            *all.entry(reason).or_default() += events;
        }
    }
    all.into_iter().collect()
}

// spool A15
#[test]
fn above_the_hard_limit_nothing_is_written_and_all_is_counted() {
    let mut place = Place::new();
    place.options.limits = Limits::new(1, 90, 100, 80, 0).unwrap();
    let full = place.root().join("_quarantine/mouse/20250101-00.ndjson.gz");
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::File::create(&full).unwrap().set_len(1 << 20).unwrap();
    let mut writer = place.writer();
    for number in 0..4 {
        writer.append(&event(number)).unwrap();
    }
    writer.sync().unwrap();
    assert_eq!((writer.durable(), writer.waiting()), (0, 4));
    assert_eq!(writer.finish().unwrap(), Finished { written: 4, durable: 0, dropped: 4 });
    assert_eq!(place.files(), Vec::<String>::new());
    assert_eq!(dropped(&place), [("quota".to_owned(), 4)]);
}

#[test]
fn what_waits_is_written_in_its_order_when_there_is_room() {
    let mut place = Place::new();
    place.options.sync_events = 10;
    place.options.limits = Limits::new(1, 90, 100, 80, 5).unwrap();
    let mut writer = place.writer();
    for number in 0..15 {
        writer.append(&event(number)).unwrap();
    }
    place.seconds(2.0);
    place.room.0.store(1 << 20, Ordering::Relaxed);
    for number in 15..95 {
        writer.append(&event(number)).unwrap();
    }
    assert_eq!(writer.waiting(), 80);
    assert!(writer.due_in().is_some());
    place.seconds(2.0);
    writer.tick().unwrap();
    assert_eq!(writer.waiting(), 85);
    place.room.0.store(1 << 39, Ordering::Relaxed);
    place.seconds(2.0);
    writer.tick().unwrap();
    assert_eq!((writer.waiting(), writer.durable()), (0, 95));
    writer.append(&event(95)).unwrap();
    assert_eq!(writer.finish().unwrap(), Finished { written: 96, durable: 96, dropped: 0 });
    assert_eq!(place.all(), text_of(0..96));
}

#[test]
fn what_does_not_fit_into_memory_is_counted_by_reason() {
    let mut place = Place::new();
    place.options.memory_bytes = 640;
    place.options.limits = Limits::new(1, 90, 100, 80, 5).unwrap();
    place.room.0.store(1 << 20, Ordering::Relaxed);
    let mut writer = place.writer();
    for number in 0..100 {
        writer.append(&event(number)).unwrap();
    }
    writer.sync().unwrap();
    let waiting = writer.waiting();
    assert!((1..=10).contains(&waiting), "{waiting}");
    assert_eq!(dropped(&place), [("keep_free".to_owned(), 100 - waiting)]);
    place.room.0.store(1 << 39, Ordering::Relaxed);
    place.seconds(2.0);
    assert_eq!(writer.finish().unwrap(), Finished { written: 100, durable: waiting, dropped: 100 - waiting });
    // The newest are kept.
    assert_eq!(place.all(), text_of(100 - usize::try_from(waiting).unwrap()..100));
}

// spool A14
#[test]
fn above_the_soft_limit_flushes_wait_and_events_do_not() {
    let mut place = Place::new();
    place.options.sync_events = 100;
    place.options.limits = Limits::new(1, 90, 100, 80, 0).unwrap();
    let full = place.root().join("_quarantine/mouse/20250101-00.ndjson.gz");
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::File::create(&full).unwrap().set_len(950_000).unwrap();
    let mut writer = place.writer();
    for number in 0..1_000 {
        writer.append(&event(number)).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(place.clock.sleeps(), [Duration::from_millis(300); 10]);
    assert_eq!(place.all(), text_of(0..1_000));
}

#[test]
fn a_dead_writers_segment_is_not_touched_by_the_name_of_the_next() {
    let place = Place::new();
    let mut writer = place.writer();
    writer.append(&event(1)).unwrap();
    writer.sync().unwrap();
    drop(writer);
    let mut writer = place.writer();
    writer.append(&event(2)).unwrap();
    writer.finish().unwrap();
    assert_eq!(place.all(), text_of(1..3));
    assert!(
        place.files().iter().all(|file| file.rsplit_once('.').is_some_and(|(_, ending)| ending == "gz")),
        "{:?}",
        place.files()
    );
}

#[test]
fn a_folder_that_was_removed_comes_back() {
    let place = Place::new();
    let mut writer = place.writer();
    std::fs::remove_dir_all(place.root()).unwrap();
    writer.append(&event(1)).unwrap();
    writer.finish().unwrap();
    assert_eq!(place.all(), text_of([1]));
}

#[test]
fn lines_that_cannot_be_written_are_counted_by_what_is_in_their_way() {
    for (error, reason) in [
        (std::io::ErrorKind::StorageFull.into(), Reason::DiskFull),
        (std::io::ErrorKind::FileTooLarge.into(), Reason::DiskFull),
        // EMFILE: too many open files.
        (std::io::Error::from_raw_os_error(24), Reason::Io),
    ] {
        assert_eq!(Reason::of(&SpoolError::io("write", None, error)), reason);
    }
    let busy = SpoolError::MonitorBusy { monitor: "keyboard".into(), holder: None };
    assert_eq!(Reason::of(&busy), Reason::Busy);
}

// spool A27
#[test]
fn names_that_are_none_make_nothing() {
    let long = "x".repeat(300);
    for name in ["../evil", "a/b", "_done", "", ".", "CON", &long, "a\0b", "é", "a b", "-"] {
        let refused = crate::Monitors::default().find(name).unwrap_err();
        assert_eq!(refused.kind(), SpoolErrorKind::InvalidMonitor, "{name:?}");
    }
}

/// A file that takes every write, and cannot be made durable or cut (fdatasync(2): EINVAL for what is special).
fn cannot_sync() -> std::fs::File {
    std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap()
}

#[test]
fn what_cannot_be_made_durable_is_not_acknowledged_and_is_written_again() {
    for by_count in [false, true] {
        let mut place = Place::new();
        place.options.sync_events = 10;
        let mut writer = place.writer();
        for number in 0..3 {
            writer.append(&event(number)).unwrap();
        }
        writer.sync().unwrap();
        let real = writer.segment.as_mut().unwrap().swap(cannot_sync(), false);
        for number in 3..if by_count { 13 } else { 8 } {
            writer.append(&event(number)).unwrap();
        }
        let failure = writer.sync().unwrap_err();
        assert!(failure.to_string().starts_with("sync keyboard/20250909-18.ndjson.gz.part: "), "{failure}");
        assert_eq!(writer.durable(), 3);
        assert_eq!(writer.waiting(), if by_count { 10 } else { 5 });
        // Others come behind those.
        for number in if by_count { 13 } else { 8 }..40 {
            let _ = writer.append(&event(number));
        }
        writer.segment.as_mut().unwrap().swap(real, true);
        assert_eq!(writer.finish().unwrap(), Finished { written: 40, durable: 40, dropped: 0 });
        assert_eq!(place.all(), text_of(0..40));
    }
}

/// The segment is over when it is seen that what is in flight did not land.
#[test]
fn lines_that_do_not_land_at_the_end_of_a_segment_go_before_those_of_the_next() {
    let mut place = Place::new();
    place.options.sync_events = 10;
    let mut writer = place.writer();
    for number in 0..10 {
        writer.append(&event(number)).unwrap();
    }
    // As if nobody had begun to sync them.
    writer.syncer.wait().unwrap();
    writer.syncing = 0;
    writer.segment.as_mut().unwrap().swap(cannot_sync(), false);
    place.seconds(3_600.0);
    for number in 10..25 {
        let _ = writer.append(&event(number));
    }
    assert_eq!((writer.durable(), writer.waiting()), (0, 20));
    assert_eq!(writer.finish().unwrap().durable, 25);
    assert_eq!(place.all(), text_of(0..25));
}

#[test]
fn lines_in_flight_that_do_not_land_go_before_those_that_came_later() {
    let mut place = Place::new();
    place.options.sync_events = 10;
    let mut writer = place.writer();
    writer.append(&event(0)).unwrap();
    writer.sync().unwrap();
    let real = writer.segment.as_mut().unwrap().swap(cannot_sync(), false);
    // The first ten are in flight when the next ten are ready; at the latest then it is known that they did not land.
    for number in 1..21 {
        let _ = writer.append(&event(number));
    }
    writer.sync().unwrap_err();
    assert_eq!((writer.durable(), writer.waiting()), (1, 20));
    writer.segment.as_mut().unwrap().swap(real, true);
    assert_eq!(writer.finish().unwrap().durable, 21);
    assert_eq!(place.all(), text_of(0..21));
}

#[test]
fn a_sync_acknowledges_what_was_written_before_it_began_and_no_more() {
    let place = Place::new();
    let mut writer = place.writer();
    let written = [0, 1].map(|number| {
        let mut batch = Batch::default();
        batch.push(&event(number), Duration::ZERO);
        let share = writer.write(&batch).unwrap().unwrap();
        InFlight { batch, share, since: Duration::ZERO }
    });
    writer.in_flight.extend(written);
    // The second one was written when the first one was already on its way.
    writer.syncing = 1;
    writer.synced(Ok(())).unwrap();
    assert_eq!((writer.durable(), writer.in_flight.len()), (1, 1));
    writer.sync().unwrap();
    assert_eq!((writer.durable(), writer.in_flight.len()), (2, 0));
}

/// The first sleep lasts until the test says otherwise; others are none.
#[derive(Debug)]
struct Stuck {
    sleeps: std::sync::mpsc::SyncSender<()>,
    until: std::sync::Mutex<Option<std::sync::mpsc::Receiver<()>>>,
}

impl conclave_retry::Sleeper for Stuck {
    fn sleep(&self, _: Duration) {
        let until = self.until.lock().unwrap().take();
        if let Some(until) = until {
            self.sleeps.send(()).unwrap();
            until.recv().unwrap();
        }
    }
}

// spool A14
#[test]
fn a_flush_that_is_put_off_holds_up_nobody_else() {
    let mut place = Place::new();
    place.options.limits = Limits::new(1, 90, 100, 80, 0).unwrap();
    let full = place.root().join("_quarantine/mouse/20250101-00.ndjson.gz");
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::File::create(&full).unwrap().set_len(950_000).unwrap();
    let (sleeps, sleeping) = std::sync::mpsc::sync_channel(1);
    let (wake, until) = std::sync::mpsc::channel();
    let stuck = Stuck { sleeps, until: std::sync::Mutex::new(Some(until)) };
    let spool = Spool::at(place.root(), place.options.clone())
        .clock(Arc::new(place.clock.clone()))
        .sleeper(Arc::new(stuck))
        .disk(Arc::new(place.room.clone()))
        .build();
    let mut writer = spool.writer(&keyboard(), Duration::ZERO).unwrap();
    let flushing = std::thread::spawn(move || {
        writer.append(&event(1)).unwrap();
        writer.finish().unwrap()
    });
    sleeping.recv_timeout(Duration::from_mins(1)).unwrap();
    let mouse = MonitorName::parse("mouse").unwrap();
    let mut other = spool.writer(&mouse, Duration::ZERO).unwrap();
    other.append(&event(2)).unwrap();
    other.sync().unwrap();
    assert_eq!(other.finish().unwrap().durable, 1);
    wake.send(()).unwrap();
    assert_eq!(flushing.join().unwrap().durable, 1);
}

#[test]
fn what_is_finalised_or_dropped_stands_in_the_state_at_once() {
    let mut place = Place::new();
    place.options.max_line_bytes = 20;
    let alone = conclave_db::Migration { version: conclave_db::FIRST_VERSION, ..crate::STATE_MIGRATIONS[0] };
    let schema = conclave_db::Schema::assemble(&[&[alone]], &[]).unwrap();
    let options = conclave_db::DbOptions::new(place.folder.path().join("state.db"), schema);
    let state = conclave_db::Db::open(options).unwrap();
    let number = |sql: &'static str| -> i64 {
        let read = state.read(|conn| conn.query_all(sql, [], |row| row.get(0)));
        read.unwrap()[0]
    };
    let spool = Spool::at(place.root(), place.options.clone())
        .clock(Arc::new(place.clock.clone()))
        .sleeper(Arc::new(place.clock.clone()))
        .disk(Arc::new(place.room.clone()))
        .state(Some(state.clone()))
        .build();
    let mut writer = spool.writer(&keyboard(), Duration::ZERO).unwrap();
    for number in 0..3 {
        writer.append(&event(number)).unwrap();
    }
    writer.append(&[b'x'; 21]).unwrap();
    writer.sync().unwrap();
    // What is only in a `.part` is counted in the files.
    assert_eq!(number("SELECT count(*) FROM spool_segments"), 0);
    assert_eq!(number("SELECT sum(events) FROM spool_drops WHERE reason = 'too_long'"), 1);
    place.seconds(2.0);
    writer.tick().unwrap();
    assert_eq!(number("SELECT sum(lines) FROM spool_segments WHERE file = '20250909-18.ndjson.gz'"), 3);
    let size = std::fs::metadata(place.root().join("keyboard/20250909-18.ndjson.gz")).unwrap().len();
    assert_eq!(number("SELECT bytes FROM spool_segments"), i64::try_from(size).unwrap());
    writer.finish().unwrap();
}
