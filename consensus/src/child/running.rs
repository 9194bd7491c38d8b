//! A child from its start to the end of all that it started.

use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::time::Duration;

use conclave_db::process::ProcessIdentity;
use rustix::process::Signal;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::time::sleep;

use super::ending::{Family, Members as _, end};
use super::leader::Leader;
use super::progress::Progress;
use super::stop::Stop;
use super::streams::{Feed, Heard, Output, Streams};
use super::{Done, Limits, Why, launch};

/// How long the pipes of a child that has exited may be held by those that it started.
const LINGER: Duration = Duration::from_secs(1);

type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// A child that was started. Dropped, it is killed with its group.
#[derive(Debug)]
#[must_use = "a child is killed when dropped"]
pub struct Running {
    leader: Leader,
    mark: String,
    stdin: Vec<u8>,
    pipes: Pipes,
}

impl Running {
    pub(super) const fn new(leader: Leader, mark: String, stdin: Vec<u8>, pipes: Pipes) -> Self {
        Self { leader, mark, stdin, pipes }
    }

    /// Who it is, to be found again by [`end_leftovers`](super::end_leftovers) if this process is killed.
    pub const fn identity(&self) -> &ProcessIdentity {
        self.leader.identity()
    }

    /// Feeds and hears the child until it and all that it started have ended, which it sees to.
    ///
    /// Asked to stop, or at the end of its time, the child gets SIGTERM, and SIGKILL after the grace (or when asked
    /// a second time). When it has exited by itself, those it started have a second to let go of its output, then
    /// they end in the same way. So this takes no longer than `timeout` and `grace` and the time of killing, which
    /// is given up after five seconds. The time counts from the call.
    ///
    /// `lines` gets the newest line of either output, ten times a second at most, cut at 512 bytes and not always
    /// text a terminal should see as it is; it is called on this task and must not block.
    ///
    /// Dropping the future kills the group at once; those who left it are for
    /// [`end_leftovers`](super::end_leftovers).
    pub async fn wait(self, limits: &Limits, stop: &Stop, lines: impl FnMut(&str)) -> Done {
        self.wait_hearing(limits, stop, lines, |_, _| ()).await
    }

    /// The same; `pieces` gets all that the child writes, as it comes and beyond what is kept of it. It is called on this
    /// task as well, and must not block.
    pub async fn wait_hearing(
        self,
        limits: &Limits,
        stop: &Stop,
        lines: impl FnMut(&str),
        pieces: impl FnMut(Output, &[u8]),
    ) -> Done {
        let Self { mut leader, mark, stdin, pipes: (input, output, errors) } = self;
        let mut streams = Streams {
            stdin: Feed::new(input, stdin),
            stdout: Heard::new(output, limits.stdout),
            stderr: Heard::new(errors, limits.stderr),
            progress: Progress::new(lines),
            pieces,
        };
        let mut deadline = pin!(sleep(limits.timeout));
        let mut why = tokio::select! {
            biased;
            () = leader.exited() => Why::Exited,
            () = stop.cancelled() => Why::Cancelled,
            () = &mut deadline => Why::TimedOut,
            never = streams.pump() => match never {},
        };
        // After a long stop of this process the timer may be heard before the news that came first.
        if leader.has_exited() {
            why = Why::Exited;
        }
        if why == Why::Exited {
            tokio::select! {
                biased;
                () = streams.closed() => {}
                () = stop.cancelled() => {}
                () = &mut deadline => {}
                () = sleep(LINGER) => {}
            }
        }
        let mut family = Family { leader: &mut leader, mark: &mark };
        let ending = async {
            // Most end alone: then nobody is signalled.
            if why != Why::Exited || !family.left().await.is_empty() {
                end(&mut family, limits.grace, stop).await;
            }
        };
        tokio::select! {
            biased;
            () = ending => {}
            never = streams.pump() => match never {},
        }
        // What is in the pipes now was written by the dead; only one that escaped can hold them open.
        tokio::select! {
            biased;
            () = streams.closed() => {}
            () = sleep(LINGER) => {}
        }
        let is_in_our_session = leader.is_in_our_session();
        let status = leader.reap();
        let (stdout, stderr) = streams.finish();
        let exit_code = status.and_then(|status| status.code());
        let signal = status.and_then(|status| status.signal());
        let ends = [Signal::INT, Signal::QUIT, Signal::HUP].map(Signal::as_raw);
        // SIGTERM at the end of its time is our own.
        let by_others = |signal| signal == Signal::TERM.as_raw() && why == Why::Exited;
        if is_in_our_session && signal.is_some_and(|signal| ends.contains(&signal) || by_others(signal)) {
            // Whoever ended our process group met the launcher too: the agent has not begun.
            why = Why::Cancelled;
        }
        let refused = || launch::refused(&mark, exit_code, &stderr.bytes);
        let not_started = leader.is_launched().then(refused).flatten();
        Done { exit_code, signal, why, not_started, stdout, stderr }
    }
}
