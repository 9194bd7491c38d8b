//! Writers, importers and kills beside each other, each in a process of its own.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use conclave_spool::SpoolOptions;
use conclave_spool::import::flush;
use conclave_spool::ledger::ledger;
use conclave_testkit::{Child, KillDriver, Parent, Random, Rerun};

use crate::desk::{Desk, event, id, ids, name, open_spool, open_spool_with, open_state, options};

/// Segments that are soon full.
fn small_segments() -> SpoolOptions {
    SpoolOptions { segment_bytes: 2_000, sync_events: 5, ..options() }
}

fn child(test: &str, role: &str, folder: &Path, from: usize) -> Child {
    Rerun::of(&format!("beside::{test}"))
        .role(role)
        .variable("SPOOL_FOLDER", folder.to_str().unwrap())
        .variable("SPOOL_FROM", from.to_string())
        .start()
}

/// Writes events until its parent says a line or is gone; says how many of its lines are durable.
fn write(parent: &mut Parent, most: usize) {
    let folder = std::env::var("SPOOL_FOLDER").unwrap();
    let from: usize = std::env::var("SPOOL_FROM").unwrap().parse().unwrap();
    let state = open_state(folder.as_ref());
    let spool = open_spool_with(folder.as_ref(), &state, small_segments());
    parent.wait_for_release();
    let mut writer = spool.writer(&name("keyboard"), Duration::from_secs(10)).unwrap();
    for number in 0..most {
        writer.append(event(from + number).as_bytes()).unwrap();
        if number % 3 == 0 {
            writer.sync().unwrap();
        }
        parent.say(&writer.durable().to_string());
    }
    writer.finish().unwrap();
}

// spool A9
#[test]
fn what_is_being_written_is_left_alone_by_fifty_flushes() {
    const LINES: usize = 1_500;
    let test = "what_is_being_written_is_left_alone_by_fifty_flushes";
    if let Some(mut parent) = Parent::of_this_process() {
        return write(&mut parent, LINES);
    }
    let desk = Desk::new();
    let mut writer = child(test, "writer", desk.dir.path(), 0);
    writer.release();
    let (mut live, mut imported, mut lines) = (0, 0, 0);
    for _ in 0..50 {
        for _ in 0..15 {
            lines += usize::from(writer.line().is_some());
        }
        let flushed = desk.flush();
        assert_eq!((flushed.recovered.found, flushed.duplicates, flushed.quarantined), (0, 0, 0));
        live += flushed.recovered.live;
        imported += flushed.imported;
        desk.ledger();
    }
    assert!(live > 0, "no flush met the live segment: {lines} lines");
    assert!(imported > 0);
    writer.finish();
    imported += desk.flush().imported;
    assert_eq!(imported, LINES as u64);
    assert_eq!(desk.ids(), (0..LINES).map(id).collect::<Vec<_>>());
    assert_eq!(desk.ledger().written, LINES as u64);
}

// The kills that the issue asks for: of the writer, and of the flusher (which recovers and imports), in turns.
#[test]
fn kills_of_writer_and_flusher_lose_nothing_that_was_acknowledged() {
    let test = "kills_of_writer_and_flusher_lose_nothing_that_was_acknowledged";
    if let Some(mut parent) = Parent::of_this_process() {
        if parent.role() == "writer" {
            return write(&mut parent, 100_000);
        }
        let folder = std::env::var("SPOOL_FOLDER").unwrap();
        let state = open_state(folder.as_ref());
        let spool = open_spool(folder.as_ref(), &state);
        parent.wait_for_release();
        loop {
            let flushed = flush(&spool, &state, None).unwrap();
            parent.say(&flushed.imported.to_string());
        }
    }
    let mut kills = KillDriver::with(Random::from_env(8));
    let desk = Desk::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..8 {
        let from = round * 100_000;
        let flusher = child(test, "flusher", desk.dir.path(), 0);
        let writer = child(test, "writer", desk.dir.path(), from);
        let killed = std::thread::scope(|scope| {
            let mut other = KillDriver::with(Random::new(round as u64));
            let beside = scope.spawn(move || other.run_and_kill(flusher, 30, Duration::from_millis(5)));
            let killed = kills.run_and_kill(writer, 400, Duration::from_millis(5));
            beside.join().unwrap();
            killed
        });
        let durable = killed.lines.last().map_or(0, |line| line.parse::<usize>().unwrap());
        acknowledged.extend((from..from + durable).map(id));
        desk.ledger();
    }
    desk.flush();
    let stored: BTreeSet<String> = desk.ids().into_iter().collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert_eq!(lost, Vec::<&String>::new());
    let entry = desk.ledger();
    assert_eq!((entry.pending, entry.imported), (0, stored.len() as u64));
    assert!(entry.dropped.is_empty());
}

#[test]
fn the_ledger_balances_at_any_moment_beside_writer_and_flusher() {
    let test = "the_ledger_balances_at_any_moment_beside_writer_and_flusher";
    if let Some(mut parent) = Parent::of_this_process() {
        if parent.role() == "writer" {
            return write(&mut parent, 600);
        }
        let folder = std::env::var("SPOOL_FOLDER").unwrap();
        let state = open_state(folder.as_ref());
        let spool = open_spool(folder.as_ref(), &state);
        parent.wait_for_release();
        while ids(&state).len() < 600 {
            flush(&spool, &state, None).unwrap();
        }
        return;
    }
    let desk = Desk::new();
    let mut writer = child(test, "writer", desk.dir.path(), 0);
    let mut flusher = child(test, "flusher", desk.dir.path(), 0);
    writer.release();
    flusher.release();
    let mut seen = 0;
    let mut looks = 0;
    while writer.line().is_some() && writer.line().is_some() && writer.line().is_some() {
        let found = ledger(&desk.spool, Some(&desk.state)).unwrap();
        assert!(found.total.balances(), "{found:?}");
        seen = seen.max(found.total.written);
        looks += 1;
    }
    assert!(looks > 10 && seen > 0, "{looks} looks, {seen} lines");
    writer.finish();
    flusher.finish();
    let entry = desk.ledger();
    assert_eq!((entry.written, entry.pending, entry.imported), (600, 0, 600));
}
