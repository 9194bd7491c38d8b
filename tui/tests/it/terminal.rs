//! The UI in a real pseudo-terminal: it starts, answers, and gives the terminal back however it ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use conclave_retry::{Clock as _, SystemClock};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::patience::ended;
use crate::scratch::Scratch;

/// The longest that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// The program in a pseudo-terminal of 80×24.
pub(crate) struct Session {
    child: Child,
    master: File,
    slave: File,
    chunks: Receiver<Vec<u8>>,
    screen: VirtualScreen,
    seen: String,
    before: Termios,
}

impl Session {
    pub(crate) fn start(scratch: &Scratch, words: &[&str]) -> Self {
        Self::with(scratch.command(), words)
    }

    pub(crate) fn with(mut command: std::process::Command, words: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let end = || Stdio::from(OwnedFd::from(slave.try_clone().unwrap()));
        // A group of its own, as a shell gives it: suspending stops the whole group.
        command.args(words).stdin(end()).stdout(end()).stderr(end()).process_group(0);
        let child = command.spawn().unwrap();
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
        Self { child, master, slave, chunks, screen: VirtualScreen::default(), seen: String::new(), before }
    }

    /// Waits until this text is on the screen, or for a sequence until it was sent. Text that was sent once may
    /// have gone since: who waits for it would go on too early.
    pub(crate) fn until(&mut self, text: &str) {
        let is_sequence = text.starts_with('\x1b');
        // A screen whose times go on sends something every second.
        let begun = SystemClock.monotonic();
        while if is_sequence { !self.seen.contains(text) } else { !self.screen.shows(text) } {
            let left = PATIENCE.saturating_sub(SystemClock.monotonic().saturating_sub(begun));
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.take(&chunk),
                Err(error) => panic!("{text:?} did not come ({error}):\n{}", self.screen.text()),
            }
        }
    }

    /// Whether this was ever sent to the terminal.
    pub(crate) fn has_seen(&self, text: &str) -> bool {
        self.seen.contains(text)
    }

    fn take(&mut self, chunk: &[u8]) {
        let chunk = String::from_utf8_lossy(chunk);
        self.screen.write(&chunk);
        self.seen.push_str(&chunk);
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Takes what comes until nothing more does.
    fn drain(&mut self) {
        while let Ok(chunk) = self.chunks.recv_timeout(Duration::from_millis(200)) {
            self.take(&chunk);
        }
    }

    /// Waits for the end of a command that only prints; gives its exit code and what it said.
    pub(crate) fn said(mut self) -> (Option<i32>, String) {
        let status = ended(&mut self.child);
        self.drain();
        (status.code(), self.seen)
    }

    /// Expects the terminal as it was: its modes, its cursor, and no mouse, paste or focus that nobody hears.
    fn assert_given_back(&mut self) {
        self.drain();
        let now = tcgetattr(&self.slave).unwrap();
        assert!(now.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON), "still raw");
        assert_eq!(now.local_modes, self.before.local_modes);
        assert_eq!(now.input_modes, self.before.input_modes);
        let mut switches = BTreeMap::new();
        for part in self.seen.split("\x1b[?").skip(1) {
            let digits = part.len() - part.trim_start_matches(|each: char| each.is_ascii_digit()).len();
            switches.insert(&part[..digits], part[digits..].starts_with('h'));
        }
        assert_eq!(switches.remove("25"), Some(true), "the cursor is not shown again");
        assert!(switches.len() >= 4 && switches.values().all(|on| !on), "left on: {switches:?}");
    }

    /// Waits until it is stopped; one that ended instead has said why.
    pub(crate) fn stops(&mut self) {
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        if !status.stopped() {
            self.drain();
            panic!("{status:?}, and it said:\n{:?}", self.seen);
        }
    }

    /// Waits for the end, and expects the terminal as it was.
    pub(crate) fn ends(mut self) -> (ExitStatus, String) {
        self.until(LEAVE);
        let status = ended(&mut self.child);
        self.assert_given_back();
        (status, self.screen.text())
    }
}

/// As much of a terminal as the drawing library asks for: it moves the cursor, writes, and clears.
#[derive(Default)]
struct VirtualScreen {
    lines: BTreeMap<usize, BTreeMap<usize, char>>,
    line: usize,
    column: usize,
    /// A sequence whose end has not come yet.
    begun: String,
}

impl VirtualScreen {
    fn write(&mut self, text: &str) {
        for letter in text.chars() {
            if !self.begun.is_empty() || letter == '\x1b' {
                self.begun.push(letter);
                let body = &self.begun[1..];
                let ends = match body.chars().next() {
                    None => false,
                    Some('[') => body.len() > 1 && letter.is_ascii_alphabetic(),
                    Some(']') => letter == '\x07',
                    Some(_) => true,
                };
                if ends {
                    let sequence = std::mem::take(&mut self.begun);
                    self.obey(&sequence[1..]);
                }
                continue;
            }
            match letter {
                '\r' => self.column = 0,
                '\n' => self.line += 1,
                letter => {
                    self.lines.entry(self.line).or_default().insert(self.column, letter);
                    self.column += 1;
                }
            }
        }
    }

    fn obey(&mut self, sequence: &str) {
        let Some(body) = sequence.strip_prefix('[') else { return };
        if let Some(place) = body.strip_suffix('H') {
            let mut numbers = place.split(';').map(|number| number.parse().unwrap_or(1_usize));
            self.line = numbers.next().unwrap_or(1) - 1;
            self.column = numbers.next().unwrap_or(1) - 1;
        } else if body == "2J" || body.starts_with("?1049") {
            self.lines.clear();
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines.values() {
            let end = line.keys().next_back().map_or(0, |last| last + 1);
            text.extend((0..end).map(|column| line.get(&column).copied().unwrap_or(' ')));
            text.push('\n');
        }
        text
    }

    fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }
}

#[test]
fn it_starts_helps_filters_and_quits() {
    let scratch = Scratch::with_runs();
    let mut session = Session::start(&scratch, &[]);
    session.until(ENTER);
    session.until("10 of 10");
    session.keys("?");
    session.until("The keys of this screen");
    // The footer is drawn last. An escape right before another key would be one key with Alt.
    session.until("esc back");
    session.keys("\x1b");
    session.until("open  n new run");
    session.keys("/stage:tasks");
    session.until("1 of 10");
    session.keys("\r");
    session.until("open  n new run");
    session.keys("6");
    session.until("Migration");
    session.keys("q");
    let (status, _) = session.ends();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn signals_end_it_and_the_terminal_is_as_before() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let scratch = Scratch::with_runs();
        let mut session = Session::start(&scratch, &[]);
        session.until("10 of 10");
        session.signal(signal);
        let (status, _) = session.ends();
        assert_eq!(status.code(), Some(code));
    }
}

/// Stopped, the terminal is the shell's; continued, it is taken again and everything is drawn.
#[test]
fn a_stop_gives_the_terminal_back_and_a_continuation_takes_it_again() {
    for by_key in [false, true] {
        let scratch = Scratch::with_runs();
        let mut session = Session::start(&scratch, &[]);
        session.until("10 of 10");
        if by_key {
            session.keys("\x1a");
        } else {
            session.signal(Signal::TSTP);
        }
        session.stops();
        session.until(LEAVE);
        session.assert_given_back();
        // What the shell says meanwhile.
        (session.seen, session.screen) = (String::new(), VirtualScreen::default());
        session.signal(Signal::CONT);
        session.until(ENTER);
        session.until("10 of 10");
        session.keys("q");
        let (status, _) = session.ends();
        assert_eq!(status.code(), Some(0));
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
fn a_comparison_keeps_what_it_finds_unless_it_may_not() {
    let scratch = Scratch::with_runs();
    let tampering = "UPDATE agent_outputs SET content = 'other' WHERE id = 1";
    conclave_db::foreign::run(&scratch.database(), tampering).unwrap();
    for (words, kept) in [(&["--read-only"][..], 0), (&[], 1)] {
        let mut session = Session::start(&scratch, words);
        session.until("10 of 10");
        session.keys("6V");
        session.until("1 differ");
        session.keys("q");
        session.ends();
        let status = scratch.json(&["migrate", "status"]);
        assert_eq!((&status["mismatches"], status["verified_at"].is_string()), (&kept.into(), kept > 0));
    }
}

#[test]
fn what_needs_someone_is_told_and_leads_to_storage() {
    let scratch = Scratch::with_runs();
    let mut session = Session::start(&scratch, &[]);
    session.until("10 of 10");
    conclave_db::foreign::run(&scratch.database(), "UPDATE import_sources SET finished_at = NULL").unwrap();
    session.until("! 1 needs you");
    session.keys("!");
    session.until("is not finished");
    session.keys("\r");
    session.until("Migration");
    session.keys("q");
    let (status, _) = session.ends();
    assert_eq!(status.code(), Some(0));
}

/// Where nobody can say how far it is.
#[test]
fn long_work_on_the_file_turns_a_spinner() {
    let scratch = Scratch::with_runs();
    let (release, holder) = crate::interrupted::hold(&scratch);
    let mut session = Session::start(&scratch, &["db", "vacuum", "--full"]);
    session.until("writing the whole file anew");
    drop(release);
    session.until("file and log ");
    assert_eq!(ended(&mut session.child).code(), Some(0));
    holder.join().unwrap();
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

/// Where it is not the controlling terminal no signal comes.
#[test]
fn a_terminal_that_goes_without_a_word_ends_it_as_a_hangup_does() {
    let scratch = Scratch::with_runs();
    // The program must not hold the other end itself.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let end = || Stdio::from(OwnedFd::from(slave.try_clone().unwrap()));
    let mut child =
        scratch.command().stdin(end()).stdout(end()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
    let mut master = File::from(master);
    let mut seen = String::new();
    while !seen.contains(ENTER) {
        let mut buffer = [0; 4096];
        let length = master.read(&mut buffer).unwrap();
        seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    drop(master);
    let status = ended(&mut child);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(129), "{said}");
}
