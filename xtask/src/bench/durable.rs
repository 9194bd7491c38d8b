//! Durable one-row writes of 2 KiB: threads, tasks, processes.

use super::child;
use super::contender::{Contender, Workers};
use super::harness::Harness;
use super::load::Load;
use super::peers::sqlx;
use super::row::{Measured, Target, real};
use crate::outcome::Outcome;

/// In the order of their loads, ours first; sqlx last, where it is there.
const CONTENDERS: [Contender; 4] = [Contender::Ours, Contender::Pool, Contender::Mutex, Contender::Sqlx];

/// Those that run in processes of ours.
const IN_PROCESSES: &[Contender] = &[Contender::Ours, Contender::Pool, Contender::Mutex];

const WRITES: &str = "durable writes";
const WAIT: &str = "durable writes, worst wait";

/// The line's words, who writes, and what is to be reached against the pool, the mutex, and by the worst wait.
const CONDITIONS: [(&str, Workers, [Target; 3]); 4] = [
    ("1 thread", Workers::Threads(1), [Target::RatioAtLeast(1.0), Target::None, Target::None]),
    (
        "8 threads",
        Workers::Threads(8),
        [Target::RatioAtLeast(4.0), Target::RatioAtLeast(5.0), Target::RatioAtMost(0.02)],
    ),
    (
        "64 threads",
        Workers::Threads(64),
        [Target::RatioAtLeast(8.0), Target::None, Target::RatioAtMost(0.02)],
    ),
    ("256 async tasks", Workers::Tasks(256), [Target::RatioAtLeast(12.0), Target::None, Target::None]),
];

/// Measures all lines of durable writes.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    let wanted: Vec<_> = CONDITIONS
        .into_iter()
        .filter(|(condition, ..)| harness.wants(WRITES, condition) || harness.wants(WAIT, condition))
        .collect();
    let mut contenders = &CONTENDERS[..];
    if !wanted.is_empty()
        && let Err(why) = sqlx::build(harness.quick)
    {
        harness.note(format!("sqlx is left out: {why}"));
        contenders = &CONTENDERS[..3];
    }
    for (condition, workers, targets) in wanted {
        in_one_process(harness, contenders, condition, workers, targets)?;
    }
    for threads in [1, 8] {
        let condition = format!("8 processes of {threads} thread{}", if threads == 1 { "" } else { "s" });
        if harness.wants(WRITES, &condition) || harness.wants(WAIT, &condition) {
            in_processes(harness, &condition, 8, threads)?;
        }
    }
    Ok(())
}

fn in_one_process(
    harness: &mut Harness,
    contenders: &[Contender],
    condition: &str,
    workers: Workers,
    [to_pool, to_mutex, to_wait]: [Target; 3],
) -> Outcome {
    let mut counted = String::new();
    let loads = Harness::in_turns(harness.repeats(), contenders.len(), |contender| {
        let contender = contenders[contender];
        let folder = Harness::folder()?;
        let path = folder.path().join("bench.db");
        contender.create(&path)?;
        let (load, counts) = contender.write(&path, workers, harness.window())?;
        if contender == Contender::Ours {
            counted = counts;
        }
        Ok(load)
    })?;
    let [ours, pool, mutex, others @ ..] = &loads[..] else { return Err("three contenders".into()) };
    let rates = |loads: &[Load]| loads.iter().map(Load::per_second).collect::<Vec<f64>>();
    let waits = |loads: &[Load]| loads.iter().map(|load| millis(load.worst_us)).collect::<Vec<f64>>();
    let writes = (WRITES, condition, "writes/s");
    let (pool_name, mutex_name) = (Contender::Pool.name(), Contender::Mutex.name());
    harness.add(Measured::beside(writes, &rates(ours), (pool_name, &rates(pool)), to_pool));
    harness.add(Measured::beside(writes, &rates(ours), (mutex_name, &rates(mutex)), to_mutex));
    for sqlx in others {
        let name = Contender::Sqlx.name();
        harness.add(Measured::beside(writes, &rates(ours), (name, &rates(sqlx)), to_pool));
    }
    let wait = (WAIT, condition, "ms");
    harness.add(Measured::beside(wait, &waits(ours), (pool_name, &waits(pool)), to_wait));
    harness.note(format!("{condition}, ours (last repeat, with warm-up): {counted}"));
    for (contender, loads) in contenders.iter().zip(&loads) {
        if let Some(last) = loads.last() {
            let (p50, p99, worst) = (millis(last.p50_us), millis(last.p99_us), millis(last.worst_us));
            let name = contender.name();
            harness.note(format!(
                "{condition}, {name}: waits of the last repeat p50 {p50:.3} ms, p99 {p99:.3} ms, worst {worst:.1} ms"
            ));
        }
        harness.note_errors(&format!("{condition}, {}", contender.name()), loads);
    }
    Ok(())
}

fn in_processes(harness: &mut Harness, condition: &str, processes: usize, threads: usize) -> Outcome {
    let loads = Harness::in_turns(harness.repeats(), IN_PROCESSES.len(), |contender| {
        let contender = IN_PROCESSES[contender];
        let folder = Harness::folder()?;
        let path = folder.path().join("bench.db");
        contender.create(&path)?;
        let loads = child::together(contender, &path, processes, threads, harness.window())?;
        Ok(Load::of_processes(&loads))
    })?;
    let of = |loads: &[Load], value: fn(&Load) -> f64| loads.iter().map(value).collect::<Vec<f64>>();
    let (ours, pool) = (&loads[0], &loads[1]);
    for (contender, theirs) in IN_PROCESSES.iter().zip(&loads).skip(1) {
        let peer = (contender.name(), &of(theirs, Load::per_second)[..]);
        let line = (WRITES, condition, "writes/s");
        harness.add(Measured::beside(line, &of(ours, Load::per_second), peer, Target::None));
    }
    let worst = |load: &Load| millis(load.worst_us);
    let peer = (Contender::Pool.name(), &of(pool, worst)[..]);
    harness.add(Measured::beside((WAIT, condition, "ms"), &of(ours, worst), peer, Target::None));
    let peer = (Contender::Pool.name(), &of(pool, Load::smallest_share)[..]);
    let line = ("durable writes, smallest share", condition, "of fair");
    harness.add(Measured::beside(line, &of(ours, Load::smallest_share), peer, Target::OursAtLeast(0.25)));
    let errors = |load: &Load| real(load.errors);
    let total: f64 = of(ours, errors).iter().sum();
    let line = ("durable writes, errors", condition, "errors");
    harness.add(Measured::alone(line, &[total], Target::OursAtMost(0.0)));
    for (contender, loads) in IN_PROCESSES.iter().zip(&loads) {
        harness.note_errors(&format!("{condition}, {}", contender.name()), loads);
    }
    Ok(())
}

fn millis(micros: u64) -> f64 {
    real(micros) / 1000.0
}
