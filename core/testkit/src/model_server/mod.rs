//! A server for models that fails on purpose: raw sockets, a thread per connection, a script per path.
//!
//! It counts connections and requests, keeps what was asked, and notices when a client has gone away before its
//! answer was at an end. See [`Reply`] for what it can do, and [`Speaks`] for the answers of the three dialects.

mod answers;
mod connection;
mod reply;
mod seen;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, LockResult, PoisonError};
use std::thread::JoinHandle;

pub use self::answers::Speaks;
pub use self::reply::{Act, Reply};
pub use self::seen::Request;
use self::seen::Seen;

/// A server on loopback. It ends when dropped: then its port refuses, and what it held is closed.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    seen: Arc<Seen>,
    listening: Option<JoinHandle<()>>,
}

impl ModelServer {
    /// One on `127.0.0.1`, at a port of its own. It answers 404 until it has a script.
    pub fn start() -> Self {
        Self::on("127.0.0.1:0")
    }

    /// One at this address, such as `[::1]:0`, or where an ended one was.
    pub fn on(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a free port on loopback");
        let address = listener.local_addr().expect("the port");
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let listening = std::thread::spawn(move || listen(&listener, &shared));
        Self { address, seen, listening: Some(listening) }
    }

    /// One that lists these models and answers every question with this text, as `speaks` does.
    pub fn answering(speaks: Speaks, models: &[&str], text: &str) -> Self {
        let server = Self::start();
        server.lists(speaks, models);
        let model = models.first().copied().unwrap_or("m");
        server.script(speaks.path(), speaks.answer(model, text));
        server
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What every request for this path gets from now on. A path is what stands in the request before a `?`:
    /// `host:port` for CONNECT, a whole URL where a client takes this for a proxy.
    pub fn script(&self, path: &str, reply: Reply) {
        self.script_with(path, move |_| reply.clone());
    }

    /// The same, where it depends on the request.
    pub fn script_with(&self, path: &str, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        self.seen.change(|state| state.standing.insert(path.to_owned(), Arc::new(reply)));
    }

    /// What one request for this path gets, before [`ModelServer::script`] counts again. Several stand in line.
    pub fn once(&self, path: &str, reply: Reply) {
        self.seen.change(|state| state.once.entry(path.to_owned()).or_default().push_back(reply));
    }

    /// What a request gets that nothing else is said for.
    pub fn otherwise(&self, reply: Reply) {
        self.seen.change(|state| state.otherwise = Some(reply));
    }

    /// Answers the questions of this dialect for its models. Ollama's are all loaded.
    pub fn lists(&self, speaks: Speaks, models: &[&str]) {
        for (path, reply) in speaks.listings(models, models) {
            self.script(path, reply);
        }
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.seen.read(|state| state.connections)
    }

    /// How many requests for this path came whole.
    pub fn count(&self, path: &str) -> usize {
        self.seen.read(|state| state.requests.iter().filter(|request| request.path == path).count())
    }

    /// How many questions came: each POST is one.
    pub fn questions(&self) -> usize {
        self.seen.read(|state| state.requests.iter().filter(|request| request.method == "POST").count())
    }

    /// Every request that came whole, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.read(|state| state.requests.clone())
    }

    /// The most questions (POST) that it had at one time, each from its last byte to the end of its answer.
    pub fn most_at_once(&self) -> usize {
        self.seen.read(|state| state.most_questions)
    }

    /// The most requests of any kind that it had at one time.
    pub fn most_open_at_once(&self) -> usize {
        self.seen.read(|state| state.most_requests)
    }

    /// How many clients went away before their answer was at an end.
    pub fn gone(&self) -> usize {
        self.seen.read(|state| state.gone)
    }

    /// Lets this many go on of those that are held, or will be.
    pub fn release(&self, number: usize) {
        self.seen.change(|state| state.permits = state.permits.saturating_add(number));
    }

    /// Lets all go on that are held, or will be.
    pub fn release_all(&self) {
        self.release(usize::MAX);
    }

    /// Waits until this many requests for the path have come. It panics when they do not, after half a minute.
    pub fn wait_for(&self, path: &str, number: usize) {
        let what = format!("{number} requests for {path}");
        self.seen.wait(&what, |state| {
            state.requests.iter().filter(|request| request.path == path).count() >= number
        });
    }

    /// Waits until this many clients have gone away before their answer was at an end.
    pub fn wait_for_gone(&self, number: usize) {
        self.seen.wait(&format!("{number} clients to go away"), |state| state.gone >= number);
    }

    /// Waits until no request is open any more.
    pub fn wait_until_idle(&self) {
        self.seen.wait("the end of every request", |state| state.open_requests == 0);
    }

    /// Ends it, as a killed server ends: its port refuses, and every connection is closed where it is.
    /// What it has counted can still be read.
    pub fn kill(&mut self) {
        let Some(listening) = self.listening.take() else { return };
        self.seen.change(|state| state.has_ended = true);
        // The listener waits for a connection, so it gets one.
        let _ = TcpStream::connect(self.address);
        let _ = listening.join();
        for stream in self.seen.change(|state| std::mem::take(&mut state.streams)) {
            if let Some(stream) = stream.upgrade() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// A URL on loopback where nothing listens.
    pub fn nowhere() -> String {
        let mut server = Self::start();
        server.kill();
        server.url()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn listen(listener: &TcpListener, seen: &Arc<Seen>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let stream = Arc::new(stream);
        let number = seen.change(|state| {
            if state.has_ended {
                return None;
            }
            state.connections += 1;
            state.streams.retain(|known| known.strong_count() > 0);
            state.streams.push(Arc::downgrade(&stream));
            Some(state.connections)
        });
        let Some(number) = number else { return };
        let seen = Arc::clone(seen);
        std::thread::spawn(move || connection::serve(&stream, number, &seen));
    }
}

/// A test that panicked has failed already; the others go on with what is there.
fn recovered<T>(result: LockResult<T>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
