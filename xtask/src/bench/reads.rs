//! Point reads through the pool: an indexed SELECT of one row with 500 B of JSON among 10,000.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use conclave_db::{Db, DbError};

use super::harness::Harness;
use super::load::{self, Load, Window};
use super::peers::held::{self, Held};
use super::row::{Measured, Target};
use super::store;
use crate::outcome::Outcome;

const READS: &str = "point reads";
const ROWS: u64 = 10_000;
const GIB: i64 = 1 << 30;

/// Who reads, and beside what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Ours,
    OursMapped,
    Held,
}

/// Measures all lines of point reads.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    for threads in [1, 8] {
        let plural = if threads == 1 { "" } else { "s" };
        let alone = format!("{threads} thread{plural}");
        let beside = format!("{threads} thread{plural} beside a writer");
        if harness.wants(READS, &alone) || harness.wants(READS, &beside) {
            conditions(harness, threads, &alone, &beside)?;
        }
    }
    Ok(())
}

fn conditions(harness: &mut Harness, threads: usize, alone: &str, beside: &str) -> Outcome {
    let folder = Harness::folder()?;
    let path = folder.path().join("bench.db");
    fill(&path)?;
    let measures = [
        (Reader::Ours, false),
        (Reader::Held, false),
        (Reader::OursMapped, false),
        (Reader::Ours, true),
        (Reader::Held, true),
        (Reader::OursMapped, true),
    ];
    let (repeats, window) = harness.reads();
    let loads = Harness::in_turns(repeats, measures.len(), |which| {
        let (reader, writing) = measures[which];
        measure(&path, reader, threads, writing, window)
    })?;
    let rates: Vec<Vec<f64>> =
        loads.iter().map(|loads| loads.iter().map(Load::per_second).collect()).collect();
    let [ours, held, mapped, ours_beside, held_beside, mapped_beside] = &rates[..] else {
        return Err("six measures".into());
    };
    let line = (READS, alone, "reads/s");
    harness.add(Measured::beside(line, ours, (held::NAME, held), Target::RatioAtLeast(0.8)));
    if threads == 1 {
        harness.add(Measured::alone(line, ours, Target::OursAtLeast(100_000.0)));
    }
    harness.add(Measured::beside(line, mapped, ("ours, mmap 0 (left: mmap 1 GiB)", ours), Target::None));
    let line = (READS, beside, "reads/s");
    harness.add(Measured::beside(line, ours_beside, ("ours alone", ours), Target::RatioAtLeast(0.7)));
    let peer = ("held connection beside the same writer", &held_beside[..]);
    harness.add(Measured::beside(line, ours_beside, peer, Target::None));
    let peer = ("ours, mmap 0 (left: mmap 1 GiB)", &ours_beside[..]);
    harness.add(Measured::beside(line, mapped_beside, peer, Target::None));
    for ((reader, writing), loads) in measures.iter().zip(&loads) {
        harness.note_errors(&format!("{threads} threads, {reader:?}, writer {writing}"), loads);
    }
    Ok(())
}

fn measure(path: &Path, reader: Reader, threads: usize, writing: bool, window: Window) -> Outcome<Load> {
    let mmap = if reader == Reader::OursMapped { GIB } else { 0 };
    let db = store::open(path, Some(mmap))?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = writing.then(|| scope.spawn(|| write_until(&db, &stop)));
        let load = match reader {
            Reader::Ours | Reader::OursMapped => {
                load::on_threads(threads, window, |thread| Ok(Names::new(thread)), |names| read(&db, names))
            }
            Reader::Held => {
                let open = |thread| Ok((Held::open(path)?, Names::new(thread)));
                load::on_threads(threads, window, open, |(held, names)| enough(held.read(&names.next())?))
            }
        };
        stop.store(true, Ordering::Relaxed);
        if let Some(writer) = writer {
            writer.join().map_err(|_| "the writer panicked")??;
        }
        load
    })
}

fn read(db: &Db, names: &mut Names) -> Outcome {
    let name = names.next();
    let body: String = db.read(|conn| conn.query_row(store::SELECT, (&name,), |row| row.get(1)))?;
    enough(body.len())
}

/// A read that gave too little would be a fast one.
fn enough(length: usize) -> Outcome {
    if length >= 500 { Ok(()) } else { Err(format!("a row of {length} B").into()) }
}

fn write_until(db: &Db, stop: &AtomicBool) -> Outcome {
    let body = store::body();
    while !stop.load(Ordering::Relaxed) {
        store::write(db, &body)?;
    }
    Ok(())
}

fn fill(path: &Path) -> Outcome {
    let db = store::open(path, None)?;
    Ok(db.write("fill", |tx| {
        for row in 0..ROWS {
            let text = format!("{{\"agent\":\"claude\",\"row\":{row},\"text\":\"{}\"}}", "x".repeat(470));
            tx.execute(store::FILL, (name(row), text))?;
        }
        Ok::<_, DbError>(())
    })?)
}

fn name(row: u64) -> String {
    format!("run_SPEC-KIT-{row:05}")
}

/// Names in an order that no cache could guess, another for each thread.
#[derive(Debug)]
struct Names(u64);

impl Names {
    fn new(thread: usize) -> Self {
        Self(0x2545_F491_4F6C_DD1D ^ (thread as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> String {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        name(self.0 % ROWS)
    }
}
