use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use super::{Probe as _, SystemProbe};

/// A port that nobody listens on by the time this returns.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_listener_on_any_address_takes_the_port() {
    // The second one is an address of this machine that is asked about only together with all others.
    for address in ["127.0.0.1", "127.0.0.2", "0.0.0.0", "[::1]", "[::]"] {
        let Ok(listener) = TcpListener::bind(format!("{address}:0")) else {
            conclave_testkit::skipped("no such address here");
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        assert!(!SystemProbe.is_free(port).unwrap(), "{address}");
        // It still listens, and was not disturbed.
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap();
    }
}

#[test]
fn a_port_is_free_again_at_once() {
    // Ports that others on this machine take in between are tried again.
    let free = (0..20).any(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        // Whoever closes first leaves the port in TIME_WAIT: the server.
        server.write_all(b"x").unwrap();
        drop((server, listener));
        let mut all = Vec::new();
        client.read_to_end(&mut all).unwrap();
        drop(client);
        SystemProbe.is_free(address.port()).unwrap()
    });
    assert!(free, "a server that has ended does not keep its port");
}

#[test]
fn looking_leaves_nothing_behind() {
    let free = (0..20).any(|_| {
        let port = free_port();
        SystemProbe.is_free(port).unwrap()
            && SystemProbe.is_free(port).unwrap()
            && TcpListener::bind(("0.0.0.0", port)).is_ok()
    });
    assert!(free);
}
