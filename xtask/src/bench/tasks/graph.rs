//! Tasks with as many edges as there are tasks: what is ready, and whether an edge makes a cycle.

use conclave_tasks::TaskErrorKind;
use conclave_tasks::read::{self, ReadyQuery};
use conclave_tasks::work;

use super::file::{self, File};
use super::{add, alone, both, ready};
use crate::bench::harness::Harness;
use crate::bench::peers::tasks as peer;
use crate::bench::row::{Measured, Target};
use crate::outcome::Outcome;

const READY: &str = "tasks, ready (first 100, as JSON)";
const DENSE: &str = "10,000 live tasks, 10,000 blocks, 9,800 parent-child";
const CYCLES: &str = "tasks, all cycles";
const DEPEND: &str = "tasks, dep add with its cycle check";
const REFUSED: &str = "tasks, dep add that would be a cycle";

/// Measures the graphs.
pub(super) fn run(harness: &mut Harness) -> Outcome {
    if harness.wants(READY, DENSE) || harness.wants(CYCLES, DENSE) {
        dense(harness)?;
    }
    for (condition, file) in [
        ("10,000 edges, 101 layers of ten", file::layers as fn(usize) -> File),
        ("10,000 edges, one chain", file::chain),
    ] {
        if [CYCLES, DEPEND, REFUSED].iter().any(|row| harness.wants(row, condition)) {
            checked(harness, condition, &file(10_000))?;
        }
    }
    Ok(())
}

fn dense(harness: &mut Harness) -> Outcome {
    let folder = Harness::folder()?;
    let (db, store) = both(folder.path(), &file::dense(10_000))?;
    let query = ReadyQuery { limit: Some(100), ..ReadyQuery::default() };
    let (ours, theirs) = (ready(&db, &query)?.1, store.ready(100)?.1);
    if ours != theirs || ours.len() != 100 {
        return Err(format!("{} are ready here, {} there", ours.len(), theirs.len()).into());
    }
    let (repeats, window) = harness.reads();
    let loads = Harness::in_turns(repeats, 2, |contender| {
        if contender == 0 {
            alone(window, || ready(&db, &query).map(drop))
        } else {
            alone(window, || store.ready(100).map(drop))
        }
    })?;
    add(harness, (READY, DENSE), peer::READY, &loads, Target::OursAtMost(2.0));
    cycles(harness, DENSE, &db)
}

fn cycles(harness: &mut Harness, condition: &str, db: &conclave_db::Db) -> Outcome {
    let (repeats, window) = harness.reads();
    let loads = Harness::in_turns(repeats, 1, |_| {
        alone(window, || {
            let cycles = read::cycles(db)?;
            if cycles.is_empty() { Ok(()) } else { Err(format!("a cycle: {:?}", cycles[0]).into()) }
        })
    })?;
    let means = super::means(&loads[0]);
    harness.add(Measured::alone((CYCLES, condition, "ms"), &means, Target::OursAtMost(50.0)));
    harness.note_errors(&format!("{CYCLES}, {condition}"), &loads[0]);
    Ok(())
}

/// The last task reaches all others: whether it is reached from one of them takes the whole graph.
fn checked(harness: &mut Harness, condition: &str, file: &File) -> Outcome {
    let folder = Harness::folder()?;
    let (db, store) = both(folder.path(), file)?;
    cycles(harness, condition, &db)?;
    let (repeats, window) = harness.reads();
    let (first, last) = match file.ids.as_slice() {
        [first, .., last] => (first.as_str(), last.as_str()),
        _ => return Err("a file with two tasks".into()),
    };
    let outside =
        work::NewTask { title: "depends on all".into(), id: Some("bd-x".into()), ..Default::default() };
    work::create(&db, "bench", outside)?;
    let loads = Harness::in_turns(repeats, 2, |contender| {
        if contender == 0 {
            alone(window, || {
                work::depend(&db, "bench", "bd-x", last, "blocks")?;
                work::undepend(&db, "bench", "bd-x", last, None)?;
                Ok(())
            })
        } else {
            alone(window, || {
                store.depend("bd-x", last)?;
                store.undepend("bd-x", last)
            })
        }
    })?;
    let name = format!("{DEPEND}, then dep rm");
    add(harness, (&name, condition), peer::DEPEND, &loads, Target::OursAtMost(50.0));
    let loads = Harness::in_turns(repeats, 2, |contender| {
        if contender == 0 {
            alone(window, || match work::depend(&db, "bench", first, last, "blocks") {
                Err(error) if error.kind() == TaskErrorKind::Refused => Ok(()),
                other => Err(format!("a cycle: {other:?}").into()),
            })
        } else {
            alone(window, || if store.depend(first, last)? { Err("a cycle".into()) } else { Ok(()) })
        }
    })?;
    add(harness, (REFUSED, condition), peer::DEPEND, &loads, Target::OursAtMost(50.0));
    Ok(())
}
