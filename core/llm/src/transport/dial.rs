//! From a name to a connection: each address in turn, on a thread of its own, since neither the system's resolver nor its
//! `connect` can be told to stop.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use conclave_retry::Clock;
use rustix::io::Errno;

use super::TransportError;
use super::limits::Meter;
use crate::endpoint::Place;

/// Connects, within what the limits leave.
pub(super) fn dial(place: &Place, meter: &Meter) -> Result<TcpStream, TransportError> {
    let until = meter.clock().monotonic().saturating_add(meter.left()?);
    let (told, heard) = mpsc::channel();
    let abandoned = Arc::new(AtomicBool::new(false));
    let _guard = Abandon(Arc::clone(&abandoned));
    let (place, clock) = (place.clone(), meter.clock());
    let spawned = std::thread::Builder::new().name("llm-connect".to_owned()).spawn(move || {
        // Whoever does not want it any more has gone: then the connection is closed here.
        let _ = told.send(connect(&place, until, &*clock, &abandoned));
    });
    if let Err(error) = spawned {
        return Err(TransportError::Local(format!("no thread to connect with: {error}")));
    }
    loop {
        match heard.recv_timeout(meter.slice()?) {
            Ok(Ok(stream)) => return Ok(stream),
            // What a limit ended is told in its words.
            Ok(Err(error)) => return Err(meter.left().err().unwrap_or(error)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(TransportError::Local("the thread that connects has ended".to_owned()));
            }
        }
    }
}

/// Tells the thread that nobody waits any more.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn connect(
    place: &Place,
    until: Duration,
    clock: &dyn Clock,
    abandoned: &AtomicBool,
) -> Result<TcpStream, TransportError> {
    let addresses = addresses(place)?;
    let mut failures = Failures::default();
    for (at, address) in addresses.iter().enumerate() {
        if abandoned.load(Ordering::Relaxed) {
            break;
        }
        // An address that swallows everything must leave time for those after it.
        let waiting = u32::try_from(addresses.len() - at).unwrap_or(1);
        let share = until.saturating_sub(clock.monotonic()) / waiting;
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) if is_itself(&stream) => failures.add(*address, &ErrorKind::ConnectionRefused.into()),
            Ok(stream) => {
                // Nagle's delay is paid for the last piece of a request that is written in two.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failures.add(*address, &error),
        }
    }
    Err(failures.into_error(place))
}

/// Where to connect to, in this order.
fn addresses(place: &Place) -> Result<Vec<SocketAddr>, TransportError> {
    let at = |address: IpAddr| SocketAddr::new(address, place.port);
    if let Some(address) = place.address() {
        return Ok(vec![at(address)]);
    }
    if place.is_localhost() {
        // Both, whatever the hosts file says: servers listen on the one or on the other (RFC 6761 section 6.3).
        return Ok(vec![at(Ipv4Addr::LOCALHOST.into()), at(Ipv6Addr::LOCALHOST.into())]);
    }
    match (place.host.as_str(), place.port).to_socket_addrs() {
        Ok(found) => {
            let mut addresses: Vec<SocketAddr> = Vec::new();
            for address in found {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            if addresses.is_empty() {
                return Err(TransportError::Unreachable(format!("{} has no address", place.host)));
            }
            Ok(addresses)
        }
        Err(error) => Err(unresolved(&place.host, &error)),
    }
}

/// Why a name has no address. That there is none is the host's; that nobody could be asked is this machine's, and must
/// open no breaker (B12). The standard library gives the system's words only: `EAI_AGAIN` (getaddrinfo(3)).
fn unresolved(host: &str, error: &io::Error) -> TransportError {
    let words = error.to_string();
    if error.raw_os_error().is_some()
        || words.contains("Temporary failure in name resolution")
        || words.contains("Try again")
    {
        TransportError::Local(format!("the name {host} could not be looked up: {words}"))
    } else {
        TransportError::Unreachable(format!("the name {host} was not found"))
    }
}

/// A connection to a free port of this machine may meet itself: TCP allows both ends to open at once (RFC 9293
/// section 3.5), and the system may choose the same port.
fn is_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(own), Ok(peer)) if own == peer)
}

/// What went wrong at each address.
#[derive(Default)]
struct Failures {
    words: Vec<String>,
    /// Whether one of them speaks of the host, and not of this machine.
    of_host: bool,
}

impl Failures {
    fn add(&mut self, address: SocketAddr, error: &io::Error) {
        self.of_host |= !is_local(error);
        let why = match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            ErrorKind::TimedOut => "no answer in time".to_owned(),
            ErrorKind::HostUnreachable => "no route to the host".to_owned(),
            ErrorKind::NetworkUnreachable => "no route to the network".to_owned(),
            _ => error.to_string(),
        };
        self.words.push(format!("{address}: {why}"));
    }

    fn into_error(self, place: &Place) -> TransportError {
        let words = if self.words.is_empty() {
            format!("{} was not tried", place.authority())
        } else {
            self.words.join("; ")
        };
        if self.of_host { TransportError::Unreachable(words) } else { TransportError::Local(words) }
    }
}

/// Whether it says something of this machine only: no network, no right, nothing free to connect with.
fn is_local(error: &io::Error) -> bool {
    const LOCAL: [Errno; 13] = [
        Errno::NETUNREACH,
        Errno::NETDOWN,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
        Errno::ADDRINUSE,
        Errno::AFNOSUPPORT,
        Errno::PROTONOSUPPORT,
        Errno::ACCESS,
        Errno::PERM,
        Errno::INVAL,
    ];
    error.raw_os_error().is_some_and(|code| LOCAL.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(test)]
mod tests;
