//! A spool that has no room: what other processes see of it, and what it never does.

use std::path::PathBuf;
use std::time::Duration;

use conclave_spool::import::flush;
use conclave_spool::ledger::ledger;
use conclave_spool::quota::{Gauge, gauge};
use conclave_spool::{Limits, QuotaState, Spool, SpoolOptions};
use conclave_testkit::{KillDriver, Parent, Random, Rerun};

use crate::desk::{self, Desk, Roomy, event, gzip, id, name, open_state};

const FOLDER: &str = "CONCLAVE_TEST_FOLDER";
const HARD: u64 = 1 << 20;

/// A quota of 1 MiB.
fn tight() -> SpoolOptions {
    SpoolOptions { limits: Limits::new(1, 90, 100, 80, 0).unwrap(), ..desk::options() }
}

/// A file that takes room and that nobody may have.
fn fill(desk: &Desk, bytes: u64) {
    let path = desk.put("_quarantine/mouse/20250101-00.ndjson.gz", b"");
    std::fs::File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

fn look(desk: &Desk) -> Gauge {
    gauge(&desk.spool, Some(&desk.state)).unwrap()
}

/// What the ledger says of drops of the keyboard: by reason.
fn dropped(desk: &Desk) -> Vec<(String, u64)> {
    let found = ledger(&desk.spool, Some(&desk.state)).unwrap();
    assert!(found.total.balances(), "{found:?}");
    let keyboard = found.monitors.get("keyboard").cloned().unwrap_or_default();
    keyboard.dropped.into_iter().collect()
}

/// The spool of the parent, in a process of its own.
fn of_parent() -> Spool {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let state = open_state(&folder);
    let spool = Spool::at(folder.join("spool"), tight()).disk(std::sync::Arc::new(Roomy));
    spool.state(Some(state)).build()
}

// spool A15, A17
#[test]
fn what_one_process_drops_every_other_one_sees() {
    const NAME: &str = "pressure::what_one_process_drops_every_other_one_sees";
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let mut writer = of_parent().writer(&name("keyboard"), Duration::ZERO).unwrap();
        (0..7).for_each(|number| writer.append(event(number).as_bytes()).unwrap());
        parent.say(&format!("{:?}", writer.finish().unwrap()));
        return;
    }
    let desk = Desk::with(tight());
    fill(&desk, HARD);
    let folder = desk.dir.path().to_str().unwrap();
    let mut child = Rerun::of(NAME).variable(FOLDER, folder).start();
    child.release();
    assert_eq!(child.finish(), ["Finished { written: 7, durable: 0, dropped: 7 }"]);
    let seen = look(&desk);
    assert_eq!((seen.dropped, seen.state, seen.untrimmable), (7, QuotaState::Hard, true));
    assert_eq!(dropped(&desk), [("quota".to_owned(), 7)]);
    assert_eq!(desk.list("keyboard"), Vec::<String>::new());
}

// spool A17
#[test]
fn what_a_killed_process_dropped_is_counted_as_far_as_it_said_so() {
    const NAME: &str = "pressure::what_a_killed_process_dropped_is_counted_as_far_as_it_said_so";
    if let Some(mut parent) = Parent::of_this_process() {
        let spool = of_parent();
        parent.wait_for_release();
        for number in 0.. {
            // The one before it may not be quite gone.
            let mut writer = spool.writer(&name("keyboard"), Duration::from_mins(1)).unwrap();
            writer.append(event(number).as_bytes()).unwrap();
            assert_eq!(writer.finish().unwrap().dropped, 1);
            parent.say("dropped");
        }
        return;
    }
    let desk = Desk::with(tight());
    fill(&desk, HARD);
    let folder = desk.dir.path().to_str().unwrap();
    let mut driver = KillDriver::new(17);
    let mut sure = 0;
    for round in 0..5 {
        let child = Rerun::of(NAME).variable(FOLDER, folder).start();
        let killed = driver.run_and_kill(child, 20, Duration::from_millis(5));
        let said = sure + killed.lines.len() as u64;
        let seen = look(&desk).dropped;
        assert!((said..=said + 1).contains(&seen), "round {round}: {said} said, {seen} counted");
        assert_eq!(dropped(&desk).first().map_or(0, |(_, events)| *events), seen);
        sure = seen;
    }
}

// spool A24
#[test]
fn what_was_just_imported_stays_while_there_is_room() {
    let desk = Desk::with(tight());
    let mut file = gzip(event(1) + "\n");
    // A member without data in it, but with a name as long as is needed (RFC 1952, FNAME).
    let filler = 713_295 - file.len() - 10 - 1 - 2 - 8;
    file.extend([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255]);
    file.extend(std::iter::repeat_n(b'x', filler));
    file.extend([0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    desk.put("keyboard/20250909-17.ndjson.gz", &file);
    assert_eq!(desk.flush_counts(), [1, 1, 0, 0, 0]);
    assert_eq!(desk.list("_done/keyboard"), ["20250909-17.ndjson.gz"]);
    let seen = look(&desk);
    assert_eq!((seen.usage.used, seen.state), (713_295, QuotaState::Normal));
}

// spool A23
#[test]
fn a_flush_makes_room_of_what_it_imported() {
    let desk = Desk::with(tight());
    desk.put("keyboard/20250909-17.ndjson.gz", &gzip(event(1) + "\n"));
    desk.put("_done/keyboard/20250909-16.ndjson.gz", b"x");
    fill(&desk, 838_860 - 1);
    let flushed = desk.flush();
    assert_eq!((flushed.imported, flushed.trimmed.files.len()), (1, 0));
    fill(&desk, 943_718);
    let flushed = desk.flush();
    // The hard part is nobody's to have: everything else goes, and it is said.
    let wanted = ["keyboard/20250909-16.ndjson.gz", "keyboard/20250909-17.ndjson.gz"];
    assert_eq!(
        (flushed.trimmed.files.as_slice(), flushed.trimmed.untrimmable),
        (&wanted.map(str::to_owned)[..], true)
    );
    assert_eq!(desk.ids(), [id(1)]);
    desk.ledger();
}

/// An event that does not compress to less than half.
fn large(number: usize, random: &mut Random) -> String {
    let noise = crate::fixture::noise(random, 64);
    let event = event(number);
    format!("{},\"attrs_json\":\"{noise}\"}}", event.strip_suffix('}').unwrap())
}

/// Whatever is written, imported and trimmed in whatever order: what is on the disk stays below the limit, and what was
/// given is durable, waits, or is counted as dropped.
#[test]
fn the_limit_is_never_passed_and_nothing_is_lost_silently() {
    let (mut pressed, mut dropped_in_all) = ([0_u32; 3], 0);
    for seed in 0..3 {
        let mut random = Random::new(seed);
        let desk = Desk::with(SpoolOptions {
            memory_bytes: 64 << 10,
            segment_bytes: 200 << 10,
            sync_events: 50,
            ..tight()
        });
        let mut writer = Some(desk.spool.writer(&name("keyboard"), Duration::ZERO).unwrap());
        let (mut given, mut dropped_before, mut foreign) = (0, 0, 0);
        for step in 0..40 {
            let about = format!("seed {seed} step {step}");
            // What nobody here wrote does not stay for long.
            match if foreign > 0 && random.below(2) == 0 { 13 } else { random.below(16) } {
                0..=9 => {
                    let open = writer
                        .get_or_insert_with(|| desk.spool.writer(&name("keyboard"), Duration::ZERO).unwrap());
                    for _ in 0..random.below(500) {
                        open.append(large(given, &mut random).as_bytes()).unwrap();
                        given += 1;
                    }
                }
                10 | 11 => {
                    desk.clock.advance(Duration::from_millis(random.below(3_000)));
                    if let Some(writer) = &mut writer {
                        writer.tick().unwrap();
                    }
                }
                12 => desk.clock.advance(Duration::from_mins(20)),
                13 => {
                    // What nobody here wrote comes, or goes.
                    foreign = if foreign == 0 { [HARD / 2, HARD][step % 2] } else { 0 };
                    fill(&desk, foreign);
                }
                14 => {
                    flush(&desk.spool, &desk.state, None).unwrap();
                }
                _ => {
                    if let Some(writer) = writer.take() {
                        writer.finish().unwrap();
                    }
                }
            }
            let seen = look(&desk);
            pressed[seen.state as usize] += 1;
            assert!(seen.usage.used + seen.usage.reserved - foreign < HARD, "{about}: {:?}", seen.usage);
            assert!(seen.usage.memory <= 64 << 10, "{about}");
            assert!(seen.dropped >= dropped_before, "{about}");
            dropped_before = seen.dropped;
            desk.ledger();
        }
        if let Some(writer) = writer.take() {
            writer.finish().unwrap();
        }
        let entry = desk.ledger();
        assert_eq!(entry.written, given as u64, "seed {seed}");
        flush(&desk.spool, &desk.state, None).unwrap();
        let entry = desk.ledger();
        let dropped: u64 = entry.dropped.values().sum();
        assert_eq!((entry.pending, entry.imported + dropped), (0, given as u64), "seed {seed}");
        assert_eq!(desk.ids().len() as u64, entry.imported, "seed {seed}");
        assert_eq!(entry.quarantined, 0);
        dropped_in_all += dropped;
    }
    assert!(pressed.iter().all(|times| *times > 1) && dropped_in_all > 100, "{pressed:?} {dropped_in_all}");
}
