//! A test that starts itself again as child processes, and the socket over which they talk.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use conclave_retry::{Sleeper, SystemSleeper};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

const SOCKET: &str = "CONCLAVE_TESTKIT_SOCKET";
const ROLE: &str = "CONCLAVE_TESTKIT_ROLE";
const NUMBER: &str = "CONCLAVE_TESTKIT_NUMBER";

/// How to start a test of the current binary again as a child process.
#[derive(Debug, Clone)]
pub struct Rerun {
    test: String,
    role: String,
    variables: Vec<(String, String)>,
}

impl Rerun {
    /// The test with exactly this name, such as `durability::acknowledged_write_survives_kill`.
    pub fn of(test: &str) -> Self {
        Self { test: test.to_owned(), role: String::new(), variables: Vec::new() }
    }

    /// Which of several parts the child plays.
    pub fn role(mut self, role: &str) -> Self {
        role.clone_into(&mut self.role);
        self
    }

    /// An environment variable for the child.
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Starts one child and waits until it has said that it is ready. It goes on when it is released, which
    /// [`KillDriver`](crate::KillDriver) does, and [`Child::release`].
    pub fn start(&self) -> Child {
        self.start_number(0)
    }

    /// Starts several children, numbered from 0, and waits until all are ready. They go on together.
    pub fn start_fleet(&self, size: usize) -> Fleet {
        Fleet { children: (0..size).map(|number| self.start_number(number)).collect() }
    }

    fn start_number(&self, number: usize) -> Child {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a socket");
        let process = Command::new(this_binary())
            .args([self.test.as_str(), "--exact", "--include-ignored", "--nocapture", "--test-threads=1"])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env(SOCKET, &path)
            .env(ROLE, &self.role)
            .env(NUMBER, number.to_string())
            .stdin(Stdio::null())
            // The test harness talks on stdout; a panic's message goes to stderr and is shown.
            .stdout(Stdio::null())
            .spawn()
            .expect("a child process");
        let mut child = Child { process, stream: None, number };
        let stream = child.accept(&listener, &self.test);
        child.stream = Some(BufReader::new(stream));
        assert_eq!(child.line().as_deref(), Some(READY), "child {number} of {}", self.test);
        child
    }
}

/// The first line that a child says.
const READY: &str = "ready";

/// A child process. Killed when dropped.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    stream: Option<BufReader<UnixStream>>,
    number: usize,
}

impl Child {
    /// A child that ends before it connects (a wrong test name, a panic) must not leave its parent waiting.
    fn accept(&mut self, listener: &UnixListener, test: &str) -> UnixStream {
        listener.set_nonblocking(true).expect("a socket that does not block");
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).expect("a socket that blocks");
                    return stream;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("accept: {error}"),
            }
            if let Some(status) = self.process.try_wait().expect("the child's state") {
                panic!(
                    "no child connected: is {test:?} the exact name of a test that asks for its Parent? {status}"
                );
            }
            SystemSleeper.sleep(Duration::from_millis(1));
        }
    }

    /// Its place in its fleet.
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Lets it go on.
    pub fn release(&mut self) {
        self.send("go");
    }

    /// Says a line to it, which [`Parent::hear`] gives there.
    pub fn send(&mut self, line: &str) {
        let stream = self.stream.as_mut().expect("a connected child").get_mut();
        // A child that has ended is found by whoever reads its answer.
        let _ = stream.write_all(format!("{line}\n").as_bytes());
    }

    /// The next line that it said; waits for one. `None` when it has ended and everything was read.
    pub fn line(&mut self) -> Option<String> {
        read_line(self.stream.as_mut().expect("a connected child"))
    }

    /// The next line, if there is one before this time is up.
    pub fn line_within(&mut self, time: Duration) -> Option<String> {
        let stream = self.stream.as_mut().expect("a connected child");
        stream.get_ref().set_read_timeout(Some(time.max(Duration::from_millis(1)))).expect("a time limit");
        let line = read_line(stream);
        stream.get_ref().set_read_timeout(None).expect("no time limit");
        line
    }

    /// Everything that it says until it ends.
    pub fn lines(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        self.process.kill().expect("the child is ours to kill");
        self.process.wait().expect("the child's end");
    }

    /// Stops it where it is, as `kill -STOP` does: it keeps its locks. It stands still when this returns.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        let stopped = waitpid(Some(self.process_id()), WaitOptions::UNTRACED).expect("the child's state");
        assert!(stopped.is_some_and(|(_, status)| status.stopped()), "the child ended instead");
    }

    /// Lets a stopped child go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.process_id(), signal).expect("the child is ours to signal");
    }

    fn process_id(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Waits until it ends.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait().expect("the child's end")
    }

    /// Reads what it still says and waits until it ends; its test must have passed.
    pub fn finish(mut self) -> Vec<String> {
        let lines = self.lines();
        let status = self.wait();
        assert!(status.success(), "child {} failed: {status}", self.number);
        lines
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It fails where the child has ended, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Children that go on together.
#[derive(Debug)]
pub struct Fleet {
    /// The children, by number.
    pub children: Vec<Child>,
}

impl Fleet {
    /// Opens the barrier: all go on at once.
    pub fn release(&mut self) {
        for child in &mut self.children {
            child.release();
        }
    }

    /// Waits until all have ended; gives what each said. All their tests must have passed.
    pub fn finish(self) -> Vec<Vec<String>> {
        self.children.into_iter().map(Child::finish).collect()
    }
}

/// The parent, as the child sees it.
#[derive(Debug)]
pub struct Parent {
    stream: BufReader<UnixStream>,
    role: String,
    number: usize,
}

impl Parent {
    /// The parent, if this process is a child; `None` in the test that the user started.
    pub fn of_this_process() -> Option<Self> {
        let path = PathBuf::from(std::env::var_os(SOCKET)?);
        let stream = UnixStream::connect(path).expect("the parent's socket");
        let role = std::env::var(ROLE).unwrap_or_default();
        let number = std::env::var(NUMBER).ok().and_then(|number| number.parse().ok()).expect("a number");
        Some(Self { stream: BufReader::new(stream), role, number })
    }

    /// Which part this child plays.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// This child's place in its fleet.
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Says that this child is ready, and waits until all are.
    pub fn wait_for_release(&mut self) {
        self.say(READY);
        assert!(self.hear().is_some(), "the parent is gone");
    }

    /// Acknowledges something: the parent has the line even when this process is killed right after.
    pub fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.stream.get_mut().write_all(line.as_bytes()).expect("a parent that listens");
    }

    /// The next line of the parent; waits for one. `None` when the parent is gone.
    pub fn hear(&mut self) -> Option<String> {
        read_line(&mut self.stream)
    }
}

/// A line without its end; `None` at the end of everything, and for a line that was cut off by the end.
fn read_line(stream: &mut BufReader<impl Read>) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line) {
        Ok(_) => line.strip_suffix('\n').map(str::to_owned),
        // A killed child resets the connection where it had not read everything.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::WouldBlock | ErrorKind::TimedOut
            ) =>
        {
            None
        }
        Err(error) => panic!("read from the other process: {error}"),
    }
}

/// This program, also when its file was replaced since it began, as a build does that goes on beside a test.
fn this_binary() -> PathBuf {
    let file = std::env::current_exe().expect("this binary");
    if file.exists() { file } else { PathBuf::from("/proc/self/exe") }
}
