//! Ctrl-C while a command waits.

use std::process::Stdio;
use std::sync::mpsc::channel;

use conclave_db::{Db, DbError, DbOptions};
use rustix::process::{Pid, Signal, kill_process};

use crate::patience::{output_of, until};
use crate::scratch::Scratch;

/// Holds the write lock until the sender is dropped or sends.
pub(crate) fn hold(scratch: &Scratch) -> (std::sync::mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let db = Db::open(DbOptions::new(scratch.database(), conclave::state::schema().unwrap())).unwrap();
    let (inside, entered) = channel();
    let (release, released) = channel::<()>();
    let holder = std::thread::spawn(move || {
        db.write("hold the write lock", move |_| {
            inside.send(()).unwrap();
            let _ = released.recv();
            Ok::<_, DbError>(())
        })
        .unwrap();
    });
    entered.recv().unwrap();
    (release, holder)
}

#[test]
fn ctrl_c_in_an_import_says_what_is_kept_and_how_to_go_on() {
    let scratch = Scratch::with_runs();
    let (release, holder) = hold(&scratch);
    let fixture = scratch.fixture();
    // One more row, so that there is something to wait for.
    let row = "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
      VALUES('S', 'plan', 'late', 'x', 'late-run')";
    conclave_db::foreign::run(&fixture, row).unwrap();
    let words = ["migrate", "import", fixture.to_str().unwrap()];
    let child = scratch.command().args(words).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    // It waits for its turn to write.
    let waits = || {
        let open = std::fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
        let mut targets = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.any(|path| path.to_string_lossy().ends_with("-turn"))
    };
    until("it waits for its turn", waits);
    kill_process(pid, Signal::INT).unwrap();
    let ended = output_of(child);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted: what has arrived is kept"), "{said}");
    assert!(said.contains(&format!("conclave migrate import {}", fixture.display())), "{said}");
    drop(release);
    holder.join().unwrap();
}

#[test]
fn ctrl_c_ends_a_command_that_waits_with_130() {
    let scratch = Scratch::with_runs();
    let (release, holder) = hold(&scratch);
    // In slices it would find nothing to give back, and might end before the signal comes.
    let child = scratch.command().args(["db", "vacuum", "--full"]).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    // The handler is there as soon as the log has its first line, which comes before the database is opened.
    let log = scratch.path("home/.local/state/conclave/log/conclave.log");
    let begun = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("db vacuum"));
    until("it begins", begun);
    kill_process(pid, Signal::INT).unwrap();
    let ended = output_of(child);
    assert_eq!(ended.status.code(), Some(130));
    drop(release);
    holder.join().unwrap();
}
