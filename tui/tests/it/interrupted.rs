//! Ctrl-C while a command waits.

use std::process::Stdio;
use std::sync::mpsc::channel;

use conclave_db::{Db, DbError, DbOptions};
use rustix::process::{Pid, Signal, kill_process};

use crate::scratch::Scratch;

#[test]
fn ctrl_c_ends_a_command_that_waits_with_130() {
    let scratch = Scratch::with_runs();
    let db = Db::open(DbOptions::new(scratch.database(), conclave::state::schema().unwrap())).unwrap();
    let (inside, entered) = channel();
    let (release, released) = channel::<()>();
    let holder = std::thread::spawn(move || {
        db.write("hold the write lock", move |_| {
            inside.send(()).unwrap();
            let _ = released.recv();
            Ok::<_, DbError>(())
        })
    });
    entered.recv().unwrap();
    // In slices it would find nothing to give back, and might end before the signal comes.
    let child = scratch.command().args(["db", "vacuum", "--full"]).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    // The handler is there as soon as the log has its first line, which comes before the database is opened.
    let log = scratch.path("home/.local/state/conclave/log/conclave.log");
    let begun = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("db vacuum"));
    while !begun() {
        std::thread::yield_now();
    }
    kill_process(pid, Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    release.send(()).unwrap();
    holder.join().unwrap().unwrap();
}
