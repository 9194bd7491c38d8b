//! The UI in a real pseudo-terminal: it starts, answers, and gives the terminal back however it ends.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::scratch::Scratch;

/// The longest that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// The program in a pseudo-terminal of 80×24.
struct Session {
    child: Child,
    master: File,
    slave: File,
    chunks: Receiver<Vec<u8>>,
    seen: String,
    before: Termios,
}

impl Session {
    fn start(scratch: &Scratch, words: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let end = || Stdio::from(OwnedFd::from(slave.try_clone().unwrap()));
        let child = scratch.command().args(words).stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let master = File::from(master);
        let mut reading = master.try_clone().unwrap();
        let (sender, chunks) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = reading.read(&mut buffer) {
                if length == 0 || sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, master, slave, chunks, seen: String::new(), before }
    }

    /// Waits until the program has drawn this text since the last time that something was waited for.
    fn until(&mut self, text: &str) {
        loop {
            // A frame sends only what changed, and may move the cursor between words: text without the
            // sequences is what is looked at.
            if plain(&self.seen).contains(text) || self.seen.contains(text) {
                self.seen.clear();
                return;
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => self.seen.push_str(&String::from_utf8_lossy(&chunk)),
                Err(_) => panic!("{text:?} did not come: {:?}", plain(&self.seen)),
            }
        }
    }

    fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end, and expects the terminal as it was.
    fn ends(mut self) -> (ExitStatus, String) {
        self.until(LEAVE);
        let status = self.child.wait().unwrap();
        let after = tcgetattr(&self.slave).unwrap();
        assert!(after.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON), "still raw");
        assert_eq!(after.local_modes, self.before.local_modes);
        assert_eq!(after.input_modes, self.before.input_modes);
        drop(self.slave);
        while let Ok(chunk) = self.chunks.recv_timeout(Duration::from_millis(200)) {
            self.seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        assert!(self.seen.contains("\x1b[?25h"), "the cursor is not shown again");
        (status, plain(&self.seen))
    }
}

/// The text without control sequences.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        shown.push_str(before);
        let end = after.find(|letter: char| letter.is_ascii_alphabetic() || letter == '=' || letter == '>');
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    shown + rest
}

#[test]
fn it_starts_helps_filters_and_quits() {
    let scratch = Scratch::with_runs();
    let mut session = Session::start(&scratch, &[]);
    session.until(ENTER);
    session.until("10 of 10");
    session.keys("?");
    session.until("The keys of this screen");
    session.keys("\x1b");
    session.until("filter");
    session.keys("/stage:tasks");
    session.until("1 of 10");
    session.keys("\r");
    session.until("quit");
    session.keys("6");
    session.until("Migration");
    session.keys("q");
    let (status, _) = session.ends();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn signals_end_it_and_the_terminal_is_as_before() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let scratch = Scratch::with_runs();
        let mut session = Session::start(&scratch, &[]);
        session.until("10 of 10");
        session.signal(signal);
        let (status, _) = session.ends();
        assert_eq!(status.code(), Some(code));
    }
}

#[test]
fn a_folder_without_state_is_welcomed_and_left_as_it_is() {
    let scratch = Scratch::new();
    let mut session = Session::start(&scratch, &[]);
    session.until("start here");
    session.keys("jjv6");
    session.keys("q");
    let (status, _) = session.ends();
    assert_eq!(status.code(), Some(0));
    assert!(!scratch.project().join(".conclave").exists());
}

#[test]
fn what_others_write_is_shown() {
    let scratch = Scratch::new();
    let mut session = Session::start(&scratch, &[]);
    session.until("start here");
    let fixture = scratch.fixture();
    scratch.ok(&["migrate", "import", fixture.to_str().unwrap()]);
    session.until("10 of 10");
    session.keys("q");
    session.ends();
}

#[test]
fn the_demo_opens_the_ui_and_says_afterwards_where_it_lies() {
    let scratch = Scratch::new();
    let mut session = Session::start(&scratch, &["demo"]);
    session.until("10 of 10");
    session.keys("q");
    let (status, said) = session.ends();
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("the demo's project lies in"), "{said}");
}

/// Only debug builds have a defect on purpose.
#[cfg(debug_assertions)]
#[test]
fn a_defect_gives_the_terminal_back_and_is_one_line() {
    let scratch = Scratch::with_runs();
    let mut session = Session::start(&scratch, &[]);
    session.until("10 of 10");
    session.keys(":panic\r");
    let (status, said) = session.ends();
    assert_eq!(status.code(), Some(3));
    assert_eq!(said.matches("error: internal error").count(), 1, "{said}");
}
