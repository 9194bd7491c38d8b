//! Answers that come, and those that do not come whole.

use std::io::Read;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use conclave_retry::{Random, SeededRandom};

use super::server::{PATIENCE, Server, closed_port};
use super::{Request, TransportError};
use crate::secret::Secret;

/// What a server says that writes this and closes.
fn after(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<(u16, String), TransportError> {
    let server = Server::new(move |peer| {
        peer.request();
        peer.write(&bytes);
    });
    Request::to(&server.url()).whole()
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_request_is_written_and_its_answer_read() {
    let server = Server::new(|peer| {
        peer.request();
        peer.answer("200 OK", "application/json", "{}");
        peer.wait_for_close();
    });
    let request = Request::to(&server.url());
    for _ in 0..2 {
        assert_eq!(request.whole().expect("an answer"), (200, "{}".to_owned()));
        let sent = server.request();
        assert!(sent.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains(&format!("host: {}\r\n", server.address)), "{sent}");
        assert!(sent.contains("user-agent: conclave/"), "{sent}");
        assert!(sent.contains("content-type: application/json\r\n"), "{sent}");
        assert!(sent.contains("connection: close\r\n"), "{sent}");
        assert!(!sent.to_lowercase().contains("expect:"), "{sent}");
        assert!(sent.ends_with(r#"{"model":"m"}"#), "{sent}");
        // It is closed and never used again.
        server.wait_for_end();
    }
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_question_without_body_is_a_get() {
    let server = Server::new(|peer| {
        peer.request();
        peer.write("HTTP/1.1 200 OK\r\nX-Request-ID: ré1\r\nX-Request-ID: 2\r\ncontent-length: 0\r\n\r\n");
    });
    let mut request = Request::to(&format!("{}/base/", server.url()));
    request.body = None;
    let mut incoming = request.send().expect("an answer");
    assert!(server.request().starts_with("GET /base/v1/chat/completions HTTP/1.1\r\n"));
    let ids: Vec<&str> = incoming
        .headers
        .iter()
        .filter(|(name, _)| name == "x-request-id")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(ids, ["ré1", "2"]);
    for _ in 0..3 {
        assert_eq!(incoming.body.read(&mut [0; 8]).expect("its end"), 0);
    }
}

// llm L46
#[test]
fn user_information_is_a_header_where_no_key_takes_its_place() {
    let server = Server::new(|peer| {
        peer.request();
        peer.answer("200 OK", "text/plain", "");
    });
    let url = server.url().replace("http://", "http://u:p@");
    let sent = |key: Option<(&'static str, &str)>| {
        let mut request = Request::to(&url);
        request.key = key.map(|(name, value)| (name, Secret::new(value.to_owned())));
        request.whole().expect("an answer");
        let sent = server.request();
        assert!(!sent.contains("u:p"), "{sent}");
        sent
    };
    assert!(sent(None).contains("authorization: Basic dTpw\r\n"));
    let both = sent(Some(("x-api-key", "sk-1")));
    assert!(both.contains("x-api-key: sk-1\r\n") && both.contains("authorization: Basic dTpw\r\n"), "{both}");
    let one = sent(Some(("authorization", "Bearer sk-1")));
    assert!(one.contains("authorization: Bearer sk-1\r\n") && !one.contains("Basic"), "{one}");
}

#[test]
fn every_status_is_an_answer() {
    for status in [200, 201, 400, 401, 404, 429, 500, 503, 529, 599] {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 3\r\n\r\nabc");
        assert_eq!(after(answer).expect("an answer"), (status, "abc".to_owned()));
    }
    assert_eq!(after("HTTP/1.1 204 No Content\r\n\r\n").expect("an answer"), (204, String::new()));
    assert_eq!(after("HTTP/1.0 200\r\n\r\nall of it").expect("an answer"), (200, "all of it".to_owned()));
    let early = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let answer = format!("{early}HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx");
    assert_eq!(after(answer).expect("an answer"), (200, "x".to_owned()));
}

// llm L30
#[test]
fn a_redirect_is_not_followed() {
    let other = Server::new(|peer| {
        peer.request();
        peer.answer("200 OK", "text/plain", "caught");
    });
    let target = format!("{}/v1/x", other.url());
    for status in [301, 302, 303, 307, 308] {
        let location = target.clone();
        let server = Server::new(move |peer| {
            peer.request();
            peer.write(format!(
                "HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 4\r\n\r\ngone"
            ));
        });
        let mut request = Request::to(&server.url());
        request.key = Some(("x-api-key", Secret::new("sk-test".to_owned())));
        let incoming = request.send().expect("an answer");
        assert_eq!(incoming.status, status);
        assert_eq!(header(&incoming.headers, "location"), Some(target.as_str()));
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn a_body_comes_in_any_way() {
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
    assert_eq!(after(chunks).expect("an answer").1, "abcde");
    assert_eq!(after("HTTP/1.1 200 OK\r\n\r\nuntil the end").expect("an answer").1, "until the end");
    // More than was announced is not the answer's.
    assert_eq!(after("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc").expect("an answer").1, "ab");
    // What nobody asked for is not unpacked: it is what it is.
    let packed = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x0b!";
    assert_eq!(after(packed).expect("an answer").1, "\x1f\x0b!");
}

#[test]
fn an_answer_that_ends_too_early_is_cut() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 2",
        "H",
    ] {
        let error = after(answer).expect_err(answer);
        assert!(matches!(error, TransportError::Cut(_)), "{answer:?}: {error:?}");
    }
    // Without a length, and without a proper end.
    let (read, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let server = Server::new(move |peer| {
        peer.request();
        peer.write("HTTP/1.1 200 OK\r\n\r\nabc");
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        rustix::net::sockopt::set_socket_linger(&peer.stream, Some(Duration::ZERO)).unwrap();
    });
    let mut incoming = Request::to(&server.url()).send().expect("an answer");
    assert_eq!(incoming.body.read(&mut [0; 9]).expect("the text"), 3);
    read.send(()).unwrap();
    let error = incoming.body.read(&mut [0; 9]).expect_err("a reset");
    assert!(matches!(&error, TransportError::Cut(why) if why.contains("reset")), "{error:?}");
    // Of an error, what came is worth more than that it is not whole.
    let server = Server::new(|peer| {
        peer.request();
        peer.write("HTTP/1.1 500 X\r\ncontent-length: 900\r\n\r\nout of memory");
    });
    let mut incoming = Request::to(&server.url()).send().expect("an answer");
    assert_eq!(incoming.body.read_up_to(5).expect("some bytes"), b"out o");
    assert_eq!(incoming.body.read_up_to(500).expect("some bytes"), b"f memory");
    // Read on, it stays at its end.
    let _ = incoming.body.read(&mut [0; 9]);
    assert!(incoming.body.read_up_to(9).expect("nothing").is_empty());
}

// llm L31
#[test]
fn what_is_no_answer_is_garbage() {
    let line = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(200_000));
    let lines = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(20_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(500));
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "HTTP/1.1 abc OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_owned(),
        line,
        lines,
        many,
    ] {
        let begin = answer.chars().take(40).collect::<String>();
        let error = after(answer).expect_err(&begin);
        assert!(matches!(error, TransportError::Garbage(_)), "{begin:?}: {error:?}");
    }
}

/// Heads and bodies of broken servers, put together by chance, in two pieces: whatever comes, it is told and nothing
/// breaks.
#[test]
fn nonsense_never_panics() {
    const PARTS: [&str; 27] = [
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200\r\n",
        "HTTP/1.0 200 OK\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n",
        "HTTP/1.1 301 Moved\r\n",
        "HTTP/1.1 304 Not Modified\r\n",
        "HTTP/1.1 999 ?\r\n",
        "HTTP/2 200\r\n",
        "location: http://127.0.0.1:9/\r\n",
        "location: \r\n",
        "content-length: 5\r\n",
        "content-length: 99999999999999999999\r\n",
        "content-length: -1\r\n",
        "content-type: text/html\r\n",
        "transfer-encoding: chunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "connection: upgrade, close\r\n",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "5\r\nhello\r\n",
        "ffffffffffffffffffff\r\n",
        "0\r\ntrailer: x\r\n\r\n",
        "\0\u{7f}\u{e9}",
        "hello",
    ];
    let random = SeededRandom::new(9);
    let any = |below: usize| usize::try_from(random.next_u64() % below as u64).unwrap();
    let server = Server::new(|peer| {
        let request = peer.request();
        let (_, answer) = request.split_once("\r\n\r\n").unwrap();
        for piece in answer.split('|') {
            peer.write(piece);
        }
    });
    let mut request = Request::to(&server.url());
    for _ in 0..400 {
        // Half of them begin as they should.
        let mut answer = PARTS[any(18)].to_owned();
        let cut = any(6);
        for at in 0..any(8) {
            answer.push_str(PARTS[any(PARTS.len())]);
            if at == cut {
                answer.push('|');
            }
        }
        request.body = Some(answer.clone().into_bytes());
        if let Err(error) = request.whole() {
            let is_told = matches!(
                error,
                TransportError::Cut(_) | TransportError::Garbage(_) | TransportError::Closed { .. }
            );
            assert!(is_told, "{answer:?}: {error:?}");
        }
    }
}

// llm L31
#[test]
fn headers_without_end_are_read_no_further_than_to_their_limit() {
    let filler = "y".repeat(70);
    for (line, word) in [(format!("x-filler: {filler}\r\n"), "too many headers"), (filler, "65536 bytes")] {
        let server = Server::new(move |peer| {
            peer.request();
            peer.write("HTTP/1.1 200 OK\r\nx: ");
            let mut count = 0;
            while peer.write(&line) {
                count += 1;
                assert!(count < 1_000_000, "the client reads without end");
            }
        });
        let error = Request::to(&server.url()).error();
        assert!(matches!(&error, TransportError::Garbage(why) if why.contains(word)), "{error:?}");
        server.wait_for_end();
    }
}

#[test]
fn a_connection_that_ends_before_an_answer_is_told_from_one_that_never_was() {
    let error = after("").expect_err("no answer");
    assert!(matches!(error, TransportError::Closed { sent: true, .. }), "{error:?}");
    let error = Request::to(&format!("http://{}", closed_port())).error();
    assert!(matches!(&error, TransportError::Unreachable(why) if why.contains("refused")), "{error:?}");
    // A request that was never read, so that the system resets the connection.
    let server = Server::new(|peer| {
        peer.stream.read_exact(&mut [0; 100]).unwrap();
    });
    let mut request = Request::to(&server.url());
    request.body = Some(vec![b'x'; 32 << 20]);
    let error = request.error();
    assert!(matches!(error, TransportError::Closed { sent: false, .. }), "{error:?}");
}

/// A server that does not want a long request says why, and reads no more.
#[test]
fn an_answer_to_half_a_request_is_heard() {
    for stays in [false, true] {
        let (done, wait) = channel();
        let wait = Mutex::new(wait);
        let server = Server::new(move |peer| {
            peer.head();
            peer.answer("413 Content Too Large", "application/json", r#"{"error":"too long"}"#);
            if stays {
                // It neither reads nor closes: the client finds out by itself.
                let _ = wait.lock().unwrap().recv_timeout(PATIENCE);
            }
        });
        let mut request = Request::to(&server.url());
        request.body = Some(vec![b'x'; 32 << 20]);
        let (status, body) = request.whole().expect("an answer");
        assert_eq!((status, body.as_str()), (413, r#"{"error":"too long"}"#));
        drop::<Sender<()>>(done);
    }
}

// llm L47
#[test]
fn localhost_is_both_families() {
    let act = |peer: &mut super::server::Peer| {
        peer.request();
        peer.answer("200 OK", "text/plain", "here");
    };
    for address in ["127.0.0.1:0", "[::1]:0"] {
        // A machine may be without IPv6.
        if std::net::TcpListener::bind(address).is_err() {
            continue;
        }
        let server = Server::at(address, act);
        for name in ["localhost", "LOCALHOST.", "some.localhost"] {
            let url = format!("http://{name}:{}", server.address.port());
            assert_eq!(Request::to(&url).whole().expect(address).1, "here", "{name} at {address}");
        }
        assert_eq!(Request::to(&server.url()).whole().expect(address).1, "here");
    }
}

// llm L50
#[test]
fn a_key_is_in_no_error() {
    let key = "sk-test-AAAA0123456789";
    for answer in [format!("{key}\r\n\r\n"), format!("HTTP/1.1 200 {key}\r\nx {key}\r\n\r\n"), String::new()]
    {
        let server = Server::new(move |peer| {
            peer.request();
            peer.write(&answer);
        });
        let mut request = Request::to(&server.url());
        request.key = Some(("authorization", Secret::new(format!("Bearer {key}"))));
        let error = request.error();
        assert!(!format!("{error:?}").contains("AAAA"), "{error:?}");
    }
    // Nor where a request is printed.
    let mut request = Request::to("http://u:hunter2@127.0.0.1:9");
    request.key = Some(("x-api-key", Secret::new(key.to_owned())));
    let written = request.outgoing(|outgoing| super::super::request_of(outgoing, None)).expect("a request");
    assert_eq!(written.headers().len(), 4);
    let shown = format!("{written:?} {:?}", request.endpoint);
    assert!(!shown.contains("AAAA") && !shown.contains("hunter2") && !shown.contains("dTpo"), "{shown}");
    let mut request = Request::to("http://127.0.0.1:9");
    request.key = Some(("x-api-key", Secret::new(format!("{key}\r\nx: y"))));
    let error = request.error();
    assert!(matches!(&error, TransportError::Local(why) if !why.contains("AAAA")), "{error:?}");
}
