//! Imports that end with their process, at each of their steps and anywhere between.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_db::Db;
use conclave_registry::import::{self, Kind, Observer, Step};
use conclave_testkit::{Failure, Fault, FaultDisk, KillDriver, Op, Parent, Rerun, TempProject};

use crate::files::{column, open_global, open_state, variable};
use crate::originals::{AGENTS, BLOCKS, PORTS, STATE, agents, blocks, names, write};

/// Both files, each with its database.
fn take_over(folder: &Path, observer: &Observer) -> (Db, Db) {
    let (state, global) = (open_state(folder), open_global(folder));
    for (db, kind, name) in [(&state, Kind::State, "state.json"), (&global, Kind::Ports, "ports.json")] {
        import::take_over(db, kind, &folder.join(".agent-farm").join(name), observer).unwrap();
        import::finish(db).unwrap();
    }
    (state, global)
}

fn made() -> TempProject {
    let folder = TempProject::new();
    write(folder.root(), "state.json", STATE);
    write(folder.root(), "ports.json", PORTS);
    folder
}

/// The next start ends exactly right: each row once, one copy of each file, neither file, nothing left.
fn ends_right(folder: &Path, context: &str) {
    for _ in 0..2 {
        let (state, global) = take_over(folder, &Observer::default());
        assert_eq!(agents(&state), AGENTS, "{context}");
        assert_eq!(blocks(&global), BLOCKS, "{context}");
        for (db, name, text) in [(&state, "state.json.bak", STATE), (&global, "ports.json.bak", PORTS)] {
            let kept = folder.join(".agent-farm").join(name);
            assert_eq!(std::fs::read_to_string(&kept).unwrap(), text, "{context}");
            let markers: Vec<String> =
                column(db, "SELECT kept_as FROM registry_imports WHERE archived_at IS NOT NULL");
            assert_eq!(markers, [kept.to_str().unwrap()], "{context}");
            assert_eq!(column::<i64>(db, "SELECT count(*) FROM registry_imports"), [1], "{context}");
        }
        assert_eq!(names(&folder.join(".agent-farm")), ["ports.json.bak", "state.json.bak"], "{context}");
    }
}

// runtime-state 8.14
#[test]
fn killed_at_each_step_the_next_start_ends_exactly_right() {
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = PathBuf::from(variable("FOLDER"));
        let nth: usize = variable("NTH").parse().unwrap();
        parent.wait_for_release();
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let observer = Observer::new(move |_step: Step| {
            if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == nth {
                // As `kill -9`: nothing is cleared up.
                std::process::abort();
            }
        });
        take_over(&folder, &observer);
        parent.say("done");
        return;
    }
    // Both files, each with all steps; then one run that comes to its end.
    let most = Step::ALL.len() * 2;
    for nth in 0..=most {
        let folder = made();
        let mut child = Rerun::of("importing_killed::killed_at_each_step_the_next_start_ends_exactly_right")
            .variable("FOLDER", folder.root().display().to_string())
            .variable("NTH", nth.to_string())
            .start();
        child.release();
        let said = child.lines();
        child.wait();
        assert_eq!(said.len(), usize::from(nth == most), "step {nth}: {said:?}");
        ends_right(folder.root(), &format!("step {nth}"));
    }
}

// runtime-state 8.14: inside of the transaction
#[test]
fn killed_at_each_sync_and_write_the_next_start_ends_exactly_right() {
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = PathBuf::from(variable("FOLDER"));
        let disk = FaultDisk::watch(&folder);
        // The databases are there: what is killed is the import.
        drop((open_state(&folder), open_global(&folder)));
        parent.wait_for_release();
        let op = if parent.role() == "sync" { Op::Sync } else { Op::Write };
        disk.fail(Fault { op, nth: variable("NTH").parse().unwrap(), error: Failure::Kill, sticky: false });
        take_over(&folder, &Observer::default());
        parent.say("done");
        return;
    }
    for (op, step) in [("sync", 1), ("write", 3)] {
        let mut killed = 0;
        for nth in (1_u64..).step_by(step) {
            let folder = made();
            let mut child = Rerun::of(
                "importing_killed::killed_at_each_sync_and_write_the_next_start_ends_exactly_right",
            )
            .role(op)
            .variable("FOLDER", folder.root().display().to_string())
            .variable("NTH", nth.to_string())
            .start();
            child.release();
            let said = child.lines();
            child.wait();
            ends_right(folder.root(), &format!("{op} {nth}"));
            if said == ["done"] {
                break;
            }
            killed += 1;
        }
        assert!(killed > 4, "{op}: {killed}");
    }
}

// runtime-state 8.14: anywhere
#[test]
fn killed_anywhere_the_next_start_ends_exactly_right() {
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = PathBuf::from(variable("FOLDER"));
        parent.wait_for_release();
        let parent = std::sync::Mutex::new(parent);
        let observer = Observer::new(move |step| parent.lock().unwrap().say(&format!("{step:?}")));
        take_over(&folder, &observer);
        return;
    }
    let mut driver = KillDriver::new(14);
    for round in 0..30 {
        let folder = made();
        let child = Rerun::of("importing_killed::killed_anywhere_the_next_start_ends_exactly_right")
            .variable("FOLDER", folder.root().display().to_string())
            .start();
        let killed = driver.run_and_kill(child, 16, Duration::from_millis(2));
        ends_right(folder.root(), &format!("round {round}: {:?}", killed.lines));
    }
}
