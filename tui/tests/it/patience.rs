//! Waiting that has an end: what does not come is a failed test, not one that hangs.

use std::io::Read;
use std::process::{Child, ExitStatus, Output};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::scratch::Scratch;

/// How often is looked, and how many times: a minute together, for a busy machine.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: u32 = 12_000;

/// Waits until it is so.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes(is_so), "waited in vain: {what}");
}

/// Whether it is so in time.
pub(crate) fn comes(mut is_so: impl FnMut() -> bool) -> bool {
    // Nobody sends: receiving is a rest.
    let (_sender, rest) = channel::<()>();
    (0..LOOKS).any(|_| is_so() || rest.recv_timeout(LOOK).is_ok())
}

/// Waits until the file is there, and gives what stands in it.
#[track_caller]
pub(crate) fn when_there(scratch: &Scratch, name: &str) -> String {
    let file = scratch.project().join(name);
    let mut text = None;
    until(name, || {
        text = std::fs::read_to_string(&file).ok();
        text.is_some()
    });
    text.unwrap().trim().to_owned()
}

/// Waits for the end of a child; one that does not end is killed.
#[track_caller]
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let mut status = None;
    let in_time = comes(|| {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    if !in_time {
        child.kill().unwrap();
    }
    status.unwrap_or_else(|| panic!("the process does not end"))
}

/// The same for one with pipes, and gives what it wrote to them.
#[track_caller]
pub(crate) fn output_of(mut child: Child) -> Output {
    let stdout = collected(child.stdout.take());
    let stderr = collected(child.stderr.take());
    let status = ended(&mut child);
    let text = |lines: Receiver<Vec<u8>>| lines.recv_timeout(LOOK * LOOKS).unwrap();
    Output { status, stdout: text(stdout), stderr: text(stderr) }
}

fn collected(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, bytes) = channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut all).unwrap();
        }
        drop(sender.send(all));
    });
    bytes
}
