//! A disk that is full, and a limit on file sizes: what was acknowledged stays, the rest waits, the error says why.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use conclave_spool::{SpoolErrorKind, SpoolOptions, SpoolWriter, recover};
use conclave_testkit::{Parent, Rerun, SmallDisk};

use crate::fixture::{first, keyboard, line, lines, parts, spool};

const ROOT: &str = "CONCLAVE_TEST_ROOT";
const EVENTS: u64 = 2_000;

fn options() -> SpoolOptions {
    SpoolOptions { sync_events: 50, ..SpoolOptions::default() }
}

/// Appends all events, and gives the first failure.
fn append_all(writer: &mut SpoolWriter) -> conclave_spool::SpoolError {
    let mut failure = None;
    for number in 0..EVENTS {
        if let Err(error) = writer.append(line(number).as_bytes()) {
            failure.get_or_insert(error);
        }
    }
    failure.unwrap()
}

// spool A11
#[test]
fn on_a_full_disk_work_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::of(2) else { return };
    let spool = spool(&disk.path().join("spool"), options());
    let mut writer = spool.writer(&keyboard(), Duration::ZERO).unwrap();
    disk.fill("ballast", 64 << 10);
    let failure = append_all(&mut writer);
    assert_eq!(failure.kind(), SpoolErrorKind::NoRoom);
    assert!(failure.to_string().contains("No space left on device"), "{failure}");
    assert!(!failure.to_string().contains(disk.path().to_str().unwrap()), "{failure}");
    assert_eq!(writer.sync().unwrap_err().kind(), SpoolErrorKind::NoRoom);
    let durable = writer.durable();
    assert!(durable > 0 && durable + writer.waiting() == EVENTS, "{durable} + {}", writer.waiting());
    disk.clear("ballast");
    let finished = writer.finish().unwrap();
    assert_eq!((finished.written, finished.durable, finished.dropped), (EVENTS, EVENTS, 0));
    assert_eq!(lines(&spool), first(EVENTS));
}

// spool A11
#[test]
fn on_a_full_disk_the_end_keeps_what_was_synced() {
    let Some(disk) = SmallDisk::of(2) else { return };
    let spool = spool(&disk.path().join("spool"), options());
    let mut writer = spool.writer(&keyboard(), Duration::ZERO).unwrap();
    disk.fill("ballast", 64 << 10);
    append_all(&mut writer);
    let (finished, failure) = writer.end();
    assert_eq!(failure.unwrap().kind(), SpoolErrorKind::NoRoom);
    assert!(finished.durable > 0 && finished.durable + finished.dropped == EVENTS, "{finished:?}");
    assert_eq!(parts(&spool).len(), 1);
    disk.clear("ballast");
    let recovered = recover::recover(&spool, None).unwrap();
    assert_eq!((recovered.segments, recovered.lines), (1, finished.durable));
    assert_eq!(parts(&spool), Vec::<String>::new());
    assert_eq!(lines(&spool), first(finished.durable));
}

#[test]
fn where_not_one_byte_fits_there_is_no_file() {
    let Some(disk) = SmallDisk::of(1) else { return };
    let spool = spool(&disk.path().join("spool"), options());
    let mut writer = spool.writer(&keyboard(), Duration::ZERO).unwrap();
    disk.fill("ballast", 0);
    writer.append(line(0).as_bytes()).unwrap();
    assert_eq!(writer.sync().unwrap_err().kind(), SpoolErrorKind::NoRoom);
    assert_eq!(parts(&spool), Vec::<String>::new());
    assert_eq!((writer.durable(), writer.waiting()), (0, 1));
    disk.clear("ballast");
    assert_eq!(writer.finish().unwrap().durable, 1);
    assert_eq!(lines(&spool), first(1));
}

// spool A11
#[test]
fn a_limit_on_file_sizes_costs_nothing_that_was_synced() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        // As the binary does: without a handler the signal ends the process (man setrlimit).
        signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false))).unwrap();
        let root = PathBuf::from(std::env::var_os(ROOT).unwrap());
        let mut writer = spool(&root, options()).writer(&keyboard(), Duration::ZERO).unwrap();
        let limit = rustix::process::Rlimit { current: Some(45_000), maximum: None };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
        let failure = append_all(&mut writer);
        assert_eq!(failure.kind(), SpoolErrorKind::NoRoom);
        assert!(failure.to_string().contains("File too large"), "{failure}");
        let (finished, failure) = writer.end();
        assert_eq!(failure.unwrap().kind(), SpoolErrorKind::NoRoom);
        assert_eq!(finished.durable + finished.dropped, EVENTS);
        parent.say(&finished.durable.to_string());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Rerun::of("no_room::a_limit_on_file_sizes_costs_nothing_that_was_synced")
        .variable(ROOT, folder.path().to_str().unwrap())
        .start();
    child.release();
    let said = child.finish();
    let durable: u64 = said[0].parse().unwrap();
    assert!(durable > 0);
    let spool = spool(folder.path(), options());
    assert_eq!(parts(&spool).len(), 1);
    assert_eq!(recover::recover(&spool, None).unwrap().lines, durable);
    assert_eq!(lines(&spool), first(durable));
}

/// On a disk that is full there is no room for a count of drops either, but for what was kept for it.
#[test]
fn what_a_full_disk_drops_is_counted_on_it() {
    let Some(disk) = SmallDisk::of(2) else { return };
    let options = SpoolOptions { memory_bytes: 10_000, ..options() };
    let spool = spool(&disk.path().join("spool"), options);
    let mut writer = spool.writer(&keyboard(), Duration::ZERO).unwrap();
    disk.fill("ballast", 64 << 10);
    append_all(&mut writer);
    disk.fill("more ballast", 0);
    let (finished, _) = writer.end();
    assert!(finished.dropped > 0);
    let text = std::fs::read_to_string(spool.layout().monitor(&keyboard()).join(".drops.json")).unwrap();
    let counted = format!("{{\"disk_full\":{}}}", finished.dropped);
    assert!(text.contains(&counted), "{text} {finished:?}");
}
