use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, SystemClock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};

use super::super::limits::Limits;
use super::{Failures, Meter, Place, TransportError, dial, is_itself, unresolved};

const LONG: Duration = Duration::from_mins(1);

fn meter(connect: Duration, cancel: &CancelToken) -> Meter {
    let limits = Limits { connect, first_byte: LONG, idle: LONG, total: LONG, deadline: None };
    Meter::new(limits, Arc::new(SystemClock), cancel.clone())
}

fn place(address: SocketAddr) -> Place {
    Place { host: address.ip().to_string(), port: address.port(), is_https: false }
}

/// A place where the system answers no one who connects: it holds as many as it may, and nobody takes them.
fn full() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &"127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let waiting: Vec<TcpStream> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok())
            .take(9)
            .collect();
    assert!(waiting.len() < 9, "the system holds more connections than it was told to");
    (listener, waiting, address)
}

#[test]
fn who_does_not_answer_is_not_connected_to() {
    let (_listener, _waiting, address) = full();
    let error = dial(&place(address), &meter(Duration::from_millis(200), &CancelToken::new())).unwrap_err();
    assert!(matches!(&error, TransportError::Unreachable(why) if why.contains("within 200 ms")), "{error:?}");
}

// llm L44
#[test]
fn connecting_can_be_cancelled() {
    let (_listener, _waiting, address) = full();
    let cancel = CancelToken::new();
    let worker = std::thread::spawn({
        let cancel = cancel.clone();
        move || dial(&place(address), &meter(LONG, &cancel)).unwrap_err()
    });
    // Time to begin; where it has not begun, it ends before.
    CancelToken::new().wait(Duration::from_millis(100));
    cancel.cancel();
    let error = worker.join().unwrap();
    assert!(matches!(error, TransportError::Cancelled), "{error:?}");
}

#[test]
fn a_connection_with_itself_is_none() {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &"127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
    let stream = TcpStream::from(socket);
    rustix::net::connect(&stream, &stream.local_addr().unwrap()).unwrap();
    assert!(is_itself(&stream));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(!is_itself(&TcpStream::connect(listener.local_addr().unwrap()).unwrap()));
}

/// What this machine lacks says nothing of a host; one word of the host itself does.
#[test]
fn what_this_machine_lacks_is_not_the_hosts() {
    let check = |errors: &[Errno], of_host: bool| {
        let mut failures = Failures::default();
        for error in errors {
            failures.add("127.0.0.1:1".parse().unwrap(), &io::Error::from(*error));
        }
        let error = failures.into_error(&place("127.0.0.1:1".parse().unwrap()));
        assert_eq!(matches!(error, TransportError::Unreachable(_)), of_host, "{errors:?}: {error:?}");
        assert_eq!(matches!(error, TransportError::Local(_)), !of_host, "{errors:?}: {error:?}");
    };
    for errno in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::TIMEDOUT, Errno::CONNRESET] {
        check(&[errno], true);
        check(&[Errno::ADDRNOTAVAIL, errno, Errno::NETUNREACH], true);
    }
    for errno in [Errno::NETUNREACH, Errno::NETDOWN, Errno::MFILE, Errno::NFILE, Errno::ACCESS, Errno::PERM] {
        check(&[errno], false);
    }
    check(&[], false);
}

#[test]
fn a_name_that_nobody_could_be_asked_for_is_not_the_hosts() {
    let failed = |words: &str| io::Error::other(format!("failed to lookup address information: {words}"));
    let error = unresolved("h", &failed("Name or service not known"));
    assert!(matches!(&error, TransportError::Unreachable(why) if why.contains("not found")), "{error:?}");
    for error in [failed("Temporary failure in name resolution"), failed("Try again"), Errno::MFILE.into()] {
        let error = unresolved("h", &error);
        assert!(matches!(error, TransportError::Local(_)), "{error:?}");
    }
}
