//! Limits, and being cancelled while waiting for them. Upper bounds are generous: other work may hold up a test.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use conclave_retry::CancelToken;

use super::server::{PATIENCE, Peer, Server};
use super::{LONG, Limit, Request, SHORT, TransportError, clock, encryption};

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Ends long before a limit of [`LONG`], and not before this.
fn takes_at_least<T>(least: Duration, run: impl FnOnce() -> T) -> T {
    let clock = clock();
    let began = clock.monotonic();
    let result = run();
    let took = clock.monotonic().saturating_sub(began);
    assert!(took >= least, "after {took:?} already");
    assert!(took < LONG / 2, "after {took:?} only");
    result
}

/// Says this again and again, one byte each time, with a pause before each; until the client has gone.
fn trickle(peer: &mut Peer, bytes: &[u8], pause: Duration) {
    // Not for ever: a client without that limit is to be seen.
    for byte in bytes.iter().cycle().take(500) {
        if !rest(pause) || !peer.write([*byte]) {
            return;
        }
    }
}

/// A pause at the server. Always true.
fn rest(pause: Duration) -> bool {
    !CancelToken::new().wait(pause)
}

fn is(error: &TransportError, limit: Limit) {
    assert!(
        matches!(error, TransportError::TimedOut(reached) if *reached == limit),
        "{error:?} for {limit:?}"
    );
}

#[test]
fn a_server_that_says_nothing_reaches_the_limit_of_the_first_byte() {
    let server = Server::new(|peer| {
        peer.request();
        peer.wait_for_close();
    });
    let mut request = Request::to(&server.url());
    request.limits.first_byte = SHORT;
    is(&takes_at_least(SHORT, || request.error()), Limit::FirstByte);
    server.wait_for_end();
}

/// A server that does not read belongs to the wait for its first byte too.
#[test]
fn a_server_that_does_not_read_reaches_the_limit_of_the_first_byte() {
    let server = Server::new(|peer| {
        peer.head();
        // No byte of the body is taken: what the system does not hold waits at the client.
        rest(SHORT * 2);
        peer.wait_for_close();
    });
    let mut request = Request::to(&server.url());
    request.body = Some(vec![b'x'; 32 << 20]);
    request.limits.first_byte = SHORT;
    is(&takes_at_least(SHORT, || request.error()), Limit::FirstByte);
    server.wait_for_end();
}

// llm L37
#[test]
fn silence_after_the_first_byte_reaches_the_limit_of_silence() {
    for begin in ["H", HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"] {
        let server = Server::new(move |peer| {
            peer.request();
            peer.write(begin);
            peer.wait_for_close();
        });
        let mut request = Request::to(&server.url());
        request.limits.idle = SHORT;
        is(&takes_at_least(SHORT, || request.error()), Limit::Idle);
        server.wait_for_end();
    }
}

/// The two waits have limits of their own: a model that is loaded for minutes does not take from the other.
#[test]
fn the_wait_for_the_first_byte_is_no_silence() {
    let server = Server::new(|peer| {
        peer.request();
        rest(SHORT * 4);
        peer.write(HEAD);
        rest(SHORT / 2);
        peer.write("4\r\ntext\r\n0\r\n\r\n");
    });
    let mut request = Request::to(&server.url());
    request.limits.idle = SHORT * 3;
    assert_eq!(request.whole().expect("an answer").1, "text");
}

/// A record of TLS is nothing before its last byte, but its bytes are life.
#[test]
fn an_encrypted_record_may_come_slowly() {
    let server = Server::new(|peer| {
        encryption::answer_slowly(peer, HEAD, "4\r\ntext\r\n0\r\n\r\n", &|| assert!(rest(SHORT / 2)));
    });
    let mut request = Request::to(&format!("https://{}", server.address));
    request.ca_file = Some(encryption::certificates("authority.pem"));
    request.limits.idle = SHORT * 4;
    let answer = takes_at_least(SHORT * 6, || request.whole()).expect("an answer");
    assert_eq!(answer.1, "text");
}

// llm L37
#[test]
fn a_byte_now_and_then_is_no_silence() {
    let server = Server::new(|peer| {
        peer.request();
        peer.write(HEAD);
        for _ in 0..12 {
            rest(SHORT / 2);
            peer.write("2\r\n: \r\n");
        }
        peer.write("4\r\ntext\r\n0\r\n\r\n");
    });
    let mut request = Request::to(&server.url());
    // Where the machine is slow, the pauses are longer: what is tested is that they do not add up.
    request.limits.idle = SHORT * 4;
    let body = takes_at_least(SHORT * 6, || request.whole()).expect("an answer").1;
    assert!(body.ends_with(": text"), "{body}");
}

// llm L38
#[test]
fn a_trickle_of_bytes_ends_at_the_limit_of_the_whole_call() {
    for (begin, again) in [("HTTP/1.1 200 OK\r\n", "x"), (HEAD, "1\r\nx\r\n")] {
        let server = Server::new(move |peer| {
            peer.request();
            peer.write(begin);
            trickle(peer, again.as_bytes(), SHORT / 20);
        });
        let mut request = Request::to(&server.url());
        request.limits.total = SHORT;
        is(&takes_at_least(SHORT, || request.error()), Limit::Total);
        server.wait_for_end();
    }
}

// llm L12, L38
#[test]
fn the_callers_own_deadline_is_nobodys_failure() {
    let server = Server::new(|peer| {
        peer.request();
        peer.write(HEAD);
        trickle(peer, b"1\r\nx\r\n", SHORT / 20);
    });
    let mut request = Request::to(&server.url());
    // The same for both: it is the caller's.
    for (deadline, total) in [(SHORT, LONG), (SHORT, SHORT), (SHORT, SHORT * 2)] {
        request.limits.total = total;
        request.limits.deadline = Some(deadline);
        let error = takes_at_least(SHORT, || request.error());
        assert!(matches!(error, TransportError::Deadline), "{error:?}");
    }
    request.limits.total = SHORT;
    request.limits.deadline = Some(SHORT * 2);
    is(&request.error(), Limit::Total);
}

// llm L12
#[test]
fn a_deadline_of_nothing_sends_nothing() {
    let server = Server::new(|_| {});
    let mut request = Request::to(&server.url());
    request.limits.deadline = Some(Duration::ZERO);
    let error = request.error();
    assert!(matches!(error, TransportError::Deadline), "{error:?}");
    assert_eq!(server.connections(), 0);
}

/// What came at once is read to its end, however slowly the reader is, but not past the limit of the call.
#[test]
fn bytes_that_are_there_already_do_not_outlast_the_call() {
    let server = Server::new(|peer| {
        peer.request();
        peer.answer("200 OK", "text/plain", "abc");
        peer.wait_for_close();
    });
    let mut request = Request::to(&server.url());
    request.limits.total = SHORT;
    let mut incoming = request.send().expect("an answer");
    assert_eq!(incoming.body.read(&mut [0]).expect("a byte"), 1);
    rest(SHORT * 2);
    let error = incoming.body.read(&mut [0]).expect_err("the end of the call");
    is(&error, Limit::Total);
}

/// The answer is whole; only its counts are missing, and may never come.
#[test]
fn an_answer_that_is_whole_ends_soon_and_well() {
    for (rest_of_it, closes) in [("", false), ("5\r\nusage\r\n", false), ("5\r\nusage\r\n", true)] {
        let server = Server::new(move |peer| {
            peer.request();
            peer.write(format!("{HEAD}4\r\ntext\r\n{rest_of_it}"));
            if !closes {
                peer.wait_for_close();
            }
        });
        let mut incoming = Request::to(&server.url()).send().expect("an answer");
        let mut text = [0; 4];
        let mut read = 0;
        while read < 4 {
            read += incoming.body.read(&mut text[read..]).expect("the text");
        }
        assert_eq!(&text, b"text");
        incoming.body.end_within(SHORT);
        let least = if closes { Duration::ZERO } else { SHORT };
        let rest = takes_at_least(least, || incoming.body.read_up_to(100)).expect("its end");
        assert_eq!(rest.len(), if rest_of_it.is_empty() { 0 } else { 5 });
        drop(incoming);
        server.wait_for_end();
    }
}

/// Where a request waits when it is cancelled.
struct Waiting {
    server: Server,
    request: Request,
    /// Told when it waits there.
    there: Receiver<()>,
}

/// A server that does this and tells when the client waits.
fn waiting(url: &str, act: impl Fn(&mut Peer) + Send + Sync + 'static) -> Waiting {
    let (tell, there) = channel();
    let tell = Mutex::new(tell);
    let server = Server::new(move |peer| {
        act(peer);
        let _ = tell.lock().unwrap().send(());
        peer.wait_for_close();
    });
    let request = Request::to(&url.replace("SERVER", &server.address.to_string()));
    Waiting { server, request, there }
}

// llm L44
#[test]
fn a_cancelled_request_ends_at_once_and_its_connection_with_it() {
    let head = |peer: &mut Peer| drop(peer.request());
    let body = |peer: &mut Peer| {
        peer.request();
        peer.write(HEAD);
        peer.write("1\r\nx\r\n");
    };
    let unread = |peer: &mut Peer| drop(peer.head());
    let mut all = vec![
        ("encrypting", waiting("https://SERVER", |_| {})),
        ("head", waiting("http://SERVER", head)),
        ("body", waiting("http://SERVER", body)),
        ("writing", waiting("http://SERVER", unread)),
        ("proxy", waiting("https://host.invalid", unread)),
    ];
    all[3].1.request.body = Some(vec![b'x'; 32 << 20]);
    all[4].1.request.proxy = Some(all[4].1.server.url());
    for (name, Waiting { server, request, there }) in all {
        let cancel = request.cancel.clone();
        let (done, ended) = channel();
        let worker = std::thread::spawn(move || {
            let error = request.error();
            let _ = done.send(clock().monotonic());
            error
        });
        there.recv_timeout(PATIENCE).unwrap();
        // Time to come to where it waits; where it has not come there yet, it ends before.
        rest(SHORT / 3);
        let cancelled = clock().monotonic();
        cancel.cancel();
        let ended = ended.recv_timeout(PATIENCE).unwrap();
        let error = worker.join().unwrap();
        assert!(matches!(error, TransportError::Cancelled), "{name}: {error:?}");
        // 100 ms on a machine with nothing else to do.
        let took = ended.saturating_sub(cancelled);
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        server.wait_for_end();
    }
}

#[test]
fn a_request_that_is_cancelled_before_sends_nothing() {
    let server = Server::new(|_| {});
    let request = Request::to(&server.url());
    request.cancel.cancel();
    let error = request.error();
    assert!(matches!(error, TransportError::Cancelled), "{error:?}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn times_are_told() {
    let server = Server::new(|peer| {
        peer.request();
        rest(SHORT);
        peer.write(HEAD);
        peer.wait_for_close();
    });
    let incoming = Request::to(&server.url()).send().expect("an answer");
    assert!(incoming.first_byte >= SHORT, "{:?}", incoming.first_byte);
    assert!(incoming.connect < LONG, "{:?}", incoming.connect);
    // Dropped, it is closed.
    drop(incoming);
    server.wait_for_end();
}
