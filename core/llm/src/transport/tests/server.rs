//! A raw server: one thread for each connection, which does what the test says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a test waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// A connection at the server.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    heads: Sender<String>,
}

impl Peer {
    /// Reads one request, head and body, and remembers it.
    pub(super) fn request(&mut self) -> String {
        let head = self.head();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        let request = head + &String::from_utf8(body).unwrap();
        let _ = self.heads.send(request.clone());
        request
    }

    /// Reads the head of a request only.
    pub(super) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.stream.read(&mut byte).unwrap_or(0) == 0 {
                break;
            }
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// Writes; whether the client is still there.
    pub(super) fn write(&mut self, text: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(text.as_ref()).is_ok()
    }

    /// A whole answer with this body.
    pub(super) fn answer(&mut self, status: &str, kind: &str, body: &str) {
        let length = body.len();
        self.write(format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
    }

    /// Returns when the client has closed.
    pub(super) fn wait_for_close(&mut self) {
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 1024];
        while matches!(self.stream.read(&mut buffer), Ok(1..)) {}
    }
}

/// A server that does the same with every connection.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    requests: Receiver<String>,
    gone: Receiver<()>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    pub(super) fn new(act: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", act)
    }

    pub(super) fn at(address: &str, act: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, requests) = channel();
        let (left, gone) = channel();
        let connections = Arc::new(Mutex::new(0));
        let count = Arc::clone(&connections);
        let act = Arc::new(act);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                *count.lock().unwrap() += 1;
                let mut peer = Peer { stream, heads: heads.clone() };
                let (act, left) = (Arc::clone(&act), left.clone());
                std::thread::spawn(move || {
                    act(&mut peer);
                    drop(peer);
                    let _ = left.send(());
                });
            }
        });
        Self { address, requests, gone, connections }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request that was read whole.
    pub(super) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }

    /// Waits until a connection is done with.
    pub(super) fn wait_for_end(&self) {
        self.gone.recv_timeout(PATIENCE).unwrap();
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// An address of this machine where nobody listens.
pub(super) fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
