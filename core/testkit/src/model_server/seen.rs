//! What the server was told to do, and what it has seen.

use std::collections::{HashMap, VecDeque};
use std::fmt::{Debug, Formatter};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use super::recovered;
use super::reply::Reply;

/// Much longer than anything that a test waits for takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that came whole.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which connection it came over; the first is 1.
    pub connection: usize,
    /// `GET`, `POST`, `CONNECT`.
    pub method: String,
    /// What was asked for, up to a `?`.
    pub path: String,
    /// What stood behind the `?`.
    pub query: Option<String>,
    /// The lines of the head after the first, as they came.
    pub headers: Vec<(String, String)>,
    /// The body; a chunked one without its framing.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value; its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(super) type Script = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

#[derive(Default)]
pub(super) struct State {
    pub(super) standing: HashMap<String, Script>,
    pub(super) once: HashMap<String, VecDeque<Reply>>,
    pub(super) otherwise: Option<Reply>,
    pub(super) connections: usize,
    pub(super) requests: Vec<Request>,
    pub(super) open_requests: usize,
    pub(super) most_requests: usize,
    pub(super) open_questions: usize,
    pub(super) most_questions: usize,
    pub(super) gone: usize,
    pub(super) permits: usize,
    pub(super) has_ended: bool,
    pub(super) streams: Vec<Weak<TcpStream>>,
}

/// The state, and a bell that rings when it changes.
#[derive(Default)]
pub(super) struct Seen {
    state: Mutex<State>,
    bell: Condvar,
}

impl Debug for Seen {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Seen").finish_non_exhaustive()
    }
}

impl Seen {
    pub(super) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        let state = recovered(self.state.lock());
        look(&state)
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = recovered(self.state.lock());
        let changed = change(&mut state);
        drop(state);
        self.bell.notify_all();
        changed
    }

    pub(super) fn wait(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let state = recovered(self.state.lock());
        let (state, waited) = recovered(self.bell.wait_timeout_while(state, PATIENCE, |state| !is_so(state)));
        drop(state);
        assert!(!waited.timed_out(), "the model server waited in vain for {what}");
    }

    /// Waits until a permit can be taken, this long at most.
    pub(super) fn takes_permit(&self, time: Duration) -> bool {
        let state = recovered(self.state.lock());
        let waits = |state: &mut State| state.permits == 0 && !state.has_ended;
        let (mut state, _) = recovered(self.bell.wait_timeout_while(state, time, waits));
        let has = state.permits > 0;
        if has && state.permits != usize::MAX {
            state.permits -= 1;
        }
        has
    }

    /// Notes a request and finds what it gets.
    pub(super) fn begins(&self, request: &Request) -> Reply {
        let script = self.change(|state| {
            state.requests.push(request.clone());
            state.open_requests += 1;
            state.most_requests = state.most_requests.max(state.open_requests);
            if request.method == "POST" {
                state.open_questions += 1;
                state.most_questions = state.most_questions.max(state.open_questions);
            }
            if let Some(reply) = state.once.get_mut(&request.path).and_then(VecDeque::pop_front) {
                return Ok(reply);
            }
            match state.standing.get(&request.path) {
                Some(script) => Err(Arc::clone(script)),
                None => Ok(state.otherwise.clone().unwrap_or_else(Reply::not_found)),
            }
        });
        // Not under the lock: it may ask the server something.
        script.unwrap_or_else(|script| script(request))
    }

    pub(super) fn ends(&self, request: &Request, has_gone: bool) {
        self.change(|state| {
            state.open_requests -= 1;
            if request.method == "POST" {
                state.open_questions -= 1;
            }
            // Connections that the end of the server closed are not clients that went.
            if has_gone && !state.has_ended {
                state.gone += 1;
            }
        });
    }

    pub(super) fn has_ended(&self) -> bool {
        self.read(|state| state.has_ended)
    }
}
